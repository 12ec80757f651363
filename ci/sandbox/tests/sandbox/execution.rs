//! Commands: output, exit codes, identity, environment, limits, and the words for a command that cannot be run.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use ci_sandbox::{Error, Exit, Secret, Spec, User};

use crate::support::Bench;

pub(crate) async fn output_and_exit_code_come_back(bench: Bench) {
    let outcome = bench
        .run(bench.script("echo out; echo err >&2; exit 7"))
        .await;
    assert_eq!(
        (outcome.stdout.as_str(), outcome.stderr.as_str()),
        ("out\n", "err\n")
    );
    assert_eq!(outcome.exit, Exit::Code(7));
}

pub(crate) async fn a_signal_is_told_from_an_exit_code(bench: Bench) {
    let outcome = bench.run(bench.script("kill -SEGV $$")).await;
    assert_eq!(outcome.exit, Exit::Signal(11));
    assert_eq!(outcome.exit.code(), 139);
}

pub(crate) async fn the_environment_is_what_was_asked_for(bench: Bench) {
    let mut spec = bench.spec(["/bin/env"]);
    spec.env = vec![("B".into(), "two words".into()), ("A".into(), "1".into())];
    assert_eq!(bench.succeed(spec).await, "B=two words\nA=1\n");
}

pub(crate) async fn the_user_is_who_was_asked_for(bench: Bench) {
    let mut spec = bench.script("id -u; id -g; touch /tmp/mine; stat -c %u:%g /tmp/mine; touch /etc/not-mine || echo refused");
    spec.user = User {
        uid: 65532,
        gid: 65531,
        groups: vec![],
    };
    let output = bench.succeed(spec).await;
    // With one id all files are the user's.
    let refused = if bench.mode == "single" {
        ""
    } else {
        "refused\n"
    };
    assert_eq!(output, format!("65532\n65531\n65532:65531\n{refused}"));
}

pub(crate) async fn supplementary_groups_are_set(bench: Bench) {
    if bench.mode == "single" {
        return;
    }
    let mut spec = bench.spec(["id", "-G"]);
    spec.user = User {
        uid: 1000,
        gid: 1000,
        groups: vec![10, 27],
    };
    assert_eq!(bench.succeed(spec).await, "1000 10 27\n");
}

pub(crate) async fn root_may_give_files_away(bench: Bench) {
    if bench.mode == "single" {
        return;
    }
    let output = bench
        .output("touch /tmp/f && chown 1234:4321 /tmp/f && stat -c %u:%g /tmp/f")
        .await;
    assert_eq!(output, "1234:4321\n");
}

pub(crate) async fn the_masks_and_limits_of_the_caller_do_not_matter(bench: Bench) {
    let mut spec = bench.script("umask; ulimit -n; ulimit -Hn");
    spec.limits.nofile = Some(64);
    assert_eq!(bench.succeed(spec).await, "0022\n64\n64\n");
}

pub(crate) async fn standard_input_is_empty_or_given(bench: Bench) {
    assert_eq!(bench.output("wc -c").await.trim(), "0");
    let mut spec = bench.spec(["cat"]);
    spec.stdin = Some(Secret(vec![b'x'; 300_000]));
    assert_eq!(bench.succeed(spec).await.len(), 300_000);
}

pub(crate) async fn a_missing_working_directory_is_made(bench: Bench) {
    let mut spec = bench.script("pwd; stat -c %a:%u .");
    spec.cwd = "/work/deep".into();
    assert_eq!(bench.succeed(spec).await, "/work/deep\n755:0\n");
    assert_eq!(bench.changes(), ["work", "work/deep"]);
}

pub(crate) async fn a_missing_working_directory_is_its_users(bench: Bench) {
    if bench.mode == "single" {
        return;
    }
    let mut spec = bench.script("touch mine; stat -c %u:%g /work /work/deep");
    spec.cwd = "/work/deep".into();
    (spec.user.uid, spec.user.gid) = (1000, 50);
    assert_eq!(bench.succeed(spec).await, "1000:50\n1000:50\n");
}

