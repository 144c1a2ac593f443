"""The kernel pack: a container for the few kilobytes of a kernel that the index is made from.

Owns the container (``docs/pack-format.md``): header, checksum, tagged sections. What goes into a pack is
``export``'s business; what comes out are the bytes of a ``.BTF`` and of a ``.BTF_ids``, read like those of
any image.
"""

from __future__ import annotations

import json
import struct
import zlib

from kfunc_lsp.dataclass import dataclass
from kfunc_lsp.errors import PackError

MAGIC = b"KFPK"
MAJOR = 1
MINOR = 1

_HEADER = struct.Struct("<4sHHIII")
_SECTION = struct.Struct("<4sI")
_MAX_SIZE = 1 << 26
_MAX_SECTIONS = 256

_META = b"META"
_BTF = b"BTF "
_SETS = b"SETS"
_HOOKS = b"HOOK"
_MODULES = b"MODS"
_MODULE = b"MOD "
_NAME = b"NAME"


@dataclass(frozen=True, slots=True)
class PackMeta:
    """What a pack says of the kernel that it was made from; each empty where not known.

    ``source`` is the file or package in words; ``btf_sha256`` the hash of the whole ``.BTF`` section.
    """

    release: str = ""
    arch: str = ""
    source: str = ""
    btf_sha256: str = ""


_TEXTS = PackMeta.__match_args__


@dataclass(frozen=True, slots=True)
class PackedModule:
    """What a pack holds of one module: as of the kernel itself, its BTF standing alone."""

    name: str
    btf: bytes
    btf_ids: bytes | None
    registrations: bytes | None = None


@dataclass(frozen=True, slots=True)
class Pack:
    """The content of a pack: little-endian sections, ``btf_ids`` being ``None`` where flags are not known.

    ``registrations`` (``registered.encode_registrations``) is ``None`` where program types are not known;
    ``modules`` are in the order in which their names are looked up.
    """

    meta: PackMeta
    btf: bytes
    btf_ids: bytes | None
    registrations: bytes | None = None
    modules: tuple[PackedModule, ...] = ()


def write_pack(pack: Pack) -> bytes:
    """The bytes of a pack; the same for the same content."""
    texts = {name: getattr(pack.meta, name) for name in _TEXTS}
    meta = json.dumps(texts, sort_keys=True, separators=(",", ":")).encode()
    sections = [(_META, meta), *_evidence(pack)]
    if pack.modules:
        modules = [(_MODULE, _encoded([(_NAME, m.name.encode()), *_evidence(m)])) for m in pack.modules]
        sections.append((_MODULES, _encoded(modules)))
    content = _encoded(sections)
    payload = zlib.compress(content, 9)
    return _HEADER.pack(MAGIC, MAJOR, MINOR, zlib.crc32(payload), len(payload), len(content)) + payload


def read_pack(data: bytes) -> Pack:
    """The content of the pack ``data``.

    Sections of an unknown tag are passed over. Raises ``PackError`` where ``data`` is no pack, is damaged, or
    is of a later major version.
    """
    sections = dict(_sections(_content(data)))
    if _BTF not in sections:
        raise PackError("kernel pack: it has no BTF section; export it again")
    modules = [_module(dict(_sections(m))) for tag, m in _sections(sections.get(_MODULES, b"")) if tag == _MODULE]
    return Pack(
        _meta(sections.get(_META, b"{}")),
        sections[_BTF],
        sections.get(_SETS),
        sections.get(_HOOKS),
        tuple(modules),
    )


def _evidence(pack: Pack | PackedModule) -> list[tuple[bytes, bytes]]:
    """The sections that a kernel and a module have alike."""
    found = [(_BTF, pack.btf)]
    if pack.btf_ids is not None:
        found.append((_SETS, pack.btf_ids))
    if pack.registrations is not None:
        found.append((_HOOKS, pack.registrations))
    return found


def _encoded(sections: list[tuple[bytes, bytes]]) -> bytes:
    return b"".join(_SECTION.pack(tag, len(data)) + data for tag, data in sections)


def _module(sections: dict[bytes, bytes]) -> PackedModule:
    if _BTF not in sections or _NAME not in sections:
        raise PackError("kernel pack: one of its modules has no name or no BTF; it is damaged")
    name = sections[_NAME].decode("utf-8", "replace")
    if not name.isprintable():
        raise PackError("kernel pack: the name of one of its modules has control characters; it is damaged")
    return PackedModule(name, sections[_BTF], sections.get(_SETS), sections.get(_HOOKS))


def _content(data: bytes) -> bytes:
    """The checked and inflated payload."""
    if len(data) < _HEADER.size or not data.startswith(MAGIC):
        raise PackError("kernel pack: it does not begin with a pack's header; this is not a kernel pack")
    _, major, _, checksum, packed_size, size = _HEADER.unpack_from(data)
    if major != MAJOR:
        raise PackError(
            f"kernel pack: format {major} is not read by this version (which reads {MAJOR}); "
            "upgrade kfunc-lsp, or export the pack with this version"
        )
    payload = data[_HEADER.size :]
    if len(payload) != packed_size or zlib.crc32(payload) != checksum:
        raise PackError("kernel pack: its content does not fit its checksum; it is damaged, fetch or export it again")
    if size > _MAX_SIZE:
        raise PackError(f"kernel pack: it claims {size} bytes, more than a kernel's index can have; it is damaged")
    inflater = zlib.decompressobj()
    try:
        content = inflater.decompress(payload, size + 1)
    except zlib.error as error:
        raise PackError(f"kernel pack: it cannot be inflated ({error}); it is damaged") from None
    if len(content) != size or not inflater.eof:
        raise PackError(f"kernel pack: it does not inflate to the {size} bytes that it claims; it is damaged")
    return content


def _sections(content: bytes) -> list[tuple[bytes, bytes]]:
    """Tag and content of each section; where a tag comes twice the last counts, but for modules."""
    sections: list[tuple[bytes, bytes]] = []
    at = 0
    while at < len(content):
        if len(content) - at < _SECTION.size or len(sections) == _MAX_SECTIONS:
            raise PackError("kernel pack: its list of sections is damaged; export it again")
        tag, size = _SECTION.unpack_from(content, at)
        at += _SECTION.size
        if size > len(content) - at:
            raise PackError(f"kernel pack: section {tag!r} ends beyond the pack; it is damaged")
        sections.append((tag, content[at : at + size]))
        at += size
    return sections


def _meta(data: bytes) -> PackMeta:
    """The known members of the JSON object; others, and values that are no printable strings, are passed over."""
    try:
        values = json.loads(data)
    except (ValueError, RecursionError):
        raise PackError("kernel pack: its description is not JSON; it is damaged") from None
    if not isinstance(values, dict):
        raise PackError("kernel pack: its description is no JSON object; it is damaged")
    texts = {name: values.get(name) for name in _TEXTS}
    return PackMeta(**{name: text for name, text in texts.items() if isinstance(text, str) and text.isprintable()})
