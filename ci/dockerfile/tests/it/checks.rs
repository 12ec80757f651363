//! Warnings: each rule, where it points, and how it is switched off.

use ci_dockerfile::ignore::Patterns;
use ci_dockerfile::{Config, Plan, Platform, Rule};

use crate::support::{file, lower_all, request, warnings};

/// The rules that a file breaks, with the lines.
fn rules(text: &str) -> Vec<(Rule, u32)> {
    warnings(text)
        .into_iter()
        .map(|(rule, _, line)| (rule, line))
        .collect()
}

#[test]
fn a_tidy_file_has_no_warnings() {
    let text = "# syntax=docker/dockerfile:1\nARG V=3\nFROM --platform=$BUILDPLATFORM alpine:$V AS build\nARG NAME=x PUBLIC_KEY SECRET_FILE TOKEN_VERSION\nENV A=$NAME KEYBOARD=1\nWORKDIR /src\nWORKDIR sub\nRUN echo $UNDEFINED\n\nFROM scratch\nCOPY --from=build /src/x /\nCMD [\"/x\"]\n";
    assert_eq!(warnings(text), []);
}

#[test]
fn every_rule_is_broken_by_its_example() {
    use Rule::*;
    let cases: [(&str, Rule, u32); 21] = [
        ("FROM scratch AS Build\n", StageNameCasing, 1),
        ("FROM scratch as build\n", FromAsCasing, 1),
        ("from scratch AS build\n", FromAsCasing, 1),
        ("FROM scratch\nRUN a \\\n\n  b\n", NoEmptyContinuation, 3),
        (
            "FROM scratch\nUSER a\nuser b\n",
            ConsistentInstructionCasing,
            3,
        ),
        ("FROM scratch\nUser a\n", ConsistentInstructionCasing, 2),
        (
            "FROM scratch AS a\nFROM scratch AS a\n",
            DuplicateStageName,
            2,
        ),
        ("FROM scratch AS context\n", ReservedStageName, 1),
        ("FROM scratch\nCMD a\n", JSONArgsRecommended, 2),
        ("FROM scratch\nENTRYPOINT a\n", JSONArgsRecommended, 2),
        ("FROM scratch\nMAINTAINER a\n", MaintainerDeprecated, 2),
        ("FROM scratch${A}\n", UndefinedArgInFrom, 1),
        ("FROM scratch\nWORKDIR a\n", WorkdirRelativePath, 2),
        ("FROM scratch\nENV A=1 \\\n  B=$C\n", UndefinedVar, 3),
        (
            "FROM scratch\nHEALTHCHECK NONE\nHEALTHCHECK NONE\n",
            MultipleInstructionsDisallowed,
            2,
        ),
        ("FROM scratch\nLABEL a b\n", LegacyKeyValueFormat, 2),
        (
            "FROM --platform=${TARGETPLATFORM} scratch\n",
            RedundantTargetPlatform,
            1,
        ),
        ("FROM scratch\nARG GITHUB_TOKEN\n", SecretsUsedInArgOrEnv, 2),
        (
            "FROM --platform=linux/arm64 scratch\n",
            FromPlatformFlagConstDisallowed,
            1,
        ),
        ("FROM scratch\nEXPOSE 80/TCP\n", ExposeProtoCasing, 2),
        (
            "# check=experimental=all\nFROM scratch\n# other\nARG A\n# A is\nARG A\n# other\n#\nARG A\n",
            InvalidDefinitionDescription,
            4,
        ),
    ];
    for (text, rule, line) in cases {
        assert_eq!(rules(text), [(rule, line)], "{text}");
    }
    assert_eq!(
        rules("FROM scratch\nEXPOSE 1:2\n"),
        [(ExposeInvalidFormat, 2)]
    );
}

#[test]
fn a_base_without_default_is_found_although_an_argument_is_given() {
    let mut request = request();
    request
        .build_args
        .insert("BASE".to_owned(), "alpine".to_owned());
    let plan = Plan::new(&file("ARG BASE\nFROM ${BASE}\nARG X\n"), &request).unwrap();
    assert_eq!(plan.warnings()[0].rule, Rule::InvalidDefaultArgInFrom);
}

#[test]
fn names_of_secrets_are_recognised_by_their_words() {
    // S2
    let flagged = |name: &str| !rules(&format!("FROM scratch\nENV {name}=x\n")).is_empty();
    for name in [
        "TOKEN",
        "api_key",
        "DATABASE_PASSWORD",
        "secret_message",
        "AUTH",
        "npm_Token_x",
    ] {
        assert!(flagged(name), "{name}");
    }
    for name in [
        "AUTHOR",
        "KEYBOARD",
        "PUBLIC_KEY",
        "TOKEN_FILE",
        "KEY_VERSION",
        "TOKENS",
    ] {
        assert!(!flagged(name), "{name}");
    }
}

