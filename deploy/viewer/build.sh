#!/usr/bin/env bash
# Builds the three-*.js of judging/static/vendor again, in a folder of its own, and compares them with three-SHA256SUMS.
# Needs node and npm.  `build.sh --write` takes over what was built.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
vendor=$here/../../judging/static/vendor
version=0.183.2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cp "$here/package.json" "$here/package-lock.json" "$here"/three*.js "$work"
cd "$work"
npm ci --silent --ignore-scripts --no-audit --no-fund
bundle() {
  node_modules/.bin/esbuild "$1.js" --bundle --format=esm --minify --target=es2022 --legal-comments=none --log-level=warning \
    --banner:js="/* three.js $version, $2. MIT licence, see three-LICENSE.txt. Built by deploy/viewer/build.sh */" "${@:3}" \
    --outfile="$1-$version.js"
}
bundle three "what the viewer and the renderer use"
bundle three-core "without renderers, with GLTFExporter" --alias:three=./node_modules/three/src/Three.Core.js
cp node_modules/three/LICENSE three-LICENSE.txt
if [ "${1:-}" = --write ]; then
  sha256sum three-*"$version.js" three-LICENSE.txt > "$vendor/three-SHA256SUMS"
  cp three-*"$version.js" three-LICENSE.txt "$vendor"
else
  sha256sum --check "$vendor/three-SHA256SUMS"
fi
