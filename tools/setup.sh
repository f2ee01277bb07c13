#!/usr/bin/env bash
# Make what a command needs: `setup.sh python` the virtual environment, `setup.sh debian PACKAGE…` Debian packages.
set -euo pipefail
cd "$(dirname "$0")/.."
PYTHON=${PYTHON:-python3}
VENV=${VENV:-.venv}

fail() { printf 'authsvc: %s\n' "$*" >&2; exit 1; }

debian() {
  local missing=() name
  for name in "$@"; do dpkg-query -W -f='${Status}' "$name" 2>/dev/null | grep -q 'install ok installed' || missing+=("$name"); done
  [ ${#missing[@]} -eq 0 ] && return 0
  command -v apt-get >/dev/null || fail "this step needs ${missing[*]}. Install them with your system's package manager, then run the command again."
  local sudo=""
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null && sudo -n true 2>/dev/null && sudo="sudo -n" \
      || fail "this step needs the packages ${missing[*]}. Run: sudo apt-get install ${missing[*]}"
  fi
  printf 'Installing %s …\n' "${missing[*]}"
  # A network that answers nothing is given up soon: what is only quicker with a package goes on without it.
  local patience=(-o Acquire::Retries=1 -o Acquire::http::Timeout=20 -o Acquire::https::Timeout=20)
  $sudo apt-get "${patience[@]}" update -qq || true
  DEBIAN_FRONTEND=noninteractive $sudo apt-get "${patience[@]}" install -y -qq --no-install-recommends "${missing[@]}" >/dev/null \
    || fail "apt could not install ${missing[*]}. Run: sudo apt-get install ${missing[*]}"
}

python() {
  command -v "$PYTHON" >/dev/null || fail "Python 3.11 or newer is needed, and there is no $PYTHON here."
  "$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
    || fail "Python 3.11 or newer is needed, $PYTHON is $("$PYTHON" -V 2>&1). Name another with: make PYTHON=python3.12 …"
  if ! "$PYTHON" -c 'import ensurepip' 2>/dev/null; then debian python3-venv; fi
  [ -x "$VENV/bin/python" ] || "$PYTHON" -m venv "$VENV"
  printf 'Installing the locked Python packages into %s …\n' "$VENV"
  "$VENV/bin/python" -m pip install -qq --disable-pip-version-check --require-hashes -r requirements/dev.lock
  "$VENV/bin/python" -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation --editable .
}

case "${1:-}" in
  python) python ;;
  debian) shift; debian "$@" ;;
  *) fail "usage: setup.sh python | debian PACKAGE…" ;;
esac
