-- What Neovim has of the server: nvim --clean --headless -u test/init.lua -l test/e2e.lua WORKSPACE
-- WORKSPACE is a copy of editors/fixture, with fixed/fixes.bpf.c as the command line fixes it.
local workspace = _G.arg[1]
local patience = (tonumber(vim.env.PATIENCE) or 20) * 1000
local passed, failed = 0, 0

local function report()
  io.stdout:write(('%d passed, %d failed\n'):format(passed, failed))
  vim.cmd(failed == 0 and 'qall!' or 'cquit 1')
end

local function expect(what, holds, more)
  passed, failed = passed + (holds and 1 or 0), failed + (holds and 0 or 1)
  io.stdout:write(('%s %s%s\n'):format(holds and 'ok    ' or 'FAILED', what, holds and '' or ': ' .. tostring(more)))
  if not holds then
    report()
  end
end

local function eventually(what, condition, more)
  expect(what, vim.wait(patience, condition, 20), more and more() or 'not in time')
end

local function open(name)
  vim.cmd.edit(workspace .. '/' .. name)
  return vim.api.nvim_get_current_buf()
end

local function text(buffer)
  return table.concat(vim.api.nvim_buf_get_lines(buffer, 0, -1, false), '\n')
end

local function findings(buffer)
  return vim.tbl_filter(function(one)
    return one.source == 'kfunc-lsp'
  end, vim.diagnostic.get(buffer))
end

local function client_of(buffer, name)
  return vim.lsp.get_clients({ bufnr = buffer, name = name or 'kfunc_lsp' })[1]
end

