//! `sign`: what was pushed is signed.

#[cfg(feature = "sign")]
mod with;
#[cfg(not(feature = "sign"))]
#[path = "sign/without.rs"]
mod with;

use std::path::PathBuf;

use clap::ValueEnum;

pub(crate) use self::with::{keys, run};

/// Sign what was pushed, and say where it is from
///
/// Signs the images of the release record (.pipeline/release.json) by the digests that were computed here, so that admission policies,
/// `gate` and `verify` accept them: without a key, as the identity of the job (or of a person, in a browser), or with `--key`. The same
/// signer attests where each image is from (SLSA provenance) and how its tests ended.
///
/// Both forms that verifiers look for are attached: a bundle that refers to the image, and a signature under a tag of its digest. What is
/// signed already stays as it is, and what was interrupted is finished when repeated.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Sign {
    /// Services, with those coupled to them; none means all that were built
    #[arg(value_name = "SERVICE")]
    services: Vec<String>,

    /// The private key to sign with: a file, or env:NAME for a variable that holds it. COSIGN_PASSWORD opens an encrypted one
    #[arg(long, value_name = "KEY")]
    key: Option<String>,

    /// Leave the transparency log out; most verifiers then have to be told
    #[arg(long, requires = "key")]
    no_log: bool,

    /// How to print the result, on standard output: human (the default) or json (the release record)
    #[arg(
        long,
        value_name = "FORMAT",
        default_value = "human",
        hide_possible_values = true,
        hide_default_value = true
    )]
    output: Output,
}

const EXAMPLES: &str = "\
Examples:
  {bin} build && {bin} push && {bin} sign     what a job does that has `id-token: write`
  {bin} sign web --key cosign.key             with a key of `{bin} keys generate`
  {bin} verify registry.example.com/acme/shop-web:1.4.2   what others see of it";

const KEYS_EXAMPLES: &str = "\
Examples:
  COSIGN_PASSWORD=… {bin} keys generate                    cosign.key and cosign.pub
  COSIGN_PASSWORD=… {bin} keys generate --name keys/shop   keys/shop.key and keys/shop.pub";

/// Form of the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Output {
    Human,
    Json,
}

/// Make keys to sign with
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  COSIGN_PASSWORD=… {bin} keys generate --name release   release.key and release.pub",
    subcommand_required = true,
    arg_required_else_help = true
)]
pub(crate) struct Keys {
    #[command(subcommand)]
    command: KeysCommand,
}

#[derive(Debug, clap::Subcommand)]
enum KeysCommand {
    Generate(Generate),
}

/// Make a pair of keys, in files that cosign reads, too
///
/// Writes NAME.key, encrypted with the password in COSIGN_PASSWORD or one that is asked for, and NAME.pub. The first is a secret of the job
/// that signs; the second belongs into the repository, as `key` of `[signing]` in pipeline.toml.
#[derive(Debug, clap::Args)]
#[command(after_help = KEYS_EXAMPLES)]
struct Generate {
    /// What the files are called
    #[arg(long, value_name = "NAME", default_value = "cosign")]
    name: PathBuf,
}
