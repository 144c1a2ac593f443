-- What a person sees in Neovim: nvim --clean --headless -u test/init.lua -l test/e2e.lua PROGRAM
-- PROGRAM calls bpf_wq_set_callback_impl behind characters of two, three and four bytes on one line, on kernel 7.3.
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
  expect(what, vim.wait(10000, condition, 20), more and more() or 'not in 10 s')
end

vim.cmd.edit(_G.arg[1])
vim.cmd.runtime('plugin/kfunc_lsp.lua')
vim.cmd.edit()
local buffer = vim.api.nvim_get_current_buf()
local function diagnostics()
  return vim.diagnostic.get(buffer)
end
local function line(number)
  return vim.api.nvim_buf_get_lines(buffer, number, number + 1, false)[1]
end

local client
eventually('the server is attached', function()
  client = vim.lsp.get_clients({ bufnr = buffer, name = 'kfunc_lsp' })[1]
  return client and client.initialized
end)
eventually('the finding is shown', function()
  return #diagnostics() > 0
end)
expect('it is shown once', #diagnostics() == 1, #diagnostics())
local found = diagnostics()[1]
expect('it has its rule', found.code == 'unflagged-impl-called', found.code)
local name = 'bpf_wq_set_callback_impl'
local column = line(found.lnum):find(name, 1, true) - 1
expect('it stands at the call', found.col == column and found.end_col == column + #name, found.col)

vim.api.nvim_win_set_cursor(0, { found.lnum + 1, column + 3 })
vim.lsp.buf.hover()
local function floats()
  local texts = {}
  for _, window in ipairs(vim.api.nvim_list_wins()) do
    if vim.api.nvim_win_get_config(window).relative ~= '' then
      local lines = vim.api.nvim_buf_get_lines(vim.api.nvim_win_get_buf(window), 0, -1, false)
      texts[#texts + 1] = table.concat(lines, '\n')
    end
  end
  return table.concat(texts, '\n')
end
eventually('hover shows both prototypes', function()
  return floats():find('bpf_wq_set_callback(', 1, true) and floats():find(name .. '(', 1, true)
end, floats)
vim.cmd('fclose!')

vim.cmd('KfuncKernel 6.18')
eventually('6.18 has no such finding', function()
  return #diagnostics() == 0
end)
vim.cmd('KfuncKernel!')
eventually('the project has it again', function()
  return #diagnostics() == 1
end)
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

vim.api.nvim_win_set_cursor(0, { found.lnum + 1, column + 3 })
vim.lsp.buf.code_action({
  apply = true,
  filter = function(action)
    return action.isPreferred == true
  end,
})
local function text()
  return table.concat(vim.api.nvim_buf_get_lines(buffer, 0, -1, false), '\n')
end
eventually('the quick fix renames the call', function()
  return text():find('/* é𝄞✓ */ return bpf_wq_set_callback(wq, 0, 0);', 1, true)
end, text)
expect('and the declaration', not text():find(name, 1, true), text())
eventually('nothing is left to say', function()
  return #diagnostics() == 0
end)


local last = vim.api.nvim_buf_line_count(buffer)
local function ask(method, text, more)
  vim.api.nvim_buf_set_lines(buffer, last - 2, last - 1, false, { text })
  vim.api.nvim_win_set_cursor(0, { last - 1, #text })
  local params = vim.tbl_extend('force', vim.lsp.util.make_position_params(0, client.offset_encoding), more or {})
  params.position.character = vim.str_utfindex(text)
  local answers = vim.lsp.buf_request_sync(buffer, method, params, 10000) or {}
  return answers[client.id] and answers[client.id].result
end
local answer = ask('textDocument/completion', '\tbpf_wq_', { context = { triggerKind = 1 } })
local labels = vim.tbl_map(function(item)
  return item.label
end, answer and (answer.items or answer) or {})
expect('completion offers kfuncs', vim.tbl_contains(labels, 'bpf_wq_start'), vim.inspect(labels))
expect('and none that may not be called', not vim.tbl_contains(labels, name), vim.inspect(labels))
answer = ask('textDocument/signatureHelp', '\tbpf_wq_set_callback(wq, ')
expect('signature help counts arguments', answer and answer.signatures[1].activeParameter == 1, vim.inspect(answer))

vim.cmd('checkhealth kfunc_lsp')
local health = table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), '\n')
expect('checkhealth finds the server', health:find('server %d+') ~= nil and not health:find('ERROR'), health)

for _, one in ipairs(vim.lsp.get_clients()) do
  if vim.fn.has('nvim-0.11') == 1 then
    one:stop()
  else
    one.stop()
  end
end
eventually('the server ends', function()
  return #vim.lsp.get_clients() == 0
end)
report()
