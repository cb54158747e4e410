#!/bin/sh
# SPDX-FileCopyrightText: the alphabar contributors
# SPDX-License-Identifier: Apache-2.0
#
# Opens a report of `cost` in headless Chromium (Debian: apt-get install chromium) at 1280 and 400 pixels, light and dark, and
# leaves pictures of all of it to look at. Fails where the page writes to the console or asks for anything but itself.
#
#   look-at-report.sh cost-report/report.html pictures
set -eu
report=$(realpath "$1")
mkdir -p "$2"
pictures=$(realpath "$2")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for scheme in light dark; do
    # Blink counts dark as 0 and light as 1.
    number=1
    [ "$scheme" = dark ] && number=0
    for width in 1280 400; do
        height=9000
        [ "$width" = 400 ] && height=22000
        chromium --headless --no-sandbox --disable-gpu --hide-scrollbars --user-data-dir="$work/profile" \
            --blink-settings=preferredColorScheme=$number --enable-logging=stderr --log-net-log="$work/net.json" \
            --window-size=$width,$height --screenshot="$pictures/$scheme-$width.png" "file://$report" 2> "$work/log"
        if grep -q 'CONSOLE' "$work/log"; then
            grep 'CONSOLE' "$work/log"
            echo "$report writes to the console at $width pixels" >&2
            exit 1
        fi
        # The browser's own services (updates, accounts) are Google's; the page is a file and may ask for none at all.
        if grep -o '"url":"[^"]*"' "$work/net.json" | grep -Ev 'google|gstatic|gvt1|"url":"file:|"url":"data:' | grep .; then
            echo "$report asks for something from elsewhere at $width pixels" >&2
            exit 1
        fi
        echo "$pictures/$scheme-$width.png"
    done
done
