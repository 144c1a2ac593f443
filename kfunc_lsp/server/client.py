"""What the client can do: the few capabilities that change an answer. Mirrors "Client Capabilities"."""

from __future__ import annotations

from lsprotocol import types

from kfunc_lsp.dataclass import dataclass


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
    refreshes_lenses: bool = False
    shows_progress: bool = False
    late_edits: bool = False
    pulls_settings: bool = False

    @staticmethod
    def of(capabilities: types.ClientCapabilities) -> Client:
        """The abilities that ``capabilities`` announce."""
        document = capabilities.text_document or types.TextDocumentClientCapabilities()
        workspace = capabilities.workspace or types.WorkspaceClientCapabilities()
        hover = document.hover
        item = document.completion.completion_item if document.completion else None
        tags = item.tag_support.value_set if item and item.tag_support else ()
        signature = document.signature_help.signature_information if document.signature_help else None
        parameter = signature.parameter_information if signature else None
        watched = workspace.did_change_watched_files
        return Client(
            hover_markdown=_markdown(hover.content_format if hover else None),
            documentation_formats=bool(item and item.documentation_format),
            documentation_markdown=_markdown(item.documentation_format if item else None),
            signature_markdown=_markdown(signature.documentation_format if signature else None),
            snippets=bool(item and item.snippet_support),
            label_details=bool(item and item.label_details_support),
            deprecated_tag=types.CompletionItemTag.Deprecated in tags,
            deprecated_flag=bool(item and item.deprecated_support),
            label_offsets=bool(parameter and parameter.label_offset_support),
            document_changes=bool(workspace.workspace_edit and workspace.workspace_edit.document_changes),
            code_action_literals=bool(document.code_action and document.code_action.code_action_literal_support),
            related_information=bool(document.publish_diagnostics and document.publish_diagnostics.related_information),
            symbol_trees=bool(
                document.document_symbol and document.document_symbol.hierarchical_document_symbol_support
            ),
            pulls_diagnostics=bool(
                document.diagnostic and workspace.diagnostics and workspace.diagnostics.refresh_support
            ),
            refreshes_hints=bool(workspace.inlay_hint and workspace.inlay_hint.refresh_support),
            refreshes_lenses=bool(workspace.code_lens and workspace.code_lens.refresh_support),
            shows_progress=bool(capabilities.window and capabilities.window.work_done_progress),
            late_edits=bool(item and item.resolve_support and "additionalTextEdits" in item.resolve_support.properties),
            watches_files=bool(watched and watched.dynamic_registration),
            pulls_settings=bool(workspace.configuration),
        )


def _markdown(formats: object) -> bool:
    """Whether Markdown is what the client prefers; the protocol's order is the client's preference."""
    kinds = list(formats) if isinstance(formats, list | tuple) else []
    return bool(kinds) and kinds[0] == types.MarkupKind.Markdown
