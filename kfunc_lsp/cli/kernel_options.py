"""The arguments of ``kfunc-lsp kernel``."""

from __future__ import annotations

import argparse

from kfunc_lsp.cli.options import add_one

_EXAMPLES = """examples:
  kfunc-lsp kernel list                               bundled kernels and your own targets
  kfunc-lsp kernel show 7.3                           every kfunc with its class and flags
  kfunc-lsp kernel show running bpf_obj_new           one of them, in full
  kfunc-lsp kernel diff 6.18 7.3                      what came, went, or takes other arguments now
  kfunc-lsp kernel export vmlinuz -o ours.kpack       all that is known, in 10 kB, for CI
  kfunc-lsp kernel header 7.3 -o kfuncs.h             declarations to include
  kfunc-lsp kernel health ./vmlinux                   what is broken in this build"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command ``kernel`` and its actions."""
    kernel = commands.add_parser(
        "kernel",
        help="look into a kernel's kfuncs",
        epilog=_EXAMPLES,
    )
    kernel.set_defaults(help=kernel.format_help)
    actions = kernel.add_subparsers(dest="action", metavar="ACTION")
    listing = actions.add_parser("list", help="list the bundled kernels and the targets of the configuration")
    _format(listing)

    show = actions.add_parser("show", help="list a kernel's kfuncs, or show one")
    add_one(show, "kernel", "kernels")
    show.add_argument("name", metavar="NAME", nargs="?", help="a function to show in full")
    _format(show)
    _sources(show)

    health = actions.add_parser("health", help="say what is wrong with a kernel, or not known of it; exits 1 if wrong")
    add_one(health, "kernel", "kernels")
    _format(health)
    _sources(health)

    diff = actions.add_parser("diff", help="say what changed between two kernels")
    add_one(diff, "old", "kernels", "A")
    diff.add_argument("new", metavar="B", help="the other one")
    _format(diff, "md")
    _modules(diff)

    header = actions.add_parser("header", help="write a C header of a kernel's kfuncs")
    add_one(header, "kernel", "kernels")
    header.add_argument("--output", "-o", metavar="FILE", help="where to write it, instead of standard output")
    _format(header)
    _sources(header)

    export = actions.add_parser("export", help="write a kernel pack: all that is known of a kernel's kfuncs, in 10 kB")
    add_one(export, "kernel", "kernels")
    export.add_argument("--output", "-o", metavar="PACK", required=True, help="where to write the pack")
    _format(export)
    _sources(export)


def _format(parser: argparse.ArgumentParser, *more: str) -> None:
    parser.add_argument(
        "--format", choices=("text", "json", *more), default="text", help="how to print what there is to say"
    )


def _modules(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--modules", action="append", metavar="PATH", help="a module, or a folder of them, to add; may be repeated"
    )


def _sources(parser: argparse.ArgumentParser) -> None:
    _modules(parser)
    parser.add_argument("--btf-ids", metavar="FILE", help="the .BTF_ids section that goes with a raw BTF")
