//! Every Dockerfile of `tests/dockerfiles`, built by the real program on the embedded engine: image, warnings or error are what the
//! `expected` beside it says.
//!
//! `UPDATE_EXPECTED=1 cargo test -p pipeline --test corpus NAME` writes `expected` anew: read what changed before you keep it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test fails by panicking and says why on the terminal"
)]

use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};

use libtest_mimic::{Arguments, Completion, Failed, Trial};
use tempfile::TempDir;
use test_support::base::{self, Bases};
use test_support::case::{Case, EXPECTED};
use test_support::report::Report;
use test_support::tree;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/dockerfiles");
    let work = Arc::new(TempDir::with_prefix("corpus-").unwrap());
    let bases = OnceLock::new();
    let context = Arc::new((work, bases));
    let cases = Case::all(&folder);
    let test = |case: Case| {
        let context = context.clone();
        Trial::ignorable_test(case.name.clone(), move || {
            if base::busybox().is_none() {
                return Ok(Completion::ignored_with("busybox-static is not installed"));
            }
            let (work, bases) = &*context;
            let bases = bases.get_or_init(|| Bases::write(&work.path().join("bases")));
            check(&case, work.path(), bases)?;
            Ok(Completion::Completed)
        })
    };
    let table = fs::read_to_string(folder.join("README.md")).unwrap();
    let named = Trial::test("the table of features names every case", move || {
        named(&table, &Case::all(&folder))
    });
    let tests = cases.into_iter().map(test).chain([named]).collect();
    libtest_mimic::run(&arguments, tests).exit_code()
}

/// Builds a case in a project of its own; the cache is shared, as a developer's is.
fn check(case: &Case, work: &Path, bases: &Bases) -> Result<(), Failed> {
    let staged = case.stage(&work.join("projects").join(&case.name), bases);
    let program = Path::new(env!("CARGO_BIN_EXE_pipeline"));
    let report = Report::of(program, &work.join("cache"), &staged, bases).to_string();
    let file = case.folder.join(EXPECTED);
    if std::env::var_os("UPDATE_EXPECTED").is_some() {
        return Ok(fs::write(file, report)?);
    }
    let expected = fs::read_to_string(&file).unwrap_or_default();
    if report == expected {
        return Ok(());
    }
    Err(format!(
        "{}/expected (-) and what came of it (+):\n{}",
        case.folder.display(),
        tree::changed_lines(&expected, &report)
    )
    .into())
}

/// A case that the table does not name is a feature that nobody finds.
fn named(table: &str, cases: &[Case]) -> Result<(), Failed> {
    let is_missing = |case: &&Case| !table.contains(&format!("`{}`", case.name));
    let missing: Vec<_> = cases
        .iter()
        .filter(is_missing)
        .map(|case| &case.name)
        .collect();
    if missing.is_empty() {
        Ok(())
    } else {
        Err(format!("README.md does not name {missing:?}").into())
    }
}
