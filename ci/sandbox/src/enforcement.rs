//! By what means limits on memory and processes are enforced: a control group where this process may make one, else what the kernel
//! offers for single processes and pid namespaces. Found once; where groups may be made is the matter of [`places`].

mod group;
mod leaf;
mod places;

use std::io;

use rustix::system::uname;

pub(crate) use group::{Exceeded, Group};
pub(crate) use places::{Place, Version};

use crate::spec::Limits;

/// By what means the limits of executions are enforced on this machine, for this process.
#[derive(Clone, Debug, Default)]
pub struct Enforcement {
    /// Where groups with the memory controller are made.
    pub(crate) memory: Option<Place>,
    /// Where groups with the pids controller are made.
    pub(crate) pids: Option<Place>,
    /// Why one of them is missing.
    reason: Option<String>,
}

impl Enforcement {
    /// Finds the means, and removes groups that killed processes of ours have left there.
    pub(crate) fn detect() -> Self {
        let found = places::find().and_then(|found| found.prepare());
        let enforcement = match found {
            Ok((memory, pids)) => Self {
                reason: (memory.is_none() || pids.is_none())
                    .then(|| "not all controllers are passed on to it".to_owned()),
                memory,
                pids,
            },
            Err(error) => Self {
                reason: Some(error.to_string()),
                ..Self::default()
            },
        };
        enforcement.tried()
    }

    /// Without the places where no group can be made after all.
    fn tried(self) -> Self {
        for place in self.memory.iter().chain(&self.pids) {
            group::sweep(&place.directory);
        }
        let limits = Limits {
            memory: Some(1 << 40),
            pids: Some(1 << 20),
            ..Limits::default()
        };
        match Group::make(&self, &limits) {
            Ok(_) => self,
            Err(error) => Self {
                reason: Some(error.to_string()),
                ..Self::default()
            },
        }
    }

    /// Where groups are made, for people; or why nowhere.
    pub(crate) fn describe() -> io::Result<String> {
        let found = places::find()?;
        let directories = found.directories();
        Ok(directories.join(" and "))
    }

    /// What of these limits is not enforced to the letter, in one line; `None` if all are.
    pub fn shortfall(&self, limits: &Limits) -> Option<String> {
        let memory = (limits.memory.is_some() && self.memory.is_none())
            .then_some("memory is limited for each process by itself (RLIMIT_DATA)");
        let pids = (limits.pids.is_some() && self.pids.is_none()).then(|| {
            if pid_namespaces_have_limits() {
                "processes may be up to 300 more (pid_max of the pid namespace)"
            } else {
                "processes are counted for all executions together (RLIMIT_NPROC)"
            }
        });
        let means: Vec<&str> = memory.into_iter().chain(pids).collect();
        if means.is_empty() {
            return None;
        }
        let reason = self.reason.as_deref().unwrap_or("there is none");
        Some(format!(
            "{}: no control group can be used ({reason})",
            means.join(", ")
        ))
    }
}

/// Whether `kernel.pid_max` is a setting of each pid namespace: Linux 6.14. Before, it is the whole machine's.
pub(crate) fn pid_namespaces_have_limits() -> bool {
    kernel_version(&uname().release().to_string_lossy()) >= (6, 14)
}

/// The first two numbers of a kernel's release, 0 where there are none.
pub(crate) fn kernel_version(release: &str) -> (u32, u32) {
    let mut numbers = release
        .split(|c: char| !c.is_ascii_digit())
        .map_while(|number| number.parse::<u32>().ok());
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_group_enforces_is_said_if_it_is_asked_for() {
        let place = Place {
            directory: "/sys/fs/cgroup/x".into(),
            version: Version::V2,
        };
        let full = Enforcement {
            memory: Some(place.clone()),
            pids: Some(place),
            reason: None,
        };
        let none = Enforcement {
            reason: Some("it belongs to root".into()),
            ..Enforcement::default()
        };
        let memory = Limits {
            memory: Some(1),
            ..Limits::default()
        };
        assert_eq!(full.shortfall(&memory), None);
        assert_eq!(none.shortfall(&Limits::default()), None);
        assert_eq!(
            none.shortfall(&memory).unwrap(),
            "memory is limited for each process by itself (RLIMIT_DATA): no control group can be used (it belongs to root)"
        );
    }
}
