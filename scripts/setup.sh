#!/usr/bin/env bash
# Make .venv from requirements.lock; install missing system libraries if the user may, else say how.
# Usage: scripts/setup.sh "debian package names"
set -euo pipefail
libraries=$1

find_python() {
    local candidate
    for candidate in ${PYTHON:-} python3.13 python3.12 python3.11 python3 python; do
        if "$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' \
            >/dev/null 2>&1; then
            echo "$candidate"
            return
        fi
    done
}

# Installs Debian packages as root or through a password-less sudo; else prints the command.
install_packages() {
    local run=()
    if [ "$(id -u)" -ne 0 ]; then
        if ! sudo -n true >/dev/null 2>&1; then
            echo "Missing system packages. Please run: sudo apt-get install $*" >&2
            return 1
        fi
        run=(sudo -n)
    fi
    "${run[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -qq
    "${run[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

python=$(find_python)
if [ -z "$python" ]; then
    echo "atta-daq needs Python 3.11, 3.12 or 3.13; set PYTHON=/path/to/python if it is not on PATH." >&2
    exit 1
fi

if command -v dpkg-query >/dev/null 2>&1; then
    missing=()
    for package in $libraries; do
        dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' \
            || missing+=("$package")
    done
    "$python" -c 'import venv, ensurepip' >/dev/null 2>&1 || missing+=(python3-venv)
    if [ "${#missing[@]}" -gt 0 ]; then
        echo "Installing system packages: ${missing[*]}"
        install_packages "${missing[@]}" || [ -n "${ATTA_DAQ_HEADLESS:-}" ] || {
            echo "(set ATTA_DAQ_HEADLESS=1 to go on without the window's libraries)" >&2
            exit 1
        }
    fi
fi

echo "Making .venv with $("$python" --version)"
[ -x .venv/bin/python ] || "$python" -m venv .venv
.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
echo "Compiling (half a minute)"
.venv/bin/python scripts/precompile.py
