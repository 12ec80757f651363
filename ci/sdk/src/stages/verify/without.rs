//! In place of verification in a program that was built without it.

use std::convert::Infallible;

use ci_oci::Reference;
use ci_registry::Config;

use super::{Checked, Demand};
use crate::error::{Exit, UserError};

/// Never there.
#[derive(Debug)]
pub(crate) struct Verification(Infallible);

impl Verification {
    /// Says that it is not there.
    ///
    /// # Errors
    /// Always.
    pub(crate) async fn open(_demand: &Demand, _registries: &Config) -> eyre::Result<Self> {
        Err(missing("verify").into())
    }

    /// As in a program that has it.
    pub(crate) fn warning(&self) -> Option<&str> {
        match self.0 {}
    }

    /// As in a program that has it.
    ///
    /// # Errors
    /// Never: nothing is ever checked.
    pub(crate) async fn check(
        &self,
        _image: &Reference,
        _attestations: &[String],
    ) -> eyre::Result<Checked> {
        match self.0 {}
    }
}

/// That a command was left out.
pub(crate) fn missing(command: &str) -> UserError {
    let message = format!("this program was built without signing, which `{command}` needs");
    UserError::new(Exit::Usage, message).hint(format!(
        "run it as `cargo run -p pipeline --features sign -- {command} …`; the first time this builds some 60 packages more"
    ))
}
