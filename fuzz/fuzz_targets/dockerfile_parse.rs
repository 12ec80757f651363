//! Any bytes as a Dockerfile (E11): parsing, planning and lowering neither panic nor take long, errors point into the text, and what
//! is printed and read again means the same.

#![no_main]

use std::collections::{BTreeMap, BTreeSet};

use ci_dockerfile::{Base, Config, Dockerfile, Error, Plan, Platform, Request, Stage, StageId, parse};
use libfuzzer_sys::fuzz_target;

fn lower(file: &Dockerfile) -> Result<Vec<Stage>, Error> {
    let platform = Platform::new("linux", "amd64", None);
    let request = Request {
        target: None,
        build_args: BTreeMap::from([("GIVEN".to_owned(), "a b/c".to_owned()), ("HTTP_PROXY".to_owned(), "p".to_owned())]),
        target_platform: platform.clone(),
        build_platform: platform,
        named_contexts: BTreeSet::from(["context1".to_owned()]),
    };
    // Base images bring triggers of their own.
    let base = Config {
        onbuild: vec!["RUN $GIVEN".to_owned(), "COPY --chown=1 . /x/".to_owned()],
        ..Config::default()
    };
    let plan = Plan::new(file, &request)?;
    let mut lowered: BTreeMap<StageId, Stage> = BTreeMap::new();
    for &id in plan.needed() {
        let stage = match plan.stage(id).map(|stage| &stage.base) {
            Some(Base::Stage(parent)) => plan.lower(id, &lowered[parent])?,
            Some(Base::Scratch) => plan.lower(id, &Config::scratch())?,
            _ => plan.lower(id, &base)?,
        };
        lowered.insert(id, stage);
    }
    Ok(lowered.into_values().collect())
}

fn check(error: &Error, text: &[u8]) {
    let lines = text.split(|byte| *byte == b'\n').count() as u32;
    assert!((1..=lines).contains(&error.line), "line {} of {lines}", error.line);
    assert!(error.column as usize <= error.text.chars().count() + 1, "{error}");
    assert!(!error.to_string().is_empty());
}

fuzz_target!(|text: &[u8]| {
    let file = match parse("Dockerfile", text) {
        Ok(file) => file,
        Err(error) => return check(&error, text),
    };
    let printed = file.to_string();
    let again = match parse("Dockerfile", printed.as_bytes()) {
        Ok(again) => again,
        // The text can grow by what is spelled out, over the limit.
        Err(error) => panic!("printed, it cannot be read: {error}\n{printed}"),
    };
    assert_eq!(again.to_string(), printed);
    match (lower(&file), lower(&again)) {
        (Err(error), again) => {
            check(&error, text);
            assert_eq!(again.map_err(|error| error.message).err(), Some(error.message));
        }
        (Ok(stages), again) => {
            let again = again.expect("printed, it lowers");
            assert_eq!(stages.len(), again.len());
            for (stage, again) in stages.iter().zip(&again) {
                assert_eq!(stage.config, again.config);
                let ops = |stage: &Stage| stage.steps.iter().map(|step| (step.op.clone(), step.created_by.clone())).collect::<Vec<_>>();
                assert_eq!(ops(stage), ops(again));
            }
        }
    }
});
