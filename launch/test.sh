#!/usr/bin/env bash
# Set-up, build and tests, from any state of the tree. Tests labelled slow run only with -L slow.
set -euo pipefail

readonly usage='usage: launch/test.sh [--preset PRESET] [-L LABEL] [-R REGEX]
  Installs what is missing, builds, and runs all tests but the slow ones; a failing test shows its output.
  --preset PRESET  release (default), debug, asan, tsan or asan-worker; asan and tsan hold what needs no LibTorch
  -L LABEL         only tests with a label that matches, e.g. checks or slow
  -R REGEX         only tests with a name that matches, e.g. common/plan'

say() { printf '\ntest: %s\n' "$1"; }

# As many compilers as there are cores, and memory for: a file that includes LibTorch takes more than 1 GB.
build_jobs() {
  local cores memory
  cores=$(nproc)
  memory=$(awk '/^MemAvailable:/ {print int($2 / 1500000)}' /proc/meminfo)
  echo $((memory < 1 ? 1 : memory < cores ? memory : cores))
}

preset=release
selection=()
slow=(-LE '^slow$')
while [ $# -gt 0 ]; do
  case "$1" in
    -h | --help) printf '%s\n' "$usage"; exit 0 ;;
    --preset | -L | -R) ;;
    *) printf 'test: error: argument: %s: not known\nhint: launch/test.sh --help lists them\n' "$1" >&2; exit 2 ;;
  esac
  if [ $# -lt 2 ]; then
    printf 'test: error: %s: a value must follow\nhint: launch/test.sh --help\n' "$1" >&2
    exit 2
  fi
  case "$1" in
    --preset) preset=$2 ;;
    -L) selection+=(-L "$2"); [ "$2" = slow ] && slow=() ;;
    -R) selection+=(-R "$2") ;;
  esac
  shift 2
done

cd "$(dirname "${BASH_SOURCE[0]}")/.."
./launch/setup.sh
jobs=$(build_jobs)
say "building build/$preset with $jobs jobs"
cmake --preset "$preset" --log-level=WARNING
cmake --build --preset "$preset" -j "$jobs"
say "running the tests of build/$preset"
ctest --test-dir "build/$preset" --output-on-failure --no-tests=error -j "$(nproc)" "${slow[@]}" "${selection[@]}"
