//! The handle that callers keep: what we may do, the helper process of the rootless modes, and the program to start.

use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use crate::child::Starting;
use crate::enforcement::Enforcement;
use crate::failure::During;
use crate::helper::{self, Helper, run_handler};
use crate::launch::{Context, launch};
use crate::{Child, Error, IdMap, Privilege, Result, Spec, reexec};

/// Runs executions and handlers. Cheap to clone; the helper process of the rootless modes is started once, when first needed, and shared.
#[derive(Clone, Debug)]
pub struct Sandbox(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    privilege: Privilege,
    helper: Mutex<Option<Arc<Helper>>>,
    /// Where there is no helper to make it.
    program: OnceLock<OwnedFd>,
    enforcement: OnceLock<Enforcement>,
}

impl Sandbox {
    /// With the given privilege; [`Privilege::detect`] finds the best.
    pub fn new(privilege: Privilege) -> Self {
        Self(Arc::new(Inner {
            privilege,
            helper: Mutex::default(),
            program: OnceLock::new(),
            enforcement: OnceLock::new(),
        }))
    }

    /// What it was made with.
    pub fn privilege(&self) -> &Privilege {
        &self.0.privilege
    }

    /// How the limits of executions are enforced. Found out at the first call, or by the first execution that has some.
    pub fn enforcement(&self) -> &Enforcement {
        self.0.enforcement.get_or_init(Enforcement::detect)
    }

    /// Runs a registered handler as root of the executions' user namespace: directly, on a blocking thread, when we are root; in the
    /// helper process otherwise (there with umask 022). Calls run in parallel. A panic is an error.
    pub async fn call(&self, handler: &'static str, payload: Vec<u8>) -> Result<Vec<u8>> {
        let sandbox = self.clone();
        match tokio::task::spawn_blocking(move || sandbox.call_blocking(handler, &payload)).await {
            Ok(result) => result,
            Err(error) => Err(Error::Handler {
                handler: handler.to_owned(),
                message: error.to_string(),
            }),
        }
    }

    /// [`Sandbox::call`] for threads that may block, and for destructors, which cannot wait otherwise.
    pub fn call_blocking(&self, handler: &'static str, payload: &[u8]) -> Result<Vec<u8>> {
        let result = match &self.0.privilege {
            Privilege::Root => run_handler(handler, payload),
            Privilege::Rootless { ids } => {
                let reply = self.helper(ids)?.call(handler, payload)?;
                reply
                    .recv()
                    .map_err(|_| helper::lost(Some(format!("while it ran {handler}"))))?
            }
        };
        result.map_err(|message| Error::Handler {
            handler: handler.to_owned(),
            message,
        })
    }

    /// Starts an execution. Returns when the command has been executed, or with the reason why it could not be.
    pub async fn spawn(&self, spec: Spec) -> Result<Child> {
        let sandbox = self.clone();
        // The blocking thread finishes what it began even if nobody waits for it any more, and then cleans up.
        let starting = tokio::task::spawn_blocking(move || sandbox.start(spec)).await;
        let starting = starting
            .map_err(|error| Error::setup("start an execution", std::io::Error::other(error)))??;
        starting.finish().await
    }

    fn start(&self, spec: Spec) -> Result<Starting> {
        let enforcement = &|| self.enforcement();
        let launched = match &self.0.privilege {
            Privilege::Root => {
                let program = self.program()?;
                launch(
                    spec,
                    &Context {
                        program: program.as_fd(),
                        user_namespace: None,
                        single_id: false,
                        enforcement,
                    },
                )?
            }
            Privilege::Rootless { ids } => {
                let helper = self.helper(ids)?;
                let context = Context {
                    program: helper.program.as_fd(),
                    user_namespace: Some(helper.user_namespace.as_fd()),
                    single_id: *ids == IdMap::Single,
                    enforcement,
                };
                launch(spec, &context)?
            }
        };
        Ok(Starting::watch(launched)?)
    }

    /// The running helper; a new one if it was killed.
    fn helper(&self, ids: &IdMap) -> Result<Arc<Helper>> {
        let mut helper = self.0.helper.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(running) = helper.as_ref().filter(|helper| helper.is_alive()) {
            return Ok(Arc::clone(running));
        }
        let started = Arc::new(Helper::start(ids)?);
        *helper = Some(Arc::clone(&started));
        Ok(started)
    }

    fn program(&self) -> Result<&OwnedFd> {
        if let Some(program) = self.0.program.get() {
            return Ok(program);
        }
        let program =
            reexec::protected_program().during(|| "protect the program's file".to_owned())?;
        Ok(self.0.program.get_or_init(|| program))
    }
}
