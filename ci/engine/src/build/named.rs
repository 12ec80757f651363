//! What names in a Dockerfile can stand for: images of other builds or of registries, directories, OCI image layouts on the
//! host.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use ci_oci::{Platform, Reference};
use serde::Deserialize;

use crate::Group;
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
    /// An image in a registry, for the platform of whoever uses it.
    Image(Reference),
}

/// The input object `NamedContext`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Input {
    name: String,
    container: Option<String>,
    directory: Option<String>,
    oci_layout: Option<String>,
    image: Option<String>,
}

/// The argument `namedContexts`.
pub(super) fn decode(
    call: &FieldCall,
) -> std::result::Result<BTreeMap<String, NamedContext>, ci_graphql::FieldError> {
    let inputs: Vec<Input> = call.args.decode("namedContexts")?;
    let session = &call.backend.session;
    let mut contexts = BTreeMap::new();
    for input in inputs {
        let Input {
            name,
            container,
            directory,
            oci_layout,
            image,
        } = input;
        let context = match (container, directory, oci_layout, image) {
            (Some(id), None, None, None) => {
                NamedContext::Container(container_of(&session.object(&id)?)?)
            }
            (None, Some(id), None, None) => {
                NamedContext::Directory(directory_of(&session.object(&id)?)?)
            }
            (None, None, Some(layout), None) => layout_of(session, &layout),
            (None, None, None, Some(image)) => {
                NamedContext::Image(image.parse().map_err(Error::from)?)
            }
            _ => {
                return Err(Error::new(format!(
                    "named context {name:?}: give one of container, directory, ociLayout and image"
                ))
                .into());
            }
        };
        contexts.insert(name, context);
    }
    Ok(contexts)
}

/// The names that stand for something else than they say. What only pins an image leaves everything else of its name as it is: the stage
/// of `FROM debian AS debian`.
pub(super) fn replacing(contexts: &BTreeMap<String, NamedContext>) -> BTreeSet<String> {
    let replacing = contexts
        .iter()
        .filter(|(name, context)| !context.pins(name));
    replacing.map(|(name, _)| name.clone()).collect()
}

/// The context of a name, or the one that pins the image of that name.
pub(super) fn find<'a>(
    contexts: &'a BTreeMap<String, NamedContext>,
    name: &str,
) -> Option<&'a NamedContext> {
    contexts.get(name).or_else(|| {
        let mut pins = contexts
            .iter()
            .filter(|(known, context)| context.pins(known));
        let (_, context) = pins.find(|(_, context)| context.pins(name))?;
        Some(context)
    })
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
    /// Whether it says no more than which content the image of this name has.
    fn pins(&self, name: &str) -> bool {
        let bare = |image: Reference| image.without_digest().or_latest();
        match (self, name.parse::<Reference>()) {
            (Self::Image(image), Ok(named)) => bare(image.clone()) == bare(named),
            _ => false,
        }
    }

    /// As the container of an image.
    pub(super) async fn container(
        &self,
        session: &Arc<Session>,
        platform: &Platform,
        group: &Group,
    ) -> Result<Arc<Container>> {
        match self {
            Self::Image(reference) => session.pull(reference, platform, group).await,
            Self::Container(node) => node.state.get(session).await,
            Self::Layout(path, name) => Ok(Arc::new(
                crate::images::import(session, path, name.clone(), platform.clone()).await?,
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
