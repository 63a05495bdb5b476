# weir: what the scripts share: messages, packages, configure and build. Sourced, never run.
# SPDX-License-Identifier: MIT
# shellcheck shell=bash

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
script=scripts/$(basename "$0")
: "${CMAKE_BUILD_PARALLEL_LEVEL:=$(nproc)}"
export CMAKE_BUILD_PARALLEL_LEVEL

say() { printf '%s\n' "$*" >&2; }

die() {
  say "$script: $*"
  exit 1
}

# What each need is: a command, or a file, that shows that it is there; the Debian package; why.
declare -A need_proof=(
  [compiler]=g++ [cmake]=cmake [ninja]=ninja [fmt]=/usr/include/fmt/core.h [cli11]=/usr/include/CLI/CLI.hpp
  [gtest]=/usr/include/gtest/gtest.h [gmock]=/usr/include/gmock/gmock.h [python]=python3 [pkg-config]=pkg-config
  [clang-format]=clang-format [ccache]=ccache [clang]=clang++ [clang-tidy]=clang-tidy [shellcheck]=shellcheck
  [git]=git [strace]=strace [valgrind]=valgrind [zlib]=/usr/include/zlib.h
  [libevent]=/usr/include/event2/buffer.h [abseil]=/usr/include/absl/strings/cord.h
  [asio]=/usr/include/asio.hpp [libuv]=/usr/include/uv.h
  [benchmark]=/usr/include/benchmark/benchmark.h [clang-rt]=/usr/lib/llvm-14/lib/clang/14.0.6/lib/linux
)
declare -A need_package=(
  [compiler]=g++ [cmake]=cmake [ninja]=ninja-build [fmt]=libfmt-dev [cli11]=libcli11-dev
  [gtest]=libgtest-dev [gmock]=libgmock-dev [python]=python3 [pkg-config]=pkgconf
  [clang-format]=clang-format [ccache]=ccache [clang]=clang [clang-tidy]=clang-tidy [shellcheck]=shellcheck
  [git]=git [strace]=strace [valgrind]=valgrind [zlib]=zlib1g-dev
  [libevent]=libevent-dev [abseil]=libabsl-dev [asio]=libasio-dev [libuv]=libuv1-dev [benchmark]=libbenchmark-dev [clang-rt]=libclang-rt-14-dev
)
declare -A need_reason=(
  [compiler]="compiles weir" [cmake]="configures the build" [ninja]="runs the build"
  [fmt]="formats the tool's output" [cli11]="reads the tool's command line" [zlib]="compresses, in weir::zlib"
  [gtest]="unit tests" [gmock]="matchers in unit tests" [python]="the structure tests"
  [pkg-config]="the package test" [clang-format]="the format check" [ccache]="makes a second build cheap"
  [clang]="the clang build" [clang-tidy]="static analysis" [shellcheck]="checks the scripts" [git]="applies the mutants"
  [strace]="counts the tool's system calls in a test" [valgrind]="finds reads of what was never written"
  [libevent]="the library that buffers and loops are compared with" [abseil]="absl::Cord, which buffers are compared with"
  [asio]="a loop that weir is shown inside of" [libuv]="another one"
  [benchmark]="micro-benchmarks" [clang-rt]="the runtime of the fuzz targets"
)

has() {
  case $1 in
    /*) [[ -e $1 ]] ;;
    *) command -v "$1" >/dev/null ;;
  esac
}

# require NEED...: installs what is missing, and says what and why; without a word, and without a network, when all is there.
require() {
  local need missing=() packages=()
  for need in "$@"; do
    has "${need_proof[$need]}" || missing+=("$need")
  done
  ((${#missing[@]})) || return 0
  say "$script installs what is missing:"
  for need in "${missing[@]}"; do
    say "  ${need_package[$need]} (${need_reason[$need]})"
    packages+=("${need_package[$need]}")
  done
  install_packages "${packages[@]}"
  for need in "${missing[@]}"; do
    has "${need_proof[$need]}" || die "package ${need_package[$need]} is installed, but ${need_proof[$need]} is not there"
  done
}

install_packages() {
  local as_root=() log=$root/build/install.log
  command -v apt-get >/dev/null || die "cannot install $*: this is not Debian (no apt-get); install them by hand"
  if ((EUID != 0)); then
    command -v sudo >/dev/null || die "cannot install $*: neither root nor sudo"
    as_root=(sudo)
  fi
  mkdir -p "$root/build"
  local install=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@")
  # The package lists may be absent or old: then fetch them and try once more.
  if ! "${install[@]}" >"$log" 2>&1; then
    "${as_root[@]}" apt-get update >>"$log" 2>&1 || true
    "${install[@]}" >>"$log" 2>&1 || die "could not install $*: $(why_not_installed "$log")"
  fi
}

why_not_installed() {
  if grep -qE 'Failed to fetch|Could not resolve|Temporary failure|Could not connect' "$1"; then
    echo "the package server cannot be reached (see $1)"
  else
    grep -m1 '^E:' "$1" || echo "see $1"
  fi
}

# configure PRESET: only when there is something to configure; ninja itself notices changes of CMakeLists.txt.
configure() {
  local cache=$root/build/$1/CMakeCache.txt log=$root/build/$1.configure.log
  if [[ -f $root/build/$1/build.ninja && $cache -nt $root/CMakePresets.json ]]; then
    return 0
  fi
  mkdir -p "$root/build"
  if ! (cd "$root" && cmake --preset "$1") >"$log" 2>&1; then
    cat "$log" >&2
    say "$script: could not configure the build '$1' (log: $log)"
    return 1
  fi
}

# build PRESET [TARGET...]: progress goes to stderr; silent when there is nothing to do.
build() {
  local preset=$1 target=()
  shift
  (($#)) && target=(--target "$@")
  configure "$preset" || return 1
  if ninja -C "$root/build/$preset" -n "$@" 2>/dev/null | grep -q 'no work to do'; then
    return 0
  fi
  cmake --build "$root/build/$preset" "${target[@]}" >&2
}

# The C++ sources of the tree, one per line.
cxx_sources() {
  (cd "$root" && find weir tests fuzz examples bench \( -name '*.h' -o -name '*.cc' \) -type f | LC_ALL=C sort)
}
