//! A place as it is declared: one table with the file under the name of its format.

use ci_catalog::Name;
use ci_oci::Reference;
use serde::{Deserialize, Serialize};

use crate::{DocumentFilter, Form, InvalidYamlPath, Place, Target};

/// A place, for any service and environment.
///
/// ```toml
/// places = [
///     { kustomize = "overlays/{env}/{service}/kustomization.yaml" },
///     { yaml = "overlays/{env}/config.yaml", path = "data.{SERVICE}_IMAGE", kind = "ConfigMap" },
///     { compose = "hosts/{env}/compose.yaml", service = "{service}" },
///     { env = "hosts/{env}/deploy.env", variable = "{SERVICE}_IMAGE" },
///     { json = "images.json", pointer = "/{env}/{service}", write = "digest" },
/// ]
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct PlaceDeclaration {
    /// A kustomization.
    pub kustomize: Option<String>,
    /// With `kustomize`: the `name` of the entry.
    pub image: Option<String>,
    /// A Compose file.
    pub compose: Option<String>,
    /// With `compose`: the service there.
    pub service: Option<String>,
    /// A YAML file.
    pub yaml: Option<String>,
    /// With `yaml`: the value.
    pub path: Option<String>,
    /// With `yaml`: the `kind` of the document.
    pub kind: Option<String>,
    /// With `yaml`: the `metadata.name` of the document.
    pub name: Option<String>,
    /// With `yaml`: the value stands behind an anchor, and all who use it shall follow.
    pub shared: Option<bool>,
    /// An `.env` file.
    pub env: Option<String>,
    /// With `env`: the variable.
    pub variable: Option<String>,
    /// A JSON file.
    pub json: Option<String>,
    /// With `json`: the value (RFC 6901).
    pub pointer: Option<String>,
    /// How the image is written; Kustomize has its own way.
    pub write: Option<Form>,
    /// Registry and repository the environment pulls from, where that is a mirror of where the image was pushed.
    pub repository: Option<String>,
}

/// Why a declared place cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidPlace {
    /// None of the formats, or several.
    #[error("a place has exactly one of `kustomize`, `compose`, `yaml`, `env` and `json`")]
    Format,
    /// A key that its format needs.
    #[error("a place with `{format}` needs `{key}`")]
    Missing {
        /// The format.
        format: &'static str,
        /// What is missing.
        key: &'static str,
    },
    /// A key of another format.
    #[error("a place with `{format}` has no `{key}`")]
    Unexpected {
        /// The format.
        format: &'static str,
        /// What is too much.
        key: &'static str,
    },
    /// A placeholder that does not exist.
    #[error("{text:?} has an unknown placeholder; there are {{env}}, {{service}} and {{SERVICE}}")]
    Placeholder {
        /// The template.
        text: String,
    },
    /// A path that is none in a repository.
    #[error("{path:?} is not a file's path from the root of the deployments repository")]
    Path {
        /// The path.
        path: String,
    },
    /// Not a path in YAML.
    #[error(transparent)]
    YamlPath(#[from] InvalidYamlPath),
    /// Not a repository.
    #[error("`repository` is not a registry's repository: {0}")]
    Repository(#[from] ci_oci::ReferenceError),
}

impl PlaceDeclaration {
    /// The place of one service in one environment.
    pub(crate) fn target(
        &self,
        environment: &Name,
        service: &Name,
    ) -> Result<Target, InvalidPlace> {
        let files = [
            ("kustomize", &self.kustomize),
            ("compose", &self.compose),
            ("yaml", &self.yaml),
            ("env", &self.env),
            ("json", &self.json),
        ];
        let mut declared = files
            .into_iter()
            .filter_map(|(format, file)| Some((format, file.as_ref()?)));
        let (Some((format, file)), None) = (declared.next(), declared.next()) else {
            return Err(InvalidPlace::Format);
        };
        let render = |text: &str| render(text, environment, service);
        let part = |key: &'static str, value: &Option<String>| match value {
            Some(value) => render(value),
            None => Err(InvalidPlace::Missing { format, key }),
        };
        self.check_keys(format)?;
        let form = self.write.unwrap_or_default();
        let place = match format {
            "kustomize" => Place::Kustomize {
                image: self.image.as_deref().map(render).transpose()?,
            },
            "compose" => Place::Compose {
                service: part("service", &self.service)?,
                form,
            },
            "env" => Place::Env {
                variable: part("variable", &self.variable)?,
                form,
            },
            "json" => Place::Json {
                pointer: part("pointer", &self.pointer)?,
                form,
            },
            _ => Place::Yaml {
                path: part("path", &self.path)?.parse()?,
                document: DocumentFilter {
                    kind: self.kind.clone(),
                    name: self.name.as_deref().map(render).transpose()?,
                },
                shared: self.shared.unwrap_or_default(),
                form,
            },
        };
        let repository = self.repository.as_deref().map(render).transpose()?;
        Ok(Target {
            file: checked_path(render(file)?)?,
            place,
            repository: repository.map(|it| it.parse::<Reference>()).transpose()?,
        })
    }

    fn check_keys(&self, format: &'static str) -> Result<(), InvalidPlace> {
        let keys = [
            ("image", self.image.is_some(), "kustomize"),
            ("service", self.service.is_some(), "compose"),
            ("path", self.path.is_some(), "yaml"),
            ("kind", self.kind.is_some(), "yaml"),
            ("name", self.name.is_some(), "yaml"),
            ("shared", self.shared.is_some(), "yaml"),
            ("variable", self.variable.is_some(), "env"),
            ("pointer", self.pointer.is_some(), "json"),
        ];
        let unexpected = keys
            .into_iter()
            .find(|(_, is_set, of)| *is_set && *of != format)
            .map(|(key, ..)| key)
            .or((format == "kustomize" && self.write.is_some()).then_some("write"));
        match unexpected {
            Some(key) => Err(InvalidPlace::Unexpected { format, key }),
            None => Ok(()),
        }
    }
}

fn render(text: &str, environment: &Name, service: &Name) -> Result<String, InvalidPlace> {
    let unknown = || InvalidPlace::Placeholder {
        text: text.to_owned(),
    };
    let mut rendered = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, behind) = after.split_once('}').ok_or_else(unknown)?;
        rendered += before;
        rendered += &match name {
            "env" => environment.to_string(),
            "service" => service.to_string(),
            "SERVICE" => service
                .as_str()
                .to_ascii_uppercase()
                .replace(['-', '.'], "_"),
            _ => return Err(unknown()),
        };
        rest = behind;
    }
    Ok(rendered + rest)
}

/// A path that stays in the repository, and out of git's own files, on every file system (P2).
pub(crate) fn checked_path(path: String) -> Result<String, InvalidPlace> {
    let is_name = |name: &str| {
        !matches!(name, "" | "." | "..")
            && !name.eq_ignore_ascii_case(".git")
            && !name.chars().any(|it| it == '\\' || crate::is_invisible(it))
    };
    match path.len() <= 4096 && path.split('/').all(is_name) {
        true => Ok(path),
        false => Err(InvalidPlace::Path { path }),
    }
}
