//! Who gets promotions once the branch has them: what `receivers` of an environment declares, with the secrets of this process's environment.
//!
//! How each of them is spoken to is [`ci_deployments::receivers`]' business. A promotion that waits for people is not delivered; it is when it is
//! repeated after it was merged. What was not delivered is told with what to do, and does not undo what the branch has.

use std::sync::Arc;

use ci_deployments::receivers::{
    DokployError, InvalidReceiver, Received, Receiver, ReceiverError, secret_variable,
};
use ci_engine::Progress;
use ci_engine::progress::Outcome as StepOutcome;
use ci_http::{Http, Options};
use serde::Serialize;

use super::{Outcome, Promoted};
use crate::error::{Exit, UserError};
use crate::stages::deployments::Deployments;

/// What stands for a secret that is not needed, since nothing is sent.
const NONE: &str = "";

/// The receivers of an environment.
#[derive(Debug)]
pub(super) struct Receivers {
    all: Vec<Receiver>,
    /// Whether nothing is to be sent.
    dry_run: bool,
}

/// What became of a promotion at a receiver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Receipt {
    pub(crate) services: Vec<String>,
    pub(crate) receiver: String,
    pub(crate) outcome: &'static str,
}

impl Receivers {
    /// Those that are declared. Secrets are read now, so that nothing is written which cannot be delivered.
    ///
    /// # Errors
    /// When a declaration is not well-formed, or a secret is missing.
    pub(super) fn open(target: &Deployments<'_>, dry_run: bool) -> Result<Self, UserError> {
        let declared = &target.declaration.receivers;
        let mut all = Vec::new();
        if declared.is_empty() {
            return Ok(Self { all, dry_run });
        }
        let http = Http::new(&Options::default())
            .map_err(|error| UserError::new(Exit::Usage, error.to_string()))?;
        for (at, declared) in declared.iter().enumerate() {
            let key = format!("environments.{}.deploy.receivers", target.environment);
            let wrong = |error: InvalidReceiver| {
                let place = format!("`{key}` of pipeline.toml, number {}", at + 1);
                UserError::new(Exit::Usage, format!("{place}: {error}"))
            };
            let name = secret_variable(declared).map_err(wrong)?;
            let secret = std::env::var(name).ok().map(|it| it.trim().to_owned());
            let secret = match secret.filter(|it| !it.is_empty()) {
                Some(secret) => secret,
                None if dry_run => NONE.to_owned(),
                None => {
                    let error = UserError::new(Exit::Usage, format!("{name} is not set"));
                    return Err(error.hint(format!(
                        "a receiver of {} takes nothing without it; nothing was written",
                        target.environment
                    )));
                }
            };
            all.push(Receiver::new(declared, secret, &http).map_err(wrong)?);
        }
        Ok(Self { all, dry_run })
    }

    /// Delivers what the branch has, and adds to the result what came of it.
    pub(super) async fn deliver(&self, progress: &Progress, promoted: &mut Promoted) {
        for change in &promoted.changes {
            let is_on_branch = matches!(change.outcome, Outcome::Committed { .. } | Outcome::Done);
            if !is_on_branch && !self.dry_run {
                continue;
            }
            let services = change.promotion.moves.iter();
            let services: Vec<String> = services.map(|it| it.service.to_string()).collect();
            let concerned = self.all.iter();
            for receiver in concerned.filter(|it| it.is_concerned(&change.promotion)) {
                let receipt = |outcome| Receipt {
                    services: services.clone(),
                    receiver: receiver.to_string(),
                    outcome,
                };
                if self.dry_run {
                    promoted.received.push(receipt("gets it afterwards"));
                    continue;
                }
                let step = progress.start(
                    &Arc::from(change.promotion.unit.as_str()),
                    format!("deliver to {receiver}"),
                    None,
                );
                let result = receiver.receive(&change.promotion).await;
                // Why it was not taken is told at the end, once.
                step.finish(match &result {
                    Ok(_) => StepOutcome::Done,
                    Err(_) => StepOutcome::Canceled,
                });
                match result {
                    Ok(Received::NotConcerned) => {}
                    Ok(Received::Done) => promoted.received.push(receipt("has it")),
                    Ok(Received::Deployed) => promoted.received.push(receipt("deploys it")),
                    Ok(Received::Accepted) => promoted.received.push(receipt("accepted it")),
                    Err(error) => promoted.failures.push(failed(&services, receiver, error)),
                }
            }
        }
    }
}

fn failed(services: &[String], receiver: &Receiver, error: ReceiverError) -> eyre::Report {
    let exit = match &error {
        ReceiverError::Declaration(_) => Exit::Usage,
        ReceiverError::Dokploy(DokployError::Refused { .. }) => Exit::Failed,
        _ => Exit::Infrastructure,
    };
    let services = services.join(" and ");
    let message = format!("the branch has {services}, and {receiver} did not get it");
    UserError::new(exit, message)
        .because(error)
        .hint("do the same again: what has arrived is not deployed a second time")
        .into()
}
