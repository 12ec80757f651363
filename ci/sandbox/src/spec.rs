//! What an execution is: the root file system, mounts, command, identity, network and limits. Plain data, checked when it is run.
//! Where the layers come from and what becomes of the changes is the caller's business.

use std::fmt;
use std::net::IpAddr;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// One process to run, with everything it may see.
#[derive(Clone, Serialize, Deserialize)]
pub struct Spec {
    /// The root file system.
    pub root: Root,
    /// Further mounts, attached in this order, after `/proc`, `/dev` and `/sys`.
    pub mounts: Vec<Mount>,
    /// The command and its arguments; a name without `/` is looked for in the `PATH` of `env`.
    pub argv: Vec<String>,
    /// The whole environment: nothing is inherited.
    pub env: Vec<(String, String)>,
    /// Working directory, absolute; made (mode 0755, owned by root) where it is missing.
    pub cwd: PathBuf,
    /// Who the process is.
    pub user: User,
    /// Host name inside.
    pub hostname: String,
    /// Which network it sees.
    pub network: Network,
    /// Lines for `/etc/hosts` beyond `localhost` and the host name.
    pub hosts: Vec<(String, IpAddr)>,
    /// What it may use up.
    pub limits: Limits,
    /// Capabilities a root process has; none is kept by any other user.
    pub capabilities: Vec<Capability>,
    /// Whether set-user-id programs work inside. `None`: no in rootless mode, yes as root (as other container engines do).
    pub no_new_privs: Option<bool>,
    /// Time between SIGTERM and SIGKILL when the time limit is reached or [`Child::stop`](crate::Child::stop) is called.
    pub grace: Duration,
    /// Standard input; `None` is `/dev/null`.
    pub stdin: Option<Secret>,
}

impl Spec {
    /// A command over a root file system with the usual defaults: user 0, `/` as working directory, the host's network, no limits.
    pub fn new(root: Root, argv: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self {
            root,
            mounts: Vec::new(),
            argv: argv.into_iter().map(Into::into).collect(),
            env: Vec::new(),
            cwd: PathBuf::from("/"),
            user: User::default(),
            hostname: "dagger".to_owned(),
            network: Network::Host,
            hosts: Vec::new(),
            limits: Limits::default(),
            capabilities: Capability::DEFAULT.to_vec(),
            no_new_privs: None,
            grace: Duration::from_secs(10),
            stdin: None,
        }
    }
}

impl fmt::Debug for Spec {
    /// Leaves the values of variables out: they may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spec")
            .field("root", &self.root)
            .field("mounts", &self.mounts)
            .field("argv", &self.argv)
            .field(
                "env",
                &self.env.iter().map(|(name, _)| name).collect::<Vec<_>>(),
            )
            .field("cwd", &self.cwd)
            .field("user", &self.user)
            .field("network", &self.network)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

/// The root file system: layer directories in the kernel's overlay format, and where changes go.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Root {
    /// Layer directories, lowest first. None at all is an empty root.
    pub lowers: Vec<PathBuf>,
    /// What becomes of writes.
    pub changes: Changes,
}

/// What becomes of writes to the root file system.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Changes {
    /// They are found in `upper` afterwards, in the overlay format (`userxattr`), and nothing else is: mount points made for this
    /// execution leave no trace there. Nothing is synced to the disk: whoever keeps it must sync it.
    Keep {
        /// Receives the changes. Usually empty at first; its own mode and owner are then set to those of the root below.
        upper: PathBuf,
        /// Scratch directory of the kernel: empty at first, on the same file system as `upper`, removed by the caller.
        work: PathBuf,
    },
    /// They are kept in memory and forgotten (Linux 6.6).
    Discard,
    /// They fail with `EROFS`.
    Forbid,
}

/// One mount inside the root file system.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Mount {
    /// What is mounted.
    pub source: MountSource,
    /// Absolute path inside; symbolic links are resolved inside the root file system, missing directories appear for this execution only.
    pub target: PathBuf,
    /// Writes fail with `EROFS`.
    pub readonly: bool,
}

