if vim.g.loaded_kfunc_lsp then
  return
end
vim.g.loaded_kfunc_lsp = true

vim.api.nvim_create_user_command('KfuncKernel', function(command)
  local kfunc_lsp = require('kfunc_lsp')
  if command.bang then
    kfunc_lsp.use({})
  elseif #command.fargs == 0 then
    kfunc_lsp.pick()
  else
    kfunc_lsp.use(command.fargs)
  end
end, {
  nargs = '*',
  bang = true,
  complete = function(begun)
    return require('kfunc_lsp').names(begun)
  end,
  desc = 'Choose the kernels that kfunc-lsp checks against',
})

vim.api.nvim_create_user_command('KfuncRestart', function()
  require('kfunc_lsp').restart()
end, { desc = 'Start the language server kfunc-lsp again' })

if vim.g.kfunc_lsp_autostart ~= false then
  require('kfunc_lsp').enable()
end
