//! `policy`: what others have to be told so that they run only what was signed.

#[cfg(feature = "sign")]
mod with;
#[cfg(not(feature = "sign"))]
#[path = "policy/without.rs"]
mod with;

pub(crate) use self::with::run;

/// Write the policy that lets only signed images in
///
/// For the repositories of this catalog and the signer of `[signing]` in pipeline.toml, to standard output. Kyverno and policy-controller
/// are told by objects in the cluster; Argo CD verifies no image, so there it is a workflow for the deployments repository.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, subcommand_required = true, arg_required_else_help = true)]
pub(crate) struct Policy {
    #[command(subcommand)]
    system: System,
}

const EXAMPLES: &str = "\
Examples:
  {bin} policy kyverno > policy.yaml
  {bin} policy policy-controller --attestation https://slsa.dev/provenance/v1
  {bin} policy argocd overlays/production > gate.yml";

#[derive(Debug, clap::Subcommand)]
enum System {
    /// For Kyverno 1.19: an ImageValidatingPolicy
    #[command(after_help = "Examples:\n  {bin} policy kyverno > policy.yaml")]
    Kyverno(Admission),
    /// For Sigstore's policy-controller 0.15: ClusterImagePolicies
    ///
    /// One for each thing that is asked for. The controller reads signatures in the legacy form, and attestations in bundles, those of
    /// identities only.
    #[command(
        after_help = "Examples:\n  {bin} policy policy-controller --attestation https://slsa.dev/provenance/v1"
    )]
    PolicyController(Admission),
    /// For Argo CD: a workflow with `gate` for the deployments repository
    ///
    /// It belongs into .github/workflows there, and is to be made a required check. The program is built from this project's repository.
    #[command(after_help = "Examples:\n  {bin} policy argocd overlays/production > gate.yml")]
    Argocd(Argocd),
}

/// What admission is to ask for.
#[derive(Debug, clap::Args)]
struct Admission {
    /// Ask for an attestation of this type, too, by the same signer: https://slsa.dev/provenance/v1
    #[arg(long = "attestation", value_name = "TYPE")]
    attestations: Vec<String>,

    /// Accept signatures of the key that are in no transparency log, as `sign --no-log` makes them
    #[arg(long)]
    no_log: bool,
}

/// What the check is to ask for.
#[derive(Debug, clap::Args)]
struct Argocd {
    /// What `gate` is to check, as paths in the deployments repository
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<String>,

    /// The branch that is deployed [default: main]
    #[arg(
        long,
        value_name = "NAME",
        default_value = "main",
        hide_default_value = true
    )]
    branch: String,

    /// The GitHub repository of this project, OWNER/REPOSITORY [default: that of the signer]
    #[arg(long, value_name = "REPOSITORY")]
    source: Option<String>,
}
