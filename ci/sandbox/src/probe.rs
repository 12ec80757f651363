//! What this machine allows, each fact tried rather than guessed, for `doctor`.
//! Here the results become verdicts and advice; the tries themselves are in [`attempt`].

mod attempt;

use std::fs;
use std::path::Path;

use rustix::io::Errno;
use serde::Serialize;

use crate::enforcement::{Enforcement, kernel_version};
use crate::failure::Failure;
use crate::helper::Helper;
use crate::{Error, IdMap, Privilege};

pub(crate) use attempt::child;

/// One fact about this machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Probe {
    /// Short name, such as `user namespaces`.
    pub name: &'static str,
    /// Whether executions work with it.
    pub status: Status,
    /// What was found.
    pub found: String,
    /// What to do about it, one thing per line.
    pub fix: Option<String>,
}

/// Verdict of a [`Probe`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// As it should be.
    Ok,
    /// Works, with less isolation, speed or fidelity.
    Warn,
    /// Executions cannot run.
    Missing,
}

impl Probe {
    fn ok(name: &'static str, found: impl Into<String>) -> Self {
        Self {
            name,
            status: Status::Ok,
            found: found.into(),
            fix: None,
        }
    }

    fn warn(name: &'static str, found: impl Into<String>, fix: impl Into<String>) -> Self {
        Self {
            name,
            status: Status::Warn,
            found: found.into(),
            fix: Some(fix.into()),
        }
    }

    fn missing(name: &'static str, found: impl Into<String>, fix: impl Into<String>) -> Self {
        Self {
            name,
            status: Status::Missing,
            found: found.into(),
            fix: Some(fix.into()),
        }
    }
}

/// Tries everything executions need; in child processes where a try would change this one. Takes well under a second.
///
/// Like everything here it needs [`init`](crate::init) to be the first call in `main`.
pub fn probe() -> Vec<Probe> {
    let privilege = Privilege::detect();
    let rootless = privilege != Privilege::Root;
    let report = attempt::run(rootless, None).unwrap_or_else(attempt::Report::nothing);
    let release = rustix::system::uname()
        .release()
        .to_string_lossy()
        .into_owned();
    let mut probes = vec![kernel(&release), namespaces(rootless, &report)];
    if report.namespaces.is_none() {
        probes.extend([overlay(&report), proc(&report)]);
    }
    if rootless {
        probes.push(subordinate_ids(&privilege));
    }
    probes.extend([control_groups(), pasta()]);
    probes
}

/// Tries whether the file system of `directory` can hold the changes of executions. Makes a directory in it and removes it again.
pub fn probe_directory(directory: &Path) -> Probe {
    let name = "file system";
    let rootless = Privilege::detect() != Privilege::Root;
    let report = attempt::run(rootless, Some(directory)).unwrap_or_else(attempt::Report::nothing);
    match report.namespaces.or(report.overlay).or(report.directory) {
        None => Probe::ok(
            name,
            format!("{} can hold overlay layers", directory.display()),
        ),
        Some(failure) => Probe::missing(
            name,
            Error::from(failure).to_string(),
            "keep the cache on a local file system with extended attributes, such as ext4, xfs, btrfs or tmpfs\n\
             (inside a container: on a volume, not on the container's own root)",
        ),
    }
}

fn kernel(release: &str) -> Probe {
    let name = "kernel";
    let found = format!("Linux {release}");
    match kernel_version(release) {
        (6, 6..) | (7.., _) => Probe::ok(name, found),
        (6, 5) => Probe::warn(
            name,
            found,
            "changes that are to be forgotten cannot be kept in memory before Linux 6.6",
        ),
        _ => Probe::missing(
            name,
            found,
            "Linux 6.6 or newer (Ubuntu 24.04, Debian 13, Fedora 39; Debian 12 has it in backports)",
        ),
    }
}

fn namespaces(rootless: bool, report: &attempt::Report) -> Probe {
    let name = if rootless {
        "user namespaces"
    } else {
        "namespaces"
    };
    match &report.namespaces {
        None if rootless => Probe::ok(name, "an ordinary user can make them"),
        None => Probe::ok(name, "running as root, none of users is needed"),
        Some(failure) => Probe::missing(
            name,
            describe(failure),
            namespace_advice(|setting| fs::read_to_string(setting).ok()),
        ),
    }
}

