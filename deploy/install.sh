#!/bin/sh
# Makes .venv and fetches what the embedded stack needs. Called by make; needs only Python 3.11+ with venv, and a network.
# Everything lies in this checkout: .venv, and var/ for tools and downloads. Proxies, certificates and index settings of
# the caller's pip and uv stay in force. Arguments go to uv: `deploy/install.sh --group bench` installs that group too.
set -eu
cd "$(dirname "$0")/.."
python="${PYTHON:-$(python3 deploy/fastest_python.py 2>/dev/null || echo python3)}"
started=$(date +%s)

say() { printf '%s\n' "$*" >&2; }
fail() { say "error: $*"; exit 1; }

command -v "$python" >/dev/null 2>&1 || fail "'$python' is not there; install Python 3.11 or newer, or name one: make PYTHON=/path/to/python3"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    fail "'$python' is $("$python" -V 2>&1); Python 3.11 or newer is needed: make PYTHON=/path/to/python3"
"$python" -c 'import venv, ensurepip' 2>/dev/null ||
    fail "'$python' cannot make virtual environments; on Debian: apt-get install python3-venv"

# An empty or unwritable HOME is no obstacle: caches then lie in var/cache.
if [ -z "${HOME:-}" ] || [ ! -w "${HOME:-/nonexistent}" ]; then
    HOME="$PWD/var/cache/home"
    mkdir -p "$HOME"
    export HOME
fi
# pip, uv and jgo name the certificates they trust differently: what the caller set for one holds for all, else the
# system's, so that a network with a certificate authority of its own works for all three.
: "${PIP_CERT:=$("$python" -m pip config get global.cert 2>/dev/null || true)}"
for bundle in "${SSL_CERT_FILE:-}" "$PIP_CERT" /etc/ssl/certs/ca-certificates.crt; do
    if [ -n "$bundle" ] && [ -r "$bundle" ]; then
        export SSL_CERT_FILE="$bundle" REQUESTS_CA_BUNDLE="${REQUESTS_CA_BUNDLE:-$bundle}"
        break
    fi
done
export PIP_DISABLE_PIP_VERSION_CHECK=1 UV_PYTHON_DOWNLOADS=never

say "[1/5] $("$python" -V 2>&1), $(command -v "$python")"
wanted=$(sed -n 's/^required-version = "==\(.*\)"$/\1/p' pyproject.toml)
tools="var/tools/uv-$wanted"
if [ ! -x "$tools/bin/uv" ]; then
    say "[2/5] uv $wanted"
    rm -rf "$tools"
    "$python" -m venv "$tools"
    "$tools/bin/python" -m pip install --quiet "uv==$wanted" || fail "uv $wanted could not be installed; is the package index reachable?"
fi

say "[3/5] .venv from uv.lock"
"$tools/bin/uv" sync --locked --all-extras --python "$python" "$@" || fail "the locked packages could not be installed"

say "[4/5] Kafka's jars from jgo.lock.toml"
.venv/bin/python -m deploy.local.jars

say "[5/5] a cache of Kafka's classes, so that it starts sooner"
.venv/bin/python -m deploy.local.aot || say "Kafka will do without it"

say "installed in $(($(date +%s) - started)) s (downloads included; load $(cut -d' ' -f1 /proc/loadavg))"
touch .venv/installed
