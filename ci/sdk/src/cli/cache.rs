//! `cache`: what the content-addressed store holds, making room in it, and proof that it is whole.

use std::ops::ControlFlow;
use std::time::Duration;

use ci_oci::Digest;
use ci_rootfs::LayerDir;
use ci_rootfs::op::{self, Op, Reply};
use ci_sandbox::{Privilege, Sandbox};
use ci_store::{LayerPaths, Policy, Pruned, Report, Space, Store, Usage};
use serde_json::json;

use super::{Answer, Format};
use crate::error::{Exit, UserError};
use crate::report::{self, Column, Table};
use crate::terminal::{Paint, Style};
use crate::units;

/// Show, prune or verify the cache
///
/// The cache is shared by all checkouts and all runs of this user: $PIPELINE_CACHE_DIR, else $XDG_CACHE_HOME/pipeline, else
/// ~/.cache/pipeline. Deleting it costs nothing but time.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Cache {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  {bin} cache size
  {bin} cache prune --max-size 5GB --older-than 7d
  {bin} cache verify";

#[derive(Debug, clap::Subcommand)]
enum Command {
    Size(Size),
    Prune(Prune),
    Verify(Verify),
}

/// Show how much space the cache takes, by kind
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  {bin} cache size\n  {bin} cache size --output json | jq .total.bytes"
)]
struct Size {
    /// How to print the result: human (the default) or json
    #[arg(
        long,
        value_name = "FORMAT",
        default_value = "human",
        hide_possible_values = true,
        hide_default_value = true
    )]
    output: Format,
}

/// Delete what was used least recently, until the limits hold
///
/// Without limits, only what nothing refers to is deleted. Running builds are waited for.
#[derive(Debug, clap::Args)]
#[command(after_help = PRUNE_EXAMPLES)]
struct Prune {
    /// Make the cache no larger than this: 5GB, 500MB, 1.5GiB
    #[arg(long, value_name = "SIZE", value_parser = units::parse_size)]
    max_size: Option<u64>,

    /// Delete what has not been used for this long: 12h, 7d, 4w
    #[arg(long, value_name = "AGE", value_parser = units::parse_age)]
    older_than: Option<Duration>,

    /// Delete everything
    #[arg(long, conflicts_with_all = ["max_size", "older_than"])]
    all: bool,
}

const PRUNE_EXAMPLES: &str = "\
Examples:
  {bin} cache prune                      only what nothing refers to
  {bin} cache prune --older-than 7d      what a week of work did not need
  {bin} cache prune --max-size 5GB       what fits into 5 GB stays
  {bin} cache prune --all                everything; the next build is a cold one";

/// Read everything in the cache and check it against its digests
///
/// Exits with 1 when something is damaged.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  {bin} cache verify\n  {bin} cache verify --repair    and delete what is damaged"
)]
struct Verify {
    /// Delete what is damaged; the next build makes it again
    #[arg(long)]
    repair: bool,
}

/// Waiting shorter than this is not worth a word.
const PATIENCE: Duration = Duration::from_secs(1);

/// `paint` is for standard output, `errors` for standard error.
pub(crate) fn run(args: &Cache, paint: Paint, errors: Paint) -> eyre::Result<Answer> {
    let sandbox = Sandbox::new(Privilege::detect());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let root = Store::default_root()?;
    let opened = ci_engine::open_store(&root, sandbox.clone());
    let mut store = runtime.block_on(opened)?;
    match &args.command {
        Command::Size(args) => {
            let usage = store.usage()?;
            match args.output {
                Format::Human => {
                    Ok(format!("{}\n{}", store.root().display(), table(&usage, paint)).into())
                }
                Format::Json => Ok(report::json(&document(&store, &usage))?.into()),
            }
        }
        Command::Prune(args) => {
            let policy = Policy {
                max_bytes: args.max_size,
                older_than: args.older_than,
                all: args.all,
            };
            Ok(freed(&store.prune(policy, &mut waiting(errors))?).into())
        }
        Command::Verify(args) => {
            let pack = |layer: &LayerPaths| hash(&sandbox, layer);
            let mut silent = |_, _| {};
            let report = if args.repair {
                store.repair(&pack, &mut silent, &mut waiting(errors))?
            } else {
                store.verify(&pack, &mut silent)?
            };
            Ok(Answer {
                text: checked(&report),
                failures: damage(&report, args.repair)
                    .map(Into::into)
                    .into_iter()
                    .collect(),
            })
        }
    }
}

