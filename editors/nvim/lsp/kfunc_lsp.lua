-- What Neovim (0.11 and later: vim.lsp.enable) and lua/kfunc_lsp (0.10) start.
---@type vim.lsp.Config
return {
  cmd = { 'kfunc-lsp', 'serve' },
  -- A header is C++ to every editor, *.bpf.h too.
  filetypes = { 'c', 'cpp' },
  root_markers = { 'kfunc-lsp.toml', 'compile_commands.json', 'compile_flags.txt', '.clangd', '.git' },
  -- The first findings are to be those of these settings, too.
  before_init = function(params, config)
    params.initializationOptions = vim.tbl_get(config, 'settings', 'kfunc-lsp')
  end,
  -- settings = { ['kfunc-lsp'] = { kernels = { '7.3', '6.18' } } }
}
