#!/usr/bin/env bash
# Writes requirements.txt and requirements-dev.txt from their .in files: exact versions, hashes, for every
# platform and Python from 3.11 on, and no address of any package index.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

for name in requirements requirements-dev; do
    uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
        --no-config --no-emit-index-url --no-emit-find-links --no-header --no-annotate \
        "$@" "$name.in" --output-file "$name.txt"
    if grep -nE '://|--(extra-)?index-url|--find-links|^-f ' "$name.txt"; then
        echo "$name.txt names an address" >&2
        exit 1
    fi
done
