"""The errors that bad input gives, whoever meets it first.

Each carries one message, fit to be shown as it stands: what was read, what is wrong with it, what to do about
it.
"""


class KfuncLspError(Exception):
    """Anything that the user gave and that cannot be used."""


class BtfError(KfuncLspError):
    """A BTF section (or ``.BTF_ids``) that is damaged, or of a form that this version does not read."""


class ImageError(KfuncLspError):
    """A file that is no kernel image, cannot be read, or holds no BTF."""


class PackError(KfuncLspError):
    """A kernel pack that is damaged, or of a later format."""


class SourceError(KfuncLspError):
    """A program's file, or one that says how it is compiled, cannot be used."""


class TargetError(KfuncLspError):
    """A kernel's name that means nothing here."""


class ObjectError(KfuncLspError):
    """A file that is no BPF object, or a damaged one."""
