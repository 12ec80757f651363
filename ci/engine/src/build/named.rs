//! What names in a Dockerfile can stand for: images of other builds, directories, OCI image layouts on the host.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use ci_oci::Platform;
use serde::Deserialize;

use crate::container::Container;
use crate::directory::{Directory, host_path};
use crate::error::{Error, Result};
use crate::object::Node;
use crate::schema::{FieldCall, container_of, directory_of};
use crate::session::Session;

/// What a name stands for.
#[derive(Clone)]
pub(crate) enum NamedContext {
    /// The image of a container.
    Container(Arc<Node<Arc<Container>>>),
    /// A directory; as a base, a root file system without a config.
    Directory(Arc<Node<Arc<Directory>>>),
    /// An image in an OCI image layout, and its name if there are several.
    Layout(PathBuf, Option<String>),
}

/// The input object `NamedContext`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Input {
    name: String,
    container: Option<String>,
    directory: Option<String>,
    oci_layout: Option<String>,
}

/// The argument `namedContexts`.
pub(super) fn decode(
    call: &FieldCall,
) -> std::result::Result<BTreeMap<String, NamedContext>, ci_graphql::FieldError> {
    let inputs: Vec<Input> = call.args.decode("namedContexts")?;
    let session = &call.backend.session;
    let mut contexts = BTreeMap::new();
    for input in inputs {
        let context = match (input.container, input.directory, input.oci_layout) {
            (Some(id), None, None) => NamedContext::Container(container_of(&session.object(&id)?)?),
            (None, Some(id), None) => NamedContext::Directory(directory_of(&session.object(&id)?)?),
            (None, None, Some(layout)) => layout_of(session, &layout),
            _ => {
                return Err(Error::new(format!(
                    "named context {:?}: give one of container, directory and ociLayout",
                    input.name
                ))
                .into());
            }
        };
        contexts.insert(input.name, context);
    }
    Ok(contexts)
}

/// `PATH` or `PATH:NAME`; a path that exists as it is has no name.
fn layout_of(session: &Session, text: &str) -> NamedContext {
    let whole = host_path(session, text);
    match text.rsplit_once(':').filter(|_| !whole.exists()) {
        Some((path, name)) => NamedContext::Layout(host_path(session, path), Some(name.to_owned())),
        None => NamedContext::Layout(whole, None),
    }
}

impl NamedContext {
    /// As the container of an image.
    pub(super) async fn container(
        &self,
        session: &Arc<Session>,
        platform: &Platform,
    ) -> Result<Arc<Container>> {
        match self {
            Self::Container(node) => node.state.get(session).await,
            Self::Layout(path, name) => Ok(Arc::new(
                crate::archive::import_layout(session, path, name.clone(), platform.clone())
                    .await?,
            )),
            Self::Directory(node) => {
                let rootfs = node.state.get(session).await?.as_root(session).await?;
                Ok(Arc::new(
                    Container::scratch(platform).with_rootfs(rootfs, "COPY . /".into()),
                ))
            }
        }
    }
}
