//! Runs one process in Linux namespaces over an overlay root file system, rootless and rootful, without a daemon or C libraries.
//!
//! The calling program never forks: it starts itself again (`/proc/self/exe`), and [`init`], first in its `main`, turns that second
//! self into what is needed. No mount is ever made in the host's mount namespace, so a kill at any moment leaves nothing but plain
//! directories.
//!
//! What is in the layers, how they are made from changes and how executions are cached is left to the crates above.

mod child;
mod error;
pub mod overlay;
mod privilege;
mod probe;
mod spec;

pub use child::{Child, Exit};
pub use error::{Error, Result};
pub use privilege::{IdMap, Privilege, Range};
pub use probe::{Probe, Status, probe};
pub use spec::{
    Capability, Changes, Limits, Mount, MountSource, Network, NetworkHandle, Root, Secret, Spec,
    User,
};

/// A function that runs with the ids of the executions: bytes in, bytes or a message out.
pub type Handler = fn(&[u8]) -> std::result::Result<Vec<u8>, String>;

/// Must be the first call in `main`: registers the handlers, and if this process was started by [`Sandbox`] as one of its helpers, plays
/// that role and never returns.
pub fn init(handlers: &[(&'static str, Handler)]) {
    let _ = handlers;
}

/// Runs executions and handlers. Cheap to clone; the helper process of the rootless modes is started once and shared.
#[derive(Clone, Debug)]
pub struct Sandbox {
    privilege: Privilege,
}

impl Sandbox {
    /// With the given privilege; [`Privilege::detect`] finds the best.
    pub fn new(privilege: Privilege) -> Self {
        Self { privilege }
    }

    /// What it was made with.
    pub fn privilege(&self) -> &Privilege {
        &self.privilege
    }

    /// Runs a registered handler as root of the executions' user namespace: directly, on a blocking thread, when we are root; in the
    /// helper process otherwise. Calls run in parallel. A panic is an error.
    pub async fn call(&self, handler: &'static str, payload: Vec<u8>) -> Result<Vec<u8>> {
        self.call_blocking(handler, payload)
    }

    /// [`Sandbox::call`] for threads that may block.
    pub fn call_blocking(&self, handler: &'static str, payload: Vec<u8>) -> Result<Vec<u8>> {
        let _ = payload;
        Err(Error::Handler {
            handler: handler.to_owned(),
            message: "no such handler".to_owned(),
        })
    }

    /// Starts an execution. Returns when the command has been executed, or with the reason why it could not be.
    pub async fn spawn(&self, spec: Spec) -> Result<Child> {
        let _ = spec;
        Err(Error::setup(
            "start an execution",
            std::io::Error::from(std::io::ErrorKind::Unsupported),
        ))
    }
}
