"""What ``__has_attribute``, ``__has_builtin`` and their like answer in ``clang -target bpf``.

Read off clang 19 with its own preprocessor; a name that is not listed is one that clang does not have.
"""

from __future__ import annotations

_KNOWN = {
    "__has_attribute": frozenset(
        """
        __cold__ __deprecated__ __error__ __fallthrough__ __format__ __malloc__ __noreturn__ __sentinel__
        __unused__ __warn_unused_result__ address_space alias aligned alloc_align alloc_size always_inline
        annotate artificial assume_aligned availability btf_decl_tag btf_type_tag cleanup cold const
        constructor convergent counted_by counted_by_or_null deprecated destructor diagnose_as_builtin
        diagnose_if disable_tail_calls enable_if enum_extensibility error ext_vector_type fallthrough
        flag_enum flatten format format_arg gnu_inline guarded_by hot ifunc internal_linkage lifetimebound
        malloc may_alias maybe_undef minsize mode musttail naked no_instrument_function
        no_profile_instrument_function no_sanitize no_sanitize_address no_sanitize_memory no_sanitize_thread
        no_split_stack no_stack_protector no_thread_safety_analysis nodebug noderef noduplicate noescape
        noinline nomerge nonnull noreturn nothrow objc_boxable optnone overloadable packed
        pass_dynamic_object_size pass_object_size preferred_type preserve_access_index preserve_all
        preserve_most preserve_static_offset pure randomize_layout regparm require_constant_initialization
        retain returns_nonnull returns_twice section selectany sentinel speculative_load_hardening
        standalone_debug target target_clones tls_model transparent_union trivial_abi type_tag_for_datatype
        type_visibility unavailable uninitialized unused used vector_size visibility warn_unused_result
        warning weak weak_import weakref xray_always_instrument xray_never_instrument zero_call_used_regs
        """.split()
    ),
    "__has_builtin": frozenset(
        """
        __atomic_fetch_add __atomic_load_n __builtin_FILE __builtin_FUNCTION __builtin_LINE
        __builtin_add_overflow __builtin_align_down __builtin_align_up __builtin_alloca
        __builtin_allow_runtime_check __builtin_assume __builtin_assume_aligned __builtin_bit_cast
        __builtin_bitreverse16 __builtin_bitreverse32 __builtin_bitreverse64 __builtin_bitreverse8
        __builtin_bswap16 __builtin_bswap32 __builtin_bswap64 __builtin_btf_type_id __builtin_choose_expr
        __builtin_classify_type __builtin_clz __builtin_clzg __builtin_clzll __builtin_constant_p
        __builtin_ctz __builtin_ctzg __builtin_ctzll __builtin_debugtrap __builtin_dump_struct
        __builtin_dynamic_object_size __builtin_elementwise_max __builtin_expect
        __builtin_expect_with_probability __builtin_ffs __builtin_frame_address __builtin_is_aligned
        __builtin_isinf __builtin_memcmp __builtin_memcpy __builtin_memcpy_inline __builtin_memmove
        __builtin_memset __builtin_memset_inline __builtin_mul_overflow __builtin_nan __builtin_object_size
        __builtin_offsetof __builtin_operator_new __builtin_parity __builtin_popcount __builtin_popcountg
        __builtin_prefetch __builtin_preserve_access_index __builtin_preserve_enum_value
        __builtin_preserve_field_info __builtin_preserve_type_info __builtin_return_address
        __builtin_sadd_overflow __builtin_smul_overflow __builtin_sprintf __builtin_ssub_overflow
        __builtin_strlen __builtin_sub_overflow __builtin_trap __builtin_types_compatible_p
        __builtin_uadd_overflow __builtin_unpredictable __builtin_unreachable __builtin_va_copy
        __builtin_va_end __builtin_va_start __builtin_verbose_trap __c11_atomic_load __sync_fetch_and_add
        __sync_synchronize
        """.split()
    ),
    "__has_c_attribute": frozenset(["_Noreturn", "deprecated", "fallthrough", "maybe_unused", "nodiscard", "noreturn"]),
    "__has_extension": frozenset(
        """
        attribute_analyzer_noreturn attribute_availability attribute_deprecated_with_message
        attribute_unavailable_with_message c_alignas c_alignof c_atomic c_attributes
        c_generic_selection_with_controlling_type c_generic_selections c_static_assert enumerator_attributes
        gnu_asm gnu_asm_goto_with_outputs gnu_asm_goto_with_outputs_full nullability
        pragma_clang_attribute_namespaces statement_attributes_with_gnu_syntax
        """.split()
    ),
    "__has_feature": frozenset(
        """
        attribute_analyzer_noreturn attribute_availability attribute_deprecated_with_message
        attribute_unavailable_with_message c_alignas c_alignof c_atomic c_generic_selections c_static_assert
        enumerator_attributes nullability
        """.split()
    ),
}


def has_feature(operator: str, operand: str) -> bool:
    """The answer of ``operator`` (``__has_builtin``, …) for ``operand``; ``__name__`` is taken as ``name``."""
    names = _KNOWN.get(operator, frozenset())
    return operand in names or (operand.startswith("__") and operand.endswith("__") and operand[2:-2] in names)