fn table(usage: &Usage, paint: Paint) -> String {
    let mut table = Table::new([
        Column::left("KIND"),
        Column::right("COUNT"),
        Column::right("SIZE"),
    ]);
    for (kind, space) in kinds(usage).into_iter().chain([("total", usage.total())]) {
        table.row([
            kind.into(),
            space.count.to_string().into(),
            units::size(space.bytes).into(),
        ]);
    }
    table.render(paint)
}

fn document(store: &Store, usage: &Usage) -> serde_json::Value {
    let value = |space: Space| json!({"count": space.count, "bytes": space.bytes});
    let mut document = json!({"path": store.root(), "total": value(usage.total())});
    for (kind, space) in kinds(usage) {
        document[kind] = value(space);
    }
    document
}

fn kinds(usage: &Usage) -> [(&'static str, Space); 5] {
    [
        ("layers", usage.layers),
        ("blobs", usage.blobs),
        ("results", usage.results),
        ("volumes", usage.volumes),
        ("stats", usage.stats),
    ]
}

fn freed(pruned: &Pruned) -> String {
    let (freed, left) = (pruned.freed.total(), pruned.left.total());
    if freed.count == 0 {
        return format!(
            "nothing to delete; the cache holds {}\n",
            units::size(left.bytes)
        );
    }
    let mut out = String::new();
    for (kind, space) in kinds(&pruned.freed)
        .into_iter()
        .filter(|(_, space)| space.count > 0)
    {
        out.push_str(&format!(
            "deleted {} {kind}, {}\n",
            space.count,
            units::size(space.bytes)
        ));
    }
    out.push_str(&format!(
        "freed {}; the cache holds {}\n",
        units::size(freed.bytes),
        units::size(left.bytes)
    ));
    out
}

fn checked(report: &Report) -> String {
    let total = report.checked.total();
    let mut out = format!(
        "checked {} entries, {}",
        total.count,
        units::size(total.bytes)
    );
    out.push_str(if report.is_clean() {
        ": all whole\n"
    } else {
        "\n"
    });
    let lost = report.lost.total();
    if lost.count > 0 {
        let lost = format!(
            "{} entries, {}, were cut short by a crash; a prune removes them\n",
            lost.count,
            units::size(lost.bytes)
        );
        out.push_str(&lost);
    }
    for problem in &report.problems {
        out.push_str(&format!("{}: {}\n", problem.path.display(), problem.fault));
    }
    out
}

fn damage(report: &Report, repaired: bool) -> Option<UserError> {
    let count = report.problems.len();
    let message = format!(
        "the cache is damaged in {count} place{}",
        if count == 1 { "" } else { "s" }
    );
    let hint = "`cache verify --repair` deletes what is damaged; the next build makes it again";
    (count > 0 && !repaired).then(|| UserError::new(Exit::Failed, message).hint(hint))
}

/// Names a layer by its content, as the engine did when it made it: with the ids that own the files.
fn hash(
    sandbox: &Sandbox,
    layer: &LayerPaths,
) -> Result<Digest, Box<dyn std::error::Error + Send + Sync>> {
    let layer = LayerDir {
        dir: layer.dir.clone(),
        owners: layer.owners.clone(),
    };
    let payload = serde_json::to_vec(&Op::Hash { layer })?;
    let reply = sandbox.call_blocking(op::HANDLER, &payload)?;
    match serde_json::from_slice(&reply)? {
        Reply::Layer { diff_id, .. } => Ok(diff_id),
        other => Err(format!("unexpected answer {other:?}").into()),
    }
}

/// Goes on waiting for running builds, and says so once: SIGINT ends it.
fn waiting(paint: Paint) -> impl FnMut(Duration) -> ControlFlow<()> {
    let mut said = false;
    move |waited| {
        if waited >= PATIENCE && !said {
            said = true;
            let note = paint.paint(Style::Dim, "waiting for running builds to finish …");
            // Nobody to tell is no reason not to wait.
            let _ = report::write(std::io::stderr().lock(), &format!("{note}\n"));
        }
        ControlFlow::Continue(())
    }
}

#[cfg(test)]
mod tests;
