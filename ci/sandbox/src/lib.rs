//! Runs one process in Linux namespaces over an overlay root file system, rootless and rootful, without a daemon or C libraries.
//!
//! The calling program never forks: it starts itself again, and [`init`], first in its `main`, turns that second self into what is
//! needed. No mount is ever made in the host's mount namespace, so a kill at any moment leaves nothing but plain directories.
//!
//! What is in the layers, how they are made from changes and how executions are cached is left to the crates above.

pub mod binfmt;
mod check;
mod child;
mod enforcement;
mod error;
mod exit;
mod failure;
mod helper;
mod launch;
mod mounts;
pub mod overlay;
mod privilege;
mod probe;
mod reexec;
mod run;
mod sandbox;
mod spec;
mod sys;
mod wire;

pub use child::Child;
pub use enforcement::Enforcement;
pub use error::{Error, Result};
pub use exit::Exit;
pub use privilege::{IdMap, OVERRIDE, Privilege, Range};
pub use probe::{Probe, Status, probe, probe_directory};
pub use sandbox::Sandbox;
pub use spec::{
    Capability, Changes, Limits, Mount, MountSource, Network, NetworkHandle, Root, Secret, Spec,
    User,
};

/// A function that runs with the ids of the executions: bytes in, bytes or a message out.
pub type Handler = fn(&[u8]) -> std::result::Result<Vec<u8>, String>;

/// Must be the first call in `main`, before any thread: registers the handlers, and if this process was started by [`Sandbox`] as one
/// of its helpers, plays that role and never returns.
pub fn init(handlers: &[(&'static str, Handler)]) {
    reexec::init(handlers);
}
