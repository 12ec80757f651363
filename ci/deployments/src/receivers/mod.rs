//! Receivers of promotions that are no git repositories.

mod dokploy;
mod webhook;

pub use dokploy::{Dokploy, DokployError, DokployOutcome, Variable};
pub use webhook::{Webhook, WebhookError};
