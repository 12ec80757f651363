//! What the tests share: requests, and lowering a whole file onto empty base images.

use std::collections::{BTreeMap, BTreeSet};

use ci_dockerfile::graph::{Copy, Run};
use ci_dockerfile::{
    Base, Config, Dockerfile, Error, Op, Plan, Platform, Request, Rule, Stage, StageId, Step, parse,
};

/// A request for the last stage, on and for linux/amd64.
pub(crate) fn request() -> Request {
    let platform = Platform::new("linux", "amd64", None);
    Request {
        target: None,
        build_args: BTreeMap::new(),
        target_platform: platform.clone(),
        build_platform: platform,
        named_contexts: BTreeSet::new(),
    }
}

/// A request with build arguments.
pub(crate) fn with_args(args: &[(&str, &str)]) -> Request {
    let build_args = args
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Request {
        build_args: build_args.collect(),
        ..request()
    }
}

pub(crate) fn file(text: &str) -> Dockerfile {
    parse("Dockerfile", text.as_bytes()).unwrap_or_else(|error| panic!("{error}"))
}

/// Everything a build of the file would lower, in order; every image has this configuration.
pub(crate) fn lower_all(
    text: &str,
    request: &Request,
    base: &Config,
) -> Result<(Plan, Vec<Stage>), Error> {
    let plan = Plan::new(&parse("Dockerfile", text.as_bytes())?, request)?;
    let mut lowered: BTreeMap<StageId, Stage> = BTreeMap::new();
    for id in plan.needed() {
        let stage = match &plan.stage(*id).unwrap().base {
            Base::Stage(parent) => plan.lower(*id, &lowered[parent])?,
            Base::Scratch => plan.lower(*id, &Config::default())?,
            Base::Context(_) | Base::Image { .. } => plan.lower(*id, base)?,
        };
        lowered.insert(*id, stage);
    }
    Ok((plan, lowered.into_values().collect()))
}

/// The target of a file.
pub(crate) fn target_with(text: &str, request: &Request, base: &Config) -> Result<Stage, Error> {
    lower_all(text, request, base).map(|(_, mut stages)| stages.pop().unwrap())
}

pub(crate) fn target(text: &str) -> Stage {
    target_with(text, &request(), &Config::default()).unwrap_or_else(|error| panic!("{error}"))
}

/// What building the file fails with.
pub(crate) fn failure(text: &str) -> String {
    match lower_all(text, &request(), &Config::default()) {
        Ok(_) => panic!("it builds:\n{text}"),
        Err(error) => error.to_string(),
    }
}

/// The instructions of a stage on `scratch`, lowered.
pub(crate) fn steps(instructions: &str) -> Vec<Step> {
    target(&format!("FROM scratch\n{instructions}")).steps
}

pub(crate) fn run(instructions: &str) -> Run {
    let steps = steps(instructions).into_iter().rev();
    let mut runs = steps.filter_map(|step| {
        if let Op::Run(run) = step.op {
            Some(*run)
        } else {
            None
        }
    });
    runs.next().expect("a RUN")
}

pub(crate) fn copy(instructions: &str) -> Copy {
    let steps = steps(instructions).into_iter().rev();
    let mut copies = steps.filter_map(|step| {
        if let Op::Copy(copy) = step.op {
            Some(*copy)
        } else {
            None
        }
    });
    copies.next().expect("a COPY or ADD")
}

/// All warnings of a file and of the stages its target needs.
pub(crate) fn warnings(text: &str) -> Vec<(Rule, String, u32)> {
    let (plan, stages) =
        lower_all(text, &request(), &Config::default()).unwrap_or_else(|error| panic!("{error}"));
    let of_stages = stages.iter().flat_map(|stage| &stage.warnings);
    let all = plan.warnings().iter().chain(of_stages);
    all.map(|warning| {
        (
            warning.rule,
            warning.message.clone(),
            warning.span.first_line,
        )
    })
    .collect()
}
