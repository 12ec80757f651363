//! `Query`: the root of the API.

use std::sync::Arc;

use ci_graphql::{Type, Value, arg, field, object as object_type, ready};
use ci_oci::Platform;
use ci_rootfs::write::Change;

use super::{
    Answer, Connection, FieldCall, ID, OF_DIRECTORY, OF_SECRET, OF_SOCKET, argument, new_container,
    new_directory, new_file, object, permissions, secret_of, text,
};
use crate::container::Container;
use crate::directory::{Directory, File};
use crate::error::{Error, Result};
use crate::git::{Asker, one_line};
use crate::http::{self, Download};
use crate::layers::Rootfs;
use crate::object::{CacheVolume, Object};
use crate::secret::Secret;

/// The version of Dagger whose API this is.
const VERSION: &str = "v0.21.11";

pub(super) static QUERY: Type<Connection> = object_type(
    "Query",
    "The root of the API.",
    &[],
    &[
        ID,
        field(
            "version",
            "String!",
            "The version of Dagger whose API this engine speaks.",
            &[],
            ready(|_| Ok(VERSION.into())),
        ),
        field(
            "defaultPlatform",
            "Platform!",
            "The platform of this machine.",
            &[],
            ready(|_| Ok(Platform::host().to_string().into())),
        ),
        field(
            "container",
            "Container!",
            "An empty container.",
            &[arg(
                "platform",
                "Platform",
                "The platform of its image; this machine's if absent.",
            )],
            ready(container),
        ),
        field(
            "directory",
            "Directory!",
            "An empty directory.",
            &[],
            ready(directory),
        ),
        field(
            "file",
            "File!",
            "A file with the given contents.",
            &[
                arg("name", "String!", "Its name."),
                arg("contents", "String!", "What it contains."),
                arg("permissions", "Int = 420", "Its permission bits."),
            ],
            ready(file),
        ),
        field(
            "host",
            "Host!",
            "The machine this engine runs on.",
            &[],
            ready(|_| object(Object::Host)),
        ),
        field(
            "cacheVolume",
            "CacheVolume!",
            "A directory that outlives builds, by its key.",
            &[
                arg(
                    "key",
                    "String!",
                    "Names the volume: equal keys are one volume.",
                ),
                arg("source", "ID", "What a new volume begins with.").directives(OF_DIRECTORY),
                arg(
                    "sharing",
                    "CacheSharingMode = SHARED",
                    "Who else may use it at the same time.",
                ),
                arg("owner", "String = \"\"", "Owner of a new volume."),
            ],
            ready(cache_volume),
        ),
        field(
            "setSecret",
            "Secret!",
            "A secret with the given value.",
            &[
                arg("name", "String!", "A name for people."),
                arg("plaintext", "String!", "The value."),
            ],
            ready(set_secret),
        ),
        field(
            "secret",
            "Secret!",
            "A secret whose value is fetched when a program needs it.",
            &[
                arg(
                    "uri",
                    "String!",
                    "`env://NAME`, `file://PATH` or `cmd://COMMAND`.",
                ),
                arg(
                    "cacheKey",
                    "String",
                    "Taken for compatibility: values of secrets never decide what is cached.",
                ),
            ],
            ready(secret),
        ),
        field(
            "git",
            "GitRepository!",
            "A git repository.",
            &[
                arg(
                    "url",
                    "String!",
                    "`https://HOST/PATH`, `ssh://USER@HOST/PATH`, `USER@HOST:PATH` or `git://HOST/PATH`.",
                ),
                arg("keepGitDir", "Boolean = true", "Keep `.git`.")
                    .deprecated("Use the argument `discardGitDir` of `GitRef.tree`."),
                arg(
                    "sshKnownHosts",
                    "String = \"\"",
                    "Keys of hosts, as in known_hosts; the user's if empty.",
                ),
                arg(
                    "sshAuthSocket",
                    "ID",
                    "The SSH agent; that of SSH_AUTH_SOCK if absent.",
                )
                .directives(OF_SOCKET),
                arg(
                    "httpAuthUsername",
                    "String = \"\"",
                    "The user that the token is the password of.",
                ),
                arg("httpAuthToken", "ID", "The password for HTTP.").directives(OF_SECRET),
                arg(
                    "httpAuthHeader",
                    "ID",
                    "The whole value of the header Authorization.",
                )
                .directives(OF_SECRET),
            ],
            ready(super::git::git),
        ),
        field(
            "http",
            "File!",
            "A file of the web.",
            &[
                arg("url", "String!", "Its address."),
                arg(
                    "name",
                    "String",
                    "Its name; the last part of the address if absent.",
                ),
                arg("permissions", "Int", "Its permission bits; 0600 if absent."),
                arg(
                    "checksum",
                    "String",
                    "What it must be: `sha256:` and 64 hexadecimal digits.",
                ),
                arg("authHeader", "ID", "The value of the header Authorization.")
                    .directives(OF_SECRET),
            ],
            ready(http),
        ),
        field(
            "node",
            "Node",
            "The object with an id of this session.",
            &[arg("id", "ID!", "The id.")],
            ready(node),
        ),
    ],
);