/// The settings that are known to forbid them, in the order in which the kernel asks.
fn namespace_advice(read: impl Fn(&str) -> Option<String>) -> String {
    let is = |setting: &str, value: &str| read(setting).is_some_and(|found| found.trim() == value);
    let mut advice = Vec::new();
    if is("/proc/sys/user/max_user_namespaces", "0") {
        advice.push("sudo sysctl -w user.max_user_namespaces=15000");
    }
    if is("/proc/sys/kernel/unprivileged_userns_clone", "0") {
        advice.push("sudo sysctl -w kernel.unprivileged_userns_clone=1");
    }
    if is(
        "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
        "1",
    ) {
        advice.push("sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0");
    }
    if advice.is_empty() {
        advice.push("inside a container: start it with --security-opt seccomp=unconfined --security-opt apparmor=unconfined");
    }
    advice.join("\n")
}

fn overlay(report: &attempt::Report) -> Probe {
    let name = "overlay mounts";
    match (&report.overlay, &report.discard) {
        (None, None) => Probe::ok(name, "layers merge, changes can be kept in memory"),
        (None, Some(failure)) => Probe::warn(
            name,
            describe(failure),
            "Linux 6.6 or newer keeps extended attributes in memory",
        ),
        (Some(failure), _) => Probe::missing(
            name,
            describe(failure),
            "sudo modprobe overlay\nLinux 6.5 or newer (layers are added one by one)",
        ),
    }
}

fn proc(report: &attempt::Report) -> Probe {
    let name = "/proc";
    match &report.proc {
        None => Probe::ok(name, "each execution has its own"),
        Some(failure) if failure.errno() == Some(Errno::PERM) => Probe::warn(
            name,
            "that of this container is shown to executions, which thus see its processes",
            "start the container with --security-opt systempaths=unconfined",
        ),
        Some(failure) => Probe::missing(name, describe(failure), "a kernel with CONFIG_PROC_FS"),
    }
}

fn subordinate_ids(privilege: &Privilege) -> Probe {
    let name = "subordinate ids";
    let Privilege::Rootless {
        ids: ids @ IdMap::Ranges { uids, gids },
    } = privilege
    else {
        return Probe::warn(
            name,
            "none: all files of an image belong to one id, chown fails",
            "install the package uidmap (shadow-utils)\n\
             sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 \"$USER\"",
        );
    };
    let count = |ranges: &[crate::Range]| {
        ranges
            .iter()
            .map(|range| u64::from(range.count))
            .sum::<u64>()
    };
    let found = format!("{} users, {} groups", count(uids), count(gids));
    match Helper::start(ids) {
        Ok(_) if count(uids).min(count(gids)) > u64::from(u16::MAX) => Probe::ok(name, found),
        Ok(_) => Probe::warn(
            name,
            found,
            "65536 of each are usual: images use ids up to 65534",
        ),
        Err(error) => Probe::missing(
            name,
            error.to_string(),
            "newuidmap and newgidmap must be set-user-id root, or have cap_setuid and cap_setgid\n\
             or do without: PIPELINE_PRIVILEGE=single",
        ),
    }
}

fn control_groups() -> Probe {
    let name = "control groups";
    match Enforcement::describe() {
        Ok(places) => Probe::ok(name, format!("limits are enforced below {places}")),
        Err(error) => Probe::warn(
            name,
            format!("limits on memory hold for single processes only: {error}"),
            "needed for such limits only; on a machine with systemd, run this program in a group of its own:\nsystemd-run --user --scope --property Delegate=yes COMMAND",
        ),
    }
}

fn pasta() -> Probe {
    let name = "pasta";
    match crate::privilege::program("pasta") {
        Some(path) => Probe::ok(name, path.display().to_string()),
        None => Probe::warn(
            name,
            "not installed: executions in a network of their own do not reach others",
            "install the package passt",
        ),
    }
}

fn describe(failure: &Failure) -> String {
    Error::from(failure.clone()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_kernels_are_told_apart() {
        assert_eq!(kernel("6.18.44-cloud").status, Status::Ok);
        assert_eq!(kernel("7.0.0-rc1").status, Status::Ok);
        assert_eq!(kernel("6.5.0-14-generic").status, Status::Warn);
        assert_eq!(kernel("5.15.0").status, Status::Missing);
        assert_eq!(kernel("6.1.0-25-amd64").status, Status::Missing);
        assert_eq!(kernel("unknown").status, Status::Missing);
    }

    #[test]
    fn the_setting_that_forbids_namespaces_is_named() {
        let apparmor = |setting: &str| setting.contains("apparmor").then(|| "1\n".to_owned());
        assert_eq!(
            namespace_advice(apparmor),
            "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"
        );
        let both = |setting: &str| {
            Some(
                if setting.contains("apparmor") {
                    "0"
                } else {
                    "0\n"
                }
                .to_owned(),
            )
        };
        assert_eq!(
            namespace_advice(both),
            "sudo sysctl -w user.max_user_namespaces=15000\nsudo sysctl -w kernel.unprivileged_userns_clone=1"
        );
        assert!(namespace_advice(|_| None).starts_with("inside a container"));
    }
}
