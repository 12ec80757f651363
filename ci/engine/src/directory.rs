//! Directories and files of the API: on the host, in a root file system, or an image archive that is yet to be written.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ci_oci::Digest;
use ci_rootfs::copy;
use ci_rootfs::op::{Op, Reply};

use crate::archive::Archive;
use crate::error::{Error, Result};
use crate::host::HostDirectory;
use crate::layers::{Rootfs, key_of};
use crate::session::Session;

/// A directory.
#[derive(Debug)]
pub(crate) enum Directory {
    /// Of the host; read when needed, at most once.
    Host(Arc<HostDirectory>),
    /// Of a root file system.
    Layers { rootfs: Rootfs, path: String },
}

/// A file.
#[derive(Debug)]
pub(crate) enum File {
    /// Of a directory of the host, with its path in it.
    Host(Arc<HostDirectory>, String),
    /// Of a root file system.
    Layers { rootfs: Rootfs, path: String },
    /// An image as one file.
    Archive(Arc<Archive>),
}

/// Joins a path of the API to the directory it is relative to. `..` does not lead above the root of the file system.
pub(crate) fn join(base: &str, path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    let start = if path.starts_with('/') { "" } else { base };
    for part in start.split('/').chain(path.split('/')) {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

/// Joins a path to a directory that it must not leave: directories of the API are roots of their own.
pub(crate) fn below(base: &str, path: &str) -> String {
    let inside = join("/", path);
    if inside == "/" {
        base.to_owned()
    } else {
        format!("{}{inside}", base.trim_end_matches('/'))
    }
}

impl Directory {
    /// An empty directory.
    pub(crate) fn empty() -> Self {
        Self::Layers {
            rootfs: Rootfs::default(),
            path: "/".into(),
        }
    }

    /// As a path of a root file system.
    pub(crate) async fn rootfs(&self, session: &Arc<Session>) -> Result<(Rootfs, String)> {
        match self {
            Self::Host(host) => Ok((
                Rootfs {
                    layers: host.layer(session).await?.into_iter().collect(),
                },
                "/".into(),
            )),
            Self::Layers { rootfs, path } => Ok((rootfs.clone(), path.clone())),
        }
    }

    /// As a root file system of its own: the directory's contents at `/`.
    pub(crate) async fn as_root(&self, session: &Arc<Session>) -> Result<Rootfs> {
        let (rootfs, path) = self.rootfs(session).await?;
        if path == "/" {
            return Ok(rootfs);
        }
        let request = copy::Request {
            sources: vec![path],
            root: "/".into(),
            dest: "/".into(),
            ..copy::Request::default()
        };
        Ok(Rootfs::default().with(
            session
                .copy(&Rootfs::default(), vec![(rootfs, request)])
                .await?,
        ))
    }

    /// A digest of everything in it.
    pub(crate) async fn digest(&self, session: &Arc<Session>) -> Result<Digest> {
        match self {
            // Known from the scan alone: nothing is copied.
            Self::Host(host) => Ok(host.tree(session).await?.digest()),
            Self::Layers { .. } => Ok(self.as_root(session).await?.key()),
        }
    }

    /// Writes it to the host.
    pub(crate) async fn export(
        &self,
        session: &Arc<Session>,
        dest: &Path,
        wipe: bool,
    ) -> Result<()> {
        let (rootfs, path) = self.rootfs(session).await?;
        let op = Op::ExportDirectory {
            layers: session.layer_dirs(&rootfs)?,
            path,
            dest: dest.to_owned(),
            wipe,
        };
        session.file_op(&op).await.map(drop)
    }
}

impl File {
    /// The file as a path of a root file system.
    pub(crate) async fn rootfs(&self, session: &Arc<Session>) -> Result<(Rootfs, String)> {
        match self {
            Self::Host(host, path) => Ok((
                Rootfs {
                    layers: host.layer(session).await?.into_iter().collect(),
                },
                path.clone(),
            )),
            Self::Layers { rootfs, path } => Ok((rootfs.clone(), path.clone())),
            Self::Archive(archive) => archive.as_file(session).await,
        }
    }

    /// The file's name.
    pub(crate) fn name(&self) -> String {
        let path = match self {
            Self::Host(_, path) | Self::Layers { path, .. } => path.as_str(),
            Self::Archive(_) => "image.tar",
        };
        path.rsplit('/').next().unwrap_or_default().to_owned()
    }

    /// Writes it to the host.
    pub(crate) async fn export(&self, session: &Arc<Session>, dest: &Path) -> Result<()> {
        if let Self::Archive(archive) = self {
            return archive.export(session, dest).await;
        }
        let (rootfs, path) = self.rootfs(session).await?;
        let op = Op::ExportFile {
            layers: session.layer_dirs(&rootfs)?,
            path,
            dest: dest.to_owned(),
        };
        session.file_op(&op).await.map(drop)
    }

    /// What it contains, at most `limit` bytes.
    pub(crate) async fn contents(&self, session: &Arc<Session>, limit: u64) -> Result<Vec<u8>> {
        let (rootfs, path) = self.rootfs(session).await?;
        session.read(&rootfs, &path, limit).await
    }

    /// A digest of its content, mode and owner.
    pub(crate) async fn digest(&self, session: &Arc<Session>) -> Result<Digest> {
        if let Self::Archive(archive) = self {
            return Ok(archive.image(session).await?.descriptor.digest);
        }
        let (rootfs, path) = self.rootfs(session).await?;
        let request = copy::Request {
            sources: vec![path],
            root: "/".into(),
            dest: "/file".into(),
            ..copy::Request::default()
        };
        session
            .copy(&Rootfs::default(), vec![(rootfs, request)])
            .await
    }

    /// Its size in bytes.
    pub(crate) async fn size(&self, session: &Arc<Session>) -> Result<u64> {
        let (rootfs, path) = self.rootfs(session).await?;
        let status = session.stat(&rootfs, &path, true).await?;
        status
            .map(|status| status.size)
            .ok_or_else(|| Error::new(format!("{path}: no such file")))
    }
}

impl Session {
    /// Copies onto a root file system; the new layer.
    pub(crate) async fn copy(
        self: &Arc<Self>,
        below: &Rootfs,
        items: Vec<(Rootfs, copy::Request)>,
    ) -> Result<Digest> {
        let described: Vec<_> = items
            .iter()
            .map(|(rootfs, request)| (rootfs.key(), request))
            .collect();
        let key = key_of("copy", &(below.key(), described))?;
        if let Some(layer) = self.recorded_layer("copy", &key) {
            return Ok(layer);
        }
        let (session, below) = (self.clone(), below.clone());
        let work = async move { session.copy_as(&below, items, key).await };
        self.copies.join(key, work).await
    }

    /// Copies onto a root file system and records the new layer under a key that the caller has chosen, because it knows
    /// better what the result depends on.
    pub(crate) async fn copy_as(
        &self,
        below: &Rootfs,
        items: Vec<(Rootfs, copy::Request)>,
        key: Digest,
    ) -> Result<Digest> {
        let _permit = self.permit().await?;
        let (staging, upper) = self.stage()?;
        let open =
            |(rootfs, request): (Rootfs, copy::Request)| Ok((self.layer_dirs(&rootfs)?, request));
        let items = items.into_iter().map(open).collect::<Result<Vec<_>>>()?;
        let layer = self
            .commit(
                staging,
                Op::Copy {
                    items,
                    below: self.layer_dirs(below)?,
                    upper,
                },
            )
            .await?;
        self.record_layer("copy", &key, layer)?;
        Ok(layer)
    }

    /// Names in a directory that match a pattern of the ignore syntax, sorted.
    pub(crate) async fn glob(
        &self,
        rootfs: &Rootfs,
        path: &str,
        pattern: &str,
    ) -> Result<Vec<String>> {
        let op = Op::Glob {
            layers: self.layer_dirs(rootfs)?,
            path: path.to_owned(),
            pattern: pattern.to_owned(),
        };
        match self.file_op(&op).await? {
            Reply::Paths(paths) => Ok(paths),
            _ => Err(crate::layers::unexpected()),
        }
    }
}

/// A host path of the API, relative to the session's directory.
pub(crate) fn host_path(session: &Session, path: &str) -> PathBuf {
    let path = match path.strip_prefix("~/").zip(std::env::var_os("HOME")) {
        Some((below, home)) => Path::new(&home).join(below),
        None => PathBuf::from(path),
    };
    session.options.workdir.join(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_join_without_leaving_the_root() {
        assert_eq!(join("/srv", "app/./x"), "/srv/app/x");
        assert_eq!(join("/srv", "/etc"), "/etc");
        assert_eq!(join("/srv", "../../.."), "/");
    }

    #[test]
    fn a_directory_is_a_root_of_its_own() {
        assert_eq!(below("/srv", "../../etc"), "/srv/etc");
        assert_eq!(below("/", "a"), "/a");
        assert_eq!(below("/srv", "."), "/srv");
    }
}
