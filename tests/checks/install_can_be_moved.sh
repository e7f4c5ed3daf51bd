#!/usr/bin/env bash
# Installs a build, moves the tree and starts its programs: each must run and find LibTorch inside the tree.
# usage: install_can_be_moved.sh BUILD_DIR
set -euo pipefail
build=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cmake --install "$build" --prefix "$work/installed" >/dev/null
mv "$work/installed" "$work/moved"
for program in "$work"/moved/bin/*; do
  outside=$(ldd "$program" | grep -E 'not found|libtorch|libc10|libgomp|libcudart|libcupti' | grep -vF "$work/moved/" || true)
  if [ -n "$outside" ]; then
    printf '%s: libraries that are missing or outside the tree:\n%s\n' "${program##*/}" "$outside"
    exit 1
  fi
done
"$work/moved/bin/deit-coord" version
if [ -e "$work/moved/bin/deit-worker" ]; then
  "$work/moved/bin/deit-worker" --task=models
fi
du -sh "$work/moved"
