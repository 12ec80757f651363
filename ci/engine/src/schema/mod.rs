//! The schema: the one table of types, fields, arguments and documentation, a file per type, each field with the code
//! behind it. Introspection and the checks of arguments come from the same table.
//!
//! Names, types and defaults are those of Dagger 0.21; what is added to it says so.

mod container;
mod container_config;
mod container_exec;
mod container_files;
mod container_read;
mod copying;
mod directory;
mod directory_fields;
mod file;
mod git;
mod host;
mod query;
mod records;
mod service;
mod sockets;

pub(crate) use query::platform;

use std::sync::{Arc, LazyLock};

use ci_graphql::{
    Arg, Args, Backend, Call, Directive, Field, FieldError, Resolved, Schema, Type, Value, arg,
    directive, field, ready,
};
use ci_oci::Digest;

use crate::Group;
use crate::container::Container;
use crate::directory::{Directory, File};
use crate::error::{Error, Result};
use crate::layers::Rootfs;
use crate::lazy::Lazy;
use crate::object::{Node, Object};
use crate::secret::Secret;
use crate::service::Service;
use crate::session::Session;
use crate::ssh::Socket;

/// What a client talks through: the session, and the group its steps are shown under.
pub(crate) struct Connection {
    pub(crate) session: Arc<Session>,
    pub(crate) group: Group,
}

impl Backend for Connection {
    type Object = Object;

    fn type_name(&self, object: &Object) -> &'static str {
        object.type_name()
    }
}

/// A call of a field of this schema.
pub(crate) type FieldCall = Call<Connection>;
/// What a field of this schema answers.
pub(crate) type Answer = Resolved<Connection>;

/// The whole schema.
pub(crate) static SCHEMA: LazyLock<Schema<Connection>> =
    LazyLock::new(|| Schema::new(TYPES, records::DIRECTIVES));

static TYPES: &[&Type<Connection>] = &[
    &query::QUERY,
    &container::CONTAINER,
    &directory::DIRECTORY,
    &file::FILE,
    &host::HOST,
    &service::SERVICE,
    &git::GIT_REPOSITORY,
    &git::GIT_REF,
    &sockets::SOCKET,
    &records::SECRET,
    &records::CACHE_VOLUME,
    &records::ENV_VARIABLE,
    &records::LABEL,
    &records::PORT,
    &records::HEALTHCHECK_CONFIG,
    &records::STAT,
    &records::NODE,
    &records::SYNCER,
    &records::EXPORTABLE,
    &records::BUILD_ARG,
    &records::NAMED_CONTEXT,
    &records::LIMITS,
    &records::PORT_FORWARD,
    &records::CACHE_SHARING_MODE,
    &records::RETURN_TYPE,
    &records::NETWORK_PROTOCOL,
    &records::IMAGE_LAYER_COMPRESSION,
    &records::IMAGE_MEDIA_TYPES,
    &records::EXISTS_TYPE,
    &records::FILE_TYPE,
    &records::PLATFORM,
    &records::VOID,
];

/// An argument or answer that is the id of an object of this type.
const fn expected(name: &'static [(&'static str, &'static str)]) -> Directive {
    directive("expectedType", name)
}

const OF_CONTAINER: &[Directive] = &[expected(&[("name", "\"Container\"")])];
const OF_DIRECTORY: &[Directive] = &[expected(&[("name", "\"Directory\"")])];
const OF_FILE: &[Directive] = &[expected(&[("name", "\"File\"")])];
const OF_SERVICE: &[Directive] = &[expected(&[("name", "\"Service\"")])];
const OF_SECRET: &[Directive] = &[expected(&[("name", "\"Secret\"")])];
const OF_SOCKET: &[Directive] = &[expected(&[("name", "\"Socket\"")])];
const OF_CACHE_VOLUME: &[Directive] = &[expected(&[("name", "\"CacheVolume\"")])];

/// The field of every object that names it.
const ID: Field<Connection> = field(
    "id",
    "ID!",
    "Names the object in this session.",
    &[],
    ready(id),
);

/// The argument of many fields that take a path.
const EXPAND: Arg = arg(
    "expand",
    "Boolean = false",
    "Replace `$NAME` and `${NAME}` in the path by the container's environment variables.",
);

