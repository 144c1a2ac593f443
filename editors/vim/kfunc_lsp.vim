" kfunc-lsp in Vim, by ALE 3.3 or later: put this file into ~/.vim/plugin or source it from ~/.vimrc.
" ALE counts positions in bytes where the protocol does not: behind characters beyond ASCII marks may be off.

function! s:root(buffer) abort
  for l:name in ['kfunc-lsp.toml', 'compile_commands.json', '.git']
    let l:found = ale#path#FindNearestFile(a:buffer, l:name)
    if !empty(l:found)
      return fnamemodify(l:found, ':h')
    endif
  endfor
  return fnamemodify(bufname(a:buffer), ':p:h')
endfunction

for s:language in ['c', 'cpp']
  call ale#linter#Define(s:language, {
  \ 'name': 'kfunc_lsp',
  \ 'lsp': 'stdio',
  \ 'executable': 'kfunc-lsp',
  \ 'command': '%e serve',
  \ 'project_root': function('s:root'),
  \ 'initialization_options': {-> get(g:, 'kfunc_lsp_options', {})},
  \})
endfor

" Kernels other than the project's:
" let g:kfunc_lsp_options = {'kernels': ['6.18', '7.3']}
