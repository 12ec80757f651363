//! Pid 1 of an execution: prepares it, starts the command, then reaps, forwards and answers until the command or the engine ends.
//! Its own end is the end of everything in the pid namespace, background processes included (E12).

use std::io::Read;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags, openat};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with};
use rustix::process::{Pid, Signal, WaitOptions, set_parent_process_death_signal, wait};
use rustix::system::sethostname;
use rustix::thread::{LinkNameSpaceType, UnshareFlags, move_into_link_name_space};

use super::setup::{self, Assembled};
use super::{Prepared, command, detach_output};
use crate::failure::{During, Failure};
use crate::spec::{Network, Spec};
use crate::sys::{self, Fork};
use crate::wire::{self, Ended, Event, Order, Request};

/// Longest wait for a connection inside; on a loopback device only a full queue takes any time.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Never returns: the process ends with the execution.
pub(super) fn main(control: OwnedFd, prepared: Prepared) -> ! {
    // The engine's end shows on the control socket; this is for the process between us, should it alone be killed.
    let _ = set_parent_process_death_signal(Some(Signal::KILL));
    let event = match run(&control, prepared) {
        Ok(None) => sys::exit_now(0),
        Ok(Some(ended)) => Event::Ended(ended),
        Err(failure) => Event::Failed(failure),
    };
    let _ = wire::send(&control, &event, &[]);
    sys::exit_now(0)
}

/// `None` if the engine has gone.
fn run(control: &OwnedFd, Prepared { order, network }: Prepared) -> Result<Option<Ended>, Failure> {
    let Order { spec, single_id } = order;
    let assembled = enter(&spec, single_id, network)?;
    let children = sys::child_events().during(|| "watch for ended processes".to_owned())?;
    let started = Instant::now();
    let command = start_command(&spec, &assembled, single_id)?;
    detach_output().during(|| "let go of the output".to_owned())?;

    let namespace = match spec.network {
        Network::Host => None,
        _ => Some(
            openat(
                &assembled.proc,
                "self/ns/net",
                OFlags::RDONLY | OFlags::CLOEXEC,
                Mode::empty(),
            )
            .during(|| "open the network namespace".to_owned())?,
        ),
    };
    // Nothing of the host stays open while the command runs, except for the control socket.
    drop(assembled);
    let namespace: Vec<_> = namespace.iter().map(AsFd::as_fd).collect();
    wire::send(control, &Event::Started, &namespace).during(|| "report the start".to_owned())?;
    let deadline = spec.limits.timeout.map(|limit| started + limit);
    Supervisor {
        control: Arc::new(
            control
                .try_clone()
                .during(|| "watch the engine".to_owned())?,
        ),
        children,
        command,
        deadline,
        timed_out: None,
        ending: false,
    }
    .supervise(spec.grace)
    .during(|| "supervise the command".to_owned())
}

/// New namespaces, all but the pid namespace, which this process is the first in.
fn enter(spec: &Spec, single_id: bool, network: Option<OwnedFd>) -> Result<Assembled, Failure> {
    let mut namespaces =
        UnshareFlags::NEWNS | UnshareFlags::NEWIPC | UnshareFlags::NEWUTS | UnshareFlags::NEWCGROUP;
    let alone = matches!(spec.network, Network::None) && network.is_none();
    if alone {
        namespaces |= UnshareFlags::NEWNET;
    }
    sys::unshare(namespaces).during(|| "make namespaces".to_owned())?;
    sys::new_session_keyring();
    if let Some(network) = network {
        move_into_link_name_space(network.as_fd(), Some(LinkNameSpaceType::Network))
            .during(|| "join the network".to_owned())?;
    }
    sethostname(spec.hostname.as_bytes())
        .during(|| format!("set the host name {}", spec.hostname))?;
    if alone {
        socket_with(
            AddressFamily::INET,
            SocketType::DGRAM,
            SocketFlags::CLOEXEC,
            None,
        )
        .map_err(std::io::Error::from)
        .and_then(sys::loopback_up)
        .during(|| "bring up the loopback device".to_owned())?;
    }
    let assembled = setup::assemble(spec, single_id)?;
    // With one id only, everything belongs to it; who owns what is made is then recorded afterwards.
    let owner = (!single_id).then_some((spec.user.uid, spec.user.gid));
    setup::enter_working_directory(&assembled.root, &spec.cwd, owner)?;
    Ok(assembled)
}

/// Starts the command and waits until it has been executed.
fn start_command(spec: &Spec, assembled: &Assembled, single_id: bool) -> Result<Pid, Failure> {
    let step = || "start the command".to_owned();
    let (reader, writer) = std::io::pipe().during(step)?;
    match sys::fork().during(step)? {
        Fork::Child => {
            let failure = command::become_command(spec, &assembled.proc, single_id);
            let _ = serde_json::to_writer(&writer, &failure);
            sys::exit_now(1)
        }
        Fork::Parent(command) => {
            drop(writer);
            // The child's copy is closed by a successful exec.
            let mut report = Vec::new();
            (&reader).read_to_end(&mut report).during(step)?;
            if report.is_empty() {
                return Ok(command);
            }
            let failure: Failure = serde_json::from_slice(&report)
                .map_err(std::io::Error::from)
                .during(step)?;
            Err(failure)
        }
    }
}

