//! `lock`: the digests of base images, written down.

use std::collections::BTreeMap;

use ci_catalog::{LOCK_FILE, Lock as LockFile, LockChange};
use ci_engine::Progress;
use serde_json::{Value, json};

use super::build::short;
use super::{Answer, Format};
use crate::error::{Exit, UserError};
use crate::project::Project;
use crate::report::{self, Cell, Column, Table};
use crate::stages::bases::familiar;
use crate::stages::bases::lock;
use crate::terminal::{Paint, Style};

/// Pin the images that Dockerfiles stand on
///
/// Asks the registries for the digest of every image that FROM, COPY --from and RUN --mount=from name, and writes them to
/// pipeline.lock beside pipeline.toml. Builds then use exactly these, also when a tag is moved, until they are locked anew. Commit the
/// file. Images that are written with a digest need no entry.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Lock {
    /// Services whose images are looked up; none means all. What others stand on stays as it is
    #[arg(value_name = "SERVICE")]
    services: Vec<String>,

    /// Write nothing; exit with 1 if the file would change
    #[arg(long)]
    check: bool,

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
  {bin} lock                  look up every base, write pipeline.lock
  {bin} lock web              only what web stands on
  {bin} lock --check          has a tag been moved? for a scheduled job
  {bin} build --locked        in CI: only what is locked, and nothing stale";

pub(crate) async fn run(
    args: &Lock,
    project: &Project,
    progress: &Progress,
    paint: Paint,
) -> eyre::Result<Answer> {
    let locked = lock::run(project, progress, &args.services, args.check).await?;
    let mut failures = locked.failures;
    let changes = Changes::of(&locked.before, &locked.after);
    // What could not be looked up is not there, and would look as if it were no longer used.
    if !failures.is_empty() {
        return Ok(Answer {
            text: String::new(),
            failures,
        });
    }
    let text = match args.output {
        Format::Human => changes.human(locked.written, paint),
        Format::Json => report::json(&changes.document(locked.written))?,
    };
    if args.check {
        failures.extend(changes.outdated().map(eyre::Report::from));
    }
    Ok(Answer { text, failures })
}

/// Every image of a lock file before or after, and what became of it, ordered by reference.
struct Changes(BTreeMap<String, (String, Change)>);

enum Change {
    Added,
    /// From this digest.
    Moved(String),
    Removed,
    Unchanged,
}

impl Changes {
    fn of(before: &LockFile, after: &LockFile) -> Self {
        let unchanged = after.iter().map(|(reference, digest)| {
            (reference.to_owned(), (digest.to_owned(), Change::Unchanged))
        });
        let mut all: BTreeMap<_, _> = unchanged.collect();
        for change in before.changes(after) {
            let (reference, change) = match change {
                LockChange::Added { reference, digest } => (reference, (digest, Change::Added)),
                LockChange::Removed { reference, digest } => (reference, (digest, Change::Removed)),
                LockChange::Moved {
                    reference,
                    from,
                    to,
                } => (reference, (to, Change::Moved(from))),
            };
            all.insert(reference, change);
        }
        Self(all)
    }

    fn count(&self) -> usize {
        let changed = |(_, change): &&(String, Change)| !matches!(change, Change::Unchanged);
        self.0.values().filter(changed).count()
    }

    fn human(&self, written: bool, paint: Paint) -> String {
        if self.0.is_empty() {
            return "no Dockerfile stands on an image of a registry\n".to_owned();
        }
        let mut table = Table::new([
            Column::left("IMAGE"),
            Column::left("DIGEST"),
            Column::left("CHANGE"),
        ]);
        for (reference, (digest, change)) in &self.0 {
            let (style, text) = match change {
                Change::Added => (Style::Good, "added".to_owned()),
                Change::Moved(from) => (Style::Notice, format!("moved from {}", short(from))),
                Change::Removed => (Style::Bad, "removed".to_owned()),
                Change::Unchanged => (Style::Dim, "unchanged".to_owned()),
            };
            table.row([
                familiar(reference).into(),
                short(digest).into(),
                Cell::styled(text, style),
            ]);
        }
        let mut out = table.render(paint);
        if written {
            out.push_str(&format!("\nwrote {LOCK_FILE}; commit it\n"));
        } else if self.count() == 0 {
            out.push_str(&format!("\n{LOCK_FILE} is up to date\n"));
        }
        out
    }

