"""``python -m kfunc_lsp`` is the ``kfunc-lsp`` command."""

from kfunc_lsp.cli import command

if __name__ == "__main__":
    command()
