//! `verify`: who signed images, as we see it and as others do.

#[cfg(feature = "sign")]
mod with;
#[cfg(not(feature = "sign"))]
#[path = "verify/without.rs"]
mod with;

use ci_catalog::Catalog;
use ci_oci::Reference;
use clap::ValueEnum;

use super::Format;
use super::trusting::Trusting;
use crate::error::UserError;
use crate::stages::verify::Demand;

pub(crate) use self::with::run;

/// Verify who signed images, and what else the signer says of them
///
/// An image is signed if the signer that pipeline.toml names, or the command line, signed its digest: word for word this identity or this
/// key, in a transparency log, at a time when the certificate was valid. Both forms of signatures count, whoever attached them.
///
/// Verifiers look in different places and want different things. `--as` says what one of them would find and make of it, `--matrix` what
/// all would. Without a pipeline.toml, the signer is named with `--identity` or `--key`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Verify {
    /// Images; the digest that a tag has now is what is verified
    #[arg(value_name = "IMAGE", required = true)]
    images: Vec<Reference>,

    /// Say what this verifier finds, and whether it is content: cosign2, cosign3, kyverno or policy-controller
    #[arg(long = "as", value_name = "VERIFIER", hide_possible_values = true)]
    verifier: Option<Verifier>,

    /// Say what every verifier finds, and whether it is content
    #[arg(long, conflicts_with = "verifier")]
    matrix: bool,

    /// Ask for an attestation of this type, too, by the same signer: https://slsa.dev/provenance/v1
    #[arg(long = "attestation", value_name = "TYPE")]
    attestations: Vec<String>,

    #[command(flatten)]
    trusting: Trusting,

    /// The repository that has to have been built: https://github.com/OWNER/REPOSITORY
    #[arg(long, value_name = "URL", conflicts_with = "key")]
    repository: Option<String>,

    /// The reference that has to have been built: refs/heads/main
    #[arg(long = "ref", value_name = "REF", conflicts_with = "key")]
    reference: Option<String>,

    /// The commit that has to have been built, in full
    #[arg(long, value_name = "SHA", conflicts_with = "key")]
    commit: Option<String>,

    /// The workflow that has to have been started, where the signer is one that it calls
    #[arg(long, value_name = "URL", conflicts_with = "key")]
    workflow: Option<String>,

    /// How to print the result, on standard output: human (the default) or json
    #[arg(
        long,
        value_name = "FORMAT",
        default_value = "human",
        hide_possible_values = true,
        hide_default_value = true
    )]
    output: Format,
}

const EXAMPLES: &str = "\
Examples:
  {bin} verify ghcr.io/acme/web:1.4.2            signed by whom pipeline.toml names?
  {bin} verify --matrix ghcr.io/acme/web:1.4.2   what would cosign and Kyverno make of it?
  {bin} verify --commit \"$(git rev-parse HEAD)\" ghcr.io/acme/web:1.4.2
  {bin} verify --attestation https://slsa.dev/provenance/v1 ghcr.io/acme/web:1.4.2
  {bin} verify --key cosign.pub ghcr.io/acme/web:1.4.2";

/// A verifier whose rules are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Verifier {
    Cosign2,
    Cosign3,
    Kyverno,
    PolicyController,
}

impl Verify {
    /// Whose signatures count: as the command line says, else the catalog.
    #[cfg_attr(
        not(any(feature = "sign", test)),
        expect(dead_code, reason = "nobody is asked without signing")
    )]
    fn demand(&self, catalog: Option<&Catalog>) -> Result<Demand, UserError> {
        let mut demand =
            self.trusting
                .demand(catalog)
                .map_err(|error| match catalog {
                    None if !self.trusting.names() => error
                        .hint("without a pipeline.toml, name the signer: `--identity` or `--key`"),
                    _ => error,
                })?;
        demand.repository.clone_from(&self.repository);
        demand.reference.clone_from(&self.reference);
        demand.commit.clone_from(&self.commit);
        demand.workflow.clone_from(&self.workflow);
        Ok(demand)
    }
}

#[cfg(test)]
mod tests;
