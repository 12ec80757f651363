//! The objects of the Dagger API as the engine knows them: an id and a state that is made when it is needed.

use std::sync::Arc;

use crate::container::Container;
use crate::directory::{Directory, File};
use crate::git::{Reference, Repository};
use crate::lazy::Lazy;
use crate::secret::Secret;
use crate::service::Service;
use crate::ssh::Socket;

/// An object and how it comes to its state.
#[derive(Debug)]
pub(crate) struct Node<T: Clone> {
    /// Names the object in its session: a digest of the calls that made it.
    pub(crate) id: String,
    /// Its state.
    pub(crate) state: Lazy<T>,
}

/// Any object of the API.
#[derive(Clone, Debug)]
pub(crate) enum Object {
    Query,
    Host,
    Container(Arc<Node<Arc<Container>>>),
    Directory(Arc<Node<Arc<Directory>>>),
    File(Arc<Node<Arc<File>>>),
    Service(Arc<Service>),
    Secret(Arc<Secret>),
    CacheVolume(Arc<CacheVolume>),
    GitRepository(Arc<Repository>),
    GitRef(Arc<Reference>),
    Socket(Arc<Socket>),
    /// A record whose fields are all known: an environment variable, a label, a port.
    Record(Arc<Record>),
}

/// A directory that outlives builds.
#[derive(Debug)]
pub(crate) struct CacheVolume {
    /// Names the object.
    pub(crate) id: String,
    /// Names the volume in the store.
    pub(crate) key: String,
}

/// An object that is nothing but its fields.
#[derive(Debug)]
pub(crate) struct Record {
    /// The name of its type.
    pub(crate) type_name: &'static str,
    /// Names the object.
    pub(crate) id: String,
    /// Its fields.
    pub(crate) fields: Vec<(&'static str, serde_json::Value)>,
}

impl Object {
    /// The name of its type in the schema.
    pub(crate) fn type_name(&self) -> &'static str {
        match self {
            Self::Query => "Query",
            Self::Host => "Host",
            Self::Container(_) => "Container",
            Self::Directory(_) => "Directory",
            Self::File(_) => "File",
            Self::Service(_) => "Service",
            Self::Secret(_) => "Secret",
            Self::CacheVolume(_) => "CacheVolume",
            Self::GitRepository(_) => "GitRepository",
            Self::GitRef(_) => "GitRef",
            Self::Socket(_) => "Socket",
            Self::Record(record) => record.type_name,
        }
    }

    /// Its id; the root and the host have their type's name.
    pub(crate) fn id(&self) -> &str {
        match self {
            Self::Query | Self::Host => self.type_name(),
            Self::Container(node) => &node.id,
            Self::Directory(node) => &node.id,
            Self::File(node) => &node.id,
            Self::Service(service) => &service.id,
            Self::Secret(secret) => &secret.id,
            Self::CacheVolume(volume) => &volume.id,
            Self::GitRepository(repository) => &repository.id,
            Self::GitRef(reference) => &reference.id,
            Self::Socket(socket) => &socket.id,
            Self::Record(record) => &record.id,
        }
    }
}
