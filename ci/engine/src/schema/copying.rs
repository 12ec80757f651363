//! What `withDirectory`, `withFile` and `withFiles` copy, into containers and directories alike.

use std::sync::Arc;

use ci_rootfs::copy;

use super::{FieldCall, arguments, directory_of, file_of, flag, permissions, text};
use crate::directory::{Directory, File};
use crate::error::{Error, Result};
use crate::layers::Rootfs;
use crate::object::Node;
use crate::session::Session;

/// A copy as a call asks for it.
pub(super) struct Copying {
    sources: Sources,
    /// Where to, as it was given.
    pub(super) path: String,
    /// The new owner, as it was given; empty if none was.
    pub(super) owner: String,
    mode: Option<u32>,
    exclude: Vec<String>,
    include: Vec<String>,
}

enum Sources {
    Directory(Arc<Node<Arc<Directory>>>),
    File(Arc<Node<Arc<File>>>),
    Files(Vec<Arc<Node<Arc<File>>>>),
}

/// Why `gitignore` is refused where the files are in the store already; `what` is the call.
pub(super) fn no_gitignore(what: &str) -> Error {
    Error::new(format!(
        "{what}(gitignore: true) is for directories of the host as they are; say it to host.directory, or name the patterns in `exclude`"
    ))
}

impl Copying {
    /// The arguments of `withDirectory`.
    pub(super) fn directory(call: &FieldCall) -> Result<Self> {
        if flag(&call.args, "gitignore") {
            return Err(no_gitignore("withDirectory"));
        }
        let source = call.backend.session.object(&text(&call.args, "source"))?;
        Self::new(call, Sources::Directory(directory_of(&source)?))
    }

    /// The arguments of `withFile`.
    pub(super) fn file(call: &FieldCall) -> Result<Self> {
        let source = call.backend.session.object(&text(&call.args, "source"))?;
        Self::new(call, Sources::File(file_of(&source)?))
    }

    /// The arguments of `withFiles`.
    pub(super) fn files(call: &FieldCall) -> Result<Self> {
        let sources = arguments(call, "sources")?;
        let sources = sources.iter().map(file_of).collect::<Result<_>>()?;
        Self::new(call, Sources::Files(sources))
    }

    fn new(call: &FieldCall, sources: Sources) -> Result<Self> {
        Ok(Self {
            sources,
            path: text(&call.args, "path"),
            owner: text(&call.args, "owner"),
            mode: permissions(&call.args, "permissions")?,
            exclude: call.args.strings("exclude"),
            include: call.args.strings("include"),
        })
    }

    /// What to copy to the absolute path `dest`, giving it to `owner`.
    pub(super) async fn items(
        &self,
        session: &Arc<Session>,
        mut dest: String,
        owner: Option<(u32, u32)>,
    ) -> Result<Vec<(Rootfs, copy::Request)>> {
        if !matches!(self.sources, Sources::File(_)) || self.path.ends_with('/') {
            dest = format!("{}/", dest.trim_end_matches('/'));
        }
        let request = |source: String, root: String| copy::Request {
            sources: vec![source],
            root,
            dest: dest.clone(),
            owner,
            mode: self.mode.map(|mode| format!("{mode:o}")),
            exclude: self.exclude.clone(),
            include: self.include.clone(),
            ..copy::Request::default()
        };
        let files = match &self.sources {
            Sources::Directory(node) => {
                let (rootfs, root) = node.state.get(session).await?.rootfs(session).await?;
                return Ok(vec![(rootfs, request(".".into(), root))]);
            }
            Sources::File(node) => std::slice::from_ref(node),
            Sources::Files(nodes) => nodes,
        };
        let mut items = Vec::new();
        for node in files {
            let (rootfs, path) = node.state.get(session).await?.rootfs(session).await?;
            items.push((rootfs, request(path, "/".into())));
        }
        Ok(items)
    }
}
