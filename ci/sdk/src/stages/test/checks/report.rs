//! Where the JUnit file of a check is collected: `.pipeline/reports/SERVICE/CHECK.xml`.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};

use ci_catalog::{Check as Declared, Service};
use eyre::WrapErr;

use super::super::REPORTS;
use super::super::junit;
use super::super::tested::Report;
use crate::context::Context;
use crate::stages::files;

/// The largest report, in bytes. What is longer is no report.
const LIMIT: u64 = 64 << 20;

/// The file of one check.
pub(super) struct Place {
    path: PathBuf,
    /// The same from the catalog's root.
    below: PathBuf,
}

impl Place {
    pub(super) fn new(ctx: &Context, service: &Service, check: &Declared) -> Self {
        let path = ctx
            .state_dir()
            .join(REPORTS)
            .join(service.name.as_str())
            .join(format!("{}.xml", check.name));
        let below = path.strip_prefix(ctx.root()).unwrap_or(&path).to_owned();
        Self { path, below }
    }

    /// Removes what an earlier run left, and makes the folder.
    pub(super) fn clear(&self) -> eyre::Result<()> {
        remove(&self.path)?;
        if let Some(dir) = self.path.parent() {
            std::fs::create_dir_all(dir)?;
        }
        Ok(())
    }

    pub(super) fn text(&self) -> Result<String, crate::error::UserError> {
        crate::stages::build::text(&self.path)
    }

    /// Copies a file to here; whether there is one.
    pub(super) fn copy(&self, from: &Path) -> eyre::Result<bool> {
        match read(from) {
            Ok(content) => {
                files::write(&self.path, &content)?;
                Ok(true)
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error).wrap_err_with(|| format!("cannot read {}", from.display())),
        }
    }

    /// Counts what is here.
    pub(super) fn read(&self) -> eyre::Result<Report> {
        let content =
            read(&self.path).wrap_err_with(|| format!("cannot read {}", self.path.display()))?;
        Ok(Report {
            path: self.below.clone(),
            counts: junit::count(&content),
        })
    }
}

/// Removes a file, if it is there.
pub(super) fn remove(path: &Path) -> eyre::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).wrap_err_with(|| format!("cannot remove {}", path.display()))
        }
        _ => Ok(()),
    }
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    // Anything else, such as a fifo, could be read for ever.
    if !std::fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    let mut content = Vec::new();
    File::open(path)?
        .take(LIMIT + 1)
        .read_to_end(&mut content)?;
    if content.len() as u64 > LIMIT {
        return Err(io::Error::other("it is larger than 64 MB"));
    }
    Ok(content)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(dir: &Path) -> Place {
        Place {
            path: dir.join("reports/web/unit.xml"),
            below: "reports/web/unit.xml".into(),
        }
    }

    #[test]
    fn a_report_is_copied_and_counted_and_one_of_an_earlier_run_is_gone() {
        let dir = tempfile::tempdir().unwrap();
        let place = place(dir.path());
        place.clear().unwrap();
        let left = dir.path().join("left.xml");
        assert!(!place.copy(&left).unwrap());
        std::fs::write(&left, "<testsuite><testcase/></testsuite>").unwrap();
        assert!(place.copy(&left).unwrap());
        let report = place.read().unwrap();
        assert_eq!(report.counts.unwrap().tests, 1);
        assert_eq!(report.path, Path::new("reports/web/unit.xml"));
        place.clear().unwrap();
        assert!(!place.path.exists());
        place.clear().unwrap();
    }

    #[test]
    fn what_could_be_read_for_ever_is_not_read() {
        let dir = tempfile::tempdir().unwrap();
        let place = place(dir.path());
        let fifo = dir.path().join("fifo");
        let mode = rustix::fs::Mode::from_raw_mode(0o600);
        rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, mode, 0).unwrap();
        let error = format!("{:?}", place.copy(&fifo).unwrap_err());
        assert!(error.contains("no regular file"), "{error}");
        let large = dir.path().join("large");
        File::create(&large).unwrap().set_len(LIMIT + 1).unwrap();
        let error = format!("{:?}", place.copy(&large).unwrap_err());
        assert!(error.contains("larger than 64 MB"), "{error}");
    }
}
