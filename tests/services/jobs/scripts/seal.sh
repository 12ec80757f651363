# Refuses a schedule in which two jobs have one name, and adds the checksum that the worker looks at.
set -eu

schedule=$1

twice=$(cut -d' ' -f1 "$schedule" | uniq -d)
if [ -n "$twice" ]; then
    echo "$schedule: two jobs are called \`$twice\`" >&2
    exit 1
fi
digest=$(sha256sum "$schedule" | cut -d' ' -f1)
echo "sha256 $digest" >>"$schedule"
