-- kfunc-lsp in Neovim: starting it on 0.10, and choosing the kernels.
local M = {}

local NAME = 'kfunc_lsp'

--- The configuration that :help lsp-config finds, for Neovim without it.
---@return table
local function config()
  if vim.lsp.config then
    return vim.lsp.config[NAME]
  end
  local file = vim.api.nvim_get_runtime_file('lsp/' .. NAME .. '.lua', false)[1]
  return vim.tbl_deep_extend('force', dofile(file), vim.g.kfunc_lsp_config or {})
end

local function say(text, level)
  vim.notify('kfunc-lsp: ' .. text, level or vim.log.levels.INFO)
end

--- Start the server for every C and C++ buffer.
function M.enable()
  if vim.fn.executable(config().cmd[1]) == 0 then
    say(config().cmd[1] .. ' is not on PATH; see :help kfunc-lsp-install', vim.log.levels.WARN)
    return
  end
  if vim.lsp.enable then
    vim.lsp.enable(NAME)
    return
  end
  vim.api.nvim_create_autocmd('FileType', {
    group = vim.api.nvim_create_augroup(NAME, {}),
    pattern = config().filetypes,
    callback = function(event)
      local found = config()
      vim.lsp.start({
        name = NAME,
        cmd = found.cmd,
        root_dir = vim.fs.root(event.buf, found.root_markers),
        settings = found.settings,
        init_options = found.init_options,
      }, { bufnr = event.buf })
    end,
  })
end

---@return vim.lsp.Client?
local function client()
  local buffer = vim.api.nvim_get_current_buf()
  return vim.lsp.get_clients({ name = NAME, bufnr = buffer })[1] or vim.lsp.get_clients({ name = NAME })[1]
end

--- Ask the server which kernels there are.
---@param done fun(offered: {name: string, detail: string, selected: boolean}[])
local function offered(done)
  local server = client()
  if not server then
    say('is not running in this buffer', vim.log.levels.WARN)
    return
  end
  local answer = function(err, result)
    if err then
      say(err.message, vim.log.levels.ERROR)
    else
      done(result)
    end
  end
  local params = { uri = vim.uri_from_bufnr(0) }
  if vim.fn.has('nvim-0.11') == 1 then
    server:request('kfunc-lsp/kernels', params, answer)
  else
    server.request('kfunc-lsp/kernels', params, answer)
  end
end

--- Check against `kernels` from now on; none at all goes back to what the project says.
---@param kernels string[]
function M.use(kernels)
  local server = client()
  if not server then
    say('is not running in this buffer', vim.log.levels.WARN)
    return
  end
  local settings = vim.tbl_deep_extend('force', server.config.settings or {}, { ['kfunc-lsp'] = {} })
  settings['kfunc-lsp'].kernels = #kernels > 0 and kernels or nil
  if vim.tbl_isempty(settings['kfunc-lsp']) then
    settings['kfunc-lsp'] = nil
  end
  -- The server asks back for its section: both names hold in every version.
  server.config.settings = settings
  server.settings = settings
  local params = { settings = settings }
  if vim.fn.has('nvim-0.11') == 1 then
    server:notify('workspace/didChangeConfiguration', params)
  else
    server.notify('workspace/didChangeConfiguration', params)
  end
  say(#kernels > 0 and 'checking against ' .. table.concat(kernels, ', ') or 'checking against the project\'s kernels')
end

--- Let the person pick one kernel.
function M.pick()
  offered(function(kernels)
    vim.ui.select(kernels, {
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

return M
