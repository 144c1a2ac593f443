-- :checkhealth kfunc_lsp
local M = {}

function M.check()
  local health = vim.health
  health.start('kfunc-lsp')
  if vim.fn.has('nvim-0.10') == 0 then
    health.error('Neovim 0.10 or later is needed')
    return
  end
  local cmd = require('kfunc_lsp').config().cmd
  if vim.fn.executable(cmd[1]) == 0 then
    health.error(cmd[1] .. ' is not on PATH', { 'pipx install kfunc-lsp', ':help kfunc-lsp-install' })
    return
  end
  local run = vim.system({ cmd[1], '--version' }, { text = true }):wait(10000)
  if run.code == 0 then
    health.ok(vim.trim(run.stdout) .. ' (' .. vim.fn.exepath(cmd[1]) .. ')')
  else
    health.error(cmd[1] .. ' --version failed: ' .. vim.trim(run.stderr or ''))
  end
  if vim.uv.fs_access('/sys/kernel/btf/vmlinux', 'R') then
    health.ok("this machine's kernel can be read: `running`")
  else
    health.info('/sys/kernel/btf/vmlinux cannot be read: bundled kernels are used where none is configured')
  end
  local clients = vim.lsp.get_clients({ name = 'kfunc_lsp' })
  if #clients == 0 then
    health.info('no server is running: open a C file')
  end
  for _, client in ipairs(clients) do
    health.ok(('server %d, root %s'):format(client.id, client.root_dir or 'none'))
  end
end

return M