struct Supervisor {
    control: Arc<OwnedFd>,
    children: OwnedFd,
    command: Pid,
    /// When the time limit, or the grace after it, is over.
    deadline: Option<Instant>,
    /// What was running when the time limit was over.
    timed_out: Option<Vec<String>>,
    /// The command has been asked to end; at the deadline it is not asked any more.
    ending: bool,
}

impl Supervisor {
    fn supervise(mut self, grace: Duration) -> std::io::Result<Option<Ended>> {
        loop {
            let (asked, died) = self.wait_for_news()?;
            if died && let Some(ended) = self.reap()? {
                return Ok(Some(self.timed_out.map_or(ended, Ended::TimedOut)));
            }
            if asked && !self.answer()? {
                return Ok(None);
            }
            if self
                .deadline
                .is_some_and(|deadline| deadline <= Instant::now())
            {
                if self.ending {
                    let killed = Ended::Signal(Signal::KILL.as_raw());
                    return Ok(Some(self.timed_out.map_or(killed, Ended::TimedOut)));
                }
                self.timed_out = Some(running());
                self.end(Signal::TERM.as_raw(), grace);
            }
        }
    }

    /// Whether the engine has something to say (or is gone), and whether a process has ended.
    fn wait_for_news(&self) -> std::io::Result<(bool, bool)> {
        let mut watched = [
            PollFd::new(&self.control, PollFlags::IN),
            PollFd::new(&self.children, PollFlags::IN),
        ];
        let left = self.deadline.map(|deadline| {
            let left = deadline.saturating_duration_since(Instant::now());
            Timespec {
                tv_sec: left.as_secs() as _,
                tv_nsec: left.subsec_nanos().into(),
            }
        });
        match poll(&mut watched, left.as_ref()) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(errno) => return Err(errno.into()),
        }
        Ok((
            !watched[0].revents().is_empty(),
            !watched[1].revents().is_empty(),
        ))
    }

    /// Waits for all that have ended; tells of the command.
    fn reap(&self) -> std::io::Result<Option<Ended>> {
        let mut notice = [0; 128];
        while rustix::io::read(&self.children, &mut notice).is_ok() {}
        loop {
            match wait(WaitOptions::NOHANG) {
                Ok(Some((pid, status))) if pid == self.command => {
                    let code = status.exit_status().map(Ended::Code);
                    return Ok(code.or_else(|| status.terminating_signal().map(Ended::Signal)));
                }
                Ok(Some(_)) | Err(Errno::INTR) => {}
                Ok(None) | Err(Errno::CHILD) => return Ok(None),
                Err(errno) => return Err(errno.into()),
            }
        }
    }

    /// Does what the engine asks; `false` if it is gone.
    fn answer(&mut self) -> std::io::Result<bool> {
        let Some((request, _)) = wire::receive::<Request>(&*self.control)? else {
            return Ok(false);
        };
        match request {
            Request::Signal(signal) => {
                let _ = sys::kill(self.command, signal);
            }
            Request::Stop { signal, grace_ms } => self.end(signal, Duration::from_millis(grace_ms)),
            Request::Connect { id, port } => {
                let control = Arc::clone(&self.control);
                std::thread::spawn(move || connect(&control, id, port));
            }
        }
        Ok(true)
    }

    fn end(&mut self, signal: i32, grace: Duration) {
        let _ = sys::kill(self.command, signal);
        self.ending = true;
        self.deadline = Some(Instant::now() + grace);
    }
}

/// Names of the programs in this pid namespace, each once. Arguments may hold secrets, names do not.
fn running() -> Vec<String> {
    const MOST: usize = 8;
    // Inside a container that allows no `/proc` of one's own, what is shown is not ours.
    let own = std::fs::read_link("/proc/self").is_ok_and(|own| own.as_os_str() == "1");
    let Some(processes) = std::fs::read_dir("/proc").ok().filter(|_| own) else {
        return Vec::new();
    };
    let mut names: Vec<String> = Vec::new();
    for process in processes.flatten() {
        let pid = process.file_name();
        if pid == "1" || !pid.as_encoded_bytes().iter().all(u8::is_ascii_digit) {
            continue;
        }
        let name = std::fs::read(process.path().join("comm")).unwrap_or_default();
        let name = String::from_utf8_lossy(&name);
        let name: String = name.chars().filter(|c| !c.is_control()).collect();
        if !name.is_empty() && !names.contains(&name) {
            names.push(name);
        }
        if names.len() == MOST {
            break;
        }
    }
    names
}

fn connect(control: &OwnedFd, id: u64, port: u16) {
    let connect = |address: IpAddr| {
        TcpStream::connect_timeout(&SocketAddr::new(address, port), CONNECT_TIMEOUT)
    };
    let connected = connect(Ipv4Addr::LOCALHOST.into()).or_else(|error| {
        // The first answer is the one people expect to read.
        connect(Ipv6Addr::LOCALHOST.into()).map_err(|_| error)
    });
    let _ = match connected {
        Ok(stream) => wire::send(control, &Event::Connected { id }, &[stream.as_fd()]),
        Err(error) => {
            let errno = error
                .raw_os_error()
                .unwrap_or_else(|| Errno::TIMEDOUT.raw_os_error());
            wire::send(control, &Event::Refused { id, errno }, &[])
        }
    };
}
