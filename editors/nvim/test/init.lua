-- Neovim with this plugin alone. KFUNC_LSP is the server's program.
local here = vim.fn.fnamemodify(debug.getinfo(1, 'S').source:sub(2), ':p:h:h')
vim.opt.runtimepath:prepend(here)
vim.o.swapfile = false
local cmd = { vim.env.KFUNC_LSP or 'kfunc-lsp', 'serve' }
if vim.lsp.config then
  vim.lsp.config('kfunc_lsp', { cmd = cmd })
else
  vim.g.kfunc_lsp_config = { cmd = cmd }
end
vim.cmd('filetype plugin on')
