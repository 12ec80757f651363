//! Fields of `Container` that make it from something, or change its files.

use std::path::PathBuf;
use std::sync::Arc;

use ci_oci::Reference;
use ci_rootfs::write::Change;

use super::copying::Copying;
use super::{
    Answer, FieldCall, argument, container_of, directory_of, file_of, flag, new_container,
    permissions, text,
};
use crate::container::Container;
use crate::error::{Error, Result};
use crate::layers::Rootfs;

pub(super) fn from(call: FieldCall) -> Answer {
    let reference: Reference = text(&call.args, "address").parse().map_err(Error::from)?;
    let group = call.backend.group.clone();
    let parent = container_of(&call.object)?;
    new_container(&call, move |session| {
        let (reference, group, parent) = (reference.clone(), group.clone(), parent.clone());
        async move {
            let parent = parent.state.get(&session).await?;
            let image = session
                .pull(&reference, &parent.image.platform(), &group)
                .await?;
            Ok(parent.with_image(&image))
        }
    })
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
            crate::images::import(&session, &dir, tag, platform).await
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

pub(super) fn with_directory(call: FieldCall) -> Answer {
    copied(&call, Copying::directory(&call)?)
}

pub(super) fn with_file(call: FieldCall) -> Answer {
    copied(&call, Copying::file(&call)?)
}

pub(super) fn with_files(call: FieldCall) -> Answer {
    copied(&call, Copying::files(&call)?)
}

/// A container with something copied into it.
fn copied(call: &FieldCall, copying: Copying) -> Answer {
    let parent = container_of(&call.object)?;
    let expand = flag(&call.args, "expand");
    let what = call.field.name;
    let copying = Arc::new(copying);
    new_container(call, move |session| {
        let (parent, copying) = (parent.clone(), copying.clone());
        async move {
            let container = parent.state.get(&session).await?;
            let owner = match copying.owner.as_str() {
                "" => (0, 0),
                owner => session.owner(&container.rootfs, owner).await?,
            };
            let dest = path_of(&container, &copying.path, expand);
            let items = copying.items(&session, dest, Some(owner)).await?;
            let layer = session.copy(&container.rootfs, items).await?;
            let created_by = format!("{what} {}", copying.path);
            Ok(container.with_rootfs(container.rootfs.with(layer), created_by))
        }
    })
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
