//! The registry that all builders pull the base image from.

use std::net::TcpStream;
use std::path::Path;
use std::process::Command;

use crate::process::{Server, free_port, run};

/// Debian's registry on a port of this machine, with the base image in it.
#[derive(Debug)]
pub(crate) struct Registry {
    port: u16,
    _server: Server,
}

impl Registry {
    /// Starts it in `work` and gives it the image of an OCI layout.
    pub(crate) fn start(work: &Path, layout: &Path) -> eyre::Result<Self> {
        let port = free_port()?;
        let config = work.join("registry.yml");
        let data = work.join("registry");
        let text = format!(
            "version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {}}}}}\nhttp: {{addr: 127.0.0.1:{port}}}\n",
            data.display()
        );
        std::fs::write(&config, text)?;
        let server = Server::start(
            Command::new("docker-registry").arg("serve").arg(&config),
            &work.join("registry.log"),
            || TcpStream::connect(("127.0.0.1", port)).is_ok(),
        )?;
        let registry = Self {
            port,
            _server: server,
        };
        let from = format!("oci:{}:base", layout.display());
        run(
            Command::new("skopeo")
                .args(["copy", "--quiet", "--dest-tls-verify=false", &from])
                .arg(format!("docker://{}", registry.base())),
            &work.join("skopeo.log"),
        )?;
        Ok(registry)
    }

    /// Host and port.
    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The base image.
    pub(crate) fn base(&self) -> String {
        format!("{}/base:bookworm", self.address())
    }
}
