#!/bin/sh
# Installs the Debian packages named as arguments that are missing, saying which; with sudo when not root.
set -eu
command -v dpkg-query >/dev/null 2>&1 || {
  echo "Gatehouse needs these Debian packages, and there is no dpkg here to look for them: $*. Use a machine or a container with Debian 12." >&2
  exit 1
}
missing=""
for package in "$@"; do
  status=$(dpkg-query -W -f '${Status}' "$package" 2>/dev/null || true)
  [ "$status" = "install ok installed" ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0
echo "Installing Debian packages:$missing"
as_root=""
if [ "$(id -u)" != 0 ]; then
  command -v sudo >/dev/null 2>&1 || {
    echo "Only root may install them, and there is no sudo here: run this as root once: apt-get update && apt-get install -y$missing" >&2
    exit 1
  }
  as_root="sudo"
fi
$as_root apt-get update -qq
# shellcheck disable=SC2086 # one word a package
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