/// The arguments of fields that take some of a directory.
const EXCLUDE: Arg = arg(
    "exclude",
    "[String!] = []",
    "Patterns, as in .dockerignore, of what to leave out.",
);
const INCLUDE: Arg = arg(
    "include",
    "[String!] = []",
    "If not empty, only what matches one of these patterns.",
);
const GITIGNORE: Arg = arg(
    "gitignore",
    "Boolean = false",
    "Leave out what .gitignore files say.",
);

/// The id of the object that a call makes: a digest of the object it is called on, the field and its arguments. A client
/// that sends the same chain again means the same object.
fn id_of(call: &FieldCall, type_name: &str) -> String {
    let digest = Digest::of(format!(
        "{} {} {}",
        call.object.id(),
        call.field.name,
        call.args.canonical()
    ));
    format!("{type_name}:{}", &digest.hex()[..40])
}

/// The answer that is an object.
fn object(object: Object) -> Answer {
    Ok(Value::Object(object))
}

/// A container that is made when it is needed.
pub(crate) fn new_container<F, Fut>(call: &FieldCall, make: F) -> Answer
where
    F: Fn(Arc<Session>) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Container>> + Send + 'static,
{
    object(call.backend.session.intern(id_of(call, "Container"), |id| {
        let state = Lazy::new(move |session| {
            let made = make(session);
            async move { made.await.map(Arc::new) }
        });
        Object::Container(Arc::new(Node { id, state }))
    }))
}

/// A directory that is made when it is needed.
fn new_directory<F, Fut>(call: &FieldCall, make: F) -> Answer
where
    F: Fn(Arc<Session>) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Directory>> + Send + 'static,
{
    object(call.backend.session.intern(id_of(call, "Directory"), |id| {
        let state = Lazy::new(move |session| {
            let made = make(session);
            async move { made.await.map(Arc::new) }
        });
        Object::Directory(Arc::new(Node { id, state }))
    }))
}

/// A file that is made when it is needed.
fn new_file<F, Fut>(call: &FieldCall, make: F) -> Answer
where
    F: Fn(Arc<Session>) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<File>> + Send + 'static,
{
    object(call.backend.session.intern(id_of(call, "File"), |id| {
        let state = Lazy::new(move |session| {
            let made = make(session);
            async move { made.await.map(Arc::new) }
        });
        Object::File(Arc::new(Node { id, state }))
    }))
}

/// A container like the one called on, but for what `change` does to its state.
fn changed_container(call: FieldCall, change: fn(&mut Container, &Args) -> Result<()>) -> Answer {
    let parent = container_of(&call.object)?;
    let args = call.args.clone();
    new_container(&call, move |session| {
        let (parent, args) = (parent.clone(), args.clone());
        async move {
            let mut container = Container::clone(&*parent.state.get(&session).await?);
            change(&mut container, &args)?;
            Ok(container)
        }
    })
}

/// The state of the container called on.
async fn container_state(call: &FieldCall) -> Result<Arc<Container>> {
    container_of(&call.object)?
        .state
        .get(&call.backend.session)
        .await
}

fn mismatch(object: &Object, wanted: &str) -> Error {
    Error::new(format!(
        "the id {} is of a {}, not of a {wanted}",
        object.id(),
        object.type_name()
    ))
}

pub(crate) fn container_of(object: &Object) -> Result<Arc<Node<Arc<Container>>>> {
    match object {
        Object::Container(node) => Ok(node.clone()),
        other => Err(mismatch(other, "Container")),
    }
}

pub(crate) fn directory_of(object: &Object) -> Result<Arc<Node<Arc<Directory>>>> {
    match object {
        Object::Directory(node) => Ok(node.clone()),
        other => Err(mismatch(other, "Directory")),
    }
}

fn file_of(object: &Object) -> Result<Arc<Node<Arc<File>>>> {
    match object {
        Object::File(node) => Ok(node.clone()),
        other => Err(mismatch(other, "File")),
    }
}

fn service_of(object: &Object) -> Result<Arc<Service>> {
    match object {
        Object::Service(service) => Ok(service.clone()),
        other => Err(mismatch(other, "Service")),
    }
}

fn secret_of(object: &Object) -> Result<Arc<Secret>> {
    match object {
        Object::Secret(secret) => Ok(secret.clone()),
        other => Err(mismatch(other, "Secret")),
    }
}

