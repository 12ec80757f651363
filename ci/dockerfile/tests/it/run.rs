//! RUN: forms of the command, heredocs, mounts, and what is refused.

use ci_dockerfile::graph::{Bind, Cache, CopyFrom, Mount, Network, Secret, Sharing, Ssh};
use ci_dockerfile::{Config, ErrorKind};

use crate::support::{failure, lower_all, request, run, steps, target};

fn mount(options: &str) -> Mount {
    run(&format!("WORKDIR /src\nRUN --mount={options} true"))
        .mounts
        .remove(0)
}

fn mount_failure(options: &str) -> String {
    failure(&format!("FROM scratch\nRUN --mount={options} true\n"))
        .lines()
        .next()
        .unwrap()
        .to_owned()
}

#[test]
fn shell_form_goes_through_the_current_shell_and_exec_form_does_not() {
    assert_eq!(run("RUN a  &&  b").argv, ["/bin/sh", "-c", "a  &&  b"]);
    assert_eq!(
        run("SHELL [\"/bin/bash\", \"-eo\", \"pipefail\", \"-c\"]\nRUN a | b").argv,
        ["/bin/bash", "-eo", "pipefail", "-c", "a | b"]
    );
    assert_eq!(run("RUN [\"a\", \"b c\"]").argv, ["a", "b c"]);
    assert_eq!(
        run("RUN [\"a\", \"b c\"").argv,
        ["/bin/sh", "-c", "[\"a\", \"b c\""],
        "broken JSON is shell text"
    );
    assert_eq!(
        run("RUN a \\\n  # comment\n  b").argv[2],
        "a   b",
        "continued lines are joined as they are"
    );
}

#[test]
fn a_heredoc_alone_is_the_script() {
    let run = run("RUN <<EOF\necho $A\n  two\nEOF\n");
    assert_eq!(run.argv, ["/bin/sh", "-c", "echo $A\n  two\n"]);
    assert!(run.files.is_empty());
    assert_eq!(
        crate::support::run("RUN <<-EOF\n\t\techo\n\tEOF\n").argv[2],
        "echo\n"
    );
}

#[test]
fn a_heredoc_with_a_shebang_is_a_file() {
    let run = run("RUN <<'RUN ME'\n#!/usr/bin/env python3\nprint($x)\nRUN ME\n");
    assert_eq!(run.argv, ["/bin/sh", "-c", "/dev/pipes/RUN ME"]);
    assert_eq!(run.files[0].path, "/dev/pipes/RUN ME");
    assert_eq!(run.files[0].mode, 0o755);
    assert_eq!(
        run.files[0].contents,
        b"#!/usr/bin/env python3\nprint($x)\n"
    );
}

#[test]
fn other_heredocs_are_left_to_the_shell() {
    let argv = run("RUN cat <<A > /a && cat 3<<-'B'\none\nA\n\ttwo\n\tB\n").argv;
    assert_eq!(argv[2], "cat <<A > /a && cat 3<<-'B'\none\nA\n\ttwo\nB");
}

#[test]
fn what_only_looks_like_a_heredoc_is_none() {
    for command in [
        "echo $((1<<3))",
        "echo \"<<EOF\"",
        "echo '<<EOF'",
        "cat <<<EOF",
        "a<<EOF",
        "echo \\<<EOF",
        "echo <<",
    ] {
        let steps = steps(&format!("RUN {command}\nUSER x"));
        assert_eq!(steps.len(), 2, "{command}");
    }
}

#[test]
fn display_and_history_are_those_of_the_reference() {
    let steps = steps("ENV A=x\nARG B=y z\nrun  echo $A \"$B\" $C\nRUN <<EOF\n\none\ntwo\nEOF\n");
    assert_eq!(steps[2].display, "RUN  echo x \"y\" $C");
    assert_eq!(
        steps[2].created_by.as_deref(),
        Some("RUN |2 B=y z= /bin/sh -c echo $A \"$B\" $C # buildkit")
    );
    assert_eq!(steps[3].display, "RUN <<EOF (one...)");
    assert!(!steps[2].empty_layer);
}

