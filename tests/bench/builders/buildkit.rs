//! BuildKit: a daemon of its own for each state, and the client that people call.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::Builder;
use test_support::registry::Registry;

use crate::process::{Server, run};

pub(super) struct BuildKit {
    state: PathBuf,
    /// Whether images are written to OCI layouts instead of the daemon's store.
    exports: bool,
    _daemon: Server,
}

fn client(state: &Path) -> Command {
    let mut client = Command::new("buildctl");
    client
        .arg("--addr")
        .arg(format!("unix://{}/sock", state.display()));
    client
}

impl BuildKit {
    pub(super) fn start(state: &Path, registry: &Registry, exports: bool) -> eyre::Result<Self> {
        let config = state.join("buildkitd.toml");
        let text = format!("[registry.\"{}\"]\nhttp = true\n", registry.host);
        std::fs::write(&config, text)?;
        let daemon = Server::start(
            Command::new("buildkitd")
                .arg("--config")
                .arg(&config)
                .arg("--root")
                .arg(state.join("root"))
                .arg("--addr")
                .arg(format!("unix://{}/sock", state.display()))
                .args(["--oci-worker-binary=runc", "--oci-worker-net=host"])
                .args([
                    "--oci-worker-snapshotter=overlayfs",
                    "--containerd-worker=false",
                ]),
            &state.join("buildkitd.log"),
            || {
                let mut workers = client(state);
                workers.args(["debug", "workers"]);
                workers
                    .stdin(Stdio::null())
                    .stdout(Stdio::null())
                    .stderr(Stdio::null());
                workers.status().is_ok_and(|status| status.success())
            },
        )?;
        Ok(Self {
            state: state.to_owned(),
            exports,
            _daemon: daemon,
        })
    }
}

impl Builder for BuildKit {
    fn context(&self, name: &str) -> PathBuf {
        self.state.join(name)
    }

    fn build(&mut self, name: &str) -> eyre::Result<()> {
        let context = self.context(name);
        let output = if self.exports {
            let dest = self.state.join("oci");
            format!("type=oci,tar=false,dest={}", dest.display())
        } else {
            format!("type=image,name=localhost/{name}")
        };
        run(
            client(&self.state)
                .args(["build", "--progress=plain", "--frontend=dockerfile.v0"])
                .arg("--local")
                .arg(format!("context={}", context.display()))
                .arg("--local")
                .arg(format!("dockerfile={}", context.display()))
                .args(["--output", &output]),
            &self.state.join("build.log"),
        )
    }
}