pub(crate) fn socket_of(object: &Object) -> Result<Arc<Socket>> {
    match object {
        Object::Socket(socket) => Ok(socket.clone()),
        other => Err(mismatch(other, "Socket")),
    }
}

/// A path of a root file system, if something of this kind (`directory` or `file`) is there.
async fn located(
    session: &Session,
    rootfs: Rootfs,
    path: String,
    kind: &str,
) -> Result<(Rootfs, String)> {
    match session.stat(&rootfs, &path, true).await? {
        Some(status) if status.kind == kind => Ok((rootfs, path)),
        Some(_) => Err(Error::new(format!("{path} is not a {kind}"))),
        None => Err(Error::new(format!("{path}: no such {kind}"))),
    }
}

/// Whether something of the expected type is at a path; the resolver of `exists`.
async fn exists(call: &FieldCall, rootfs: &Rootfs, path: &str) -> Answer {
    let follow = !flag(&call.args, "doNotFollowSymlinks");
    let status = call.backend.session.stat(rootfs, path, follow).await?;
    let is_expected = |kind: &str| match call.args.opt_string("expectedType") {
        None => true,
        Some("REGULAR_TYPE") => kind == "file",
        Some("DIRECTORY_TYPE") => kind == "directory",
        Some("SYMLINK_TYPE") => kind == "symlink",
        Some(_) => false,
    };
    Ok(status
        .is_some_and(|status| is_expected(&status.kind))
        .into())
}

/// The object that an argument names by id.
fn argument(call: &FieldCall, name: &str) -> std::result::Result<Object, FieldError> {
    Ok(call.backend.session.object(call.args.string(name)?)?)
}

/// The objects that an argument names by id.
pub(crate) fn arguments(call: &FieldCall, name: &str) -> Result<Vec<Object>> {
    call.args
        .strings(name)
        .iter()
        .map(|id| call.backend.session.object(id))
        .collect()
}

/// Permission bits from an argument.
fn permissions(args: &Args, name: &str) -> Result<Option<u32>> {
    let bits = args
        .opt_int(name)
        .map(|bits| u32::try_from(bits).ok().filter(|bits| *bits <= 0o7777));
    bits.map(|bits| {
        bits.ok_or_else(|| {
            Error::new(format!(
                "argument `{name}`: permissions are between 0 and 4095 (octal 7777)"
            ))
        })
    })
    .transpose()
}

/// A string argument; the schema has made sure that it is there.
fn text(args: &Args, name: &str) -> String {
    args.opt_string(name).unwrap_or_default().to_owned()
}

/// A Boolean argument that has a default.
fn flag(args: &Args, name: &str) -> bool {
    args.opt_bool(name).unwrap_or_default()
}

/// A field that gives its object's id.
fn id(call: FieldCall) -> Answer {
    Ok(call.object.id().into())
}

/// A field of a record.
fn record_field(call: FieldCall) -> Answer {
    let Object::Record(record) = &call.object else {
        return Err(mismatch(&call.object, call.type_name).into());
    };
    let value = record
        .fields
        .iter()
        .find(|(name, _)| *name == call.field.name)
        .map(|(_, value)| value);
    Ok(value.map_or(Value::Null, json))
}

fn json(value: &serde_json::Value) -> Value<Connection> {
    match value {
        serde_json::Value::Bool(value) => Value::Bool(*value),
        serde_json::Value::Number(value) => value.as_i64().map_or(Value::Null, Value::Int),
        serde_json::Value::String(value) => Value::String(value.clone()),
        serde_json::Value::Array(values) => Value::List(values.iter().map(json).collect()),
        serde_json::Value::Null | serde_json::Value::Object(_) => Value::Null,
    }
}

/// Records of one type, as a list.
fn record_list(
    call: &FieldCall,
    type_name: &'static str,
    records: Vec<Vec<(&'static str, serde_json::Value)>>,
) -> Answer {
    let made = records.into_iter().map(|fields| {
        let id = format!(
            "{type_name}:{}",
            &Digest::of(format!("{fields:?}")).hex()[..40]
        );
        Value::Object(call.backend.session.intern(id, |id| {
            Object::Record(Arc::new(crate::object::Record {
                type_name,
                id,
                fields,
            }))
        }))
    });
    Ok(Value::List(made.collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_consistent() {
        assert_eq!(SCHEMA.check(), Vec::<String>::new());
    }
}
