//! Services: containers that keep running in a network of their own, and tunnels from the host to them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ci_sandbox::{Changes, Child, Exit, Limits};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::Group;
use crate::container::Container;
use crate::error::{Error, ExecFailure, Result};
use crate::object::Node;
use crate::output::collect;
use crate::progress::{Outcome, Stream};
use crate::session::Session;

/// How long a service may take until its ports accept connections.
const START_LIMIT: Duration = Duration::from_secs(60);

/// How long a service may take to end after SIGTERM before it is killed; what Kubernetes gives a pod.
pub(crate) const STOP_LIMIT: Duration = Duration::from_secs(30);

const SIGTERM: i32 = 15;
const SIGKILL: i32 = 9;

/// A service of the API: something that can be started and stopped.
#[derive(Debug)]
pub(crate) struct Service {
    /// Names the object.
    pub(crate) id: String,
    pub(crate) kind: Kind,
    pub(crate) group: Group,
}

/// What a service is.
#[derive(Debug)]
pub(crate) enum Kind {
    /// A container running a command.
    Container {
        container: Arc<Node<Arc<Container>>>,
        args: Vec<String>,
        use_entrypoint: bool,
    },
    /// Ports of the host that lead to another service. Without ports, every port it exposes.
    Tunnel {
        service: Arc<Service>,
        ports: Vec<Forward>,
        native: bool,
    },
}

/// One port of a tunnel.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Forward {
    /// On the host; 0 is any that is free.
    pub(crate) frontend: u16,
    /// Of the service.
    pub(crate) backend: u16,
}

/// The services that run in a session.
#[derive(Default)]
pub(crate) struct Services {
    running: Mutex<HashMap<String, Arc<Running>>>,
    /// One for each service, held while it is started, so that two callers do not start it twice.
    starting: Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>,
}

/// A service that runs.
pub(crate) enum Running {
    Container(Box<Process>),
    Tunnel {
        ports: Vec<Forward>,
        tasks: Vec<JoinHandle<()>>,
    },
}

/// What a process printed on its two streams.
type Output = (Vec<u8>, Vec<u8>);

/// A container's process.
pub(crate) struct Process {
    child: Arc<Child>,
    ports: Vec<u16>,
    argv: Vec<String>,
    limits: Limits,
    output: Mutex<Option<JoinHandle<Output>>>,
    _staging: ci_store::Staging,
    _leases: crate::cache_volume::Leases,
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Self::Tunnel { tasks, .. } = self {
            tasks.iter().for_each(JoinHandle::abort);
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // The task that collects its output waits for its end.
        self.child.kill();
    }
}

/// How a service's step ends. To end by SIGTERM is to do what a service is told.
fn outcome(exit: Option<Exit>) -> Outcome {
    const BY_SIGTERM: i32 = 128 + SIGTERM;
    match exit {
        None => Outcome::Canceled,
        Some(Exit::Signal(SIGKILL)) => Outcome::Canceled,
        Some(exit) if matches!(exit.code(), 0 | BY_SIGTERM) => Outcome::Done,
        Some(exit) => Outcome::Failed(format!("exit code: {}", exit.code())),
    }
}

impl Service {
    /// Starts it, unless it runs, and waits until it can be used.
    pub(crate) async fn start(self: &Arc<Self>, session: &Arc<Session>) -> Result<Arc<Running>> {
        let starting = session.services.starting(&self.id);
        let _starting = starting.lock().await;
        if let Some(running) = session.services.get(&self.id) {
            return Ok(running);
        }
        let running = match &self.kind {
            Kind::Container {
                container,
                args,
                use_entrypoint,
            } => {
                let container = container.state.get(session).await?;
                let process = self.run(session, &container, args, *use_entrypoint).await?;
                Running::Container(Box::new(process))
            }
            Kind::Tunnel {
                service,
                ports,
                native,
            } => tunnel(session, service, ports, *native).await?,
        };
        let running = Arc::new(running);
        session.services.put(&self.id, running.clone());
        Ok(running)
    }

