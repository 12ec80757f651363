//! `promote`: what was built and pushed, or runs elsewhere, is pinned in an environment.

mod show;

use ci_engine::Progress;

use super::{Answer, Format};
use crate::project::Project;
use crate::stages::promote::{self, Promoted, Request};
use crate::terminal::Paint;

/// Pin what was pushed in an environment, by a pull request or a commit
///
/// Digests of the release record (.pipeline/release.json), or those that another environment pins, are written to the places that
/// `[environments.NAME.deploy]` of pipeline.toml declares: a pull request for each release unit, updated when repeated, or a commit on the
/// branch. Nothing is built. What the environment's policy asks for is checked first; what is older than what is pinned is refused.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Promote {
    /// Services, with those coupled to them; none means all that there are
    #[arg(value_name = "SERVICE")]
    services: Vec<String>,

    /// The environment of pipeline.toml that gets them; `--to` means the same
    #[arg(long, alias = "to", value_name = "NAME")]
    env: String,

    /// Take what this environment pins, not what was built [default: what `from` of its deployments says]
    #[arg(long, value_name = "NAME")]
    from: Option<String>,

    /// Say what would change, and why it would be refused; write nothing
    #[arg(long)]
    dry_run: bool,

    /// Let an older commit, or one that cannot be compared, take the place of what is pinned
    #[arg(long)]
    force: bool,

    /// Propose again what people declined: a pull request that was closed without being merged
    #[arg(long)]
    reopen: bool,

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
  {bin} promote --env staging --dry-run                what would change, line by line
  {bin} promote --env staging                          everything that was pushed
  {bin} promote web --from staging --to production     the digest that staging runs
  {bin} promote --env staging --output json            pull requests and commits

Credentials: PIPELINE_DEPLOY_TOKEN; else PIPELINE_DEPLOY_APP_ID and PIPELINE_DEPLOY_APP_KEY of a
GitHub App (the key in PEM, or a file with it); else, on the job's own server, GITHUB_TOKEN.
Without a token, commits are pushed as git is configured.";

pub(crate) async fn run(
    args: &Promote,
    project: &Project,
    progress: &Progress,
    paint: Paint,
) -> eyre::Result<Answer> {
    let request = Request {
        environment: args.env.clone(),
        services: args.services.clone(),
        from: args.from.clone(),
        force: args.force,
        reopen: args.reopen,
        dry_run: args.dry_run,
    };
    let promoted = promote::run(project, progress, &request).await?;
    answer(promoted, args.output, progress, paint)
}

/// Prints what came of a promotion or a rollback.
pub(super) fn answer(
    promoted: Promoted,
    output: Format,
    progress: &Progress,
    paint: Paint,
) -> eyre::Result<Answer> {
    for change in &promoted.changes {
        for warning in show::warnings(change) {
            let group = change.promotion.unit.as_str().into();
            progress.warn(&group, "Promotion", warning, None);
        }
    }
    let text = match output {
        Format::Human => {
            show::human(&promoted.changes, paint) + &show::received(&promoted.received)
        }
        Format::Json => show::json(&promoted)?,
    };
    Ok(Answer {
        text,
        failures: promoted.failures,
    })
}
