//! A place as it is declared: one table with the file under the name of its format.

use ci_catalog::Name;
use ci_catalog::deploy::PlaceDeclaration;
use ci_oci::Reference;

use crate::{DocumentFilter, InvalidYamlPath, Place, Target};

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

/// The place of one service in one environment.
pub(crate) fn target(
    declared: &PlaceDeclaration,
    environment: &Name,
    service: &Name,
) -> Result<Target, InvalidPlace> {
    let files = [
        ("kustomize", &declared.kustomize),
        ("compose", &declared.compose),
        ("yaml", &declared.yaml),
        ("env", &declared.env),
        ("json", &declared.json),
    ];
    let mut chosen = files
        .into_iter()
        .filter_map(|(format, file)| Some((format, file.as_ref()?)));
    let (Some((format, file)), None) = (chosen.next(), chosen.next()) else {
        return Err(InvalidPlace::Format);
    };
    let render = |text: &str| render(text, environment, service);
    let part = |key: &'static str, value: &Option<String>| match value {
        Some(value) => render(value),
        None => Err(InvalidPlace::Missing { format, key }),
    };
    check_keys(declared, format)?;
    let form = declared.write.unwrap_or_default();
    let place = match format {
        "kustomize" => Place::Kustomize {
            image: declared.image.as_deref().map(render).transpose()?,
        },
        "compose" => Place::Compose {
            service: part("service", &declared.service)?,
            form,
        },
        "env" => Place::Env {
            variable: part("variable", &declared.variable)?,
            form,
        },
        "json" => Place::Json {
            pointer: part("pointer", &declared.pointer)?,
            form,
        },
        _ => Place::Yaml {
            path: part("path", &declared.path)?.parse()?,
            document: DocumentFilter {
                kind: declared.kind.clone(),
                name: declared.name.as_deref().map(render).transpose()?,
            },
            shared: declared.shared.unwrap_or_default(),
            form,
        },
    };
    let repository = declared.repository.as_deref().map(render).transpose()?;
    Ok(Target {
        file: checked_path(render(file)?)?,
        place,
        repository: repository.map(|it| it.parse::<Reference>()).transpose()?,
    })
}

fn check_keys(declared: &PlaceDeclaration, format: &'static str) -> Result<(), InvalidPlace> {
    let keys = [
        ("image", declared.image.is_some(), "kustomize"),
        ("service", declared.service.is_some(), "compose"),
        ("path", declared.path.is_some(), "yaml"),
        ("kind", declared.kind.is_some(), "yaml"),
        ("name", declared.name.is_some(), "yaml"),
        ("shared", declared.shared.is_some(), "yaml"),
        ("variable", declared.variable.is_some(), "env"),
        ("pointer", declared.pointer.is_some(), "json"),
    ];
    let unexpected = keys
        .into_iter()
        .find(|(_, is_set, of)| *is_set && *of != format)
        .map(|(key, ..)| key)
        .or((format == "kustomize" && declared.write.is_some()).then_some("write"));
    match unexpected {
        Some(key) => Err(InvalidPlace::Unexpected { format, key }),
        None => Ok(()),
    }
}

/// A template with its placeholders filled in.
pub(crate) fn render(
    text: &str,
    environment: &Name,
    service: &Name,
) -> Result<String, InvalidPlace> {
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
