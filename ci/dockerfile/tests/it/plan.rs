//! Stages: which are needed, what they stand on, what has to be fetched, and names that stand for contexts.

use ci_dockerfile::graph::{CopyFrom, Mount};
use ci_dockerfile::{Base, Config, Error, External, Op, Plan, Platform, Request, StageId};

use crate::support::{file, lower_all, request, target_with, with_args};

fn plan(text: &str, request: &Request) -> Result<Plan, Error> {
    Plan::new(&file(text), request)
}

fn needed(text: &str, target: Option<&str>) -> Vec<String> {
    let request = Request {
        target: target.map(str::to_owned),
        ..request()
    };
    let plan = plan(text, &request).unwrap_or_else(|error| panic!("{error}"));
    plan.needed()
        .iter()
        .map(|id| plan.stage(*id).unwrap().name.clone())
        .collect()
}

fn with_contexts(names: &[&str]) -> Request {
    Request {
        named_contexts: names.iter().map(|name| (*name).to_owned()).collect(),
        ..request()
    }
}

fn base(text: &str, request: &Request) -> Base {
    let plan = plan(text, request).unwrap_or_else(|error| panic!("{error}"));
    plan.stage(plan.target()).unwrap().base.clone()
}

fn image(reference: &str) -> Base {
    Base::Image {
        reference: reference.to_owned(),
        platform: Platform::new("linux", "amd64", None),
    }
}

#[test]
fn only_what_the_target_needs_is_built() {
    let text = "FROM a AS base\nFROM base AS build\nFROM b AS tools\nFROM c AS never\nFROM d\nCOPY --from=build /x /\nRUN --mount=from=tools,target=/t true\n";
    assert_eq!(needed(text, None), ["base", "build", "tools", "stage-4"]);
    assert_eq!(needed(text, Some("BUILD")), ["base", "build"]);
    assert_eq!(needed(text, Some("3")), ["never"]);
    assert_eq!(plan(text, &request()).unwrap().externals().len(), 3);
}

