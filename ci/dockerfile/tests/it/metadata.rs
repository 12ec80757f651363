//! Instructions that change the configuration, and how they are recorded.

use ci_dockerfile::graph::Workdir;
use ci_dockerfile::{Config, Healthcheck, Op};

use crate::support::{failure, request, steps, target, target_with};

fn history(instructions: &str) -> String {
    steps(instructions).pop().unwrap().created_by.unwrap()
}

fn on(config: Config, instructions: &str) -> Config {
    target_with(&format!("FROM base\n{instructions}"), &request(), &config)
        .unwrap_or_else(|error| panic!("{error}"))
        .config
}

#[test]
fn history_is_written_as_the_reference_writes_it() {
    let cases = [
        ("ENV a=1 b=\"2 3\"", "ENV a=1 b=2 3"),
        ("ENV old  style value", "ENV old=style value"),
        ("LABEL a=1 b=2", "LABEL a=1 b=2"),
        ("ARG a", "ARG a"),
        ("ARG a=1 b", "ARG a=1 b"),
        ("CMD [\"a b\", \"c\\n\"]", r#"CMD ["a b" "c\n"]"#),
        ("CMD a \"b\"", r#"CMD ["/bin/sh" "-c" "a \"b\""]"#),
        ("CMD []", "CMD []"),
        ("ENTRYPOINT [\"é\\u0001\"]", r#"ENTRYPOINT ["é\x01"]"#),
        ("EXPOSE 90 80", "EXPOSE [80/tcp 90/tcp]"),
        ("USER a:b", "USER a:b"),
        ("VOLUME /a /b", "VOLUME [/a /b]"),
        ("VOLUME [\"/a\", \"/b c\"]", "VOLUME [/a /b c]"),
        ("WORKDIR a/../b", "WORKDIR /b"),
        ("WORKDIR /a//b/", "WORKDIR /a//b/"),
        ("WORKDIR /a/../b/", "WORKDIR /b"),
        ("STOPSIGNAL SIGTERM", "STOPSIGNAL SIGTERM"),
        ("SHELL [\"/bin/bash\", \"-c\"]", "SHELL [/bin/bash -c]"),
        ("MAINTAINER A <a@b>", "MAINTAINER A <a@b>"),
        (
            "HEALTHCHECK --interval=90s --timeout=1.5s --start-period=2h --start-interval=10ms --retries=2 CMD curl x",
            "HEALTHCHECK {Test:[CMD-SHELL curl x] Interval:1m30s Timeout:1.5s StartPeriod:2h0m0s StartInterval:10ms Retries:2}",
        ),
        (
            "HEALTHCHECK NONE",
            "HEALTHCHECK {Test:[NONE] Interval:0s Timeout:0s StartPeriod:0s StartInterval:0s Retries:0}",
        ),
    ];
    for (instruction, expected) in cases {
        assert_eq!(history(instruction), expected, "{instruction}");
    }
}

#[test]
fn only_run_copy_and_workdir_make_layers() {
    let layers: Vec<bool> = steps("ENV a=1\nRUN x\nWORKDIR /a\nWORKDIR /\nCOPY a b\nCMD x\n")
        .iter()
        .map(|step| !step.empty_layer)
        .collect();
    assert_eq!(layers, [false, true, true, false, true, false]);
}

#[test]
fn an_entrypoint_resets_an_inherited_cmd() {
    let base = || Config {
        cmd: Some(vec!["sh".to_owned()]),
        ..Config::default()
    };
    assert_eq!(on(base(), "ENTRYPOINT [\"a\"]\n").cmd, None);
    assert_eq!(
        on(base(), "CMD [\"b\"]\nENTRYPOINT [\"a\"]\n").cmd.unwrap(),
        ["b"]
    );
    assert_eq!(
        on(base(), "ENTRYPOINT [\"a\"]\nCMD [\"b\"]\n").cmd.unwrap(),
        ["b"]
    );
    assert_eq!(on(base(), "USER x\n").cmd.unwrap(), ["sh"]);
    assert_eq!(on(base(), "ENTRYPOINT []\n").entrypoint, None);
    let stage = target("FROM scratch AS a\nCMD [\"b\"]\nFROM a\nENTRYPOINT [\"c\"]\n");
    assert_eq!(
        stage.config.cmd, None,
        "a stage's CMD is inherited by those on it"
    );
}

#[test]
fn settings_of_the_base_stay_unless_they_are_set() {
    let base = Config {
        env: vec![
            ("PATH".to_owned(), "/p".to_owned()),
            ("A".to_owned(), "1".to_owned()),
        ],
        user: "7".to_owned(),
        working_dir: "/w".to_owned(),
        labels: [("l".to_owned(), "1".to_owned())].into(),
        shell: Some(vec!["ash".to_owned()]),
        ..Config::default()
    };
    assert_eq!(on(base.clone(), ""), base);
    let changed = on(base, "ENV A=2 B=$A\nWORKDIR x\nLABEL m=2\nCMD c\n");
    assert_eq!(
        changed
            .env
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect::<Vec<_>>(),
        ["PATH=/p", "A=2", "B=1"]
    );
    assert_eq!(
        (
            changed.user.as_str(),
            changed.working_dir.as_str(),
            changed.labels.len()
        ),
        ("7", "/w/x", 2)
    );
    assert_eq!(changed.cmd.unwrap(), ["ash", "c"]);
}

#[test]
fn scratch_begins_with_a_path_and_a_directory() {
    assert_eq!(target("FROM scratch\n").config, Config::scratch());
    assert!(on(Config::default(), "").env("PATH").is_some());
    assert_eq!(on(Config::default(), "").working_dir, "");
}

#[test]
fn working_directories_are_made_for_the_user() {
    let steps = steps("USER app\nWORKDIR /a/./b/../c\nWORKDIR ../d e\n");
    let workdir = |path: &str| {
        Op::Workdir(Workdir {
            path: path.to_owned(),
            user: "app".to_owned(),
        })
    };
    assert_eq!(steps[1].op, workdir("/a/c"));
    assert_eq!(steps[2].op, workdir("/a/d e"));
}

#[test]
fn health_checks() {
    let health = |options: &str| {
        target(&format!("FROM scratch\nHEALTHCHECK {options}\n"))
            .config
            .healthcheck
            .unwrap()
    };
    let expected = Healthcheck {
        test: vec!["CMD".to_owned(), "a".to_owned()],
        interval: 5_000_000_000,
        retries: 3,
        ..Healthcheck::default()
    };
    assert_eq!(health("--interval=5s --retries=3 cmd [\"a\"]"), expected);
    assert_eq!(health("none").test, ["NONE"]);
    insta::assert_snapshot!(failure("FROM scratch\nHEALTHCHECK --interval=5 CMD x\n"), @r#"
    Dockerfile:2:13: --interval is a time such as 30s or 1m30s, not "5"
       2 | HEALTHCHECK --interval=5 CMD x
         |             ^
    "#);
    insta::assert_snapshot!(failure("FROM scratch\nHEALTHCHECK --timeout=10us CMD x\n"), @r"
    Dockerfile:2:13: --timeout cannot be shorter than 1ms
       2 | HEALTHCHECK --timeout=10us CMD x
         |             ^
    ");
    insta::assert_snapshot!(failure("FROM scratch\nHEALTHCHECK --retries=-1 CMD x\n"), @r#"
    Dockerfile:2:13: --retries is a number, not "-1"
       2 | HEALTHCHECK --retries=-1 CMD x
         |             ^
    "#);
    insta::assert_snapshot!(failure("FROM scratch\nHEALTHCHECK NONE x\n"), @r"
    Dockerfile:2:18: HEALTHCHECK NONE takes no arguments
       2 | HEALTHCHECK NONE x
         |                  ^
    ");
    insta::assert_snapshot!(failure("FROM scratch\nHEALTHCHECK CMD\n"), @r"
    Dockerfile:2:13: HEALTHCHECK CMD needs a command
       2 | HEALTHCHECK CMD
         |             ^
    ");
}

#[test]
fn ports() {
    let ports = |text: &str| {
        target(&format!("FROM scratch\nEXPOSE {text}\n"))
            .config
            .exposed_ports
            .into_iter()
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(ports("80"), "80/tcp");
    assert_eq!(
        ports("8000-8002/UDP 53/sctp"),
        "53/sctp 8000/udp 8001/udp 8002/udp"
    );
    assert_eq!(
        ports("127.0.0.1:8080:80 [::1]:1:2 3:4"),
        "2/tcp 4/tcp 80/tcp"
    );
    for wrong in [
        "x",
        "80/icmp",
        "65536",
        "9-8",
        "+80",
        "1-2:3-5",
        "300.0.0.1:1:1",
        "/tcp",
        "80-",
        "-80",
    ] {
        assert!(
            failure(&format!("FROM scratch\nEXPOSE {wrong}\n")).contains(wrong),
            "{wrong}"
        );
    }
}

#[test]
fn user_numbers_that_wrap_around_are_refused() {
    // E7: cut to 32 bits, 4294967296 is root.
    insta::assert_snapshot!(failure("FROM scratch\nUSER 4294967296\n"), @r"
    Dockerfile:2:6: 4294967296 is no user or group number: they are from 0 to 4294967294
       2 | USER 4294967296
         |      ^
    ");
    for wrong in [
        "4294967295",
        "-1",
        "0:4294967296",
        "99999999999999999999",
        "a:b:c",
    ] {
        assert!(
            failure(&format!("FROM scratch\nUSER {wrong}\n")).starts_with("Dockerfile:2:6"),
            "{wrong}"
        );
    }
    let base = Config {
        user: "4294967296:0".to_owned(),
        ..Config::default()
    };
    assert!(
        target_with("FROM base\n", &request(), &base).is_err(),
        "an image can say so too"
    );
    assert_eq!(
        target("FROM scratch\nUSER 4294967294:www-data\n")
            .config
            .user,
        "4294967294:www-data"
    );
}

#[test]
fn signals() {
    for right in [
        "9",
        "64",
        "SIGTERM",
        "term",
        "RTMIN",
        "SIGRTMIN+3",
        "RTMAX-1",
    ] {
        assert_eq!(
            target(&format!("FROM scratch\nSTOPSIGNAL {right}\n"))
                .config
                .stop_signal
                .as_deref(),
            Some(right)
        );
    }
    for wrong in ["0", "65", "SIGWHAT", "RTMIN+16", "RTMIN-1", "-9"] {
        assert!(
            failure(&format!("FROM scratch\nSTOPSIGNAL {wrong}\n")).contains("no signal"),
            "{wrong}"
        );
    }
}

#[test]
fn triggers_are_kept_with_their_heredocs() {
    let config =
        target("FROM scratch\nonbuild  RUN a \\\n  b\nONBUILD COPY <<EOF /x\n$A\nEOF\n").config;
    assert_eq!(config.onbuild, ["RUN a   b", "COPY <<EOF /x\n$A\nEOF"]);
    let stage = target_with("FROM base\n", &request(), &config).unwrap();
    assert_eq!(stage.steps.len(), 2);
}

#[test]
fn the_shell_in_force_is_the_one_set_before() {
    let config = target("FROM scratch\nCMD a\nSHELL [\"x\"]\nENTRYPOINT b\n").config;
    assert_eq!(config.entrypoint.unwrap(), ["x", "b"]);
    assert_eq!(config.author, None);
    assert!(!target("FROM scratch\n").config.args_escaped);
}
