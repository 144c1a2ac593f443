"""kfunc-lsp/matrix: on which kernels a program loads. An extension of the protocol.

The parameters are ``{"uri": …}``, a document that is open. The answer is the page that ``kfunc-lsp matrix --format
html`` writes, for the text as it stands in the editor, on every bundled kernel and on those that are selected; ``null``
where the document is not open.
"""

from __future__ import annotations

from kfunc_lsp.kernel.targets import bundled_series
from kfunc_lsp.programs import Checker
from kfunc_lsp.report.model import KernelName
from kfunc_lsp.report.table import writer
from kfunc_lsp.report.table.model import matrix
from kfunc_lsp.selection import title
from kfunc_lsp.server.documents import Document
from kfunc_lsp.server.session import Session


def matrix_page(session: Session, document: Document) -> str:
    """The page for ``document``."""
    kernels = session.selection(document, tuple(bundled_series())).kernels
    outcomes = Checker(session.project(document), kernels).outcomes(document.path)
    return writer("html")(matrix(outcomes, [KernelName(kernel.name, title(kernel)) for kernel in kernels]))