#[test]
fn an_unknown_target_is_an_error_that_names_the_stages() {
    let request = Request {
        target: Some("biuld".to_owned()),
        ..request()
    };
    let error = plan("FROM a AS build\nFROM b AS test\n", &request).unwrap_err();
    insta::assert_snapshot!(error, @r#"
    Dockerfile:2:1: there is no stage "biuld" to build; its stages are build, test
       2 | FROM b AS test
         | ^
           did you mean build?
    "#);
}

#[test]
fn stages_are_found_by_name_and_number() {
    let text = "FROM a AS Build\nFROM b\nCOPY --from=build /1 /\nCOPY --from=0 /2 /\nCOPY --from=BUILD /3 /\n";
    let (_, stages) = lower_all(text, &request(), &Config::default()).unwrap();
    for step in &stages[1].steps {
        let Op::Copy(copy) = &step.op else {
            panic!("{step:?}")
        };
        assert_eq!(copy.from, CopyFrom::Stage(StageId(0)));
    }
}

#[test]
fn from_takes_the_latest_stage_of_a_name_before_it() {
    let text = "FROM a AS x\nFROM x AS x\nFROM x\n";
    assert_eq!(base(text, &request()), Base::Stage(StageId(1)));
    assert_eq!(needed(text, None), ["x", "x", "stage-2"]);
}

#[test]
fn a_stage_cannot_use_itself_or_a_later_one() {
    let fails = |text: &str| plan(text, &request()).unwrap_err().to_string();
    insta::assert_snapshot!(fails("FROM a AS one\nCOPY --from=one a b\n"), @r"
    Dockerfile:2:6: a stage cannot take files from itself (one)
       2 | COPY --from=one a b
         |      ^
    ");
    insta::assert_snapshot!(fails("FROM a AS one\nCOPY --from=two a b\nFROM one AS two\n"), @r"
    Dockerfile:2:6: the stage two comes later; a stage can take files from earlier ones only
       2 | COPY --from=two a b
         |      ^
    ");
    insta::assert_snapshot!(fails("FROM a AS one\nRUN --mount=from=1,target=/x true\nFROM one AS two\n"), @r"
    Dockerfile:2:5: the stage 1 comes later; a stage can take files from earlier ones only
       2 | RUN --mount=from=1,target=/x true
         |     ^
    ");
    insta::assert_snapshot!(fails("FROM a\nCOPY --from=7 a b\n"), @r"
    Dockerfile:2:6: there is no stage number 7
       2 | COPY --from=7 a b
         |      ^
    ");
    insta::assert_snapshot!(fails("FROM a AS build\nFROM a\nCOPY --from=Not_An_Image a b\n"), @r#"
    Dockerfile:3:6: "Not_An_Image" is no stage, no named context and no reference to an image
       3 | COPY --from=Not_An_Image a b
         |      ^
    "#);
    insta::assert_snapshot!(fails("FROM a\nRUN --mount=from=$X,target=/x true\n"), @r"
    Dockerfile:2:5: variables are not replaced in from=; give the image a name with FROM … AS and use that
       2 | RUN --mount=from=$X,target=/x true
         |     ^
    ");
}

#[test]
fn from_is_evaluated_with_global_arguments() {
    let text = "ARG V=3.20.1\nARG R=alpine:${V%.*}\nFROM $R\n";
    assert_eq!(base(text, &request()), image("alpine:3.20"));
    assert_eq!(
        base(text, &with_args(&[("V", "4.1.1")])),
        image("alpine:4.1")
    );
    assert_eq!(
        base("ARG A=x\nFROM scratch AS s\nARG A=y\nFROM $A\n", &request()),
        image("x"),
        "arguments of a stage are not global"
    );
}

#[test]
fn platforms_are_read_with_their_aliases() {
    let of = |flag: &str| {
        let plan = plan(
            &format!("FROM --platform={flag} a AS x\nFROM x\n"),
            &request(),
        )
        .unwrap();
        plan.stages()[1].platform.to_string()
    };
    assert_eq!(of("linux/arm64/v8"), "linux/arm64");
    assert_eq!(of("aarch64"), "linux/arm64");
    assert_eq!(of("linux/arm"), "linux/arm/v7");
    assert_eq!(of("linux"), "linux/amd64");
    assert_eq!(of("$BUILDPLATFORM"), "linux/amd64");
    insta::assert_snapshot!(plan("FROM --platform=linux//x a\n", &request()).unwrap_err(), @r#"
    Dockerfile:1:6: "linux//x" is no platform, which is written os/architecture[/variant], such as linux/arm64
       1 | FROM --platform=linux//x a
         |      ^
    "#);
    insta::assert_snapshot!(plan("FROM --platform=$TARGETPLATFROM a\n", &request()).unwrap_err(), @r"
    Dockerfile:1:6: --platform=$TARGETPLATFROM is empty
       1 | FROM --platform=$TARGETPLATFROM a
         |      ^
           did you mean TARGETPLATFORM?
    ");
}

#[test]
fn bases_that_name_nothing_are_errors() {
    let fails = |text: &str| plan(text, &request()).unwrap_err().to_string();
    insta::assert_snapshot!(fails("ARG BASE_IMAGE\nFROM $BASE_IMGAE\n"), @r"
    Dockerfile:2:6: $BASE_IMGAE is empty, but FROM needs an image or a stage
       2 | FROM $BASE_IMGAE
         |      ^
           did you mean BASE_IMAGE?
    ");
    insta::assert_snapshot!(fails("FROM scratch AS build\nFROM Biuld\n"), @r#"
    Dockerfile:2:6: "Biuld" is no reference to an image and no earlier stage
       2 | FROM Biuld
         |      ^
           did you mean build?
    "#);
}

#[test]
fn a_named_context_overrides_images_and_stages() {
    let context = |name: &str| Base::Context(name.to_owned());
    assert_eq!(
        base("FROM alpine:latest\n", &with_contexts(&["alpine"])),
        context("alpine")
    );
    assert_eq!(
        base(
            "FROM docker.io/library/alpine\n",
            &with_contexts(&["alpine"])
        ),
        context("alpine")
    );
    assert_eq!(
        base("FROM alpine:3\n", &with_contexts(&["alpine"])),
        image("alpine:3")
    );
    assert_eq!(
        base("FROM scratch\n", &with_contexts(&["scratch"])),
        Base::Scratch
    );

    // A stage of that name is not built: the context is the stage.
    let text = "FROM golang AS build\nRUN exit 1\nFROM build AS on\nFROM scratch\nCOPY --from=build /a /\nRUN --mount=from=build,target=/b true\n";
    let plan = plan(text, &with_contexts(&["build"])).unwrap();
    assert_eq!(plan.needed(), [StageId(2)]);
    assert!(matches!(
        plan.externals(),
        [External::Context { name, .. }] if name == "build"
    ));
    assert_eq!(plan.stages()[1].base, context("build"));
    let stage = plan.lower(StageId(2), &Config::scratch()).unwrap();
    let Op::Copy(copy) = &stage.steps[0].op else {
        panic!()
    };
    assert_eq!(copy.from, CopyFrom::Named("build".to_owned()));
    let Op::Run(run) = &stage.steps[1].op else {
        panic!()
    };
    let Mount::Bind(bind) = &run.mounts[0] else {
        panic!()
    };
    assert_eq!(bind.from, CopyFrom::Named("build".to_owned()));

    // As the target it is what the context is.
    let request = Request {
        target: Some("build".to_owned()),
        ..with_contexts(&["build"])
    };
    let config = Config {
        user: "7".to_owned(),
        ..Config::default()
    };
    let stage = target_with(text, &request, &config).unwrap();
    assert_eq!((stage.steps.len(), stage.config), (0, config));
}

#[test]
fn images_for_copy_and_mounts_are_fetched_for_the_target() {
    let text = "FROM --platform=linux/arm64 a AS arm64\nCOPY --from=busybox:1 /x /\nRUN --mount=type=cache,from=seed,target=/c true\nRUN --mount=type=tmpfs,from=ignored,target=/t true\n";
    let plan = plan(text, &request()).unwrap();
    let names: Vec<String> = plan
        .externals()
        .iter()
        .map(|external| match external {
            External::Image {
                reference,
                platform,
            } => format!("{reference} {platform}"),
            External::Context { name, .. } => name.clone(),
        })
        .collect();
    assert_eq!(
        names,
        ["a linux/arm64", "busybox:1 linux/amd64", "seed linux/amd64"]
    );
}

#[test]
fn triggers_of_a_stage_are_dependencies_of_those_on_it() {
    let text =
        "FROM a AS tools\nFROM b AS base\nONBUILD COPY --from=tools /t /t\nFROM base AS app\n";
    assert_eq!(needed(text, None), ["tools", "base", "app"]);
    assert_eq!(needed(text, Some("base")), ["base"]);
    let (_, stages) = lower_all(text, &request(), &Config::default()).unwrap();
    let step = &stages[2].steps[0];
    assert!(step.onbuild);
    assert_eq!(
        (step.span.first_line, step.display.as_str()),
        (4, "COPY --from=tools /t /t")
    );
    assert!(
        stages[2].config.onbuild.is_empty(),
        "triggers are not inherited twice"
    );
    assert_eq!(stages[1].config.onbuild, ["COPY --from=tools /t /t"]);
    assert_eq!(stages[1].steps[0].created_by, None);
}

#[test]
fn triggers_of_a_base_image_run_first_and_fail_at_the_from() {
    let with = |trigger: &str| Config {
        onbuild: vec![trigger.to_owned()],
        ..Config::default()
    };
    let stage = target_with("FROM base\nRUN mine\n", &request(), &with("RUN theirs")).unwrap();
    let shown: Vec<&str> = stage
        .steps
        .iter()
        .map(|step| step.display.as_str())
        .collect();
    assert_eq!(shown, ["RUN theirs", "RUN mine"]);
    for trigger in [
        "FROM x",
        "ONBUILD RUN x",
        "RUN a\nRUN b",
        "BAD",
        "",
        "COPY --from=9 a b",
        "RUN <<EOF\nnever ends",
    ] {
        let error = target_with("\nFROM base\n", &request(), &with(trigger)).unwrap_err();
        assert_eq!(error.line, 2, "{trigger:?}: {error}");
    }
    insta::assert_snapshot!(target_with("FROM base\n", &request(), &with("USER 4294967296")).unwrap_err(), @r"
    Dockerfile:1:1: in an ONBUILD trigger of the base image: 4294967296 is no user or group number: they are from 0 to 4294967294
       1 | FROM base
         | ^
    ");
}
