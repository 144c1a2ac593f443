#!/usr/bin/env bash
# test.sh WORKSPACE: test.vim in Vim with ALE, both from apt.
set -u
here=$(cd "$(dirname "$0")" && pwd)
export WORKSPACE=$1 OUT=$1.vim-out
vim -Nu NONE -i NONE --not-a-term -es -S "$here/test.vim" </dev/null
status=$?
cat "$OUT"
exit $status
