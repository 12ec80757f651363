//! `File`: one file.

use std::sync::Arc;

use ci_graphql::{FieldError, Type, arg, field, future, object, ready};
use ci_rootfs::copy;

use super::{Answer, Connection, FieldCall, ID, OF_FILE, file_of, new_file};
use crate::directory::{File, host_path};
use crate::error::Result;
use crate::layers::Rootfs;

/// Largest file whose contents are given as a string, in bytes.
const CONTENTS_LIMIT: u64 = 128 << 20;

pub(super) static FILE: Type<Connection> = object(
    "File",
    "One file.",
    &["Exportable", "Node", "Syncer"],
    &[
        ID,
        field(
            "sync",
            "ID!",
            "Brings the file about and answers its id.",
            &[],
            future!(sync),
        )
        .directives(OF_FILE),
        field(
            "name",
            "String!",
            "Its name, without directories.",
            &[],
            future!(name),
        ),
        field(
            "stat",
            "Stat",
            "What is known of it without reading it.",
            &[],
            future!(stat),
        ),
        field(
            "withName",
            "File!",
            "The same file under another name.",
            &[arg("name", "String!", "The name.")],
            ready(with_name),
        ),
        field(
            "withTimestamps",
            "File!",
            "The same: times are no part of what this engine keeps, every file of an image has one and the same.",
            &[arg("timestamp", "Int!", "Taken for compatibility.")],
            ready(|call| super::object(call.object)),
        ),
        field("size", "Int!", "Its size in bytes.", &[], future!(size)),
        field(
            "contents",
            "String!",
            "What it contains, which must be text.",
            &[
                arg("offsetLines", "Int", "Leave out this many lines."),
                arg("limitLines", "Int", "At most this many lines."),
            ],
            future!(contents),
        ),
        field(
            "digest",
            "String!",
            "A digest of its content. Of an image archive: the digest of the image.",
            &[arg(
                "excludeMetadata",
                "Boolean = false",
                "Taken for compatibility.",
            )],
            future!(digest),
        ),
        field(
            "export",
            "String!",
            "Writes it to the host and answers the absolute path.",
            &[
                arg(
                    "path",
                    "String!",
                    "Where to, relative to the session's directory.",
                ),
                arg(
                    "allowParentDirPath",
                    "Boolean = false",
                    "If the path is a directory, write into it.",
                ),
            ],
            future!(export),
        ),
        field(
            "exportLayout",
            "String!",
            "Adds an image archive to an OCI image layout on the host, in place of the image that had the name, and answers the layout's absolute path. An addition of the embedded engine.",
            &[
                arg(
                    "path",
                    "String!",
                    "The layout's directory, made if need be; relative to the session's directory.",
                ),
                arg("name", "String!", "The image's name in the layout."),
            ],
            future!(export_layout),
        ),
    ],
);

async fn state(call: &FieldCall) -> Result<Arc<File>> {
    file_of(&call.object)?
        .state
        .get(&call.backend.session)
        .await
}

async fn sync(call: FieldCall) -> Answer {
    let session = &call.backend.session;
    if let File::Archive(archive) = &*state(&call).await? {
        archive.image(session).await?;
    }
    Ok(call.object.id().into())
}

async fn name(call: FieldCall) -> Answer {
    Ok(state(&call).await?.name().into())
}

async fn stat(call: FieldCall) -> Answer {
    let session = &call.backend.session;
    let (rootfs, path) = state(&call).await?.rootfs(session).await?;
    let status = session.stat(&rootfs, &path, true).await?;
    super::container_read::stat_record(&call, &path, status)
}

fn with_name(call: FieldCall) -> Answer {
    let parent = file_of(&call.object)?;
    let name = call.args.string("name")?.to_owned();
    if matches!(&*name, "" | "." | "..") || name.contains(['/', '\0']) {
        return Err(FieldError::new(format!(
            "{name:?} cannot be the name of a file"
        )));
    }
    new_file(&call, move |session| {
        let (parent, name) = (parent.clone(), name.clone());
        async move {
            let (rootfs, path) = parent.state.get(&session).await?.rootfs(&session).await?;
            let path_of_new = format!("/{name}");
            let request = copy::Request {
                sources: vec![path],
                root: "/".into(),
                dest: path_of_new.clone(),
                ..copy::Request::default()
            };
            let layer = session
                .copy(&Rootfs::default(), vec![(rootfs, request)])
                .await?;
            Ok(File::Layers {
                rootfs: Rootfs::default().with(layer),
                path: path_of_new,
            })
        }
    })
}

async fn size(call: FieldCall) -> Answer {
    let size = state(&call).await?.size(&call.backend.session).await?;
    Ok(i64::try_from(size).unwrap_or(i64::MAX).into())
}

async fn contents(call: FieldCall) -> Answer {
    let content = state(&call)
        .await?
        .contents(&call.backend.session, CONTENTS_LIMIT)
        .await?;
    let text = String::from_utf8(content)
        .map_err(|_| FieldError::new("the file is not text; export it instead"))?;
    let line_count = |name: &str| {
        call.args
            .opt_int(name)
            .and_then(|count| usize::try_from(count).ok())
    };
    match (line_count("offsetLines"), line_count("limitLines")) {
        (None, None) => Ok(text.into()),
        (offset, limit) => {
            let lines = text
                .split_inclusive('\n')
                .skip(offset.unwrap_or(0))
                .take(limit.unwrap_or(usize::MAX));
            Ok(lines.collect::<String>().into())
        }
    }
}

async fn digest(call: FieldCall) -> Answer {
    Ok(state(&call)
        .await?
        .digest(&call.backend.session)
        .await?
        .to_string()
        .into())
}

async fn export(call: FieldCall) -> Answer {
    let session = &call.backend.session;
    let file = state(&call).await?;
    let mut dest = host_path(session, call.args.string("path")?);
    if dest.is_dir() && call.args.opt_bool("allowParentDirPath") == Some(true) {
        dest.push(file.name());
    }
    file.export(session, &dest).await?;
    Ok(dest.display().to_string().into())
}

async fn export_layout(call: FieldCall) -> Answer {
    let session = &call.backend.session;
    let dest = host_path(session, call.args.string("path")?);
    match &*state(&call).await? {
        File::Archive(archive) => {
            let name = call.args.string("name")?;
            archive.export_layout(session, &dest, name).await?;
        }
        _ => {
            return Err(FieldError::new(
                "the file is not an image that this engine has built; `export` writes it as it is",
            ));
        }
    }
    Ok(dest.display().to_string().into())
}