    async fn run(
        &self,
        session: &Arc<Session>,
        container: &Container,
        args: &[String],
        use_entrypoint: bool,
    ) -> Result<Process> {
        // Without arguments of its own a service is what the image runs, unless default arguments took that over.
        let use_entrypoint = use_entrypoint || args.is_empty() && !container.args_were_set;
        let argv = container.command(args.to_vec(), use_entrypoint)?;
        let mut exec = container.exec(argv.clone());
        exec.isolated = true;
        session
            .require_platform(&exec.platform, &exec.rootfs)
            .await?;
        let ports: Vec<u16> = exposed_tcp(container);
        let (staging, _) = session.stage()?;
        let changes = Changes::Keep {
            upper: staging.fs.clone(),
            work: staging.work.clone(),
        };
        let (mut spec, leases) = session.spec(&exec, changes).await?;
        spec.grace = STOP_LIMIT;
        spec.limits = session.limits(&exec.limits, &self.group);
        // It runs until it is stopped.
        spec.limits.timeout = None;
        let limits = spec.limits.clone();
        let step = session.options.progress.start(
            &self.group,
            format!("service {}", argv.join(" ")),
            None,
        );
        let mut child = match session.sandbox.spawn(spec).await {
            Ok(child) => child,
            Err(error) => {
                step.finish(Outcome::Failed(error.to_string()));
                return Err(error.into());
            }
        };
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let child = Arc::new(child);
        let secrets = exec.secrets();
        let watched = child.clone();
        let output = tokio::spawn(async move {
            let (stdout, stderr, exit) = tokio::join!(
                collect(stdout, &step, Stream::Stdout, &secrets, None),
                collect(stderr, &step, Stream::Stderr, &secrets, None),
                watched.wait(),
            );
            step.finish(outcome(exit.ok()));
            // Only writing to a file can fail, and there is none.
            (stdout.unwrap_or_default(), stderr.unwrap_or_default())
        });
        let process = Process {
            child,
            ports,
            argv,
            limits,
            output: Mutex::new(Some(output)),
            _staging: staging,
            _leases: leases,
        };
        process.until_healthy().await?;
        Ok(process)
    }

    /// Ends it: SIGTERM and some time, or at once. Nothing happens if it does not run.
    pub(crate) async fn stop(&self, session: &Session, kill: bool) -> Result<()> {
        let Some(running) = session.services.take(&self.id) else {
            return Ok(());
        };
        running.stop(kill).await
    }

    /// Where it is reached: host name and port, with `scheme://` in front if one is given.
    pub(crate) async fn endpoint(
        self: &Arc<Self>,
        session: &Arc<Session>,
        port: Option<u16>,
        scheme: &str,
    ) -> Result<String> {
        let running = self.start(session).await?;
        let known: Vec<u16> = running.ports();
        let port = port
            .or(known.first().copied())
            .ok_or_else(|| Error::new("the service exposes no port"))?;
        let address = format!("{}:{port}", self.hostname());
        Ok(if scheme.is_empty() {
            address
        } else {
            format!("{scheme}://{address}")
        })
    }

    /// The name under which it is reached.
    pub(crate) fn hostname(&self) -> String {
        match &self.kind {
            Kind::Tunnel { .. } => "127.0.0.1".to_owned(),
            Kind::Container { .. } => self
                .id
                .chars()
                .filter(char::is_ascii_alphanumeric)
                .take(13)
                .collect(),
        }
    }
}

impl Process {
    /// Waits until every exposed port accepts connections.
    async fn until_healthy(&self) -> Result<()> {
        let healthy = async {
            for port in &self.ports {
                while self.child.connect(*port).await.is_err() {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
            }
        };
        tokio::select! {
            () = healthy => Ok(()),
            exit = self.child.wait() => Err(self.ended_early(exit?).await),
            () = tokio::time::sleep(START_LIMIT) => {
                let ports: Vec<String> = self.ports.iter().map(u16::to_string).collect();
                self.child.kill();
                Err(Error::new(format!("the service did not accept connections on port {} within {} s", ports.join(", "), START_LIMIT.as_secs())))
            }
        }
    }

    async fn ended_early(&self, exit: Exit) -> Error {
        let (stdout, stderr) = self.output().await;
        let reason = crate::limits::reason(&exit, &self.limits).or_else(|| {
            Some("the service ended before its ports accepted connections".to_owned())
                .filter(|_| !self.ports.is_empty())
        });
        Error::Exec(Arc::new(ExecFailure {
            cmd: self.argv.clone(),
            code: exit.code(),
            reason,
            stdout,
            stderr,
            source: None,
        }))
    }

    async fn output(&self) -> Output {
        let output = self
            .output
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        match output {
            Some(output) => output.await.unwrap_or_default(),
            None => Default::default(),
        }
    }
}

impl Running {
    /// Ports it is reached at.
    pub(crate) fn ports(&self) -> Vec<u16> {
        match self {
            Self::Container(process) => process.ports.clone(),
            Self::Tunnel { ports, .. } => ports.iter().map(|port| port.frontend).collect(),
        }
    }