/// What a [`Mount`] shows.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum MountSource {
    /// A file or directory of the host.
    Bind {
        /// On the host; symbolic links are followed, the caller vouches for it.
        path: PathBuf,
        /// A part of it, resolved inside it: no link leads out of `path`.
        subpath: Option<PathBuf>,
    },
    /// Empty memory.
    Tmpfs {
        /// Bytes; `None` is the kernel's default (half of the memory).
        size: Option<u64>,
        /// Mode of the directory.
        mode: u32,
    },
    /// Another root file system, such as `RUN --mount=from=…`.
    Layers {
        /// Layer directories, lowest first.
        lowers: Vec<PathBuf>,
        /// A file or directory in it, resolved inside it.
        subpath: Option<PathBuf>,
    },
    /// A small file in memory, never on a disk.
    Bytes {
        /// The contents.
        bytes: Secret,
        /// Permission bits, such as 0o400.
        mode: u32,
        /// Owner inside.
        uid: u32,
        /// Group inside.
        gid: u32,
    },
}

/// Bytes that do not show in `Debug` output.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Secret(pub Vec<u8>);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({} bytes)", self.0.len())
    }
}

/// Numeric identity of the process inside.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// User id.
    pub uid: u32,
    /// Group id.
    pub gid: u32,
    /// Supplementary groups; left out where only one id is mapped ([`IdMap::Single`](crate::IdMap::Single)).
    pub groups: Vec<u32>,
}

/// Which network an execution sees.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Network {
    /// The host's.
    Host,
    /// One of its own with nothing but the loopback device; reached through [`Child::connect`](crate::Child::connect).
    None,
    /// That of another execution, from [`Child::network`](crate::Child::network).
    #[serde(skip)]
    Join(NetworkHandle),
}

/// Keeps the network of an execution alive and lets others join it.
#[derive(Clone, Debug)]
pub struct NetworkHandle(pub(crate) Arc<OwnedFd>);

/// What an execution may use up. `None` is no limit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Bytes of memory of all processes together; what exceeds it is killed. Where no control group can be made: of private data of each
    /// process by itself (address space limits would break programs that reserve more than they use).
    pub memory: Option<u64>,
    /// Processes and threads; more are refused. [`Sandbox::enforcement`](crate::Sandbox::enforcement) says how exactly both hold.
    pub pids: Option<u64>,
    /// Open files per process.
    pub nofile: Option<u64>,
    /// Wall-clock time; then SIGTERM and, after [`Spec::grace`], SIGKILL.
    pub timeout: Option<Duration>,
}

impl Limits {
    /// These, and those of `other` for what these leave open.
    pub fn or(self, other: &Self) -> Self {
        Self {
            memory: self.memory.or(other.memory),
            pids: self.pids.or(other.pids),
            nofile: self.nofile.or(other.nofile),
            timeout: self.timeout.or(other.timeout),
        }
    }
}

/// A Linux capability, by its name in capabilities(7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[repr(u8)]
#[allow(missing_docs)]
pub enum Capability {
    Chown = 0,
    DacOverride = 1,
    DacReadSearch = 2,
    Fowner = 3,
    Fsetid = 4,
    Kill = 5,
    Setgid = 6,
    Setuid = 7,
    Setpcap = 8,
    LinuxImmutable = 9,
    NetBindService = 10,
    NetBroadcast = 11,
    NetAdmin = 12,
    NetRaw = 13,
    IpcLock = 14,
    IpcOwner = 15,
    SysModule = 16,
    SysRawio = 17,
    SysChroot = 18,
    SysPtrace = 19,
    SysPacct = 20,
    SysAdmin = 21,
    SysBoot = 22,
    SysNice = 23,
    SysResource = 24,
    SysTime = 25,
    SysTtyConfig = 26,
    Mknod = 27,
    Lease = 28,
    AuditWrite = 29,
    AuditControl = 30,
    Setfcap = 31,
}

impl Capability {
    /// What container engines give by default.
    pub const DEFAULT: [Self; 14] = [
        Self::Chown,
        Self::DacOverride,
        Self::Fowner,
        Self::Fsetid,
        Self::Kill,
        Self::Setgid,
        Self::Setuid,
        Self::Setpcap,
        Self::NetBindService,
        Self::NetRaw,
        Self::SysChroot,
        Self::Mknod,
        Self::AuditWrite,
        Self::Setfcap,
    ];

    /// Its bit in a capability set.
    pub(crate) fn bit(self) -> u64 {
        1 << (self as u8)
    }
}
