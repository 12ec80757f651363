//! Where in the deployments repository an image is named.

use std::fmt;

use ci_oci::Reference;
use serde::{Deserialize, Serialize};

use crate::{Form, YamlPath};

/// One place in one file.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Target {
    /// From the root of the repository, with `/`.
    pub file: String,
    /// Where in the file.
    pub place: Place,
    /// Registry and repository that the place names instead of the release's: a mirror.
    pub repository: Option<Reference>,
}

/// Where in a file the image is named.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Place {
    /// An entry of `images:` in a kustomization, whose `digest` is set; made when it is absent.
    Kustomize {
        /// The entry's `name`, which is what manifests say; absent: the entry of the release's repository.
        image: Option<String>,
    },
    /// `services.NAME.image` of a Compose file.
    Compose {
        /// The service's name there.
        service: String,
        /// How it is written.
        form: Form,
    },
    /// A scalar of a YAML file.
    Yaml {
        /// Such as `spec.containers[name=web].image`.
        path: YamlPath,
        /// Of several documents.
        document: DocumentFilter,
        /// The value stands behind an anchor, and all who use the anchor shall follow.
        shared: bool,
        /// How it is written.
        form: Form,
    },
    /// A variable of an `.env` file.
    Env {
        /// Its name.
        variable: String,
        /// How it is written.
        form: Form,
    },
    /// A string of a JSON file.
    Json {
        /// RFC 6901: `/images/web`.
        pointer: String,
        /// How it is written.
        form: Form,
    },
}

/// Which of a file's documents are meant; nothing set: all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct DocumentFilter {
    /// The Kubernetes `kind`.
    pub kind: Option<String>,
    /// The Kubernetes `metadata.name`.
    pub name: Option<String>,
}

impl DocumentFilter {
    pub(crate) fn is_empty(&self) -> bool {
        self.kind.is_none() && self.name.is_none()
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kustomize { image: Some(image) } => write!(f, "images[name={image}]"),
            Self::Kustomize { image: None } => f.write_str("images"),
            Self::Compose { service, .. } => write!(f, "services.{service}.image"),
            Self::Yaml { path, .. } => write!(f, "{path}"),
            Self::Env { variable, .. } => f.write_str(variable),
            Self::Json { pointer, .. } => f.write_str(pointer),
        }
    }
}
