#!/bin/sh
# Checks the form of every Swift file.
set -eu
cd "$(dirname "$0")/.."
exec swift format lint --strict -r Sources Tests Benchmarks Package.swift
