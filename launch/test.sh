#!/usr/bin/env bash
# Set-up, build and tests, from any state of the tree. Tests labelled slow run only with -L slow.
set -euo pipefail
readonly program=test
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

readonly usage='usage: launch/test.sh [--preset PRESET] [-L LABEL] [-R REGEX]
  Installs what is missing, builds, and runs all tests but the slow ones; a failing test shows its output.
  --preset PRESET  release (default), debug, asan, tsan, asan-worker or fuzz; asan and tsan hold what needs no LibTorch
  -L LABEL         only tests with a label that matches, e.g. checks or slow; -L threads builds only what it runs
  -R REGEX         only tests with a name that matches, e.g. common/plan'

preset=release
selection=()
targets=()
slow=(-LE '^slow$')
while [ $# -gt 0 ]; do
  case "$1" in
    -h | --help) printf '%s\n' "$usage"; exit 0 ;;
    --preset | -L | -R) ;;
    *) fail "argument: $1: not known" 'launch/test.sh --help lists them' 2 ;;
  esac
  [ $# -ge 2 ] || fail "$1: a value must follow" 'launch/test.sh --help' 2
  case "$1" in
    --preset) preset=$2 ;;
    -L)
      selection+=(-L "$2")
      [ "$2" = slow ] && slow=()
      [ "$2" = threads ] && targets=(--target deit_thread_tests)
      ;;
    -R) selection+=(-R "$2") ;;
  esac
  shift 2
done

cd "$(dirname "${BASH_SOURCE[0]}")/.."
setup=()
[ "$preset" = fuzz ] && setup=(--clang)
./launch/setup.sh "${setup[@]}"
jobs=$(build_jobs)
say "building build/$preset with $jobs jobs"
cmake --preset "$preset" --log-level=WARNING
cmake --build --preset "$preset" -j "$jobs" "${targets[@]}"
say "running the tests of build/$preset"
ctest --test-dir "build/$preset" --output-on-failure --no-tests=error -j "$(nproc)" --output-junit tests.xml "${slow[@]}" "${selection[@]}"
