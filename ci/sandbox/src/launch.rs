//! Starting an execution from the engine's side: the order, the descriptors and the first report.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::process::{self, Stdio};

use crate::cgroup::Cgroup;
use crate::check::check;
use crate::failure::{During, Failure};
use crate::reexec::{self, Role};
use crate::spec::{Network, NetworkHandle, Spec};
use crate::wire::{self, Order, Start};

/// What a new process needs to know beyond the [`Spec`].
pub(crate) struct Context<'a> {
    /// The program to execute, see [`reexec::protected_program`].
    pub(crate) program: BorrowedFd<'a>,
    /// The user namespace to enter; none when we are root.
    pub(crate) user_namespace: Option<BorrowedFd<'a>>,
    /// One id is mapped in it.
    pub(crate) single_id: bool,
}

/// A process that has been told what to run.
pub(crate) struct Launched {
    pub(crate) process: process::Child,
    pub(crate) control: OwnedFd,
    pub(crate) cgroup: Option<Cgroup>,
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
    let cgroup = Cgroup::make(&spec.limits);
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
    let launched = Launched {
        process,
        control,
        cgroup,
    };
    if let Some(cgroup) = &launched.cgroup {
        cgroup
            .add(launched.process.id())
            .during(|| "enter the control group".to_owned())?;
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
