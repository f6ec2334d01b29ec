#!/bin/sh
# Builds a product for release. The Swift runtime goes into the program: calls into it cost less than calls into a library, and the program
# runs where no Swift is. Every build has the same settings: with others everything would be compiled anew.
#
#     scripts/build-release.sh [product]
set -eu
cd "$(dirname "$0")/.."
exec swift build -c release --static-swift-stdlib --product "${1:-gatehouse}"