local function floats()
  local texts = {}
  for _, window in ipairs(vim.api.nvim_list_wins()) do
    if vim.api.nvim_win_get_config(window).relative ~= '' then
      texts[#texts + 1] = text(vim.api.nvim_win_get_buf(window))
    end
  end
  return table.concat(texts, '\n')
end

local IMPL = 'bpf_wq_set_callback_impl'
local version = vim.fn.has('nvim-0.12') == 1 and '0.12' or vim.fn.has('nvim-0.11') == 1 and '0.11' or '0.10'
io.stdout:write('Neovim ' .. tostring(vim.version()) .. '\n')

local buffer = open('fixes.bpf.c')
vim.cmd.runtime('plugin/kfunc_lsp.lua')
vim.cmd.edit()
eventually('the server is attached', function()
  return client_of(buffer) and client_of(buffer).initialized
end)
eventually('findings are there', function()
  return #findings(buffer) > 0
end)
expect('each once', #findings(buffer) == 5, #findings(buffer))
local called = vim.tbl_filter(function(one)
  return one.code == 'unflagged-impl-called'
end, findings(buffer))[1]
local line = vim.api.nvim_buf_get_lines(buffer, called.lnum, called.lnum + 1, false)[1]
local column = line:find(IMPL, 1, true) - 1
expect('behind é𝄞✓ they stand at the name', called.col == column and called.end_col == column + #IMPL, called.col)

vim.api.nvim_win_set_cursor(0, { called.lnum + 1, column + 3 })
vim.lsp.buf.hover()
eventually('hover shows both prototypes', function()
  return floats():find('bpf_wq_set_callback(', 1, true) and floats():find(IMPL .. '(', 1, true)
end, floats)
vim.cmd('fclose!')

local function ask(method, typed, more)
  local client, last = client_of(buffer), vim.api.nvim_buf_line_count(buffer)
  vim.api.nvim_buf_set_lines(buffer, last - 1, last - 1, false, { typed })
  vim.api.nvim_win_set_cursor(0, { last, #typed })
  local params = vim.tbl_extend('force', vim.lsp.util.make_position_params(0, client.offset_encoding), more or {})
  params.position.character = #typed
  local answers = vim.lsp.buf_request_sync(buffer, method, params, patience) or {}
  vim.api.nvim_buf_set_lines(buffer, last - 1, last, false, {})
  return answers[client.id] and answers[client.id].result
end
local answer = ask('textDocument/completion', '\tbpf_wq_', { context = { triggerKind = 1 } })
local labels = vim.tbl_map(function(item)
  return item.label
end, answer and (answer.items or answer) or {})
expect('completion offers kfuncs', vim.tbl_contains(labels, 'bpf_wq_start'), vim.inspect(labels))
expect('and none that may not be called', not vim.tbl_contains(labels, IMPL), vim.inspect(labels))
answer = ask('textDocument/signatureHelp', '\tbpf_wq_set_callback(wq, ')
expect('signature help counts arguments', answer and answer.signatures[1].activeParameter == 1, vim.inspect(answer))

for left = 5, 1, -1 do
  vim.wait(patience, function()
    return #findings(buffer) == left
  end, 20)
  local first, fixed = findings(buffer)[1], nil
  vim.api.nvim_win_set_cursor(0, { first.lnum + 1, first.col })
  vim.lsp.buf.code_action({
    context = { only = { 'quickfix' }, diagnostics = {} },
    apply = true,
    filter = function(action)
      local is_its = action.edit and (action.diagnostics or {})[1] and action.diagnostics[1].code == first.code
      fixed = fixed or is_its and action.title or nil
      return is_its and action.title == fixed
    end,
  })
  eventually('a quick fix mends ' .. first.code, function()
    return #findings(buffer) == left - 1
  end, function()
    return fixed or 'none is on offer'
  end)
end
local wanted = table.concat(vim.fn.readfile(workspace .. '/fixed/fixes.bpf.c'), '\n')
expect('all fixes give what the command line gives', text(buffer) == wanted, text(buffer))
vim.cmd('silent write')

local header = open('lock.bpf.h')
expect('a header is C++ here', vim.bo[header].filetype == 'cpp', vim.bo[header].filetype)
eventually('and has its findings', function()
  return #findings(header) > 0
end)

local snooper = open('snooper.bpf.c')
eventually('the next program has its findings', function()
  return #findings(snooper) == 2
end)
vim.cmd('KfuncKernel 6.18')
eventually('6.18 has no such findings', function()
  return #findings(snooper) == 0
end)
local before = client_of(snooper).id
vim.cmd('KfuncRestart')
eventually('a restart brings another server', function()
  return client_of(snooper) and client_of(snooper).id ~= before and client_of(snooper).initialized
end)
vim.wait(500)
expect('which keeps the kernel', #findings(snooper) == 0, vim.inspect(findings(snooper)))
vim.cmd('KfuncKernel!')
eventually('the project has the findings again', function()
  return #findings(snooper) == 2
end)
expect('names of kernels are completed', vim.tbl_contains(vim.fn.getcompletion('KfuncKernel 6.', 'cmdline'), '6.12'),
  vim.inspect(vim.fn.getcompletion('KfuncKernel 6.', 'cmdline')))
local offered
vim.ui.select = function(items, options, done)
  offered = #items
  expect('a kernel is described', options.format_item(items[1]):find('%d%.%d+') ~= nil, options.format_item(items[1]))
  done(nil)
end
vim.cmd('KfuncKernel')
eventually('kernels are on offer', function()
  return offered and offered > 5
end)

local rootless = vim.fn.tempname() .. '.bpf.c'
vim.fn.mkdir(vim.fs.dirname(rootless), 'p')
vim.fn.writefile(vim.fn.readfile(workspace .. '/snooper.bpf.c'), rootless)
vim.cmd.edit(rootless)
eventually('a file without a root is served', function()
  local client = client_of(vim.api.nvim_get_current_buf())
  return client and client.initialized
end)
vim.cmd.bdelete()

if vim.fn.executable('clangd') == 1 and version ~= '0.10' then
  vim.lsp.config('clangd', { cmd = { 'clangd', '--background-index=false' }, filetypes = { 'c', 'cpp' } })
  vim.lsp.enable('clangd')
  vim.api.nvim_set_current_buf(snooper)
  vim.cmd.edit()
  eventually('clangd runs beside it', function()
    return client_of(snooper, 'clangd') and client_of(snooper, 'clangd').initialized
  end)
  eventually('and the findings are there, once', function()
    return #findings(snooper) == 2
  end, function()
    return vim.inspect(findings(snooper))
  end)
  vim.fn.search(IMPL .. '(&e')
  eventually('hover shows what both have to say', function()
    vim.lsp.buf.hover()
    vim.wait(300)
    return floats():find('the verifier passes this', 1, true) and select(2, floats():gsub('callback_fn', '')) > 1
  end, floats)
  vim.cmd('silent! fclose!')
end

vim.fn.mkdir(workspace .. '/doc')
local manual = vim.api.nvim_get_runtime_file('doc/kfunc_lsp.txt', false)[1]
vim.uv.fs_copyfile(manual, workspace .. '/doc/kfunc_lsp.txt')
vim.cmd('helptags ' .. workspace .. '/doc')
local tags = table.concat(vim.fn.readfile(workspace .. '/doc/tags'), '\n')
expect('help has its tags', tags:find(':KfuncKernel\t', 1, true), tags)

vim.cmd('checkhealth kfunc_lsp')
local health = text(vim.api.nvim_get_current_buf())
expect('checkhealth finds the server', health:find('server %d+') ~= nil and not health:find('ERROR'), health)

for _, one in ipairs(vim.lsp.get_clients()) do
  if version == '0.10' then
    one.stop()
  else
    one:stop()
  end
end
eventually('the server ends', function()
  return #vim.lsp.get_clients() == 0
end)

local said = {}
vim.notify = function(message)
  said[#said + 1] = message
end
if vim.lsp.config then
  vim.lsp.config('kfunc_lsp', { cmd = { '/nowhere/kfunc-lsp', 'serve' } })
  vim.lsp.enable('kfunc_lsp', false)
else
  vim.g.kfunc_lsp_config = { cmd = { '/nowhere/kfunc-lsp', 'serve' } }
  vim.api.nvim_clear_autocmds({ group = 'kfunc_lsp' })
end
require('kfunc_lsp').enable()
open('fixes.bpf.c')
vim.wait(300)
expect('a server that is not there is one message', #said == 1 and said[1]:find('is not on PATH', 1, true), vim.inspect(said))
report()
