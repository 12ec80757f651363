//! `Host`: directories, files, ports and sockets of the machine the engine runs on.

use std::sync::Arc;

use ci_graphql::{Type, Value, arg, field, future, object as object_type, ready};
use ci_rootfs::import::Filter;
use serde::Deserialize;

use super::service::new_service;
use super::{
    Answer, Connection, EXCLUDE, FieldCall, GITIGNORE, ID, INCLUDE, OF_SERVICE, argument, flag,
    new_directory, new_file, object, service_of, text,
};
use crate::directory::{Directory, File, host_path};
use crate::error::Error;
use crate::host::HostDirectory;
use crate::object::Object;
use crate::service::{Forward, Kind};

pub(super) static HOST: Type<Connection> = object_type(
    "Host",
    "The machine this engine runs on.",
    &["Node"],
    &[
        ID,
        field(
            "directory",
            "Directory!",
            "A directory of the host, as it is when it is first needed.",
            &[
                arg(
                    "path",
                    "String!",
                    "Relative to the session's directory, or absolute.",
                ),
                EXCLUDE,
                INCLUDE,
                arg(
                    "noCache",
                    "Boolean = false",
                    "Read the directory again, even if it was read in this session.",
                ),
                GITIGNORE,
            ],
            ready(directory),
        ),
        field(
            "file",
            "File!",
            "A file of the host.",
            &[
                arg(
                    "path",
                    "String!",
                    "Relative to the session's directory, or absolute.",
                ),
                arg(
                    "noCache",
                    "Boolean = false",
                    "Read the file again, even if it was read in this session.",
                ),
            ],
            ready(file),
        ),
        field(
            "findUp",
            "String",
            "The nearest directory, from the session's upwards, that has an entry of this name.",
            &[
                arg("name", "String!", "The name."),
                arg("noCache", "Boolean = false", "Look again."),
            ],
            future!(find_up),
        ),
        field(
            "tunnel",
            "Service!",
            "Ports of the host that lead to a service.",
            &[
                arg("service", "ID!", "The service.").directives(OF_SERVICE),
                arg(
                    "native",
                    "Boolean = false",
                    "Use the same port numbers on the host.",
                ),
                arg(
                    "ports",
                    "[PortForward!] = []",
                    "Which ports; every one that the service exposes if empty.",
                ),
            ],
            ready(tunnel),
        ),
        field(
            "unixSocket",
            "Socket!",
            "A Unix socket of the host.",
            &[arg(
                "path",
                "String!",
                "Relative to the session's directory, or absolute.",
            )],
            ready(super::sockets::unix_socket),
        ),
    ],
);

fn directory(call: FieldCall) -> Answer {
    let root = host_path(&call.backend.session, call.args.string("path")?);
    let filter = Filter {
        include: call.args.strings("include"),
        exclude: call.args.strings("exclude"),
        gitignore: flag(&call.args, "gitignore"),
        ..Filter::default()
    };
    let group = call.backend.group.clone();
    if flag(&call.args, "noCache") {
        // An id of its own, so that nothing read before is found.
        let host = HostDirectory::new(root, filter, group);
        let id = format!("Directory:{:p}", Arc::as_ptr(&host));
        let state = crate::lazy::Lazy::made(Arc::new(Directory::Host(host)));
        return object(call.backend.session.intern(id, |id| {
            Object::Directory(Arc::new(crate::object::Node { id, state }))
        }));
    }
    let host = HostDirectory::new(root, filter, group);
    new_directory(&call, move |_| {
        let host = host.clone();
        async move { Ok(Directory::Host(host)) }
    })
}

fn file(call: FieldCall) -> Answer {
    let path = host_path(&call.backend.session, call.args.string("path")?);
    let name = path
        .file_name()
        .map(|name| name.to_string_lossy().into_owned());
    let (Some(parent), Some(name)) = (path.parent(), name) else {
        return Err(Error::new(format!("{} is no file", path.display())).into());
    };
    let filter = Filter {
        roots: vec![name.clone()],
        ..Filter::default()
    };
    let host = HostDirectory::new(parent.to_owned(), filter, call.backend.group.clone());
    new_file(&call, move |_| {
        let (host, name) = (host.clone(), name.clone());
        async move { Ok(File::Host(host, format!("/{name}"))) }
    })
}

async fn find_up(call: FieldCall) -> Answer {
    let name = text(&call.args, "name");
    let start = call.backend.session.options.workdir.clone();
    let found = start.ancestors().find(|dir| dir.join(&name).exists());
    Ok(found.map_or(Value::Null, |dir| {
        dir.join(&name).display().to_string().into()
    }))
}

/// The input object `PortForward`.
#[derive(Deserialize)]
struct PortForward {
    frontend: Option<u16>,
    backend: u16,
}

fn tunnel(call: FieldCall) -> Answer {
    let service = service_of(&argument(&call, "service")?)?;
    let ports: Vec<PortForward> = call.args.decode("ports")?;
    let ports = ports
        .into_iter()
        .map(|port| Forward {
            frontend: port.frontend.unwrap_or(0),
            backend: port.backend,
        })
        .collect();
    let native = flag(&call.args, "native");
    let kind = Kind::Tunnel {
        service,
        ports,
        native,
    };
    new_service(&call, kind)
}