#[test]
fn bind_mounts() {
    let bind = |target: &str, from, source: &str, read_only| {
        Mount::Bind(Bind {
            target: target.to_owned(),
            from,
            source: source.to_owned(),
            read_only,
        })
    };
    assert_eq!(
        mount("target=x"),
        bind("/src/x", CopyFrom::Context, "/", true)
    );
    assert_eq!(
        mount("type=bind,source=../a/./b,dst=/x/../y,rw"),
        bind("/y", CopyFrom::Context, "/a/b", false)
    );
    assert_eq!(
        mount("target=/x,from=scratch,readwrite=false"),
        bind("/x", CopyFrom::Scratch, "/", true)
    );
    assert_eq!(
        mount("'\"target=/a,b\",from=busybox'"),
        bind("/a,b", CopyFrom::Image("busybox".to_owned()), "/", true)
    );
    assert_eq!(
        mount("type=bind,ro=0"),
        bind("/src", CopyFrom::Context, "/", false)
    );
}

#[test]
fn cache_mounts() {
    let cache = |target: &str, id: &str| Cache {
        target: target.to_owned(),
        id: id.to_owned(),
        sharing: Sharing::Shared,
        from: CopyFrom::Scratch,
        source: "/".to_owned(),
        uid: 0,
        gid: 0,
        mode: 0o755,
        read_only: false,
    };
    assert_eq!(
        mount("type=cache,target=/a/../c/"),
        Mount::Cache(cache("/c", "/c"))
    );
    assert_eq!(
        mount("type=cache,target=.cache"),
        Mount::Cache(cache("/src/.cache", ".cache")),
        "named as written, as in the reference"
    );
    let other = Cache {
        sharing: Sharing::Locked,
        uid: 5,
        gid: 6,
        mode: 0o1700,
        source: "/s".to_owned(),
        ..cache("/c", "id")
    };
    assert_eq!(
        mount("type=cache,target=/c,id=id,sharing=locked,uid=5,gid=6,mode=1700,source=s"),
        Mount::Cache(other)
    );
}

#[test]
fn tmpfs_secret_and_ssh_mounts() {
    let size = |text: &str| match mount(&format!("type=tmpfs,target=/t,size={text}")) {
        Mount::Tmpfs { size, .. } => size.unwrap(),
        other => panic!("{other:?}"),
    };
    assert_eq!(
        (size("10"), size("64m"), size("1.5GiB"), size("2kb")),
        (10, 64 << 20, 3 << 29, 2048)
    );
    let secret = Secret {
        id: "npm".to_owned(),
        target: Some("/run/secrets/npm".to_owned()),
        env: None,
        required: false,
        uid: 0,
        gid: 0,
        mode: 0o400,
    };
    assert_eq!(mount("type=secret,id=npm"), Mount::Secret(secret.clone()));
    assert_eq!(
        mount("type=secret,target=/etc/npm"),
        Mount::Secret(Secret {
            target: Some("/etc/npm".to_owned()),
            ..secret.clone()
        })
    );
    assert_eq!(
        mount("type=secret,id=npm,env=T,required"),
        Mount::Secret(Secret {
            target: None,
            env: Some("T".to_owned()),
            required: true,
            ..secret.clone()
        })
    );
    assert_eq!(
        mount("type=secret,id=npm,env=T,target=/f,mode=0444"),
        Mount::Secret(Secret {
            target: Some("/f".to_owned()),
            env: Some("T".to_owned()),
            mode: 0o444,
            ..secret
        })
    );
    let ssh = Ssh {
        id: "default".to_owned(),
        target: "/run/buildkit/ssh_agent.0".to_owned(),
        required: false,
        uid: 0,
        gid: 0,
        mode: 0o600,
    };
    assert_eq!(mount("type=ssh"), Mount::Ssh(ssh.clone()));
    assert_eq!(
        mount("type=ssh,id=k,required=true,target=/a,uid=1"),
        Mount::Ssh(Ssh {
            id: "k".to_owned(),
            required: true,
            target: "/a".to_owned(),
            uid: 1,
            ..ssh.clone()
        })
    );
    let several =
        run("RUN --mount=type=ssh,id=a --mount=type=tmpfs,target=/t --mount=type=ssh,id=b true")
            .mounts;
    let target = |number| format!("/run/buildkit/ssh_agent.{number}");
    assert!(matches!(&several[0], Mount::Ssh(ssh) if ssh.target == target(0)));
    assert!(matches!(&several[2], Mount::Ssh(ssh) if ssh.target == target(1)));
}