    async fn connect(&self, port: u16) -> std::io::Result<TcpStream> {
        match self {
            Self::Container(process) => process.child.connect(port).await,
            Self::Tunnel { .. } => TcpStream::connect(("127.0.0.1", port)).await,
        }
    }

    async fn stop(&self, kill: bool) -> Result<()> {
        match self {
            Self::Tunnel { tasks, .. } => tasks.iter().for_each(JoinHandle::abort),
            Self::Container(process) if kill => {
                process.child.kill();
                process.child.wait().await?;
            }
            Self::Container(process) => {
                let exit = process.child.stop(SIGTERM, STOP_LIMIT).await?;
                process.output().await;
                // Death by SIGTERM itself is how a program without a handler obeys.
                if !matches!(exit, Exit::Code(_) | Exit::Signal(SIGTERM)) {
                    return Err(Error::new(format!(
                        "the service did not end within {} s after SIGTERM and was killed",
                        STOP_LIMIT.as_secs()
                    )));
                }
            }
        }
        Ok(())
    }
}

impl Services {
    fn get(&self, id: &str) -> Option<Arc<Running>> {
        self.running
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(id)
            .cloned()
    }

    fn starting(&self, id: &str) -> Arc<tokio::sync::Mutex<()>> {
        let mut starting = self.starting.lock().unwrap_or_else(PoisonError::into_inner);
        starting.entry(id.to_owned()).or_default().clone()
    }

    fn put(&self, id: &str, running: Arc<Running>) {
        self.running
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(id.to_owned(), running);
    }

    fn take(&self, id: &str) -> Option<Arc<Running>> {
        self.running
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(id)
    }

    /// Kills everything that runs.
    pub(crate) async fn stop_all(&self) {
        let running: Vec<_> = self
            .running
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .drain()
            .map(|(_, running)| running)
            .collect();
        for service in running {
            // The session is ending; there is nobody left to tell.
            let _ = service.stop(true).await;
        }
    }
}

/// TCP ports that a container's config exposes.
pub(crate) fn exposed_tcp(container: &Container) -> Vec<u16> {
    let port = |entry: &String| match entry.split_once('/') {
        None => entry.parse().ok(),
        Some((port, protocol)) if protocol.eq_ignore_ascii_case("tcp") => port.parse().ok(),
        Some(_) => None,
    };
    container
        .config()
        .exposed_ports
        .iter()
        .filter_map(port)
        .collect()
}

async fn tunnel(
    session: &Arc<Session>,
    service: &Arc<Service>,
    ports: &[Forward],
    native: bool,
) -> Result<Running> {
    let behind = Box::pin(service.start(session)).await?;
    let mut wanted = ports.to_vec();
    if wanted.is_empty() {
        wanted = behind
            .ports()
            .into_iter()
            .map(|port| Forward {
                frontend: if native { port } else { 0 },
                backend: port,
            })
            .collect();
    }
    if wanted.is_empty() {
        return Err(Error::new("the service exposes no port to tunnel to"));
    }
    let (mut ports, mut tasks) = (Vec::new(), Vec::new());
    for forward in wanted {
        let listener = TcpListener::bind(("127.0.0.1", forward.frontend))
            .await
            .map_err(|error| {
                Error::new(format!(
                    "cannot listen on 127.0.0.1:{}: {error}",
                    forward.frontend
                ))
            })?;
        ports.push(Forward {
            frontend: listener.local_addr()?.port(),
            ..forward
        });
        tasks.push(tokio::spawn(serve(
            listener,
            Arc::downgrade(&behind),
            forward.backend,
        )));
    }
    Ok(Running::Tunnel { ports, tasks })
}

/// Hands connections on until the service behind is gone. One after the other, so that the service sees them in the order in which
/// they were made, as it would without a tunnel: whoever is answered on a second one knows that the first has arrived.
async fn serve(listener: TcpListener, behind: std::sync::Weak<Running>, port: u16) {
    while let Ok((mut client, _)) = listener.accept().await {
        let Some(behind) = behind.upgrade() else {
            return;
        };
        let Ok(mut server) = behind.connect(port).await else {
            continue;
        };
        tokio::spawn(async move {
            // Either side may break the connection off at any time; that is theirs to notice.
            let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
            drop(behind);
        });
    }
}
