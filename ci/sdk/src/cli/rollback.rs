//! `rollback`: what an environment pinned before comes back.

use ci_engine::Progress;

use super::{Answer, Format, promote};
use crate::project::Project;
use crate::stages::promote::{RollbackRequest, rollback};
use crate::terminal::Paint;

/// Pin what an environment pinned before, by a pull request or a commit
///
/// What was pinned is known from the history of the deployments repository. A release unit goes back as a whole, and nothing of the
/// database does: a unit with migrations says so. An image that is no longer in its registry, or not signed as the environment asks for, is
/// refused, and so is a rollback of what is not pinned any more.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Rollback {
    /// The environment of pipeline.toml
    #[arg(long, value_name = "NAME")]
    env: String,

    /// Services, with those coupled to them; none means all that were promoted more than once
    #[arg(long = "service", value_name = "SERVICE")]
    services: Vec<String>,

    /// Go back to this digest or commit, of the source or the deployments repository; 7 characters are enough [default: the one before]
    #[arg(long, value_name = "REF|DIGEST")]
    to: Option<String>,

    /// What is to be taken back: refused if something else, such as a newer promotion, is pinned by now
    #[arg(long, value_name = "REF|DIGEST")]
    of: Option<String>,

    /// Say what would change; write nothing
    #[arg(long)]
    dry_run: bool,

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
  {bin} rollback --env production --dry-run            what would come back
  {bin} rollback --env production --service web        what production had before
  {bin} rollback --env production --service web --to $(git rev-parse HEAD~2)

Credentials are those of `{bin} promote`.";

pub(crate) async fn run(
    args: &Rollback,
    project: &Project,
    progress: &Progress,
    paint: Paint,
) -> eyre::Result<Answer> {
    let request = RollbackRequest {
        environment: args.env.clone(),
        services: args.services.clone(),
        to: args.to.clone(),
        of: args.of.clone(),
        reopen: args.reopen,
        dry_run: args.dry_run,
    };
    let promoted = rollback(project, progress, &request).await?;
    promote::answer(promoted, args.output, progress, paint)
}
