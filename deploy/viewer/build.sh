#!/usr/bin/env bash
# Builds dashboard/static/vendor/three-0.183.2.js again, in a folder of its own, and compares it with SHA256SUMS.
# Needs node and npm.  `build.sh --write` takes over what was built.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
vendor=$here/../../dashboard/static/vendor
version=0.183.2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cp "$here/package.json" "$here/package-lock.json" "$here/three.js" "$work"
cd "$work"
npm ci --silent --ignore-scripts --no-audit --no-fund
node_modules/.bin/esbuild three.js --bundle --format=esm --minify --target=es2022 --legal-comments=none --log-level=warning \
  --banner:js="/* three.js $version with GLTFLoader and OrbitControls. MIT licence, see three-LICENSE.txt. Built by deploy/viewer/build.sh */" \
  --outfile="three-$version.js"
cp node_modules/three/LICENSE three-LICENSE.txt
if [ "${1:-}" = --write ]; then
  cp "three-$version.js" three-LICENSE.txt "$vendor"
  sha256sum "three-$version.js" three-LICENSE.txt
else
  grep three- "$vendor/SHA256SUMS" | sha256sum --check -
fi
