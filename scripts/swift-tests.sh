#!/bin/bash
# Every Swift test, one after another. What failed is said once more at the end: thousands of lines may stand between.
set -euo pipefail
cd "$(dirname "$0")/.."
LIMIT_SECONDS=2400
log=.build/swift-tests.log
mkdir -p .build
status=0
timeout "$LIMIT_SECONDS" swift test --disable-xctest --no-parallel "$@" 2>&1 | tee "$log" || status=$?
if [ "$status" != 0 ]; then
  [ "$status" != 124 ] || echo "The tests were not over after $LIMIT_SECONDS s."
  echo "What failed (all of the output is in $log):"
  grep -a -A 3 '✘' "$log" | cut -c 1-1000 | grep -v '^◇' || echo "no test by its own word: see the end of the output"
fi
exit "$status"