fn container(call: FieldCall) -> Answer {
    let platform = platform(call.args.opt_string("platform"))?;
    new_container(&call, move |_| {
        let container = Container::scratch(&platform);
        async move { Ok(container) }
    })
}

/// A platform argument; this machine's if absent.
pub(crate) fn platform(given: Option<&str>) -> Result<Platform> {
    Ok(given
        .map(str::parse)
        .transpose()?
        .unwrap_or_else(Platform::host))
}

fn directory(call: FieldCall) -> Answer {
    new_directory(&call, |_| async { Ok(Directory::empty()) })
}

fn file(call: FieldCall) -> Answer {
    let path = crate::directory::join("/", call.args.string("name")?);
    let mode = permissions(&call.args, "permissions")?.unwrap_or(0o644);
    let change = Change::File {
        path: path.clone(),
        content: text(&call.args, "contents").into_bytes(),
        mode,
        owner: (0, 0),
    };
    new_file(&call, move |session| {
        let (change, path) = (change.clone(), path.clone());
        async move {
            let layer = session.write(&Rootfs::default(), vec![change]).await?;
            Ok(File::Layers {
                rootfs: Rootfs::default().with(layer),
                path,
            })
        }
    })
}

fn http(call: FieldCall) -> Answer {
    let args = &call.args;
    let (url, checksum) = (
        text(args, "url"),
        args.opt_string("checksum").map(str::to_owned),
    );
    let header = match args.opt_string("authHeader") {
        Some(_) => Some(secret_of(&argument(&call, "authHeader")?)?),
        None => None,
    };
    let name = match args.opt_string("name") {
        Some(name) => name.to_owned(),
        None => Download::new(&url, None, None)?.name(),
    };
    let mode = permissions(args, "permissions")?.unwrap_or(http::MODE);
    let asker = Asker {
        group: call.backend.group.clone(),
        source: None,
    };
    new_file(&call, move |session| {
        let (url, checksum, header) = (url.clone(), checksum.clone(), header.clone());
        let (name, asker) = (name.clone(), asker.clone());
        async move {
            let authorization = match header {
                Some(header) => Some(one_line(&header.value().await?)),
                None => None,
            };
            let download = Download::new(&url, checksum.as_deref(), authorization)?;
            let rootfs = session.download(&download, &name, mode, &asker).await?;
            Ok(File::Layers {
                rootfs,
                path: format!("/{name}"),
            })
        }
    })
}

fn cache_volume(call: FieldCall) -> Answer {
    let key = text(&call.args, "key");
    object(
        call.backend
            .session
            .intern(super::id_of(&call, "CacheVolume"), |id| {
                Object::CacheVolume(Arc::new(CacheVolume { id, key }))
            }),
    )
}

fn set_secret(call: FieldCall) -> Answer {
    let (name, value) = (text(&call.args, "name"), text(&call.args, "plaintext"));
    object(
        call.backend
            .session
            .intern(super::id_of(&call, "Secret"), |id| {
                Object::Secret(Arc::new(Secret::plain(id, name, &value)))
            }),
    )
}

fn secret(call: FieldCall) -> Answer {
    let uri = text(&call.args, "uri");
    object(
        call.backend
            .session
            .intern(super::id_of(&call, "Secret"), |id| {
                Object::Secret(Arc::new(Secret::from_uri(id, uri)))
            }),
    )
}

fn node(call: FieldCall) -> Answer {
    let id = call.args.string("id")?;
    if id == "Host" {
        return object(Object::Host);
    }
    let found = call
        .backend
        .session
        .object(id)
        .map_err(|error: Error| error)?;
    Ok(Value::Object(found))
}
