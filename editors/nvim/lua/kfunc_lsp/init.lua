-- kfunc-lsp in Neovim: starting it, starting it again, and choosing the kernels.
local M = {}

local NAME = 'kfunc_lsp'

--- What is started: lsp/kfunc_lsp.lua with the person's settings over it. Neovim 0.10 has no vim.lsp.config.
---@return table
function M.config()
  if vim.lsp.config then
    return vim.lsp.config[NAME]
  end
  local file = vim.api.nvim_get_runtime_file('lsp/' .. NAME .. '.lua', false)[1]
  return vim.tbl_deep_extend('force', dofile(file), vim.g.kfunc_lsp_config or {})
end

local function say(text, level)
  vim.notify('kfunc-lsp: ' .. text, level or vim.log.levels.INFO)
end

--- Call a client's method: since 0.11 they are methods in Lua's sense too.
local function call(client, method, ...)
  if vim.fn.has('nvim-0.11') == 1 then
    return client[method](client, ...)
  end
  return client[method](...)
end

--- Start the server for every C and C++ buffer.
function M.enable()
  local program = M.config().cmd[1]
  if vim.fn.executable(program) == 0 then
    say(program .. ' is not on PATH; see :help kfunc-lsp-install', vim.log.levels.WARN)
    return
  end
  if vim.lsp.enable then
    vim.lsp.enable(NAME)
    return
  end
  vim.api.nvim_create_autocmd('FileType', {
    group = vim.api.nvim_create_augroup(NAME, {}),
    pattern = M.config().filetypes,
    callback = function(event)
      local config = M.config()
      config.name = NAME
      config.root_dir = vim.fs.root(event.buf, config.root_markers)
      vim.lsp.start(config, { bufnr = event.buf })
    end,
  })
end

--- The client of this buffer, else any; says so where there is none.
---@return vim.lsp.Client?
local function running()
  local here = vim.lsp.get_clients({ name = NAME, bufnr = vim.api.nvim_get_current_buf() })
  local client = here[1] or vim.lsp.get_clients({ name = NAME })[1]
  if not client then
    say('is not running; see :checkhealth kfunc_lsp', vim.log.levels.WARN)
  end
  return client
end

--- End every server and start another for its buffers, with the kernels that were chosen.
function M.restart()
  for _, client in ipairs(running() and vim.lsp.get_clients({ name = NAME }) or {}) do
    local buffers = vim.tbl_keys(client.attached_buffers)
    call(client, 'stop')
    vim.wait(3000, function()
      return call(client, 'is_stopped')
    end, 20)
    local id
    for _, buffer in ipairs(buffers) do
      if id then
        vim.lsp.buf_attach_client(buffer, id)
      else
        -- 0.10 would take the one that has just ended.
        id = vim.lsp.start(client.config, { bufnr = buffer, reuse_client = function() return false end })
      end
    end
  end
end

--- Check against `kernels` from now on; none at all goes back to what the project says.
---@param kernels string[]
function M.use(kernels)
  local client = running()
  if not client then
    return
  end
  local settings = vim.tbl_deep_extend('force', client.config.settings or {}, { ['kfunc-lsp'] = {} })
  settings['kfunc-lsp'].kernels = kernels
  -- The server asks back for its section: both names hold in every version.
  client.config.settings = settings
  client.settings = settings
  call(client, 'notify', 'workspace/didChangeConfiguration', { settings = settings })
  say(#kernels > 0 and 'checking against ' .. table.concat(kernels, ', ') or "checking against the project's kernels")
end

--- Let the person pick one kernel.
function M.pick()
  local client = running()
  if not client then
    return
  end
  call(client, 'request', 'kfunc-lsp/kernels', { uri = vim.uri_from_bufnr(0) }, function(err, offered)
    if err then
      say(err.message, vim.log.levels.ERROR)
      return
    end
    vim.ui.select(offered, {
      prompt = 'Check against',
      format_item = function(kernel)
        return (kernel.selected and '* ' or '  ') .. kernel.name .. '  ' .. kernel.detail
      end,
    }, function(chosen)
      if chosen then
        M.use({ chosen.name })
      end
    end)
  end)
end

--- The names on offer that begin with `begun`, for the command line.
---@param begun string
---@return string[]
function M.names(begun)
  local answers = vim.lsp.buf_request_sync(0, 'kfunc-lsp/kernels', { uri = vim.uri_from_bufnr(0) }, 1000) or {}
  local names = {}
  for _, answer in pairs(answers) do
    for _, kernel in ipairs(answer.result or {}) do
      if vim.startswith(kernel.name, begun) then
        names[#names + 1] = kernel.name
      end
    end
  end
  return names
end

return M
