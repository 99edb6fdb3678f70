#!/usr/bin/env bash
# Makes sure that the system packages of one purpose are there: `system_packages.sh run|test`.
# Installs what is missing with apt when it may (root, or sudo without a password); otherwise it
# prints the one command that a person has to run, and ends with 1. Says nothing when all is there.
set -euo pipefail

purpose="${1:-run}"
python="${PYTHON:-python3}"
export PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"
missing=()

need() { # need PACKAGE TEST...: the package is missing when the test fails
    local package="$1"
    shift
    if ! "$@" >/dev/null 2>&1; then missing+=("$package"); fi
}
has() { command -v "$1"; }
has_browser() { has chromium || has chromium-browser || has google-chrome; }
has_database_server() { has initdb || compgen -G '/usr/lib/postgresql/*/bin/initdb'; }
has_chinese_font() { compgen -G '/usr/share/fonts/*/noto/NotoSansCJK*' || [ -n "$(fc-list :lang=zh family)" ]; }
can_make_venv() { "$python" -c 'import ensurepip, venv'; }
is_new_enough() { "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; }

need python3 has "$python"
if has "$python" >/dev/null; then
    if ! is_new_enough; then
        echo "Shouji needs Python 3.11 or later; '$python' is $("$python" --version 2>&1). Name another: make PYTHON=python3.12 …" >&2
        exit 1
    fi
    need python3-venv can_make_venv
else
    missing+=(python3-venv)
fi
need mosquitto has mosquitto
need npm has npm
if [ "$purpose" = test ]; then
    need postgresql has_database_server
    need chromium has_browser
    need fonts-noto-cjk has_chinese_font
fi
if [ "${#missing[@]}" -eq 0 ]; then exit 0; fi

root=()
if [ "$(id -u)" -ne 0 ]; then root=(sudo); fi
if ! has apt-get >/dev/null; then
    echo "Shouji needs these packages (Debian's names); install them and run make again: ${missing[*]}" >&2
    exit 1
fi
if [ "$(id -u)" -ne 0 ] && ! sudo -n true 2>/dev/null; then
    echo "Shouji needs system packages. Run this once, then make again:" >&2
    echo "    sudo apt-get update && sudo apt-get install --yes --no-install-recommends ${missing[*]}" >&2
    exit 1
fi
echo "Installing system packages: ${missing[*]}"
"${root[@]}" apt-get update -qq
"${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install --yes -qq --no-install-recommends "${missing[@]}"