#[test]
fn undefined_variables_come_with_the_nearest_name() {
    let found = warnings(
        "FROM scratch\nARG DECLARED\nENV HOME_DIR=/h PATHS=$PATH\nLABEL a=$HOME_DRI b=$DECLARED c=${X:-y}${Y+z} d=${Z#a}\n",
    );
    let messages: Vec<&str> = found
        .iter()
        .map(|(_, message, _)| message.as_str())
        .collect();
    insta::assert_snapshot!(messages.join("\n"), @r"
    the variable HOME_DRI is not defined (is HOME_DIR meant?)
    the variable Z is not defined
    ");
}

#[test]
fn the_words_of_the_warnings() {
    let text =
        "from scratch AS Context\nArg API_KEY\nENV A b\nCMD x\nCMD y\nEXPOSE 1:80\nWORKDIR w\n";
    let all: Vec<String> = warnings(text)
        .into_iter()
        .map(|(rule, message, line)| format!("{line}: {message} ({rule})"))
        .collect();
    insta::assert_snapshot!(all.join("\n"), @r#"
    1: "from" is not in upper case like most instructions of the file (ConsistentInstructionCasing)
    1: "AS" is not cased like "from" (FromAsCasing)
    1: the stage name "Context" should be lower case (StageNameCasing)
    1: "context" has a meaning of its own and should not name a stage (ReservedStageName)
    2: "Arg" is not in upper case like most instructions of the file (ConsistentInstructionCasing)
    2: ARG API_KEY looks like a secret, and is kept in the image; use RUN --mount=type=secret (SecretsUsedInArgOrEnv)
    3: write ENV A=… instead of the old form without = (LegacyKeyValueFormat)
    4: CMD in shell form: signals reach the shell, not the program; use CMD ["program", "argument"] (JSONArgsRecommended)
    4: a later CMD of the stage replaces this one (MultipleInstructionsDisallowed)
    5: CMD in shell form: signals reach the shell, not the program; use CMD ["program", "argument"] (JSONArgsRecommended)
    6: EXPOSE 1:80: addresses and ports of the host have no effect here (ExposeInvalidFormat)
    7: WORKDIR w depends on the base image's directory; make the first WORKDIR absolute (WorkdirRelativePath)
    "#);
}

#[test]
fn a_directive_switches_rules_off() {
    assert_eq!(
        rules(
            "# check=skip=JSONArgsRecommended, StageNameCasing\nFROM scratch AS A\nCMD a\nUSER $x\n"
        ),
        [(Rule::UndefinedVar, 4)]
    );
    assert_eq!(rules("# check=skip=all\nFROM scratch as A\nCMD a\n"), []);
    assert_eq!(
        rules("FROM scratch\n# check=skip=JSONArgsRecommended\nCMD a\nENTRYPOINT b\n"),
        [(Rule::JSONArgsRecommended, 4)]
    );
    let (plan, _) = lower_all(
        "# check=error=true\nFROM scratch\n",
        &request(),
        &Config::default(),
    )
    .unwrap();
    assert!(plan.warnings_are_errors());
}

#[test]
fn sources_that_are_ignored_are_found() {
    let text = "FROM scratch AS a\nCOPY target/x src *.log /\nCOPY --from=b target /\n"
        .replace("--from=b", "--from=busybox");
    let (plan, stages) = lower_all(&text, &request(), &Config::default()).unwrap();
    let found = |patterns: &str| {
        let found = plan.ignored_sources(&stages[0], &Patterns::parse(patterns).unwrap());
        found
            .into_iter()
            .map(|warning| (warning.rule, warning.message, warning.span.first_line))
            .collect::<Vec<_>>()
    };
    let message = "/target/x is left out of the context by its ignore file".to_owned();
    assert_eq!(found("target\n"), [(Rule::CopyIgnoredFile, message, 2)]);
    assert_eq!(found("*.log\n").len(), 1);
    assert_eq!(found("target\n!target/x"), []);
}

#[test]
fn a_base_image_of_another_platform_is_found() {
    let found = |text: &str, image: &str| {
        let (plan, _) = lower_all(text, &request(), &Config::default()).unwrap();
        let image = Platform::parse(image, &plan.stages()[0].platform).unwrap();
        let stages = plan.stages().iter();
        stages
            .filter_map(|stage| plan.foreign_base(stage, &image))
            .map(|warning| (warning.message, warning.span.first_line))
            .collect::<Vec<_>>()
    };
    let text = "FROM scratch AS a\nFROM busybox AS b\nFROM b\nFROM --platform=linux/arm64 alpine\n";
    let message = |image: &str, of: &str, built: &str| {
        format!("{image} is an image for {of}, and this is built for {built}")
    };
    assert_eq!(
        found(text, "linux/arm64"),
        [(message("busybox", "linux/arm64", "linux/amd64"), 2)]
    );
    assert_eq!(
        found(text, "linux/amd64/v3"),
        [(message("alpine", "linux/amd64/v3", "linux/arm64"), 4)]
    );
    let skipped = "# check=skip=InvalidBaseImagePlatform\nFROM busybox\n";
    assert_eq!(found(skipped, "linux/arm64"), []);
}

#[test]
fn stages_that_are_not_needed_are_not_checked_further_than_the_text() {
    assert_eq!(
        rules("FROM scratch as never\nCMD a\nFROM scratch\n"),
        [(Rule::FromAsCasing, 1)]
    );
}
