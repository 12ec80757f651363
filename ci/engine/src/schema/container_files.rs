//! Fields of `Container` that make it from something, or change its files.

use std::path::PathBuf;
use std::sync::Arc;

use ci_rootfs::copy;
use ci_rootfs::write::Change;

use super::{
    Answer, FieldCall, argument, arguments, container_of, directory_of, file_of, flag,
    new_container, permissions, text,
};
use crate::container::Container;
use crate::error::{Error, Result};
use crate::layers::Rootfs;
use crate::session::Session;

pub(super) fn from(call: FieldCall) -> Answer {
    let address = text(&call.args, "address");
    let error = format!(
        "cannot pull {address}: this engine does not reach registries yet; use the image of another service or an OCI layout on disk as a named context"
    );
    Err(Error::new(error).into())
}

pub(super) fn import(call: FieldCall) -> Answer {
    let source = file_of(&argument(&call, "source")?)?;
    let tag = Some(text(&call.args, "tag")).filter(|tag| !tag.is_empty());
    let parent = container_of(&call.object)?;
    new_container(&call, move |session| {
        let (source, tag, parent) = (source.clone(), tag.clone(), parent.clone());
        async move {
            let file = source.state.get(&session).await?;
            let platform = parent.state.get(&session).await?.image.platform();
            let staging = session.store.stage()?;
            let archive = staging.work.join("image.tar");
            file.export(&session, &archive).await?;
            let dir: PathBuf = staging.work.join("layout");
            let (from, to) = (archive, dir.clone());
            tokio::task::spawn_blocking(move || -> Result<()> {
                let layout = ci_oci::Layout::create(&to)?;
                ci_oci::archive::read(
                    &mut std::io::BufReader::new(std::fs::File::open(from)?),
                    &layout,
                )?;
                Ok(())
            })
            .await??;
            crate::archive::import_layout(&session, &dir, tag, platform).await
        }
    })
}

pub(super) fn with_rootfs(call: FieldCall) -> Answer {
    let directory = directory_of(&argument(&call, "directory")?)?;
    let parent = container_of(&call.object)?;
    new_container(&call, move |session| {
        let (directory, parent) = (directory.clone(), parent.clone());
        async move {
            let mut container = Container::clone(&*parent.state.get(&session).await?);
            let rootfs = directory
                .state
                .get(&session)
                .await?
                .as_root(&session)
                .await?;
            container.image.history.clear();
            container.rootfs = Rootfs::default();
            Ok(container.with_rootfs(rootfs, "withRootfs".into()))
        }
    })
}

/// What a copy into a container asks for, beside its source.
struct CopyArgs {
    path: String,
    owner: String,
    mode: Option<u32>,
    request: copy::Request,
}

impl CopyArgs {
    fn new(call: &FieldCall) -> Result<Self> {
        let args = &call.args;
        if flag(args, "gitignore") {
            return Err(Error::new(
                "withDirectory(gitignore: true) is not available on the embedded engine; name the patterns in `exclude`",
            ));
        }
        let request = copy::Request {
            exclude: args.strings("exclude"),
            include: args.strings("include"),
            ..copy::Request::default()
        };
        Ok(Self {
            path: text(args, "path"),
            owner: text(args, "owner"),
            mode: permissions(args, "permissions")?,
            request,
        })
    }
}

pub(super) fn with_directory(call: FieldCall) -> Answer {
    let source = directory_of(&argument(&call, "source")?)?;
    let parent = container_of(&call.object)?;
    let args = Arc::new((CopyArgs::new(&call)?, flag(&call.args, "expand")));
    new_container(&call, move |session| {
        let (source, parent, args) = (source.clone(), parent.clone(), args.clone());
        async move {
            let container = parent.state.get(&session).await?;
            let source = source.state.get(&session).await?;
            let (rootfs, root) = source.rootfs(&session).await?;
            let dest = path_of(&container, &args.0.path, args.1);
            let request = copy::Request {
                sources: vec![".".into()],
                root,
                dest: format!("{}/", dest.trim_end_matches('/')),
                ..args.0.request.clone()
            };
            copied(
                &session,
                &container,
                vec![(rootfs, request)],
                &args.0,
                "withDirectory",
            )
            .await
        }
    })
}

pub(super) fn with_file(call: FieldCall) -> Answer {
    let source = file_of(&argument(&call, "source")?)?;
    let parent = container_of(&call.object)?;
    let args = Arc::new((CopyArgs::new(&call)?, flag(&call.args, "expand")));
    new_container(&call, move |session| {
        let (source, parent, args) = (source.clone(), parent.clone(), args.clone());
        async move {
            let container = parent.state.get(&session).await?;
            let (rootfs, path) = source.state.get(&session).await?.rootfs(&session).await?;
            let mut dest = path_of(&container, &args.0.path, args.1);
            if args.0.path.ends_with('/') {
                dest.push('/');
            }
            let request = copy::Request {
                sources: vec![path],
                root: "/".into(),
                dest,
                ..args.0.request.clone()
            };
            copied(
                &session,
                &container,
                vec![(rootfs, request)],
                &args.0,
                "withFile",
            )
            .await
        }
    })
}

