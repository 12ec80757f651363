//! The code behind the fields of `Directory`.

use std::sync::Arc;

use ci_graphql::Value;
use ci_rootfs::copy;
use ci_rootfs::import::Filter;
use ci_rootfs::write::Change;

use super::copying::{Copying, no_gitignore};
use super::{
    Answer, FieldCall, directory_of, flag, located, new_directory, new_file, permissions, text,
};
use crate::directory::{Directory, File, below, host_path, join};
use crate::error::{Error, Result};
use crate::host::HostDirectory;
use crate::layers::Rootfs;
use crate::session::Session;

async fn state(call: &FieldCall) -> Result<Arc<Directory>> {
    directory_of(&call.object)?
        .state
        .get(&call.backend.session)
        .await
}

pub(super) async fn sync(call: FieldCall) -> Answer {
    state(&call).await?.rootfs(&call.backend.session).await?;
    Ok(call.object.id().into())
}

pub(super) async fn name(call: FieldCall) -> Answer {
    let path = match &*state(&call).await? {
        Directory::Host(host) => host.root.display().to_string(),
        Directory::Layers { path, .. } => path.clone(),
    };
    let name = path.rsplit('/').next().unwrap_or_default();
    Ok(if name.is_empty() {
        "/".into()
    } else {
        name.into()
    })
}

pub(super) async fn digest(call: FieldCall) -> Answer {
    Ok(state(&call)
        .await?
        .digest(&call.backend.session)
        .await?
        .to_string()
        .into())
}

/// The root file system and absolute path of a path argument.
async fn place(call: &FieldCall, path: &str) -> Result<(Rootfs, String)> {
    let (rootfs, base) = state(call).await?.rootfs(&call.backend.session).await?;
    Ok((rootfs, below(&base, path)))
}

pub(super) async fn entries(call: FieldCall) -> Answer {
    let (rootfs, path) = place(&call, call.args.opt_string("path").unwrap_or(".")).await?;
    let listed = call.backend.session.entries(&rootfs, &path).await?;
    let names: Vec<String> = listed
        .into_iter()
        .map(|entry| {
            if entry.is_dir {
                format!("{}/", entry.name)
            } else {
                entry.name
            }
        })
        .collect();
    Ok(names.into())
}

pub(super) async fn glob(call: FieldCall) -> Answer {
    let (rootfs, path) = place(&call, ".").await?;
    Ok(call
        .backend
        .session
        .glob(&rootfs, &path, call.args.string("pattern")?)
        .await?
        .into())
}

pub(super) async fn exists(call: FieldCall) -> Answer {
    let (rootfs, path) = place(&call, call.args.string("path")?).await?;
    super::exists(&call, &rootfs, &path).await
}

pub(super) async fn stat(call: FieldCall) -> Answer {
    let (rootfs, path) = place(&call, call.args.string("path")?).await?;
    let status = call
        .backend
        .session
        .stat(&rootfs, &path, !flag(&call.args, "doNotFollowSymlinks"))
        .await?;
    super::container_read::stat_record(&call, &path, status)
}

pub(super) fn directory(call: FieldCall) -> Answer {
    let parent = directory_of(&call.object)?;
    let path = text(&call.args, "path");
    new_directory(&call, move |session| {
        let (parent, path) = (parent.clone(), path.clone());
        async move {
            let (rootfs, base) = parent.state.get(&session).await?.rootfs(&session).await?;
            let (rootfs, path) =
                located(&session, rootfs, below(&base, &path), "directory").await?;
            Ok(Directory::Layers { rootfs, path })
        }
    })
}

pub(super) fn file(call: FieldCall) -> Answer {
    let parent = directory_of(&call.object)?;
    let path = text(&call.args, "path");
    new_file(&call, move |session| {
        let (parent, path) = (parent.clone(), path.clone());
        async move {
            let (rootfs, base) = parent.state.get(&session).await?.rootfs(&session).await?;
            let (rootfs, path) = located(&session, rootfs, below(&base, &path), "file").await?;
            Ok(File::Layers { rootfs, path })
        }
    })
}

pub(super) fn filter(call: FieldCall) -> Answer {
    let parent = directory_of(&call.object)?;
    let (exclude, include) = (call.args.strings("exclude"), call.args.strings("include"));
    let (gitignore, group) = (flag(&call.args, "gitignore"), call.backend.group.clone());
    new_directory(&call, move |session| {
        let (parent, exclude, include, group) = (
            parent.clone(),
            exclude.clone(),
            include.clone(),
            group.clone(),
        );
        async move {
            let directory = parent.state.get(&session).await?;
            match &*directory {
                // A filter on a directory of the host keeps what is left out from being read at all.
                Directory::Host(host) if host.filter == Filter::default() => {
                    Ok(Directory::Host(HostDirectory::new(
                        host.root.clone(),
                        Filter {
                            include,
                            exclude,
                            gitignore,
                            ..Filter::default()
                        },
                        group,
                    )))
                }
                _ if gitignore => Err(no_gitignore("filter")),
                _ => {
                    let (rootfs, root) = directory.rootfs(&session).await?;
                    let request = copy::Request {
                        sources: vec![".".into()],
                        root,
                        dest: "/".into(),
                        exclude,
                        include,
                        ..copy::Request::default()
                    };
                    copied(
                        &session,
                        Rootfs::default(),
                        "/".into(),
                        vec![(rootfs, request)],
                    )
                    .await
                }
            }
        }
    })
}

