//! Tests services: first the checks that they bring along, then whether the built image keeps its contract.
//!
//! What is tested is what `build` makes: the same containers, the same digest. Checks of all services run at the same time,
//! then the contracts of all; a failure of one keeps no other from being tested.

mod checks;
mod contract;
mod junit;
mod logs;
mod results;
mod running;
mod service;
mod tested;

use std::collections::BTreeMap;

use ci_catalog::Platform;
use dagger_sdk::Container;
use futures::future::join_all;

pub(crate) use self::junit::Counts;
pub(crate) use self::logs::Logs;
pub(crate) use self::results::Results;
pub(crate) use self::tested::{Contract, Outcome, Service, Tested};
#[cfg(test)]
pub(crate) use self::{
    contract::Point,
    tested::{Check, Report},
};
use super::build::{self, Images};
use super::plan::{Plan, Planned};
use super::{Request, bases, files};
use crate::context::Context;

/// Folder of the state folder that holds what tests leave.
const REPORTS: &str = "reports";

/// Name of the file in it that says how everything ended.
const SUMMARY: &str = "summary.json";

/// Which tests are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// The service's checks, then the contract.
    Everything,
    /// Only the checks.
    Checks,
    /// Only the contract.
    Contract,
}

/// Tests the services of `request`, building what has to be built.
pub(crate) async fn run(ctx: &Context, request: &Request, scope: Scope) -> eyre::Result<Tested> {
    let plan = Plan::of(ctx.project(), request)?;
    bases::review(ctx.project(), ctx.progress(), &plan, request.locked)?;
    let known = build::Known::of(ctx, &plan, request).await?;
    let images = build::images(ctx, &plan, known.reused());
    // Checks need no finished image; those of the services they stand on are made when they are needed.
    let built = match scope {
        Scope::Checks => build::Built::default(),
        Scope::Everything | Scope::Contract => build::all(ctx, &plan, &images, known).await?,
    };
    let digests: BTreeMap<String, String> = built
        .images
        .into_iter()
        .map(|image| (image.service, image.digest))
        .collect();
    let mut tested = Tested {
        failures: built.failures,
        ..Tested::default()
    };
    let subjects: Vec<Subject<'_>> = plan
        .wanted()
        .map(|planned| Subject {
            planned,
            digest: digests.get(planned.service.name.as_str()),
            platform: runnable(&planned.platforms, Platform::host()),
        })
        .collect();

    let checked = subjects.iter().map(|subject| async {
        match scope {
            Scope::Contract => None,
            Scope::Everything | Scope::Checks => {
                Some(checks::run(ctx, subject.planned, &images, &subject.platform).await)
            }
        }
    });
    let checked = join_all(checked).await;
    let held = subjects.iter().map(|subject| async {
        match scope {
            Scope::Checks => Ok(Contract::skipped("only checks were asked for")),
            Scope::Everything | Scope::Contract => subject.contract(ctx, &images).await,
        }
    });
    let held = join_all(held).await;

    for ((subject, checked), contract) in subjects.iter().zip(checked).zip(held) {
        let mut service = Service {
            name: subject.planned.service.name.to_string(),
            digest: subject.digest.cloned(),
            checks: Vec::new(),
            contract: Contract::skipped("it could not be started"),
        };
        if let Some(checked) = checked {
            service.checks = checked.checks;
            // What keeps a service from being built keeps its checks from running, and is told already.
            if scope == Scope::Checks || subject.digest.is_some() {
                tested.failures.extend(checked.failures);
            }
        }
        match contract {
            Ok(contract) => service.contract = contract,
            Err(error) => tested.failures.push(error),
        }
        tested.services.push(service);
    }
    tested.services.sort_by(|a, b| a.name.cmp(&b.name));
    let summary = ctx.state_dir().join(REPORTS).join(SUMMARY);
    files::write_json(&summary, &tested.document())?;
    results::remember(ctx.project(), &tested, scope).await?;
    Ok(tested)
}

/// A service that is to be tested.
struct Subject<'a> {
    planned: &'a Planned<'a>,
    /// Digest of its image, if it was built.
    digest: Option<&'a String>,
    /// On which platform its containers run here, or why on none.
    platform: Result<Platform, String>,
}

impl Subject<'_> {
    async fn contract(&self, ctx: &Context, images: &Images<'_>) -> eyre::Result<Contract> {
        let Some(promised) = &self.planned.service.contract else {
            return Ok(Contract::skipped("none declared"));
        };
        let Some(digest) = self.digest else {
            return Ok(Contract::skipped("it was not built"));
        };
        let platform = match &self.platform {
            Ok(platform) => platform,
            Err(why) => return Ok(Contract::skipped(why)),
        };
        let image: Container = build::container(self.planned, platform, images).await?;
        Ok(service::hold(ctx, self.planned, promised, &image, digest).await?)
    }
}

/// The platform of this machine, if the service is built for it.
fn runnable(built: &[Platform], host: Option<Platform>) -> Result<Platform, String> {
    host.filter(|host| built.contains(host)).ok_or_else(|| {
        let names: Vec<String> = built.iter().map(Platform::to_string).collect();
        format!("it is built for {}, not for this machine", names.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_image_for_this_machine_is_started() {
        let [amd, arm]: [Platform; 2] =
            ["linux/amd64", "linux/arm64"].map(|it| it.parse().unwrap());
        let both = [amd.clone(), arm.clone()];
        assert_eq!(runnable(&both, Some(arm.clone())), Ok(arm.clone()));
        assert_eq!(
            runnable(&[arm], Some(amd)).unwrap_err(),
            "it is built for linux/arm64, not for this machine"
        );
        assert!(runnable(&both, None).is_err());
    }
}
