# Lays out what a standalone build of the framework leaves.
set -eu
out=.next/standalone
mkdir -p "$out/node_modules" .next/static/chunks
cp server.mjs "$out/"
cp -rL node_modules/tiny-http "$out/node_modules/"
echo "export default 1;" >.next/static/chunks/main.js
