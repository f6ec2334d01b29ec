#!/bin/bash
# Every Swift test, one after another. Each target is a process of its own, so that a crash in one hides no other; a table and what failed
# are said at the end, since thousands of lines may stand between. Words after the command go to `swift test`, in place of the targets.
set -uo pipefail
cd "$(dirname "$0")/.." || exit
LIMIT_SECONDS=5400  # of one target: what hangs must end, what is slow must not
log=.build/swift-tests.log
mkdir -p .build
: > "$log"

run() {
  timeout "$LIMIT_SECONDS" swift test --disable-xctest --no-parallel --skip-build "$@" 2>&1 | tee -a "$log"
}

swift build --build-tests 2>&1 | tee -a "$log" || exit 1
if [ $# -gt 0 ]; then
  run "$@"
  exit
fi
failed=()
table=
for folder in Tests/*Tests; do
  target=${folder#Tests/}
  begin=$SECONDS
  status=0
  run --filter "^$target\." || status=$?
  said="passed"
  [ "$status" = 0 ] || said="FAILED, exit status $status"
  [ "$status" != 124 ] || said="FAILED, not over after $LIMIT_SECONDS s"
  [ "$status" = 0 ] || failed+=("$target")
  table+=$(printf '%-22s %6d s  %s' "$target" $((SECONDS - begin)) "$said")$'\n'
done
if [ ${#failed[@]} != 0 ]; then
  echo "What failed (all of the output is in $log):"
  grep -a -A 3 '✘' "$log" | cut -c 1-1000 | grep -v '^◇' || echo "no test by its own word: a process crashed, see the output"
fi
printf '\n%s' "$table"
tests=$(grep -a -o 'Test run with [0-9]* test' "$log" | awk '{ sum += $4 } END { print sum + 0 }')
targets=$(printf '%s' "$table" | wc -l)
echo "$((targets - ${#failed[@]})) of $targets targets passed, $tests tests ran${failed[*]:+; failed: ${failed[*]}}"
[ ${#failed[@]} = 0 ]
