//! Buildah: no daemon, a storage of its own for each state.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::Builder;
use crate::process::run;

/// Limits as they are (raising them may be forbidden), and no short names.
const CONTAINERS: &str = "[containers]\ndefault_ulimits = []\n[engine]\ncgroup_manager = \"cgroupfs\"\nevents_logger = \"file\"\nruntime = \"runc\"\n";

pub(super) struct Buildah {
    state: PathBuf,
}

impl Buildah {
    pub(super) fn start(state: &Path) -> eyre::Result<Self> {
        std::fs::write(state.join("containers.conf"), CONTAINERS)?;
        Ok(Self {
            state: state.to_owned(),
        })
    }
}

impl Builder for Buildah {
    fn context(&self, name: &str) -> PathBuf {
        self.state.join(name)
    }

    fn build(&mut self, name: &str) -> eyre::Result<()> {
        run(
            Command::new("buildah")
                .arg("--root")
                .arg(self.state.join("storage"))
                .arg("--runroot")
                .arg(self.state.join("run"))
                .args(["--storage-driver", "overlay", "bud"])
                .args(["--isolation", "oci", "--runtime", "runc"])
                // As the others do: steps are kept, and found again.
                .args(["--layers", "--tls-verify=false", "--tag", name])
                .arg(self.context(name))
                .env("CONTAINERS_CONF", self.state.join("containers.conf"))
                .env_remove("BUILDAH_ISOLATION"),
            &self.state.join("build.log"),
        )
    }
}