async fn copied(
    session: &Arc<Session>,
    below: Rootfs,
    path: String,
    items: Vec<(Rootfs, copy::Request)>,
) -> Result<Directory> {
    let layer = session.copy(&below, items).await?;
    Ok(Directory::Layers {
        rootfs: below.with(layer),
        path,
    })
}

pub(super) fn with_directory(call: FieldCall) -> Answer {
    with_copied(&call, Copying::directory(&call)?)
}

pub(super) fn with_file(call: FieldCall) -> Answer {
    with_copied(&call, Copying::file(&call)?)
}

pub(super) fn with_files(call: FieldCall) -> Answer {
    with_copied(&call, Copying::files(&call)?)
}

/// A directory with something copied into it.
fn with_copied(call: &FieldCall, copying: Copying) -> Answer {
    let parent = directory_of(&call.object)?;
    let copying = Arc::new(copying);
    new_directory(call, move |session| {
        let (parent, copying) = (parent.clone(), copying.clone());
        async move {
            let (rootfs, base) = parent.state.get(&session).await?.rootfs(&session).await?;
            let owner = match copying.owner.as_str() {
                "" => None,
                owner => Some(session.owner(&Rootfs::default(), owner).await?),
            };
            let dest = format!("{}{}", base.trim_end_matches('/'), join("/", &copying.path));
            let items = copying.items(&session, dest, owner).await?;
            copied(&session, rootfs, base, items).await
        }
    })
}

/// A directory with small changes; `change` gets the directory's own path.
fn written<F>(call: &FieldCall, change: F) -> Answer
where
    F: Fn(&str) -> Vec<Change> + Send + Sync + 'static,
{
    let parent = directory_of(&call.object)?;
    let change = Arc::new(change);
    new_directory(call, move |session| {
        let (parent, change) = (parent.clone(), change.clone());
        async move {
            let (rootfs, base) = parent.state.get(&session).await?.rootfs(&session).await?;
            let layer = session.write(&rootfs, change(&base)).await?;
            Ok(Directory::Layers {
                rootfs: rootfs.with(layer),
                path: base,
            })
        }
    })
}

pub(super) fn with_new_file(call: FieldCall) -> Answer {
    let (path, content) = (
        text(&call.args, "path"),
        text(&call.args, "contents").into_bytes(),
    );
    let mode = permissions(&call.args, "permissions")?.unwrap_or(0o644);
    written(&call, move |base| {
        vec![Change::File {
            path: below(base, &path),
            content: content.clone(),
            mode,
            owner: (0, 0),
        }]
    })
}

pub(super) fn with_new_directory(call: FieldCall) -> Answer {
    let path = text(&call.args, "path");
    let mode = permissions(&call.args, "permissions")?.unwrap_or(0o644);
    // The default of the API is that of a file; whoever may read a directory may enter it.
    let mode = mode | (mode & 0o444) >> 2;
    written(&call, move |base| {
        vec![Change::Directory {
            path: below(base, &path),
            mode,
            owner: (0, 0),
        }]
    })
}

pub(super) fn with_symlink(call: FieldCall) -> Answer {
    let (target, link) = (text(&call.args, "target"), text(&call.args, "linkName"));
    written(&call, move |base| {
        vec![Change::Symlink {
            path: below(base, &link),
            target: target.clone(),
        }]
    })
}

pub(super) fn without_path(call: FieldCall) -> Answer {
    let path = text(&call.args, "path");
    written(&call, move |base| {
        vec![Change::Remove {
            path: below(base, &path),
        }]
    })
}

pub(super) fn without_files(call: FieldCall) -> Answer {
    let paths = call.args.strings("paths");
    written(&call, move |base| {
        paths
            .iter()
            .map(|path| Change::Remove {
                path: below(base, path),
            })
            .collect()
    })
}

pub(super) fn with_error(call: FieldCall) -> Answer {
    let text = text(&call.args, "err");
    if text.is_empty() {
        return super::object(call.object);
    }
    new_directory(&call, move |_| {
        let error = Error::new(text.clone());
        async move { Err(error) }
    })
}

pub(super) async fn export(call: FieldCall) -> Answer {
    let dest = host_path(&call.backend.session, call.args.string("path")?);
    state(&call)
        .await?
        .export(&call.backend.session, &dest, flag(&call.args, "wipe"))
        .await?;
    Ok(Value::String(dest.display().to_string()))
}
