# Applies the migrations of a directory that STATE_DIR does not know yet, in the order of SHA256SUMS, and says which.
#
# Running it again applies nothing. A migration that was changed after it was applied is an error: what the database looks
# like would no longer follow from the files. This sample has no database; applying is printing.
set -eu

migrations=$1
applied=$STATE_DIR/applied

cd "$migrations"
sha256sum -c SHA256SUMS >/dev/null
touch "$applied"

count=0
while read -r digest name; do
    if grep -q -x -F "$digest  $name" "$applied"; then
        continue
    fi
    if cut -d' ' -f3 "$applied" | grep -q -x -F "$name"; then
        echo "$name: changed since it was applied" >&2
        exit 1
    fi
    echo "applying $name"
    while IFS= read -r line; do
        echo "    $line"
    done <"$name"
    # Written anew and renamed, so that no kill leaves half a line.
    { cat "$applied"; echo "$digest  $name"; } >"$applied.new"
    mv "$applied.new" "$applied"
    count=$((count + 1))
done <SHA256SUMS
echo "$count applied, $(wc -l <"$applied") in all"
