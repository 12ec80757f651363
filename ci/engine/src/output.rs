//! What programs print: reported, kept with secrets masked, and written to files of their container where that is asked for.

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use ci_oci::Digest;
use ci_rootfs::op::Op;
use ci_rootfs::{LayerDir, copy};
use ci_store::Staging;
use serde::Serialize;
use tokio::io::AsyncReadExt;

use crate::error::{Error, Result};
use crate::layers::Rootfs;
use crate::progress::{Step, Stream};
use crate::secret::Mask;
use crate::session::Session;

/// Largest output of a program that is kept, in bytes; of more, the end.
const OUTPUT_LIMIT: usize = 16 << 20;

/// Largest file that is a program's standard input, in bytes.
pub(crate) const STDIN_LIMIT: u64 = 128 << 20;

/// Name of the file in a layer of [`Session::finish_redirect`].
pub(crate) const FILE: &str = "output";

/// Files of a root file system in place of standard streams; absolute paths.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Redirects {
    pub(crate) stdin: Option<String>,
    pub(crate) stdout: Option<String>,
    pub(crate) stderr: Option<String>,
}

/// A file that a program's output goes to.
pub(crate) struct RedirectedTo {
    path: String,
    file: File,
    staging: Staging,
    layer: LayerDir,
}

impl Session {
    /// Begins a file for what a program prints. What it prints there is its own work, like any file it writes: nothing is masked.
    pub(crate) fn redirect(&self, path: Option<&String>) -> Result<Option<RedirectedTo>> {
        let Some(path) = path else {
            return Ok(None);
        };
        let (staging, layer) = self.stage()?;
        let file = File::create_new(layer.dir.join(FILE))?;
        file.set_permissions(std::fs::Permissions::from_mode(0o644))?;
        Ok(Some(RedirectedTo {
            path: path.clone(),
            file,
            staging,
            layer,
        }))
    }

    /// The path and the layer with what was printed.
    pub(crate) async fn finish_redirect(&self, to: RedirectedTo) -> Result<(String, Digest)> {
        let RedirectedTo {
            path,
            staging,
            layer,
            ..
        } = to;
        Ok((path, self.commit(staging, Op::Hash { layer }).await?))
    }

    /// A root file system with what was printed on it, where it belongs; one more layer for each file.
    pub(crate) async fn with_redirected(
        self: &Arc<Self>,
        mut rootfs: Rootfs,
        redirected: &[(String, Digest)],
    ) -> Result<Rootfs> {
        for (path, layer) in redirected {
            let found = self.stat(&rootfs, path, true).await?;
            if found.is_some_and(|found| found.kind == "directory") {
                return Err(Error::new(format!(
                    "output cannot be written to {path}: it is a directory"
                )));
            }
            let request = copy::Request {
                sources: vec![FILE.into()],
                root: "/".into(),
                dest: path.clone(),
                ..copy::Request::default()
            };
            let file = Rootfs::default().with(*layer);
            let layer = self.copy(&rootfs, vec![(file, request)]).await?;
            rootfs = rootfs.with(layer);
        }
        Ok(rootfs)
    }
}

/// Reads a stream to its end, reporting and keeping what it says, secrets masked.
///
/// # Errors
/// When `file`, which gets all of it as it is, cannot be written.
pub(crate) async fn collect(
    pipe: Option<impl AsyncReadExt + Unpin>,
    step: &Step,
    stream: Stream,
    secrets: &[Arc<[u8]>],
    mut file: Option<&mut RedirectedTo>,
) -> Result<Vec<u8>> {
    let Some(mut pipe) = pipe else {
        return Ok(Vec::new());
    };
    let mut mask = Mask::new(secrets);
    let mut kept = Vec::new();
    let mut buffer = vec![0; 16 * 1024];
    loop {
        // A stream that breaks has ended; how the program fared is told by its exit.
        let read = pipe.read(&mut buffer).await.unwrap_or(0);
        let shown = if read == 0 {
            mask.finish()
        } else {
            mask.push(&buffer[..read])
        };
        if let Some(file) = &mut file {
            file.file.write_all(&buffer[..read])?;
        }
        step.output(stream, &shown);
        kept.extend_from_slice(&shown);
        if kept.len() > OUTPUT_LIMIT {
            kept.drain(..kept.len() - OUTPUT_LIMIT);
        }
        if read == 0 {
            return Ok(kept);
        }
    }
}
