#!/usr/bin/env bash
# Sets up everything in .venv: ./setup.sh run|test. Says what to type where it may not act itself.
set -euo pipefail
cd "$(dirname "$0")"

packages="libportaudio2 libasound2-plugins"
extra=train
if [ "${1:-run}" = test ]; then
    packages="$packages jackd2 fluidsynth timgm6mb-soundfont espeak-ng chromium ardour pulseaudio pulseaudio-utils"
    extra=dev
fi

missing() {
    for package in $packages; do
        dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q "ok installed" || echo "$package"
    done
}

install_system_packages() {
    command -v apt-get >/dev/null || return 0 # not Debian: the README says what is needed
    local wanted root=""
    wanted=$(missing | tr '\n' ' ')
    [ -n "$wanted" ] || return 0
    [ "$(id -u)" = 0 ] || root="sudo -n"
    if [ -n "$root" ] && ! sudo -n true 2>/dev/null; then
        echo "Not installed, and I may not: please type   sudo apt-get install $wanted" >&2
        return 0
    fi
    echo "Installing $wanted"
    echo "jackd2 jackd/tweak_rt_limits boolean false" | $root debconf-set-selections
    $root apt-get update -qq
    $root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $wanted >/dev/null
}

find_python() {
    for python in python3.11 python3.12 python3; do
        if "$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 13))' 2>/dev/null; then
            echo "$python"
            return
        fi
    done
    echo "Python 3.11 or 3.12 is needed: please type   sudo apt-get install python3 python3-venv" >&2
    exit 1
}

install_system_packages
python=$(find_python)
if ! [ -x .venv/bin/pip ]; then
    rm -rf .venv
    "$python" -m venv .venv || {
        echo "Please type   sudo apt-get install python3-venv   and try again" >&2
        exit 1
    }
fi
echo "Installing Python packages into .venv (some minutes the first time)"
.venv/bin/pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[$extra]"

# Static tools cannot see through the import hook of an editable install: one link per layer.
mkdir -p .typing/notewire
for layer in streaming models bridge training daemon; do
    ln -sfn "../../$layer" ".typing/notewire/$layer"
done