pub(super) fn with_files(call: FieldCall) -> Answer {
    let sources = arguments(&call, "sources")?
        .iter()
        .map(file_of)
        .collect::<Result<Vec<_>>>()?;
    let parent = container_of(&call.object)?;
    let args = Arc::new((CopyArgs::new(&call)?, flag(&call.args, "expand")));
    new_container(&call, move |session| {
        let (sources, parent, args) = (sources.clone(), parent.clone(), args.clone());
        async move {
            let container = parent.state.get(&session).await?;
            let dest = format!(
                "{}/",
                path_of(&container, &args.0.path, args.1).trim_end_matches('/')
            );
            let mut items = Vec::new();
            for source in sources {
                let (rootfs, path) = source.state.get(&session).await?.rootfs(&session).await?;
                items.push((
                    rootfs,
                    copy::Request {
                        sources: vec![path],
                        root: "/".into(),
                        dest: dest.clone(),
                        ..args.0.request.clone()
                    },
                ));
            }
            copied(&session, &container, items, &args.0, "withFiles").await
        }
    })
}

async fn copied(
    session: &Arc<Session>,
    container: &Container,
    mut items: Vec<(Rootfs, copy::Request)>,
    args: &CopyArgs,
    what: &str,
) -> Result<Container> {
    let owner = if args.owner.is_empty() {
        (0, 0)
    } else {
        session.owner(&container.rootfs, &args.owner).await?
    };
    for (_, request) in &mut items {
        request.owner = Some(owner);
        request.mode = args.mode.map(|mode| format!("{mode:o}"));
    }
    let layer = session.copy(&container.rootfs, items).await?;
    Ok(container.with_rootfs(
        container.rootfs.with(layer),
        format!("{what} {}", args.path),
    ))
}

/// A path argument as an absolute path of the container.
pub(super) fn path_of(container: &Container, path: &str, expand: bool) -> String {
    if expand {
        container.path(&container.expand(path))
    } else {
        container.path(path)
    }
}

/// A container with small changes to its files.
fn written<F>(call: &FieldCall, change: F) -> Answer
where
    F: Fn(&Container) -> Vec<Change> + Send + Sync + 'static,
{
    let parent = container_of(&call.object)?;
    let owner = text(&call.args, "owner");
    let what = call.field.name;
    let change = Arc::new(change);
    new_container(call, move |session| {
        let (parent, owner, change) = (parent.clone(), owner.clone(), change.clone());
        async move {
            let container = parent.state.get(&session).await?;
            let mut changes = change(&container);
            if !owner.is_empty() {
                let numeric = session.owner(&container.rootfs, &owner).await?;
                for change in &mut changes {
                    if let Change::File { owner, .. } | Change::Directory { owner, .. } = change {
                        *owner = numeric;
                    }
                }
            }
            let layer = session.write(&container.rootfs, changes).await?;
            Ok(container.with_rootfs(container.rootfs.with(layer), what.into()))
        }
    })
}

pub(super) fn with_new_file(call: FieldCall) -> Answer {
    let (path, expand) = (text(&call.args, "path"), flag(&call.args, "expand"));
    let content = text(&call.args, "contents").into_bytes();
    let mode = permissions(&call.args, "permissions")?.unwrap_or(0o644);
    written(&call, move |container| {
        vec![Change::File {
            path: path_of(container, &path, expand),
            content: content.clone(),
            mode,
            owner: (0, 0),
        }]
    })
}

pub(super) fn with_symlink(call: FieldCall) -> Answer {
    let (target, link, expand) = (
        text(&call.args, "target"),
        text(&call.args, "linkName"),
        flag(&call.args, "expand"),
    );
    written(&call, move |container| {
        vec![Change::Symlink {
            path: path_of(container, &link, expand),
            target: target.clone(),
        }]
    })
}

pub(super) fn without_path(call: FieldCall) -> Answer {
    let (path, expand) = (text(&call.args, "path"), flag(&call.args, "expand"));
    written(&call, move |container| {
        vec![Change::Remove {
            path: path_of(container, &path, expand),
        }]
    })
}

pub(super) fn without_files(call: FieldCall) -> Answer {
    let (paths, expand) = (call.args.strings("paths"), flag(&call.args, "expand"));
    written(&call, move |container| {
        paths
            .iter()
            .map(|path| Change::Remove {
                path: path_of(container, path, expand),
            })
            .collect()
    })
}
