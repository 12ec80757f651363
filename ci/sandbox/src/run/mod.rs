//! The role of a process that runs one execution: three processes, each doing what the next may no longer do.
//!
//! 1. This one enters the user namespace, makes a pid namespace and waits.
//! 2. Its child is pid 1 in there: makes the other namespaces, assembles the root file system ([`setup`]), moves into it, and then reaps,
//!    forwards signals and answers the engine ([`pid1`]). When it ends, the kernel kills all the rest.
//! 3. Its child becomes the command ([`command`]).

mod command;
mod etc;
mod interpreter;
mod kernel;
mod pid1;
mod resolve;
mod seccomp;
mod setup;
mod source;
mod stub;

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use rustix::process::{WaitOptions, waitpid};
use rustix::thread::{
    LinkNameSpaceType, UnshareFlags, move_into_link_name_space, set_thread_groups,
};

pub(crate) use source::Scratch;

use crate::failure::{During, Failure};
use crate::overlay;
use crate::spec::Changes;
use crate::sys::{self, Fork};
use crate::wire::{self, Event, Order, Start};

/// Plays the role. Standard output and error are the command's.
pub(crate) fn main(control: OwnedFd) -> ! {
    let forked = prepare(&control).and_then(|prepared| {
        let fork = prepared.is_some().then(sys::fork).transpose();
        Ok((
            prepared,
            fork.during(|| "start the init process".to_owned())?,
        ))
    });
    match forked {
        Ok((Some(prepared), Some(Fork::Child))) => pid1::main(control, prepared),
        Ok((Some(prepared), Some(Fork::Parent(child)))) => {
            // From here on only pid 1 holds these: their end tells of its end.
            drop(control);
            let _ = detach_output();
            let status = rustix::io::retry_on_intr(|| waitpid(Some(child), WaitOptions::empty()));
            if let Changes::Keep { work, .. } = &prepared.order.spec.root.changes {
                let _ = overlay::empty_work_directory(work);
            }
            let code = status
                .ok()
                .flatten()
                .and_then(|(_, status)| status.exit_status());
            sys::exit_now(code.unwrap_or(1))
        }
        // The engine went away before it said what to run.
        Ok(_) => sys::exit_now(0),
        Err(failure) => {
            let _ = wire::send(&control, &Event::Failed(failure), &[]);
            sys::exit_now(1)
        }
    }
}

/// What the next process needs.
struct Prepared {
    order: Order,
    /// A network namespace to join.
    network: Option<OwnedFd>,
}

fn prepare(control: &OwnedFd) -> Result<Option<Prepared>, Failure> {
    let step = || "read what is to be run".to_owned();
    let Some((start, descriptors)) = wire::receive::<Start>(control).during(step)? else {
        return Ok(None);
    };
    let mut descriptors = descriptors.into_iter();
    let order = descriptors
        .next()
        .ok_or_else(|| Failure::new(step(), "no order came with it"))?;
    let user_namespace = if start.user_namespace {
        descriptors.next()
    } else {
        None
    };
    let network = if start.network_namespace {
        descriptors.next()
    } else {
        None
    };
    let order: Order = serde_json::from_reader(io::BufReader::new(std::fs::File::from(order)))
        .map_err(io::Error::from)
        .during(step)?;

    // A session of its own: the engine's terminal and process group stay out of reach.
    let _ = rustix::process::setsid();
    if let Some(namespace) = user_namespace {
        move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::User))
            .during(|| "enter the user namespace".to_owned())?;
    }
    if !order.single_id {
        set_thread_groups(&[]).during(|| "drop supplementary groups".to_owned())?;
    }
    sys::unshare(UnshareFlags::NEWPID).during(|| "make a pid namespace".to_owned())?;
    Ok(Some(Prepared { order, network }))
}

/// Lets go of the command's output, which ends when nobody holds it any more.
fn detach_output() -> io::Result<()> {
    let null = std::fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open("/dev/null")?;
    rustix::stdio::dup2_stdout(&null)?;
    rustix::stdio::dup2_stderr(&null)?;
    Ok(())
}
