"""BTF: section bytes to types, types to C. Knows nothing of kfuncs, and does no I/O."""
