//! `Socket`, and the fields that get and give one.

use std::sync::Arc;

use ci_graphql::{Type, object as object_type};

use super::container_exec::{mounted, owner_or_root};
use super::{Answer, Connection, FieldCall, ID, argument, object, socket_of, text};
use crate::directory::host_path;
use crate::exec::{Mount, Mounted};
use crate::object::Object;
use crate::ssh::{Socket, Talk};

pub(super) static SOCKET: Type<Connection> =
    object_type("Socket", "A Unix socket of the host.", &["Node"], &[ID]);

/// The resolver of `Host.unixSocket`.
pub(super) fn unix_socket(call: FieldCall) -> Answer {
    let session = &call.backend.session;
    let path = host_path(session, call.args.string("path")?);
    object(session.intern(super::id_of(&call, "Socket"), |id| {
        Object::Socket(Arc::new(Socket { id, path }))
    }))
}

/// The resolver of `Container.withUnixSocket`.
pub(super) fn with_unix_socket(call: FieldCall) -> Answer {
    let socket = socket_of(&argument(&call, "source")?)?;
    let owner = text(&call.args, "owner");
    mounted(&call, move |session, container, target| {
        let (socket, owner) = (socket.clone(), owner.clone());
        async move {
            let (uid, gid) = owner_or_root(&session, &container, &owner).await?;
            Ok(Mount {
                target,
                source: Mounted::Socket {
                    uid,
                    gid,
                    mode: 0o600,
                    talk: Talk::Anything,
                    socket,
                },
                readonly: false,
            })
        }
    })
}
