# The tests of one part, `schedule` or `migrations`: prints a line for each and writes them to /out/junit.xml.
set -u

suite=$1
out=${OUT:-/out}
cases=$out/cases.xml
number=0
failed=0
: >"$cases"

# expect NAME STATUS OUTPUT COMMAND...: the command's exit status, and what it prints to either descriptor.
expect() {
    name=$1 status=$2 output=$3
    shift 3
    actual_status=0
    actual=$("$@" 2>&1) || actual_status=$?
    number=$((number + 1))
    if [ "$actual_status" = "$status" ] && [ "$actual" = "$output" ]; then
        echo "ok: $name"
        echo "  <testcase classname=\"$suite\" name=\"$name\"/>" >>"$cases"
        return
    fi
    failed=$((failed + 1))
    echo "FAILED: $name"
    echo "  expected status $status: $output"
    echo "  got      status $actual_status: $actual"
    {
        echo "  <testcase classname=\"$suite\" name=\"$name\">"
        printf '    <failure message="expected status %s, got %s"><![CDATA[%s]]></failure>\n' "$status" "$actual_status" "$actual"
        echo "  </testcase>"
    } >>"$cases"
}

compile() {
    sh scripts/compile.sh "testdata/jobs/$1.job"
}

# The digest that the schedule should end in.
sealed() {
    lines=$(grep -v '^sha256 ' "$out/schedule")
    [ "sha256 $(echo "$lines" | sha256sum | cut -d' ' -f1)" = "$(tail -n 1 "$out/schedule")" ]
}

migrate() {
    sh scripts/migrate.sh "$1" | grep -v '^    '
}

case $suite in
    schedule)
        expect 'a job becomes a line' 0 'greet 5 Say "hello" to  everybody' compile good
        expect 'the period has a default' 0 "rare $DEFAULT_PERIOD Be rare" compile default-period
        expect 'a job needs a name' 1 'testdata/jobs/no-name.job: name: `` does not consist of a-z, 0-9 and `-`' compile no-name
        expect 'a period is a number' 1 'testdata/jobs/bad-period.job: every: `often` is not a number of seconds' compile bad-period
        expect 'a period is at most a week' 1 'testdata/jobs/long-period.job: every: `604801` is more than 7 days' compile long-period
        expect 'keys are known' 1 'testdata/jobs/bad-key.job: `evry` is not a key (name, every, does)' compile bad-key
        expect 'the jobs are sorted' 0 'expire-sessions
refresh-rates
send-digest' sh -c "grep -v '^sha256 ' $out/schedule | cut -d' ' -f1"
        expect 'the schedule ends in its checksum' 0 '' sealed
        expect 'no name is used twice' 1 "$out/twice: two jobs are called \`again\`" \
            sh -c "printf 'again 1 a\nagain 2 b\n' >$out/twice; sh scripts/seal.sh $out/twice"
        ;;
    migrations)
        export STATE_DIR=$out/state-under-test
        rm -rf "$STATE_DIR"
        mkdir "$STATE_DIR"
        expect 'all are applied in order' 0 'applying 0001-accounts.sql
applying 0002-sessions.sql
applying 0010-session-expiry.sql
3 applied, 3 in all' migrate "$out/migrations"
        expect 'the second time none is applied' 0 '0 applied, 3 in all' migrate "$out/migrations"
        expect 'new ones are applied after the others' 0 'applying 0011-more.sql
1 applied, 4 in all' migrate testdata/migrations/more
        expect 'a changed one is refused' 1 '0001-accounts.sql: changed since it was applied' \
            sh scripts/migrate.sh testdata/migrations/changed
        expect 'a damaged bundle is refused' 1 '' sh -c 'sh scripts/migrate.sh testdata/migrations/damaged 2>/dev/null'
        ;;
    *)
        echo "check.sh: there is no suite \`$suite\`" >&2
        exit 2
        ;;
esac

{
    echo '<?xml version="1.0" encoding="UTF-8"?>'
    echo "<testsuite name=\"$suite\" tests=\"$number\" failures=\"$failed\">"
    cat "$cases"
    echo '</testsuite>'
} >"$out/junit.xml"
rm "$cases"
echo "$number tests, $failed failed"
[ "$failed" = 0 ]
