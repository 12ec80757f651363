set -eu
mkdir -p dist/assets
cp src/serve.mjs dist/
echo "fetch('$VITE_API_URL');" >dist/assets/index.js
