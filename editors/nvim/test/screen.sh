#!/usr/bin/env bash
# What a person sees in a terminal with Neovim: screen.sh NVIM WORKSPACE OUT, where the screens are kept as text.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
nvim=$1 workspace=$2 out=$3
mkdir -p "$out"
export LC_ALL=C.UTF-8 TERM=xterm-256color
screen() { tmux -L "kfunc-lsp-$$" -f /dev/null "$@"; }
keys() { # one by one: an Escape and the key behind it would be read as Alt and that key
    for key; do screen send-keys "$key"; sleep 0.1; done
}
passed=0
shows() { # NAME PATTERN WHAT
    for _ in $(seq $((${PATIENCE:-20} * 10))); do
        screen capture-pane -p >"$out/$1.txt"
        if grep -qE -- "$2" "$out/$1.txt"; then
            screen capture-pane -e -p >"$out/$1.ansi"
            passed=$((passed + 1))
            echo "ok     $3"
            return
        fi
        sleep 0.1
    done
    echo "FAILED $3: /$2/ is not on the screen"
    cat "$out/$1.txt"
    echo "$passed passed, 1 failed"
    exit 1
}
setup="lua vim.diagnostic.config({ virtual_text = true }) vim.o.number = true vim.o.termguicolors = true"
trap 'screen kill-server 2>/dev/null || true' EXIT
screen -u new-session -d -c "$workspace" -x 112 -y 32 "'$nvim' --clean -u '$here/init.lua' -c '$setup' snooper.bpf.c +46"
shows finding "_impl. cannot b" "the finding stands on the screen"
keys fb K
shows hover "the verifier passes this" "hover opens"
keys ':fclose!' Enter ':KfuncKernel' Enter
shows kernels "6\.12 +bundled" "kernels are on offer"
keys q Enter
keys ':KfuncKernel 6.18' Enter
for _ in $(seq 50); do screen capture-pane -p | grep -q "_impl. cannot b" || break; sleep 0.1; done
shows switched "checking against 6.18" "another kernel is taken"
keys ':KfuncKernel!' Enter
shows back "_impl. cannot b" "and given back"
keys 46G 0 fb ':lua vim.lsp.buf.code_action()' Enter
shows fix "Call .bpf_wq_set_callback." "the quick fix is on offer"
keys 1 Enter
shows fixed "if \(bpf_wq_set_callback\(&e->work, report, 0\)\)" "and renames the call"
keys ':qall!' Enter
echo "$passed passed, 0 failed"
