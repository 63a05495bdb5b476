# weir: runs the steps of scripts/test, counts their tests and prints the summary. Sourced, never run.
# SPDX-License-Identifier: MIT
# shellcheck shell=bash
: "${root:?set by common.sh}"

passed=0
failed=0
skipped=0
rows=()

# note NAME SECONDS PASSED FAILED SKIPPED TEXT
note() {
  passed=$((passed + $3))
  failed=$((failed + $4))
  skipped=$((skipped + $5))
  rows+=("$(printf '%-28s %5d s %6d passed %4d failed %4d skipped  %s' "$1" "$2" "$3" "$4" "$5" "$6")")
}

# step NAME COMMAND...: one check that passes or fails as a whole.
step() {
  local name=$1 start=$SECONDS
  shift
  say "== $name"
  if "$@"; then
    note "$name" $((SECONDS - start)) 1 0 0 ""
  else
    note "$name" $((SECONDS - start)) 0 1 0 "failed"
  fi
}

# step_suite NAME PRESET: builds a configuration and runs all of its tests.
step_suite() {
  local name=$1 preset=$2 start=$SECONDS counts ended=well
  say "== $name: building"
  if ! build "$preset"; then
    note "$name" $((SECONDS - start)) 0 1 0 "does not build"
    return
  fi
  say "== $name: testing"
  run_suite "$preset" || ended=badly
  counts=$(count "$root/build/$preset") || counts="0 1 0"
  if [[ $ended == badly && $counts == *" 0 "* ]]; then
    counts="${counts/ 0 / 1 }" # ctest saw a failure that the counting did not
  fi
  # shellcheck disable=SC2086 # three numbers
  note "$name" $((SECONDS - start)) $counts "$(failing "$root/build/$preset" || true)"
}

# failing BUILD: the names of the ctest tests that failed, in one line.
failing() { sed -n 's/.*<testcase name="\([^"]*\)".* status="fail".*/\1/p' "$1/results/ctest.junit" | paste -sd ' '; }

# TSan cannot place its shadow where the kernel randomises addresses too widely; run it without that where one may.
tsan_runner=()
if setarch "$(uname -m)" -R true 2>/dev/null; then
  tsan_runner=(setarch "$(uname -m)" -R)
fi

run_suite() {
  local build=$root/build/$1 runner=()
  if [[ $1 == tsan ]]; then
    runner=("${tsan_runner[@]}")
  fi
  rm -rf "$build/results"
  mkdir -p "$build/results"
  GTEST_OUTPUT="xml:$build/results/" "${runner[@]}" ctest --test-dir "$build" -j "$CMAKE_BUILD_PARALLEL_LEVEL" \
    --output-on-failure --no-tests=error --output-junit "$build/results/ctest.junit" >&2
}

# count BUILD: `passed failed skipped`. A gtest program counts with each of its tests; one that failed without saying
# which (a crash, a sanitizer's report, a time limit) as one failure; any other test as one.
count() {
  local tests=$1/results/ctest.junit name status
  [[ -s $tests ]] || return 1
  while read -r name status; do
    if [[ -s $1/results/$name.xml ]]; then
      awk -v status="$status" '
        function number(key) { return match($0, " " key "=\"[0-9]+\"") ? substr($0, RSTART + length(key) + 3) + 0 : 0 }
        /<testsuites / { tests = number("tests") - number("disabled"); failures = number("failures") }
        /<testsuite /  { skipped += number("skipped") }
        END { if (status != "run" && failures == 0) { failures = 1 }
              print tests - failures - skipped, failures, skipped }' "$1/results/$name.xml"
    elif [[ $status == run ]]; then
      echo 1 0 0
    else
      echo 0 1 0
    fi
  done < <(sed -n 's/.*<testcase name="\([^"]*\)".* status="\([a-z]*\)".*/\1 \2/p' "$tests") |
    awk '{ passed += $1; failed += $2; skipped += $3 } END { print passed + 0, failed + 0, skipped + 0 }'
}

# summary: what ran, how long, how it ended; exits.
summary() {
  echo
  printf '%s\n' "${rows[@]}"
  if ((skipped)); then
    echo "$skipped skipped: their tests say why"
  fi
  echo "$passed passed, $failed failed"
  ((failed == 0)) || exit 1
  exit 0
}
