//! `Service`: something that keeps running and is reached over the network.

use std::sync::Arc;

use ci_graphql::{Type, arg, field, future, object as object_type, ready};
use serde_json::json;

use super::{
    Answer, Connection, FieldCall, ID, OF_SERVICE, flag, id_of, object, record_list, service_of,
    text,
};
use crate::error::Error;
use crate::object::Object;
use crate::service::{Kind, Service};

pub(super) static SERVICE: Type<Connection> = object_type(
    "Service",
    "Something that keeps running and is reached over the network.",
    &["Node", "Syncer"],
    &[
        ID,
        field(
            "sync",
            "ID!",
            "Starts the service, if it is not running, and answers its id.",
            &[],
            future!(start),
        )
        .directives(OF_SERVICE),
        field(
            "start",
            "ID!",
            "Starts the service and waits until its ports accept connections. Answers its id.",
            &[],
            future!(start),
        )
        .directives(OF_SERVICE),
        field(
            "stop",
            "ID!",
            "Ends the service with SIGTERM, and kills it if that takes too long. Answers its id.",
            &[arg("kill", "Boolean = false", "Kill it at once.")],
            future!(stop),
        )
        .directives(OF_SERVICE),
        field(
            "endpoint",
            "String!",
            "Where the service is reached: `host:port`. Starts it.",
            &[
                arg("port", "Int", "Which port; the first if absent."),
                arg("scheme", "String = \"\"", "Put `scheme://` in front."),
            ],
            future!(endpoint),
        ),
        field(
            "hostname",
            "String!",
            "The name under which the service is reached.",
            &[],
            ready(|call| Ok(service_of(&call.object)?.hostname().into())),
        ),
        field(
            "ports",
            "[Port!]!",
            "The ports of the service. Starts it.",
            &[],
            future!(ports),
        ),
    ],
);

async fn start(call: FieldCall) -> Answer {
    service_of(&call.object)?
        .start(&call.backend.session)
        .await?;
    Ok(call.object.id().into())
}

async fn stop(call: FieldCall) -> Answer {
    service_of(&call.object)?
        .stop(&call.backend.session, flag(&call.args, "kill"))
        .await?;
    Ok(call.object.id().into())
}

async fn endpoint(call: FieldCall) -> Answer {
    let port = call
        .args
        .opt_int("port")
        .map(u16::try_from)
        .transpose()
        .map_err(|_| Error::new("a port is between 0 and 65535"))?;
    Ok(service_of(&call.object)?
        .endpoint(&call.backend.session, port, &text(&call.args, "scheme"))
        .await?
        .into())
}

async fn ports(call: FieldCall) -> Answer {
    let running = service_of(&call.object)?
        .start(&call.backend.session)
        .await?;
    let ports = running.ports().into_iter().map(port).collect();
    record_list(&call, "Port", ports)
}

/// A service that is started when it is needed.
pub(super) fn new_service(call: &FieldCall, kind: Kind) -> Answer {
    let group = call.backend.group.clone();
    object(call.backend.session.intern(id_of(call, "Service"), |id| {
        Object::Service(Arc::new(Service { id, kind, group }))
    }))
}

/// The fields of a `Port`.
pub(super) fn port(port: u16) -> Vec<(&'static str, serde_json::Value)> {
    vec![
        ("port", json!(port)),
        ("protocol", json!("TCP")),
        ("description", json!(null)),
        ("experimentalSkipHealthcheck", json!(false)),
    ]
}
