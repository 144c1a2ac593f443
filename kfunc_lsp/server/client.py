"""What the client can do: the few capabilities that change an answer. Mirrors "Client Capabilities"."""

from __future__ import annotations

from kfunc_lsp.dataclass import dataclass
from kfunc_lsp.server.capabilities import member, pulls

_DEPRECATED = 1
"""``CompletionItemTag.Deprecated``."""


@dataclass(frozen=True)
class Client:
    """A client's abilities; each is off where it announced nothing."""

    hover_markdown: bool = False
    documentation_formats: bool = False
    documentation_markdown: bool = False
    signature_markdown: bool = False
    snippets: bool = False
    label_details: bool = False
    deprecated_tag: bool = False
    deprecated_flag: bool = False
    label_offsets: bool = False
    document_changes: bool = False
    code_action_literals: bool = False
    related_information: bool = False
    watches_files: bool = False
    symbol_trees: bool = False
    pulls_diagnostics: bool = False
    refreshes_hints: bool = False
    refreshes_tokens: bool = False
    refreshes_lenses: bool = False
    shows_progress: bool = False
    late_edits: bool = False
    pulls_settings: bool = False

    @staticmethod
    def of(capabilities: object) -> Client:
        """The abilities that ``capabilities`` announce (JSON as it came)."""

        def has(*path: str) -> bool:
            return bool(member(capabilities, *path))

        def offers(value: object, *path: str) -> bool:
            found = member(capabilities, *path)
            return isinstance(found, list) and value in found

        def markdown(*path: str) -> bool:
            """Whether Markdown is what the client prefers; the protocol's order is the client's preference."""
            found = member(capabilities, *path)
            return isinstance(found, list) and found[:1] == ["markdown"]

        item = ("textDocument", "completion", "completionItem")
        signature = ("textDocument", "signatureHelp", "signatureInformation")
        return Client(
            hover_markdown=markdown("textDocument", "hover", "contentFormat"),
            documentation_formats=has(*item, "documentationFormat"),
            documentation_markdown=markdown(*item, "documentationFormat"),
            signature_markdown=markdown(*signature, "documentationFormat"),
            snippets=has(*item, "snippetSupport"),
            label_details=has(*item, "labelDetailsSupport"),
            deprecated_tag=offers(_DEPRECATED, *item, "tagSupport", "valueSet"),
            deprecated_flag=has(*item, "deprecatedSupport"),
            label_offsets=has(*signature, "parameterInformation", "labelOffsetSupport"),
            document_changes=has("workspace", "workspaceEdit", "documentChanges"),
            code_action_literals=has("textDocument", "codeAction", "codeActionLiteralSupport"),
            related_information=has("textDocument", "publishDiagnostics", "relatedInformation"),
            symbol_trees=has("textDocument", "documentSymbol", "hierarchicalDocumentSymbolSupport"),
            pulls_diagnostics=pulls(capabilities),
            refreshes_hints=has("workspace", "inlayHint", "refreshSupport"),
            refreshes_tokens=has("workspace", "semanticTokens", "refreshSupport"),
            refreshes_lenses=has("workspace", "codeLens", "refreshSupport"),
            shows_progress=has("window", "workDoneProgress"),
            late_edits=offers("additionalTextEdits", *item, "resolveSupport", "properties"),
            watches_files=has("workspace", "didChangeWatchedFiles", "dynamicRegistration"),
            pulls_settings=has("workspace", "configuration"),
        )
