//! What this process may do: everything (root), or what a user namespace of its own allows, with many ids or one.

use std::fs;
use std::path::PathBuf;

use rustix::mount::{FsOpenFlags, fsopen};
use rustix::process::{getegid, geteuid};
use rustix::thread::{CapabilitySet, capabilities};
use serde::{Deserialize, Serialize};

/// Overrides [`Privilege::detect`]: `root`, `ranges` or `single`.
pub const OVERRIDE: &str = "PIPELINE_PRIVILEGE";

/// Ids of users and groups that images may own files with: 0 to 65535.
const IMAGE_IDS: u64 = 65_536;

/// How namespaces and mounts are had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Privilege {
    /// Effective user 0 that may mount and has all the ids: no user namespace of ours, ids are what they are.
    Root,
    /// A user namespace in which we are root.
    Rootless {
        /// Which ids exist in it.
        ids: IdMap,
    },
}

/// Ids of a rootless user namespace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum IdMap {
    /// Our own id is 0 inside, and 1.. are the subordinate ids of `/etc/subuid` and `/etc/subgid`, set by newuidmap and newgidmap.
    Ranges {
        /// User ids.
        uids: Vec<Range>,
        /// Group ids.
        gids: Vec<Range>,
    },
    /// One id: ours. Handlers see it as 0, an execution as the user it asks for, so `USER 65532` works; `chown` to any other id does not.
    Single,
}

/// A run of ids, as in a line of `/proc/PID/uid_map`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Range {
    /// First id inside.
    pub inside: u32,
    /// First id outside.
    pub outside: u32,
    /// How many.
    pub count: u32,
}

impl Privilege {
    /// The most this process can have: root, else subordinate ids, else one id. The variable [`OVERRIDE`] asks for less; what this
    /// process cannot have is not given.
    pub fn detect() -> Self {
        let wish = std::env::var(OVERRIDE).unwrap_or_default();
        if has_all_rights() && (wish.is_empty() || wish == "root") {
            return Self::Root;
        }
        let ids = if wish == "single" {
            None
        } else {
            IdMap::subordinate()
        };
        Self::Rootless {
            ids: ids.unwrap_or(IdMap::Single),
        }
    }
}

/// Being user 0 is not enough: in a user namespace that somebody else made, as `unshare -r` does, it may have one id, no
/// right to set groups, and a mount namespace that belongs to those outside.
fn has_all_rights() -> bool {
    let read = |file: &str| fs::read_to_string(format!("/proc/self/{file}")).unwrap_or_default();
    geteuid().is_root()
        && capabilities(None).is_ok_and(|sets| sets.effective.contains(CapabilitySet::SYS_ADMIN))
        && fsopen("tmpfs", FsOpenFlags::FSOPEN_CLOEXEC).is_ok()
        && ["uid_map", "gid_map"]
            .iter()
            .all(|map| has_all_ids(&read(map)))
        && read("setgroups").trim() != "deny"
}

/// Whether a `/proc/PID/uid_map` has at least the ids that images use.
fn has_all_ids(map: &str) -> bool {
    let counts = map.lines().filter_map(|line| {
        let count = line.split_ascii_whitespace().nth(2)?;
        count.parse::<u64>().ok()
    });
    counts.sum::<u64>() >= IMAGE_IDS
}

impl IdMap {
    /// The ids that `/etc/subuid` and `/etc/subgid` grant us, if there are some and the programs that map them.
    pub fn subordinate() -> Option<Self> {
        program("newuidmap")?;
        program("newgidmap")?;
        let (uid, gid) = (geteuid().as_raw(), getegid().as_raw());
        let passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
        let name = user_name(&passwd, uid);
        let granted =
            |path| granted_ranges(&fs::read_to_string(path).unwrap_or_default(), name, uid);
        let (uids, gids) = (granted("/etc/subuid"), granted("/etc/subgid"));
        (!uids.is_empty() && !gids.is_empty()).then(|| Self::Ranges {
            uids: stack(uid, &uids),
            gids: stack(gid, &gids),
        })
    }
}

/// Where a program of the host is: in our `PATH`, or where distributions put it.
pub(crate) fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let usual = ["/usr/bin", "/usr/local/bin", "/bin"].map(PathBuf::from);
    std::env::split_paths(&path)
        .chain(usual)
        .map(|directory| directory.join(name))
        .find(|program| program.is_file())
}

/// The name that a user id has in passwd(5).
fn user_name(passwd: &str, uid: u32) -> Option<&str> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(uid)).then_some(name)
    })
}

/// First id and count of what subuid(5) or subgid(5) grants to a user, by name or number.
fn granted_ranges(table: &str, name: Option<&str>, uid: u32) -> Vec<(u32, u32)> {
    let number = uid.to_string();
    let ours = |owner: &str| Some(owner) == name || owner == number;
    table
        .lines()
        .filter_map(|line| {
            let mut fields = line.trim().split(':');
            let owner = fields.next()?;
            let (start, count) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
            (ours(owner) && count > 0).then_some((start, count))
        })
        .collect()
}

/// Our own id as 0, the granted ones above it without gaps.
fn stack(own: u32, granted: &[(u32, u32)]) -> Vec<Range> {
    let mut map = vec![Range {
        inside: 0,
        outside: own,
        count: 1,
    }];
    let mut inside = 1_u32;
    for &(outside, count) in granted {
        let count = count.min(u32::MAX - inside);
        map.push(Range {
            inside,
            outside,
            count,
        });
        inside += count;
    }
    map
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &str = "root:x:0:0::/root:/bin/sh\nann:x:1000:1000::/home/ann:/bin/sh\n";

    #[test]
    fn subordinate_ids_are_granted_by_name_or_number() {
        let table =
            "bob:100000:65536\nann:165536:65536\n# ann:1:1\n1000:300000:10\nann:broken\nann:5:0\n";
        assert_eq!(user_name(PASSWD, 1000), Some("ann"));
        assert_eq!(
            granted_ranges(table, Some("ann"), 1000),
            [(165_536, 65_536), (300_000, 10)]
        );
        assert_eq!(granted_ranges(table, None, 7), []);
    }

    #[test]
    fn root_of_a_user_namespace_with_few_ids_is_not_root() {
        assert!(has_all_ids("         0          0 4294967295\n"));
        assert!(has_all_ids("0 1000 1\n1 100000 65536\n"));
        assert!(!has_all_ids("         0          0          1\n"));
        assert!(!has_all_ids("0 1000 1\n1 100000 1000\n"));
        assert!(!has_all_ids(""));
    }

    #[test]
    fn granted_ids_are_stacked_above_our_own() {
        let map = stack(1000, &[(165_536, 65_536), (300_000, 10)]);
        assert_eq!(
            map,
            [
                Range {
                    inside: 0,
                    outside: 1000,
                    count: 1
                },
                Range {
                    inside: 1,
                    outside: 165_536,
                    count: 65_536
                },
                Range {
                    inside: 65_537,
                    outside: 300_000,
                    count: 10
                },
            ]
        );
    }

    #[test]
    fn a_grant_of_everything_does_not_overflow() {
        let map = stack(0, &[(1, u32::MAX), (1, 5)]);
        assert_eq!(
            map.iter().map(|range| u64::from(range.count)).sum::<u64>(),
            u64::from(u32::MAX)
        );
    }
}
