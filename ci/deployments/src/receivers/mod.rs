//! Receivers of promotions that are no git repositories: what `receivers` of an environment declares.
//!
//! They get a promotion after the branch has it, which stays the record of what runs: going back, what is older, and what another environment
//! takes over are known from there alone. What was interrupted is delivered when the promotion is repeated; a receiver that has it does
//! nothing.

mod declared;
mod dokploy;
mod webhook;

use std::fmt;

use ci_catalog::Name;

use crate::Promotion;

pub use declared::{InvalidReceiver, secret_variable};
pub use dokploy::{Dokploy, DokployError, DokployOutcome, Variable};
pub use webhook::{Webhook, WebhookError};

/// How often variables are changed again that somebody else changed at the same time.
const ATTEMPTS: usize = 5;

/// Who gets promotions.
#[derive(Debug, Clone)]
pub struct Receiver {
    kind: Kind,
    /// The services that are deployed there; nothing: all.
    services: Option<Vec<String>>,
}

#[derive(Debug, Clone)]
enum Kind {
    Dokploy {
        dokploy: Dokploy,
        variables: declared::Variables,
    },
    Webhook(Webhook),
}

/// What came of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Received {
    /// None of it is deployed there.
    NotConcerned,
    /// It is deployed there already.
    Done,
    /// It is being deployed.
    Deployed,
    /// It was accepted; a webhook does not say what becomes of it.
    Accepted,
}

/// Why a promotion was not received.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReceiverError {
    /// A variable's name cannot be made.
    #[error(transparent)]
    Declaration(#[from] InvalidReceiver),
    /// Dokploy did not take it.
    #[error(transparent)]
    Dokploy(#[from] DokployError),
    /// The webhook did not take it.
    #[error(transparent)]
    Webhook(#[from] WebhookError),
}

impl Receiver {
    /// Whether any of it is deployed there.
    pub fn is_concerned(&self, promotion: &Promotion) -> bool {
        promotion.moves.iter().any(|it| self.runs(&it.service))
    }

    fn runs(&self, service: &Name) -> bool {
        let all = self.services.as_ref();
        all.is_none_or(|all| all.iter().any(|it| it == service.as_str()))
    }

    /// Brings a promotion there. The same one twice is deployed once.
    ///
    /// # Errors
    /// When it does not get there, or is not taken.
    pub async fn receive(&self, promotion: &Promotion) -> Result<Received, ReceiverError> {
        if !self.is_concerned(promotion) {
            return Ok(Received::NotConcerned);
        }
        let mut promotion = promotion.clone();
        promotion.moves.retain(|it| self.runs(&it.service));
        match &self.kind {
            Kind::Webhook(webhook) => {
                webhook.deliver(&promotion).await?;
                Ok(Received::Accepted)
            }
            Kind::Dokploy { dokploy, variables } => {
                let variables = variables.of(&promotion)?;
                Ok(match deploy(dokploy, &variables).await? {
                    DokployOutcome::Done => Received::Done,
                    DokployOutcome::Changed | DokployOutcome::Deployed => Received::Deployed,
                })
            }
        }
    }
}

/// Several promotions may change variables of one application at once: who sees another's change makes its own again.
async fn deploy(dokploy: &Dokploy, variables: &[Variable]) -> Result<DokployOutcome, DokployError> {
    for _ in 1..ATTEMPTS {
        match dokploy.write(variables).await {
            Err(DokployError::Overwritten(_)) => {}
            other => return other,
        }
    }
    dokploy.write(variables).await
}

/// Which one it is, without what may be a secret in its address.
impl fmt::Display for Receiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = |url: &ci_http::Url| url.host_str().unwrap_or_default().to_owned();
        match &self.kind {
            Kind::Dokploy { dokploy, .. } => {
                write!(f, "{} at {}", dokploy.compose_id, host(&dokploy.address))
            }
            Kind::Webhook(webhook) => write!(f, "webhook of {}", host(&webhook.address)),
        }
    }
}

#[cfg(test)]
mod tests;