#[test]
fn variables_are_replaced_in_mounts() {
    let run = run("ENV D=/d I=id\nARG T=cache\nRUN --mount=type=$T,target=$D/x,id=${I}-1 true");
    let Mount::Cache(cache) = &run.mounts[0] else {
        panic!("{run:?}")
    };
    assert_eq!((cache.target.as_str(), cache.id.as_str()), ("/d/x", "id-1"));
}

#[test]
fn mounts_that_make_no_sense_are_refused() {
    insta::assert_snapshot!(mount_failure("type=cache,target=/"), @"Dockerfile:2:5: a mount needs a target other than /");
    insta::assert_snapshot!(mount_failure("type=cache,target=/x/.."), @"Dockerfile:2:5: a mount needs a target other than /");
    insta::assert_snapshot!(mount_failure("type=bind,target=/x,mode=7"), @"Dockerfile:2:5: a mount of type bind has no mode");
    insta::assert_snapshot!(mount_failure("type=secret"), @"Dockerfile:2:5: a secret needs an id");
    insta::assert_snapshot!(mount_failure("type=secret,id=a,source=b"), @"Dockerfile:2:5: a secret has an id or a source, which mean the same, not both");
    insta::assert_snapshot!(mount_failure("type=secret,id=a,sharing=locked"), @"Dockerfile:2:5: a mount of type secret has no sharing");
    insta::assert_snapshot!(mount_failure("type=cache,target=/x,required"), @"Dockerfile:2:5: a mount of type cache has no required");
    insta::assert_snapshot!(mount_failure("type=cache,target=/x,sharing=loked"), @r#"Dockerfile:2:5: sharing is shared, private or locked, not "loked""#);
    insta::assert_snapshot!(mount_failure("type=cache,target=/x,uid=-1"), @r#"Dockerfile:2:5: "-1" is no uid"#);
    insta::assert_snapshot!(mount_failure("type=tmpfs,target=/x,size=big"), @r#"Dockerfile:2:5: "big" is no size; write 64m or 1g"#);
    insta::assert_snapshot!(mount_failure("type=bind,target"), @"Dockerfile:2:5: target needs a value: target=…");
    insta::assert_snapshot!(mount_failure("type=bind,ro=perhaps"), @r#"Dockerfile:2:5: ro is true or false, not "perhaps""#);
}

#[test]
fn networks() {
    assert_eq!(run("RUN true").network, Network::Default);
    assert_eq!(run("RUN --network=none true").network, Network::None);
    assert_eq!(run("RUN --network=host true").network, Network::Host);
    insta::assert_snapshot!(failure("FROM scratch\nRUN --network=hots true\n"), @r#"
    Dockerfile:2:5: --network is default, none or host, not "hots"
       2 | RUN --network=hots true
         |     ^
           did you mean host?
    "#);
}

#[test]
fn what_leaves_the_sandbox_is_refused_with_the_reason() {
    assert_eq!(run("RUN --security=sandbox true").argv[2], "true");
    for (flag, word) in [
        ("--security=insecure", "sandbox"),
        ("--device=vendor.com/gpu", "device"),
    ] {
        let error = lower_all(
            &format!("FROM scratch\nRUN {flag} true\n"),
            &request(),
            &Config::default(),
        )
        .unwrap_err();
        assert_eq!(error.kind, ErrorKind::Unsupported);
        assert!(
            error.message.contains("refused") && error.message.contains(word),
            "{error}"
        );
        assert_eq!((error.line, error.column), (2, 5));
    }
}

#[test]
fn a_process_has_the_image_s_user_and_directory() {
    let stage = target("FROM scratch\nUSER app:staff\nWORKDIR a\nWORKDIR b\nRUN true\n");
    let ci_dockerfile::Op::Run(run) = &stage.steps[3].op else {
        panic!()
    };
    assert_eq!(
        (run.user.as_str(), run.working_dir.as_str()),
        ("app:staff", "/a/b")
    );
}
