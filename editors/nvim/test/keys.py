"""What a person sees in Neovim who types: python keys.py NVIM WORKSPACE, through its API."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from pathlib import Path

import pynvim

NVIM, WORKSPACE = sys.argv[1:]
HERE = Path(__file__).resolve().parent
PATIENCE = float(os.environ.get("PATIENCE", "20"))
FLOATS = """(function()
  local texts = {}
  for _, window in ipairs(vim.api.nvim_list_wins()) do
    if vim.api.nvim_win_get_config(window).relative ~= '' then
      vim.list_extend(texts, vim.api.nvim_buf_get_lines(vim.api.nvim_win_get_buf(window), 0, -1, false))
    end
  end
  return table.concat(texts, ' ')
end)()"""
passed = 0

editor = pynvim.attach("child", argv=[NVIM, "--embed", "--headless", "--clean", "-u", str(HERE / "init.lua")])
editor.ui_attach(120, 40, rgb=True, ext_popupmenu=False)


def end(failed: int) -> None:
    """Say how it went, and leave."""
    print(f"{passed} passed, {failed} failed")
    with contextlib.suppress(EOFError, OSError):  # It closes the pipe before it answers.
        editor.command("qall!")
    sys.exit(failed)


def check(what: str, condition: str) -> None:
    """The condition, in Lua, comes true."""
    global passed
    last = time.monotonic() + PATIENCE
    while time.monotonic() < last:
        if editor.exec_lua(f"return {condition}"):
            passed += 1
            print(f"ok     {what}")
            return
        time.sleep(0.03)
    print(f"FAILED {what}: {editor.command_output('messages')!r} {editor.exec_lua(f'return {FLOATS}')!r}")
    end(1)


editor.command(f"edit {WORKSPACE}/snooper.bpf.c")
check("findings are there", "#vim.diagnostic.get(0) == 2")
editor.exec_lua("vim.diagnostic.config({ virtual_text = true })")
check(
    "the finding stands behind the line",
    """vim.iter(vim.api.nvim_buf_get_extmarks(0, -1, 0, -1, { details = true })):any(function(mark)
         return vim.iter(mark[4].virt_text or {}):any(function(part) return part[1]:find('cannot be called') end)
       end)""",
)
editor.command("set completeopt=menuone,noselect")
editor.input("46GO\tbpf_wq_sta<C-x><C-o>")
check("the menu offers kfuncs", "vim.fn.pumvisible() == 1 and vim.fn.complete_info({ 'items' }).items[1].word ~= ''")
editor.input("<C-n><C-y>")
check("the choice is typed", "vim.api.nvim_get_current_line():find('bpf_wq_start', 1, true)")
has_key = editor.exec_lua("return vim.fn.has('nvim-0.11') == 1")
help_ = "<C-s>" if has_key else "<Cmd>lua vim.lsp.buf.signature_help()<CR>"
editor.input(f"<C-u>\tbpf_wq_set_callback(wq, {help_}")
check("the signature is shown", f"{FLOATS}:find('callback_fn', 1, true)")
editor.input("<Esc>u")
end(0)
