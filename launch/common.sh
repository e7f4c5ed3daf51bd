# shellcheck shell=bash
# What the scripts of this folder share. Sourced, never run; `program` is the script's name in its messages.

say() { printf '%s: %s\n' "${program:?}" "$1"; }

# fail MESSAGE HINT [EXIT_CODE]: ends the script; MESSAGE is `what: value: cause`, HINT the next action.
fail() {
  printf '%s: error: %s\n' "${program:?}" "$1" >&2
  printf 'hint: %s\n' "$2" >&2
  exit "${3:-1}"
}

# As many compilers as there are cores, and memory for: a file that includes LibTorch takes more than 1 GB.
build_jobs() {
  local cores memory
  cores=$(nproc)
  memory=$(awk '/^MemAvailable:/ {print int($2 / 1500000)}' /proc/meminfo)
  echo $((memory < 1 ? 1 : memory < cores ? memory : cores))
}
