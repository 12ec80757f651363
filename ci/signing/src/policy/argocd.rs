//! For Argo CD, which verifies no image: a workflow for the deployments repository, to be made a required check there, that asks about
//! every image before it can be merged. It is thin: what is asked is this program's `gate`.

use super::yaml::quoted;

/// Where the check runs and what it checks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// The repository with this program, `OWNER/REPOSITORY`.
    pub source: String,
    /// The branch that is deployed, whose pull requests are checked.
    pub branch: String,
    /// Arguments of `gate`: what to check and who has to have signed.
    pub arguments: Vec<String>,
}

/// Writes the workflow: `.github/workflows/gate.yml` of the deployments repository.
pub fn argocd(check: &Check) -> String {
    let arguments: Vec<String> = check.arguments.iter().map(|one| shell(one)).collect();
    format!(
        "\
# Make the job `gate` a required check of this branch (Settings, Rules): then nothing is deployed that it does not let pass.
name: gate

on:
  pull_request:
    branches: [{branch}]
  merge_group:

permissions:
  contents: read

concurrency:
  group: gate-${{{{ github.ref }}}}
  cancel-in-progress: true

jobs:
  gate:
    runs-on: ubuntu-latest
    timeout-minutes: 20
    steps:
      - uses: actions/checkout@08c6903cd8c0fde910a37f88322edcfb5dd907a8 # v5.0.0
        with:
          persist-credentials: false
      - uses: actions/checkout@08c6903cd8c0fde910a37f88322edcfb5dd907a8 # v5.0.0
        with:
          repository: {source}
          path: .gate
          persist-credentials: false
      - run: cargo build --locked --manifest-path .gate/Cargo.toml -p pipeline --features sign
      - run: |
          .gate/target/debug/pipeline gate {arguments}
",
        branch = quoted(&check.branch),
        source = quoted(&check.source),
        arguments = arguments.join(" "),
    )
}

/// A word for the shell that runs the step, quoted unless it cannot be anything else. What GitHub would take for an expression is taken
/// apart, as that is replaced before the shell sees it (W3).
fn shell(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./@:".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''").replace("${{", "$''{{"))
    }
}
