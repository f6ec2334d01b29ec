#!/bin/sh
# Checks every Python file by the rules of ruff.toml: errors, imports, names, form. ruff comes into a virtual environment below .build.
# With --fix what can be corrected is.
set -eu
RUFF_VERSION=0.17.6
root=$(cd "$(dirname "$0")/.." && pwd)
environment="$root/.build/ruff-$RUFF_VERSION"
if [ ! -x "$environment/bin/ruff" ]; then
  rm -rf "$environment"
  python3 -m venv "$environment"
  "$environment/bin/pip" install --quiet --disable-pip-version-check "ruff==$RUFF_VERSION"
fi
cd "$root"
fix=
check=--check
if [ "${1:-}" = --fix ]; then
  fix=--fix
  check=
fi
# Both run, whatever becomes of the first.
status=0
# shellcheck disable=SC2086 # one word or none
"$environment/bin/ruff" check $fix --no-cache . || status=$?
# shellcheck disable=SC2086
"$environment/bin/ruff" format $check --no-cache . || status=$?
exit "$status"
