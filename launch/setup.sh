#!/usr/bin/env bash
# Installs what building and testing need: the Debian packages and LibTorch (the torch wheel of PyPI, in .deps/torch).
# Run again at any time: it does only what is missing.
set -euo pipefail
readonly program=setup
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

readonly usage='usage: launch/setup.sh [--cuda] [--clang]
  Installs the Debian packages that the build needs and LibTorch into .deps/torch. Does nothing where all is there.
  --cuda   also the CUDA libraries that LibTorch opens with device: CUDA (about 3 GB on disk)
  --clang  also clang, which fuzzing and the checks of thread annotations need, and clang-tidy'

# Boost is not here: its package name belongs to the distribution (check_distribution).
readonly packages=(
  cmake ninja-build g++ ccache mold pkg-config git python3 shellcheck clang-format-14
  libabsl-dev libgflags-dev libgoogle-glog-dev libprotobuf-dev protobuf-compiler libopenmpi-dev openmpi-bin
  libjpeg-dev libpng-dev libtiff-dev libwebp-dev zlib1g-dev libxxhash-dev libssl-dev
  libgtest-dev libgmock-dev libbenchmark-dev dataset-fashion-mnist)

# libtorch_cpu.so names the two CUDA packages, so they are needed on a CPU too. The versions are those that the wheel asks for.
readonly torch_cpu=('torch==2.14.1' 'nvidia-cuda-runtime==13.0.*' 'nvidia-cuda-cupti==13.0.*')
readonly torch_cuda=(
  'nvidia-cublas==13.1.1.3.*' 'nvidia-cuda-nvrtc==13.0.88.*' 'nvidia-cufft==12.0.0.61.*' 'nvidia-cufile==1.15.1.6.*'
  'nvidia-curand==10.4.0.35.*' 'nvidia-cusolver==12.0.4.66.*' 'nvidia-cusparse==12.6.3.3.*' 'nvidia-nvjitlink>=13.0.88,<14'
  'nvidia-cudnn-cu13==9.24.0.43' 'nvidia-cusparselt-cu13==0.8.1' 'nvidia-nccl-cu13==2.30.7' 'nvidia-nvshmem-cu13==3.4.5')

# Sets `boost` to the distribution's Boost package, or stops.
check_distribution() {
  local ID=unknown VERSION_ID='' PRETTY_NAME=''
  # shellcheck source=/dev/null
  [ -r /etc/os-release ] && . /etc/os-release
  case "$ID-$VERSION_ID" in
    debian-12) boost=libboost1.81-dev ;;
    ubuntu-24.04)
      boost=libboost1.83-dev
      say 'Ubuntu 24.04: this set-up is tested on Debian 12 only; trying' ;;
    *) fail "distribution: ${PRETTY_NAME:-$ID}: only Debian 12 (tested) and Ubuntu 24.04 (untested) are supported" \
        "install the libraries listed in launch/setup.sh and LibTorch >= 2.4 yourself, then configure with -DTORCH_ROOT=DIR" ;;
  esac
}

# Prints those of the given packages that are not installed.
missing_packages() {
  local installed
  installed=$(dpkg-query -W -f '${Package} ${db:Status-Status}\n' "$@" 2>/dev/null | awk '$2 == "installed" {print $1}') || true
  printf '%s\n' "$@" | grep -vxF -f <(printf '%s\n' "$installed") || true
}

install_packages() {
  local missing root=()
  mapfile -t missing < <(missing_packages "$@")
  [ "${#missing[@]}" -eq 0 ] && return
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || fail "packages: ${missing[*]}: not installed, and you are not root and have no sudo" \
      "ask an administrator to run: apt-get install ${missing[*]}"
    root=(sudo)
  fi
  say "installing ${#missing[@]} packages: ${missing[*]}"
  local apt=("${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0)
  "${apt[@]}" update ||
    fail 'package lists: apt-get update failed (its message stands above)' 'check the network and /etc/apt, then run again'
  "${apt[@]}" install -y --no-install-recommends "${missing[@]}" >/dev/null ||
    fail "packages: ${missing[*]}: apt-get install failed (its message stands above)" 'mend what apt-get names, then run again'
}

# Sets `python` to an interpreter with pip: the distribution's own, else the one in PATH, else the distribution's after installing pip.
find_python() {
  local candidate
  for candidate in /usr/bin/python3 python3; do
    if "$candidate" -m pip --version >/dev/null 2>&1; then
      python=$candidate
      return
    fi
  done
  install_packages python3-pip
  python=/usr/bin/python3
}

# has_requirements FOLDER REQUIREMENT...: whether FOLDER was installed with at least these.
has_requirements() {
  local folder=$1 requirement
  shift
  [ -f "$folder/requirements.txt" ] || return 1
  for requirement in "$@"; do
    grep -qxF -- "$requirement" "$folder/requirements.txt" || return 1
  done
}

# install_torch FOLDER REQUIREMENT...: FOLDER appears complete, by one rename, or not at all.
install_torch() {
  local folder=$1 partial=$1.partial size='0.6 GB' libraries=(libtorch_cpu.so) library unresolved
  local pip_options=(--disable-pip-version-check --no-deps --only-binary=:all: --no-compile)
  shift
  if [ $# -gt "${#torch_cpu[@]}" ]; then
    size='2.5 GB'
    libraries+=(libtorch_cuda.so)
  fi
  has_requirements "$folder" "$@" && return
  find_python
  mkdir -p "$(dirname "$folder")"
  exec 9>"$folder.lock"
  flock -n 9 || { say "waiting for another set-up that is installing $folder"; flock 9; }
  has_requirements "$folder" "$@" && return  # the other one did it
  say "installing LibTorch into $folder (a download of about $size): $*"
  rm -rf "$partial"
  [ -t 1 ] || pip_options+=(--quiet)  # progress bars are for terminals
  PIP_ROOT_USER_ACTION=ignore "$python" -m pip install "${pip_options[@]}" --target "$partial" "$@" ||
    fail "LibTorch: $*: $python -m pip install failed (its message stands above)" \
      'check the network and the free disk space, then run again; or name another LibTorch >= 2.4 with cmake -DTORCH_ROOT=DIR'
  for library in "${libraries[@]}"; do
    unresolved=$(ldd "$partial/torch/lib/$library" | awk '/not found/ && $1 != "libcuda.so.1" {print $1}')
    [ -z "$unresolved" ] || fail "LibTorch: $library: needs libraries that are not there: ${unresolved//$'\n'/ }" \
      'the wheel has changed: add the packages of these libraries to launch/setup.sh'
  done
  printf '%s\n' "$@" >"$partial/requirements.txt"
  rm -rf "$folder"
  mv "$partial" "$folder"
}

requirements=("${torch_cpu[@]}")
compilers=()
for argument in "$@"; do
  case "$argument" in
    --cuda) requirements+=("${torch_cuda[@]}") ;;
    --clang) compilers=(clang-14 clang-tidy-14 libclang-rt-14-dev) ;;
    -h | --help) printf '%s\n' "$usage"; exit 0 ;;
    *) fail "argument: $argument: not known" 'launch/setup.sh --help lists them' ;;
  esac
done

cd "$(dirname "${BASH_SOURCE[0]}")/.."
check_distribution
install_packages "${packages[@]}" "$boost" "${compilers[@]}"
install_torch .deps/torch "${requirements[@]}"
say "ready: packages and LibTorch (.deps/torch) are installed"
