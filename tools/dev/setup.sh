# shellcheck shell=bash
# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
# Read by tools/demo and tools/test: installs what is needed and builds. Each step first looks whether it is done, so that
# a second run takes seconds. MLC_BUILD names the build folder (default: build), MLC_JOBS the number of parallel jobs.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
build=${MLC_BUILD:-$root/build}
venv=$root/.venv
python=$venv/bin/python

say() { printf '\n== %3d s  %s\n' "$SECONDS" "$*"; }
die() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
  exit 1
}

as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo ${CI:+-n} "$@"
  else
    die "this needs root or sudo: $*"
  fi
}

# Debian packages -------------------------------------------------------------------------------------------------

missing_packages() {
  local package
  # shellcheck disable=SC2013 # several names may stand in a line
  for package in $(sed 's/#.*//' "$root/tools/dev/packages.txt"); do
    dpkg-query -W -f='${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed || echo "$package"
  done
}

setup_packages() {
  if ! command -v dpkg-query >/dev/null; then
    say "Packages: not a Debian system; taking what is installed (needed: tools/dev/packages.txt)"
    return
  fi
  local missing
  missing=$(missing_packages | tr '\n' ' ')
  if [ -z "$missing" ]; then
    say "Packages: all there"
    return
  fi
  say "Packages: installing $missing"
  local apt=(apt-get -o DPkg::Lock::Timeout=600 -o Dpkg::Use-Pty=0)
  as_root env DEBIAN_FRONTEND=noninteractive "${apt[@]}" update
  # shellcheck disable=SC2086 # one word per package
  as_root env DEBIAN_FRONTEND=noninteractive "${apt[@]}" install -y --no-install-recommends $missing
}

# Python ------------------------------------------------------------------------------------------------------------

# An interpreter with venv, pip and the header files that an extension needs.
usable_python() {
  "$1" - 2>/dev/null <<'PY'
import ensurepip, os, sys, sysconfig, venv
header = os.path.join(sysconfig.get_path("include"), "Python.h")
sys.exit(sys.version_info < (3, 9) or not os.path.exists(header))
PY
}

find_python() {
  local candidate
  for candidate in /usr/bin/python3 python3; do
    if usable_python "$candidate"; then
      echo "$candidate"
      return
    fi
  done
  die "no usable Python: 3.9 or newer with venv and header files (Debian: python3-venv python3-dev)"
}

setup_python() {
  if ! "$python" -m pip --version >/dev/null 2>&1; then
    local base
    base=$(find_python)
    say "Python: making .venv with $base"
    "$base" -m venv --clear "$venv"
  fi
  local stamp=$venv/requirements.sha256 optional=$root/tests/python/requirements-optional.txt wanted requirement
  wanted=$(cat "$root/tools/dev/requirements.txt" "$root/tests/python/requirements.txt" "$optional" | sha256sum)
  if [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ]; then
    say "Python: .venv is as required"
  else
    say "Python: installing packages into .venv"
    "$python" -m pip install --disable-pip-version-check -r "$root/tools/dev/requirements.txt"
    for requirement in $(sed 's/#.*//' "$optional"); do
      "$python" -m pip install --disable-pip-version-check "$requirement" ||
        say "Python: $requirement cannot be installed; tests that need it will be skipped"
    done
    echo "$wanted" >"$stamp"
  fi
  # 'import mlc' finds the build tree's package.
  echo "$build/python" >"$("$python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/mlc-dev.pth"
}

# The build -----------------------------------------------------------------------------------------------------------

# As many jobs as processors, but no more than memory allows: a job takes up to 1.5 GB.
jobs() {
  local processors memory
  processors=$(nproc)
  memory=$(awk '/^MemAvailable/ {print int($2 / 1500000)}' /proc/meminfo)
  echo "${MLC_JOBS:-$((memory < 1 ? 1 : memory < processors ? memory : processors))}"
}

setup_build() {
  local cmake=cmake
  if [ -x /usr/bin/cmake ]; then
    cmake=/usr/bin/cmake
  fi
  say "Build: configuring ${build#"$root"/}"
  (cd "$root" && "$cmake" --preset release -B "$build" -DMLC_BUILD_PYTHON=ON -DMLC_BUILD_TESTS=ON \
    -DPython_EXECUTABLE="$python" -Wno-dev) | grep -v '^--' || [ "${PIPESTATUS[0]}" = 0 ]
  say "Build: compiling"
  "$cmake" --build "$build" -j "$(jobs)"
}

setup() {
  setup_packages
  setup_python
  setup_build
}
