//! Variables: the forms of `${…}`, quotes, and which instruction replaces what.

use ci_dockerfile::Config;

use crate::support::{copy, failure, run, steps, target, target_with, with_args};

/// What a LABEL with this value becomes; `full` is `a.b.c`, `empty` is empty, `unset` is not set.
fn label(value: &str) -> String {
    let stage = target(&format!(
        "FROM scratch\nENV full=a.b.c empty=\nLABEL l={value}\n"
    ));
    stage.config.labels["l"].clone()
}

#[test]
fn every_form_of_expansion_gives_what_the_shell_gives() {
    let cases = [
        ("$full", "a.b.c"),
        ("${full}", "a.b.c"),
        ("$full-x", "a.b.c-x"),
        ("$unset", ""),
        ("${unset:-d}", "d"),
        ("${empty:-d}", "d"),
        ("${full:-d}", "a.b.c"),
        ("${unset-d}", "d"),
        ("${empty-d}", ""),
        ("${unset:+a}", ""),
        ("${empty:+a}", ""),
        ("${full:+a}", "a"),
        ("${empty+a}", "a"),
        ("${unset+a}", ""),
        ("${full:?no}", "a.b.c"),
        ("${empty?no}", ""),
        ("${full#*.}", "b.c"),
        ("${full##*.}", "c"),
        ("${full%.*}", "a.b"),
        ("${full%%.*}", "a"),
        ("${full#a}", ".b.c"),
        ("${full#x}", "a.b.c"),
        ("${full#?.}", "b.c"),
        (r"${full#\*}", "a.b.c"),
        ("${full/./-}", "a-b.c"),
        ("${full//./-}", "a-b-c"),
        ("${full/.*/-}", "a-"),
        ("${full//?/x}", "xxxxx"),
        (r"${full//\//x}", "a.b.c"),
        ("${full/b/}", "a..c"),
        ("${unset:-${full%%.*}}", "a"),
        ("${unset:-${unset:-${full}}}", "a.b.c"),
        ("'$full'", "$full"),
        ("\"$full d\"", "a.b.c d"),
        (r"\$full", "$full"),
        (r#""\$full""#, "$full"),
        (r#""a\nb""#, r"a\nb"),
        ("a'b'\"c\"", "abc"),
        ("$", "$"),
        ("$.", "$."),
        ("a$$", "a"),
    ];
    for (written, expected) in cases {
        assert_eq!(label(written), expected, "{written}");
    }
}

#[test]
fn a_pattern_matches_every_way_a_star_can_split_the_value() {
    let stage = target(
        "FROM scratch\nENV v=aXbXcX\nLABEL a=${v#*X} b=${v##*X*X} c=${v%X*} d=${v%%X*X} e=${v//X*c/-} f=${v##*b*c}",
    );
    let labels: Vec<&str> = stage.config.labels.values().map(String::as_str).collect();
    assert_eq!(labels, ["bXcX", "", "aXbXc", "a", "a-X", "X"]);
}

#[test]
fn an_env_line_sees_the_values_of_before_it() {
    let stage = target("FROM scratch\nENV abc=hello\nENV abc=bye def=$abc\nENV ghi=$abc\n");
    assert_eq!(stage.config.env("def"), Some("hello"));
    assert_eq!(stage.config.env("ghi"), Some("bye"));
}

#[test]
fn names_are_expanded_too() {
    let stage = target("FROM scratch\nENV n=NAME\nENV $n=1\nLABEL l.$n=2\n");
    assert_eq!(stage.config.env("NAME"), Some("1"));
    assert_eq!(stage.config.labels["l.NAME"], "2");
}

#[test]
fn commands_are_left_to_the_shell() {
    let stage = target(
        "FROM scratch\nENV A=x\nCMD echo $A\nENTRYPOINT [\"/$A\"]\nHEALTHCHECK CMD test $A\nSHELL [\"$A\"]\n",
    );
    assert_eq!(stage.config.cmd.unwrap(), ["/bin/sh", "-c", "echo $A"]);
    assert_eq!(stage.config.entrypoint.unwrap(), ["/$A"]);
    assert_eq!(
        stage.config.healthcheck.unwrap().test,
        ["CMD-SHELL", "test $A"]
    );
    assert_eq!(stage.config.shell.unwrap(), ["$A"]);
    assert_eq!(
        run("ENV A=x\nRUN echo $A \\$A '$A'").argv[2],
        "echo $A \\$A '$A'"
    );
}

#[test]
fn paths_users_ports_and_volumes_are_expanded() {
    let stage = target(
        "FROM scratch\nENV D=/d U=7 P='80 81/udp' S=9 V=/v\nWORKDIR ${D}/w\nUSER $U:${G:-8}\nEXPOSE $P 90\nSTOPSIGNAL $S\nVOLUME $V [x\nVOLUME [\"$V/json\"]\n",
    );
    assert_eq!(stage.config.working_dir, "/d/w");
    assert_eq!(stage.config.user, "7:8");
    assert_eq!(
        stage.config.exposed_ports.into_iter().collect::<Vec<_>>(),
        ["80/tcp", "81/udp", "90/tcp"]
    );
    assert_eq!(stage.config.stop_signal.as_deref(), Some("9"));
    assert_eq!(
        stage.config.volumes.into_iter().collect::<Vec<_>>(),
        ["/v", "/v/json", "[x"]
    );
    let copy = copy("ENV D=/d U=7\nCOPY --chown=$U --chmod=0$U --exclude=$U.txt a$U $D/\n");
    assert_eq!(
        (copy.chown.as_deref(), copy.dest.as_str()),
        (Some("7"), "/d/")
    );
    assert_eq!(copy.chmod.unwrap().apply(0o644, false), 0o7);
    assert_eq!(copy.exclude, ["7.txt"]);
}

#[test]
fn the_escape_directive_decides_what_escapes() {
    let stage =
        target("# escape=`\nFROM scratch\nENV A=x\nLABEL a=`$A b=\\$A c=\"`\"\"\nWORKDIR C:\\$A\n");
    let labels: Vec<&str> = stage.config.labels.values().map(String::as_str).collect();
    assert_eq!(labels, ["$A", "\\x", "\""]);
    assert_eq!(stage.config.working_dir, "/C:\\x");
}

#[test]
fn arguments_take_the_given_value_then_their_default_then_the_global() {
    let text = "ARG G=global\nARG H\nFROM scratch\nARG G\nARG H\nARG D=default\nARG E=${D}-$G\nARG GIVEN=x\nRUN true\n";
    let stage = target_with(
        text,
        &with_args(&[("GIVEN", "y"), ("UNKNOWN", "z")]),
        &Config::default(),
    )
    .unwrap();
    let created_by = stage.steps.last().unwrap().created_by.clone().unwrap();
    assert_eq!(
        created_by,
        "RUN |5 G=global H= D=default E=default-global GIVEN=y /bin/sh -c true # buildkit"
    );
    assert!(
        stage.config.env("G").is_none(),
        "arguments are no part of the image"
    );
}

#[test]
fn an_argument_without_value_is_not_in_the_environment() {
    let run = run("ARG A\nARG B=\nRUN true");
    let names: Vec<&str> = run.env.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["PATH", "B"]);
}

#[test]
fn the_later_of_env_and_arg_wins_as_in_the_reference() {
    let value = |instructions: &str| {
        run(&format!("{instructions}\nRUN true"))
            .env
            .into_iter()
            .find(|(name, _)| name == "A")
            .unwrap()
            .1
    };
    assert_eq!(value("ARG A=arg\nENV A=env"), "env");
    assert_eq!(value("ENV A=env\nARG A=arg"), "arg");
}

#[test]
fn a_stage_inherits_the_arguments_of_the_stage_it_stands_on() {
    let text = "FROM scratch AS a\nARG X=1\nENV Y=2\nFROM a\nRUN true\n";
    let stage = target(text);
    assert_eq!(
        stage.steps[0].created_by.as_deref(),
        Some("RUN |1 X=1 /bin/sh -c true # buildkit")
    );
    assert_eq!(stage.config.env("Y"), Some("2"));
    assert!(stage.config.env("X").is_none());
}

#[test]
fn platform_arguments_come_when_declared() {
    let text = "FROM scratch AS out\nARG TARGETPLATFORM\nARG TARGETOS\nARG TARGETARCH\nARG TARGETVARIANT\nARG BUILDPLATFORM\nARG TARGETSTAGE\nARG SOURCE_DATE_EPOCH\nRUN true\n";
    let mut request = with_args(&[("SOURCE_DATE_EPOCH", "42")]);
    request.target_platform = ci_dockerfile::Platform::new("linux", "arm", Some("7"));
    let stage = target_with(text, &request, &Config::default()).unwrap();
    let expected = "RUN |7 TARGETPLATFORM=linux/arm/v7 TARGETOS=linux TARGETARCH=arm TARGETVARIANT=v7 BUILDPLATFORM=linux/amd64 TARGETSTAGE=out SOURCE_DATE_EPOCH=42 /bin/sh -c true # buildkit";
    assert_eq!(
        stage.steps.last().unwrap().created_by.as_deref(),
        Some(expected)
    );
    assert_eq!(
        run("RUN true").env.len(),
        1,
        "undeclared, they are not there"
    );
}

#[test]
fn proxies_reach_the_process_and_nothing_else() {
    let request = with_args(&[("http_proxy", "http://p"), ("NO_PROXY", "x")]);
    let stage = target_with(
        "FROM scratch\nENV no_proxy=mine\nRUN true\n",
        &request,
        &Config::default(),
    )
    .unwrap();
    let step = stage.steps.last().unwrap();
    let ci_dockerfile::Op::Run(run) = &step.op else {
        panic!("{step:?}")
    };
    let expected = [
        ("HTTP_PROXY", "http://p"),
        ("http_proxy", "http://p"),
        ("NO_PROXY", "x"),
        ("no_proxy", "x"),
    ];
    assert_eq!(
        run.proxy,
        expected.map(|(name, value)| (name.to_owned(), value.to_owned()))
    );
    assert!(!run.env.iter().any(|(_, value)| value.contains("http")));
    assert_eq!(
        step.created_by.as_deref(),
        Some("RUN /bin/sh -c true # buildkit")
    );
}

#[test]
fn values_that_may_be_secrets_are_not_shown() {
    // S1: what people see names the variable; the shell replaces it.
    let steps = steps(
        "ARG API_TOKEN=hunter2\nARG V=1\nRUN --mount=type=secret,id=a,env=S curl -H $API_TOKEN v$V $S\n",
    );
    assert_eq!(
        steps[2].display,
        "RUN --mount=type=secret,id=a,env=S curl -H $API_TOKEN v1 $S"
    );
}

#[test]
fn faults_of_expansion_are_errors_with_a_place() {
    insta::assert_snapshot!(failure("FROM scratch\nENV A=ok \\\n    B=${MISSING:?set it}\n"), @r#"
    Dockerfile:3:22: "it}" has no =; write name=value, and quote a value that has spaces
       3 |     B=${MISSING:?set it}
         |                      ^
    "#);
    insta::assert_snapshot!(failure("FROM scratch\nLABEL a=${x\n"), @r"
    Dockerfile:2:7: ${ is not closed by }
       2 | LABEL a=${x
         |       ^
    ");
    insta::assert_snapshot!(failure("FROM scratch\nWORKDIR \"/x\n"), @r#"
    Dockerfile:2:9: a double quote is not closed
       2 | WORKDIR "/x
         |         ^
    "#);
    insta::assert_snapshot!(failure("FROM scratch\nUSER ${}\n"), @r"
    Dockerfile:2:6: ${ must be followed by the name of a variable
       2 | USER ${}
         |      ^
    ");
    insta::assert_snapshot!(failure("FROM scratch\nUSER ${x^^}\n"), @r"
    Dockerfile:2:6: ${x^…} is no form of expansion that Dockerfiles have
       2 | USER ${x^^}
         |      ^
    ");
}
