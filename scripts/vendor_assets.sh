#!/usr/bin/env bash
# Installs the locked npm packages and copies the few files that the console serves into
# console/static/vendor/ (ignored by git). No package runs a script of its own.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

target=console/static/vendor
assets=(
    htmx.org/dist/htmx.min.js
    htmx-ext-sse/dist/sse.min.js
    @tabler/core/dist/css/tabler.min.css
    @tabler/core/dist/js/tabler.min.js
    echarts/dist/echarts.common.min.js
)

npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
fresh="$(mktemp -d)"
trap 'rm -rf "$fresh"' EXIT
for asset in "${assets[@]}"; do
    # A browser that has its tools open would ask for source maps, which are not served.
    sed -e 's@/\*# sourceMappingURL=[^*]*\*/@@' -e 's@^//# sourceMappingURL=.*$@@' \
        "node_modules/$asset" >"$fresh/$(basename "$asset")"
done
chmod 755 "$fresh"
rm -rf "$target"
mkdir -p "$(dirname "$target")"
cp -r "$fresh" "$target"
