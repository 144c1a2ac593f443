"""kfunc-lsp/kernels: what an editor's picker offers. An extension of the protocol.

The parameters are ``{"uri": …}``, a document or folder whose configuration counts (empty: the workspace's root). The
answer is a list of ``{"name", "detail", "selected"}``: targets of the configuration, the running kernel where it can be
read, then the bundled kernels, newest first. A name goes into the setting ``kernels`` as it is.
"""

from __future__ import annotations

import os

from kfunc_lsp.kernel.targets import RUNNING, RUNNING_BTF, bundled_series
from kfunc_lsp.selection import targets
from kfunc_lsp.server.documents import path_of
from kfunc_lsp.server.session import Session


def kernels(session: Session, uri: str) -> list[dict[str, object]]:
    """The kernels on offer for the document at ``uri``."""
    config = session.config(os.path.dirname(path_of(uri, session.root)) if uri else session.root)
    offered = [(target.name, target.problem or f"target: {', '.join(target.specs)}") for target in targets(config)]
    if os.access(RUNNING_BTF, os.R_OK):
        offered.append((RUNNING, f"this machine's kernel, {os.uname().release}"))
    offered += [(series, f"bundled {release}") for series, release in reversed(bundled_series().items())]
    known = {name for name, _ in offered}
    offered += [(name, "from the settings") for name in config.kernels if name not in known]
    return [{"name": name, "detail": detail, "selected": name in config.kernels} for name, detail in offered]
