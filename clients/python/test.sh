#!/bin/sh
# Runs the Python client's tests in a virtual environment of their own below .build/, against a Gatehouse that they start.
# GATEHOUSE_BINARY names the program, else .build/debug/gatehouse. Arguments go to pytest.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
environment="$root/.build/python-client"
wanted="$here/tests/requirements.txt"
if ! cmp -s "$wanted" "$environment/installed.txt"; then
  echo "Making a virtual environment in $environment"
  rm -rf "$environment"
  python3 -m venv "$environment"
  "$environment/bin/pip" install --quiet --disable-pip-version-check -r "$wanted"
  cp "$wanted" "$environment/installed.txt"
fi
cd "$here"
# Both run, whatever becomes of the first.
status=0
"$environment/bin/mypy" --strict --cache-dir "$root/.build/mypy" --no-error-summary gatehouse.py gatehouse_pytest.py || status=$?
timeout 1800 "$environment/bin/python" -W error::ResourceWarning -m pytest -q -p no:cacheprovider "$@" || status=$?
exit "$status"