    fn document(&self, written: bool) -> Value {
        let images = self.0.iter().map(|(reference, (digest, change))| {
            let (change, from) = match change {
                Change::Added => ("added", None),
                Change::Moved(from) => ("moved", Some(from)),
                Change::Removed => ("removed", None),
                Change::Unchanged => ("unchanged", None),
            };
            let mut image = json!({"reference": reference, "digest": digest, "change": change});
            if let Some(from) = from {
                image["from"] = json!(from);
            }
            image
        });
        json!({"images": images.collect::<Vec<_>>(), "written": written})
    }

    /// The verdict of `--check`.
    fn outdated(&self) -> Option<UserError> {
        let count = self.count();
        let s = if count == 1 { "" } else { "s" };
        let message = format!("{LOCK_FILE} is out of date: {count} image{s} changed");
        let error = UserError::new(Exit::Failed, message);
        (count > 0).then(|| error.hint("the `lock` command without `--check` writes it"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lock(images: &[(&str, char)]) -> LockFile {
        let mut lock = LockFile::default();
        for (reference, digit) in images {
            let digest = format!("sha256:{}", digit.to_string().repeat(64));
            lock.insert(*reference, digest).unwrap();
        }
        lock
    }

    fn changes() -> Changes {
        let before = lock(&[
            ("docker.io/library/alpine:3", 'a'),
            ("docker.io/library/debian:12-slim", 'b'),
            ("ghcr.io/acme/base:1", 'c'),
        ]);
        let after = lock(&[
            ("docker.io/library/debian:12-slim", 'd'),
            ("docker.io/library/node:22", 'e'),
            ("ghcr.io/acme/base:1", 'c'),
        ]);
        Changes::of(&before, &after)
    }

    #[test]
    fn every_image_is_listed_with_what_became_of_it() {
        insta::assert_snapshot!(changes().human(true, Paint::new(false)), @r"
        IMAGE                DIGEST               CHANGE
        alpine:3             sha256:aaaaaaaaaaaa  removed
        debian:12-slim       sha256:dddddddddddd  moved from sha256:bbbbbbbbbbbb
        node:22              sha256:eeeeeeeeeeee  added
        ghcr.io/acme/base:1  sha256:cccccccccccc  unchanged

        wrote pipeline.lock; commit it
        ");
    }

    #[test]
    fn what_stayed_is_up_to_date_and_nothing_at_all_is_said_so() {
        let same = lock(&[("ghcr.io/acme/base:1", 'c')]);
        insta::assert_snapshot!(Changes::of(&same, &same).human(false, Paint::new(false)), @r"
IMAGE                DIGEST               CHANGE
ghcr.io/acme/base:1  sha256:cccccccccccc  unchanged

pipeline.lock is up to date
");
        let none = Changes::of(&LockFile::default(), &LockFile::default());
        insta::assert_snapshot!(none.human(false, Paint::new(false)), @"no Dockerfile stands on an image of a registry");
    }

    #[test]
    fn the_document_has_whole_digests() {
        insta::assert_snapshot!(report::json(&changes().document(true)).unwrap(), @r#"
        {
          "images": [
            {
              "change": "removed",
              "digest": "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
              "reference": "docker.io/library/alpine:3"
            },
            {
              "change": "moved",
              "digest": "sha256:dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd",
              "from": "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
              "reference": "docker.io/library/debian:12-slim"
            },
            {
              "change": "added",
              "digest": "sha256:eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee",
              "reference": "docker.io/library/node:22"
            },
            {
              "change": "unchanged",
              "digest": "sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc",
              "reference": "ghcr.io/acme/base:1"
            }
          ],
          "written": true
        }
        "#);
    }

    #[test]
    fn a_check_fails_only_for_what_changed() {
        let error = changes().outdated().unwrap();
        assert_eq!(
            error.to_string(),
            "pipeline.lock is out of date: 3 images changed"
        );
        let same = lock(&[("ghcr.io/acme/base:1", 'c')]);
        assert!(Changes::of(&same, &same).outdated().is_none());
    }
}
