#!/usr/bin/env bash
# picture.sh SCREEN PICTURE: a terminal's screen, kept with its colours, as a PNG. Needs ansi2html and chromium.
set -eu
page=$(mktemp --suffix=.html)
trap 'rm -f "$page"' EXIT
{
    echo '<style>body { background: #14161b; color: #e0e2ea; margin: 8px } pre { font: 13px/16px "DejaVu Sans Mono", monospace }</style><pre>'
    ansi2html --inline --partial <"$1"
    echo '</pre>'
} >"$page"
chromium --headless --no-sandbox --disable-gpu --hide-scrollbars --window-size=910,550 --screenshot="$2" "file://$page" >/dev/null 2>&1
