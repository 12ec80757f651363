# Checks a job file and prints its line of the schedule: name, period in seconds, description.
#
# A job file has lines `key = value` and comments. Keys: name, every (seconds; default DEFAULT_PERIOD), does.
set -eu

file=$1
name=
every=$DEFAULT_PERIOD
does=

fail() {
    echo "$file: $1" >&2
    exit 1
}

while read -r key equals value; do
    case $key in
        '' | '#'*) continue ;;
    esac
    [ "$equals" = '=' ] || fail "\`$key\` is not followed by \`=\`"
    case $key in
        name) name=$value ;;
        every) every=$value ;;
        does) does=$value ;;
        *) fail "\`$key\` is not a key (name, every, does)" ;;
    esac
done <"$file"

case $name in
    '' | *[!a-z0-9-]*) fail "name: \`$name\` does not consist of a-z, 0-9 and \`-\`" ;;
esac
case $every in
    '' | *[!0-9]* | 0*) fail "every: \`$every\` is not a number of seconds" ;;
esac
[ "$every" -le 604800 ] || fail "every: \`$every\` is more than 7 days"
[ -n "$does" ] || fail "does: a job needs a description"

printf '%s %s %s\n' "$name" "$every" "$does"
