#!/bin/sh
# Says in one sentence what this machine lacks to build Gatehouse, and how to get it, before anything is installed or built. Exit status 1
# if it lacks something. ANY_SYSTEM=1 leaves the system out; OS_RELEASE names the file that says which one it is.
set -eu
SYSTEM_WANTED="Debian 12"
SWIFT_MAJOR=6
SWIFT_MINOR=3
INSTALL="https://www.swift.org/install/linux/"

lacks() {
  echo "$1" >&2
  exit 1
}

os_release=${OS_RELEASE:-/etc/os-release}
if [ -r "$os_release" ]; then
  # shellcheck disable=SC1090 # the file of the system
  system=$(. "$os_release" && echo "${ID:-unknown} ${VERSION_ID:-}")
  # shellcheck disable=SC1090
  system_name=$(. "$os_release" && echo "${PRETTY_NAME:-${ID:-an unknown system}}")
else
  system=$(uname -s)
  system_name=$system
fi
if [ "$system" != "debian 12" ] && [ -z "${ANY_SYSTEM:-}" ]; then
  lacks "Gatehouse is built and tested on $SYSTEM_WANTED, and this is $system_name: use a machine or a container with $SYSTEM_WANTED (debian:bookworm), or set ANY_SYSTEM=1 to try it here."
fi

wanted="Swift $SWIFT_MAJOR.$SWIFT_MINOR or newer"
command -v swift >/dev/null 2>&1 ||
  lacks "Gatehouse needs $wanted, and there is no swift in PATH: install it from $INSTALL (with swiftly, or the tarball for $SYSTEM_WANTED) and run make again."
said=$(swift --version 2>&1) ||
  lacks "Gatehouse needs $wanted, and $(command -v swift) does not run ($(echo "$said" | head -n 1)): install it again from $INSTALL."
version=$(echo "$said" | sed -n 's/.*Swift version \([0-9][0-9]*\.[0-9][0-9]*[0-9.]*\).*/\1/p' | head -n 1)
[ -n "$version" ] ||
  lacks "Gatehouse needs $wanted, and $(command -v swift) names no version of Swift: put the one of $INSTALL first in PATH."
major=${version%%.*}
minor=${version#*.}
minor=${minor%%.*}
if [ "$major" -lt "$SWIFT_MAJOR" ] || { [ "$major" -eq "$SWIFT_MAJOR" ] && [ "$minor" -lt "$SWIFT_MINOR" ]; }; then
  lacks "Gatehouse needs $wanted, and $(command -v swift) is Swift $version: install a newer one from $INSTALL (with swiftly: swiftly install latest) and run make again."
fi
resources=$(swift -print-target-info 2>/dev/null | sed -n 's/.*"runtimeResourcePath": "\(.*\)".*/\1/p')
[ -z "$resources" ] || [ -e "${resources}_static/linux/libswiftCore.a" ] ||
  lacks "Gatehouse has the Swift runtime linked into it, and $(command -v swift) has none to link (there is no ${resources}_static): install the whole toolchain from $INSTALL."
