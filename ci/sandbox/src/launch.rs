//! Starting an execution from the engine's side: the order, the descriptors and the first report.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::process::{self, Stdio};

use crate::check::check;
use crate::enforcement::{Enforcement, Group};
use crate::failure::{During, Failure};
use crate::reexec::{self, Role};
use crate::spec::{Limits, Network, NetworkHandle, Spec};
use crate::wire::{self, Order, Start};

/// What a new process needs to know beyond the [`Spec`].
pub(crate) struct Context<'a> {
    /// The program to execute, see [`reexec::protected_program`].
    pub(crate) program: BorrowedFd<'a>,
    /// The user namespace to enter; none when we are root.
    pub(crate) user_namespace: Option<BorrowedFd<'a>>,
    /// One id is mapped in it.
    pub(crate) single_id: bool,
    /// How limits are enforced; asked only if there are some.
    pub(crate) enforcement: &'a dyn Fn() -> &'a Enforcement,
}

/// A process that has been told what to run.
pub(crate) struct Launched {
    pub(crate) process: process::Child,
    pub(crate) control: OwnedFd,
    pub(crate) group: Option<Group>,
}

/// Starts the process. May block for about a millisecond.
pub(crate) fn launch(mut spec: Spec, context: &Context<'_>) -> Result<Launched, Failure> {
    check(&spec)?;
    let rootless = context.user_namespace.is_some();
    spec.no_new_privs.get_or_insert(rootless);
    let joined = match &spec.network {
        Network::Join(network) => Some(network.clone()),
        Network::Host | Network::None => None,
    };
    if joined.is_some() {
        // The namespace itself goes as a descriptor.
        spec.network = Network::None;
    }
    let limited = spec.limits.memory.is_some() || spec.limits.pids.is_some();
    let enforcement = limited.then(|| (context.enforcement)());
    let limits = spec.limits.clone();
    if let Some(enforcement) = enforcement {
        // The rest is for the process itself to see to.
        spec.limits.memory.take_if(|_| enforcement.memory.is_some());
        spec.limits.pids.take_if(|_| enforcement.pids.is_some());
    }
    let order = Order {
        spec,
        single_id: context.single_id,
    };
    let order = serde_json::to_vec(&order)
        .map_err(std::io::Error::from)
        .and_then(|bytes| wire::memory_file(&bytes))
        .during(|| "write down what is to be run".to_owned())?;

    let step = || "start the process that runs it".to_owned();
    let (control, theirs) = wire::pair().during(step)?;
    let process = reexec::command(Role::Run, &reexec::path_of(context.program), theirs)
        .env_clear()
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .during(step)?;
    let mut launched = Launched {
        process,
        control,
        group: None,
    };
    if let Some(enforcement) = enforcement {
        // While the process loads its program: it does nothing before it is told to start.
        match confine(enforcement, &limits, launched.process.id()) {
            Ok(group) => launched.group = group,
            Err(failure) => {
                let _ = launched.process.kill();
                let _ = launched.process.wait();
                return Err(failure);
            }
        }
    }
    let start = Start {
        user_namespace: rootless,
        network_namespace: joined.is_some(),
    };
    let mut descriptors = vec![order.as_fd()];
    descriptors.extend(context.user_namespace);
    descriptors.extend(
        joined
            .as_ref()
            .map(|NetworkHandle(network)| network.as_fd()),
    );
    // If it is gone already, its silence is reported by whoever waits for its first word.
    let _ = wire::send(&launched.control, &start, &descriptors);
    Ok(launched)
}

/// Moves a process into a control group of its own, if one is to enforce any of these limits.
fn confine(enforcement: &Enforcement, limits: &Limits, pid: u32) -> Result<Option<Group>, Failure> {
    let group = Group::make(enforcement, limits).during(|| "make a control group".to_owned())?;
    if let Some(group) = &group {
        group
            .add(pid)
            .during(|| "enter the control group".to_owned())?;
    }
    Ok(group)
}
