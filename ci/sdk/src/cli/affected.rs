//! `affected`: which services a change touches, and why.

use std::ffi::OsString;
use std::io::Read;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use ci_catalog::affected::Reason;
use ci_engine::Progress;
use clap::ValueEnum;
use serde_json::{Value, json};

use super::Answer;
use crate::error::{Exit, UserError};
use crate::project::Project;
use crate::report;
use crate::stages::affected::{self, Change, Found};
use crate::text;

/// Say which services a change touches, and why
///
/// Compares what is checked out, uncommitted changes included, with the commit where its branch began, and finds the services whose
/// images may be different: because of a file that they read, a lock file, a package or an image they are built on, or the catalog. What
/// cannot be told counts as yes, with a warning; so does everything where the history is cut off.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Affected {
    /// Compare with this branch, tag or commit [default: in a GitHub job, what it is for; else the default branch of origin]
    #[arg(long, value_name = "REF")]
    since: Option<String>,

    /// Take these files as changed, one per line, relative to the folder of pipeline.toml; - reads standard input
    #[arg(long, value_name = "FILE", conflicts_with = "since")]
    files: Option<PathBuf>,

    /// How to print the result, on standard output: human (the default), json or names (one per line)
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
  {bin} affected                            what this branch touches, and why
  {bin} affected --since v1.4.2             since a release
  {bin} build --affected                    build just these
  git diff --name-only | {bin} affected --files - --output names";

/// Form of the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Output {
    Human,
    Json,
    Names,
}

/// More bytes than any list of files has.
const LIMIT: u64 = 64 << 20;

pub(crate) fn run(args: &Affected, project: &Project, progress: &Progress) -> eyre::Result<Answer> {
    let change = match &args.files {
        Some(path) => Change::Files(files(path)?),
        None => Change::Since(args.since.clone()),
    };
    let found = affected::find(project, progress, &change)?;
    Ok(match args.output {
        Output::Human => human(&found).into(),
        Output::Json => report::json(&document(&found))?.into(),
        Output::Names => names(&found).into(),
    })
}

fn files(path: &Path) -> eyre::Result<Vec<PathBuf>> {
    let mut bytes = Vec::new();
    let read = if path == Path::new("-") {
        std::io::stdin().lock().take(LIMIT).read_to_end(&mut bytes)
    } else {
        std::fs::File::open(path).and_then(|file| file.take(LIMIT).read_to_end(&mut bytes))
    };
    read.map_err(|error| {
        UserError::new(Exit::Usage, format!("cannot read {}", path.display())).because(error)
    })?;
    Ok(paths(&bytes))
}

/// Lines, or what `-z` gives.
fn paths(bytes: &[u8]) -> Vec<PathBuf> {
    let end = if bytes.contains(&0) { 0 } else { b'\n' };
    bytes
        .split(|byte| *byte == end)
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
        .filter(|line| !line.is_empty())
        .map(|line| PathBuf::from(OsString::from_vec(line.to_vec())))
        .collect()
}

fn human(found: &Found) -> String {
    let mut out = format!("{}\n", found.affected);
    if let (Some(since), Some(files)) = (&found.since, found.files) {
        let s = if files == 1 { "" } else { "s" };
        let commit: String = since.commit.chars().take(7).collect();
        let reference = text::one_line(&since.reference);
        out.push_str(&format!(
            "\n{files} file{s} changed since {reference} ({commit})\n"
        ));
    }
    out
}

fn names(found: &Found) -> String {
    let names = found.affected.services.keys();
    names.map(|name| format!("{name}\n")).collect()
}

fn document(found: &Found) -> Value {
    let services = found.affected.services.iter().map(|(name, reasons)| {
        let reasons: Vec<Value> = reasons.iter().map(reason).collect();
        json!({"name": name.as_str(), "reasons": reasons})
    });
    json!({
        "since": found.since.as_ref().map(|it| json!({"reference": it.reference, "commit": it.commit})),
        "files": found.files,
        "services": services.collect::<Vec<_>>(),
        "warnings": found.affected.warnings,
    })
}

fn reason(reason: &Reason) -> Value {
    let file = |kind: &str, path: &Path| json!({"kind": kind, "path": path.to_string_lossy()});
    match reason {
        Reason::Catalog(path) => file("catalog", path),
        Reason::Dockerfile(path) => file("dockerfile", path),
        Reason::Path(path) => file("path", path),
        Reason::Lockfile(path) => file("lockfile", path),
        Reason::Shared(path) => file("shared", path),
        Reason::Unclear(path) => file("unclear", path),
        Reason::Service(name) => json!({"kind": "service", "service": name.as_str()}),
        Reason::Coupled(name) => json!({"kind": "coupled", "service": name.as_str()}),
        Reason::Unknown => json!({"kind": "unknown"}),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::stages::affected::Since;

    fn found() -> Found {
        let mut found = Found {
            files: Some(2),
            since: Some(Since {
                reference: "origin/main".to_owned(),
                commit: "0123456789abcdef".to_owned(),
            }),
            ..Found::default()
        };
        let path = |path: &str| Reason::Path(path.into());
        let services = &mut found.affected.services;
        services.insert(
            "api".parse().unwrap(),
            BTreeSet::from([path("api/main.go"), path("api/x")]),
        );
        let coupled = Reason::Coupled("api".parse().unwrap());
        services.insert("migrator".parse().unwrap(), BTreeSet::from([coupled]));
        found
    }

    #[test]
    fn services_come_with_reasons_and_what_was_compared() {
        insta::assert_snapshot!(human(&found()), @r"
        api
          api/main.go (its own)
          api/x (its own)
        migrator
          is released with `api`

        2 files changed since origin/main (0123456)
        ");
        insta::assert_snapshot!(human(&Found::default()), @"no service is affected");
        assert_eq!(names(&found()), "api\nmigrator\n");
    }

    #[test]
    fn programs_get_the_same() {
        insta::assert_snapshot!(report::json(&document(&found())).unwrap(), @r#"
        {
          "files": 2,
          "services": [
            {
              "name": "api",
              "reasons": [
                {
                  "kind": "path",
                  "path": "api/main.go"
                },
                {
                  "kind": "path",
                  "path": "api/x"
                }
              ]
            },
            {
              "name": "migrator",
              "reasons": [
                {
                  "kind": "coupled",
                  "service": "api"
                }
              ]
            }
          ],
          "since": {
            "commit": "0123456789abcdef",
            "reference": "origin/main"
          },
          "warnings": []
        }
        "#);
    }

    #[test]
    fn lists_of_files_are_lines_or_end_in_zeros() {
        let as_paths =
            |paths: &[&str]| -> Vec<PathBuf> { paths.iter().map(PathBuf::from).collect() };
        assert_eq!(paths(b"a b\r\n\nc\n"), as_paths(&["a b", "c"]));
        assert_eq!(paths(b"a\nb\0c\0"), as_paths(&["a\nb", "c"]));
        assert_eq!(paths(b""), as_paths(&[]));
    }
}