pub(crate) async fn the_time_limit_ends_it(bench: Bench) {
    let mut spec = bench.script("echo begun; trap '' TERM; sleep 60; sleep 60");
    spec.limits.timeout = Some(Duration::from_millis(300));
    spec.grace = Duration::from_millis(100);
    let begin = Instant::now();
    let outcome = bench.run(spec).await;
    assert!(matches!(outcome.exit, Exit::TimedOut { .. }), "{outcome:?}");
    assert_eq!(outcome.stdout, "begun\n");
    assert!(begin.elapsed() < Duration::from_secs(5));
}

async fn refusal(bench: &Bench, spec: Spec) -> (String, i32) {
    match bench.try_run(spec).await {
        Err(Error::Command { message, code }) => (message, code),
        other => panic!("{other:?}"),
    }
}

pub(crate) async fn a_missing_command_is_127_and_named(bench: Bench) {
    let (message, code) = refusal(&bench, bench.spec(["mkae", "all"])).await;
    assert_eq!(
        (message.as_str(), code),
        ("mkae: command not found in PATH (/bin)", 127)
    );
    let (message, code) = refusal(&bench, bench.spec(["/opt/tool"])).await;
    assert_eq!(
        (message.as_str(), code),
        ("/opt/tool: no such file in the image", 127)
    );
    let (message, code) = refusal(&bench, bench.spec(Vec::<String>::new())).await;
    assert_eq!(
        (message.as_str(), code),
        ("there is no command to run", 127)
    );
}

pub(crate) async fn what_is_no_program_is_126(bench: Bench) {
    let image = bench.layer(
        "image",
        &[("bin/data", "no #! line"), ("bin/plain", "text")],
    );
    fs::set_permissions(image.join("bin/data"), PermissionsExt::from_mode(0o755)).unwrap();
    let (message, code) = refusal(&bench, bench.spec(["data"])).await;
    assert_eq!(
        (message.as_str(), code),
        (
            "/bin/data: not a program for this machine, and without a #! line",
            126
        )
    );
    let (message, code) = refusal(&bench, bench.spec(["/bin/plain"])).await;
    assert_eq!(
        (message.as_str(), code),
        ("/bin/plain: permission denied for user 0", 126)
    );
    let (message, code) = refusal(&bench, bench.spec(["/etc"])).await;
    assert_eq!((message.as_str(), code), ("/etc: is a directory", 126));
}

pub(crate) async fn a_missing_interpreter_is_named(bench: Bench) {
    let image = bench.layer("image", &[("bin/script", "#!/usr/bin/python3\n")]);
    fs::set_permissions(image.join("bin/script"), PermissionsExt::from_mode(0o755)).unwrap();
    let (message, code) = refusal(&bench, bench.spec(["script"])).await;
    assert_eq!(code, 127);
    assert_eq!(
        message,
        "/bin/script: its first line names the interpreter /usr/bin/python3, which the image does not have"
    );
    // This test program is linked dynamically, and the image has no C library.
    fs::copy(std::env::current_exe().unwrap(), image.join("bin/dynamic")).unwrap();
    let (message, code) = refusal(&bench, bench.spec(["dynamic"])).await;
    assert_eq!(code, 127);
    assert!(
        message.contains("needs the dynamic loader /lib"),
        "{message}"
    );
}

pub(crate) async fn a_refused_step_is_named_with_its_reason(bench: Bench) {
    let mut spec = bench.spec(["true"]);
    spec.root.lowers.push(bench.path("no-such-layer"));
    let error = bench.try_run(spec).await.unwrap_err().to_string();
    assert!(
        error.starts_with("cannot open the layer directory "),
        "{error}"
    );
    assert!(error.contains("No such file or directory"), "{error}");
}
