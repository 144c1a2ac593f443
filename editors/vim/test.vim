" What Vim has of the server, by ALE; run by test.sh. Lines go to $OUT.
set nocompatible noswapfile hidden
let s:here = expand('<sfile>:p:h')
set packpath+=/usr/share/vim/addons runtimepath+=/usr/share/vim/addons
filetype plugin on
let g:ale_linters_explicit = 1
let g:ale_linters = {'c': ['kfunc_lsp'], 'cpp': ['kfunc_lsp']}
let g:ale_hover_to_preview = 1
let g:ale_command_wrapper = ''
packadd ale
execute 'source ' . s:here . '/kfunc_lsp.vim'

let s:out = []
let s:patience = str2nr(empty($PATIENCE) ? '20' : $PATIENCE)

function! s:end(failed) abort
  call add(s:out, printf('%d passed, %d failed', len(filter(copy(s:out), 'v:val =~# "^ok "')), a:failed))
  call writefile(s:out, $OUT)
  execute a:failed ? 'cquit!' : 'qall!'
endfunction

function! s:eventually(what, condition) abort
  for l:turn in range(s:patience * 20)
    if a:condition()
      call add(s:out, 'ok     ' . a:what)
      return
    endif
    sleep 50m
  endfor
  call add(s:out, 'FAILED ' . a:what)
  call s:end(1)
endfunction

function! s:findings() abort
  return filter(copy(get(get(g:ale_buffer_info, bufnr(''), {}), 'loclist', [])), 'v:val.linter_name ==# "kfunc_lsp"')
endfunction

execute 'edit ' . $WORKSPACE . '/snooper.bpf.c'
call ale#Queue(0)
call s:eventually('findings are there', {-> len(s:findings()) == 2})
call s:eventually('one stands at the call', {-> !empty(filter(s:findings(), 'v:val.lnum == 46 && v:val.col == 6'))})
call cursor(46, 8)
ALEHover
call s:eventually('hover shows the prototype to call', {-> join(getbufline('ALEPreviewWindow', 1, '$')) =~# 'bpf_wq_set_callback('})
wincmd p
pclose
call cursor(46, 8)
runtime autoload/ale/util.vim
function! ale#util#Input(message, value, ...) abort
  return '1'
endfunction
ALECodeAction
call s:eventually('the quick fix renames the call', {-> search('if (bpf_wq_set_callback(&e->work, report, 0))', 'nw') > 0})
call s:end(0)
