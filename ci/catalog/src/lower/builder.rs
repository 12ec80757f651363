//! `builder`, `[cargo]` and `[dockerfile]`.

use std::collections::{BTreeMap, BTreeSet};

use super::service::Edge;
use super::{Lowering, image};
use crate::format::{At, BuilderKind, CargoTable, DockerfileTable, ServiceFile};
use crate::{
    Builder, CargoBuilder, ContextSource, DockerfileBuilder, FileKind, Name, SecretSource, User,
};

pub(super) fn builder(
    lowering: &mut Lowering<'_>,
    file: &ServiceFile,
    known: &BTreeSet<&str>,
    edges: &mut Vec<Edge>,
) -> Option<Builder> {
    // What is wrong with a default (no `Cargo.toml` here) is the fault of the builder that was chosen.
    lowering.anchor = lowering.span(&file.builder);
    let builder = match file.builder.value {
        BuilderKind::Cargo => {
            other_table(lowering, file.dockerfile.as_ref(), "dockerfile", "cargo");
            let default = CargoTable::default();
            cargo(
                lowering,
                file.cargo.as_ref().map_or(&default, |at| &at.value),
            )
            .map(Builder::Cargo)
        }
        BuilderKind::Dockerfile => {
            other_table(lowering, file.cargo.as_ref(), "cargo", "dockerfile");
            let default = DockerfileTable::default();
            let table = file.dockerfile.as_ref().map_or(&default, |at| &at.value);
            dockerfile(lowering, table, known, edges).map(Builder::Dockerfile)
        }
    };
    lowering.anchor = 0..0;
    builder
}

/// Reports settings of the builder that was not chosen.
fn other_table<T>(lowering: &mut Lowering<'_>, table: Option<&At<T>>, other: &str, chosen: &str) {
    let Some(table) = table else { return };
    let message = format!("`[{other}]` has no effect with `builder = \"{chosen}\"`");
    lowering
        .error(table, message)
        .help(format!("remove the table, or set `builder = \"{other}\"`"));
}

fn cargo(lowering: &mut Lowering<'_>, table: &CargoTable) -> Option<CargoBuilder> {
    let package = lowering.optional_word(table.package.as_ref(), "a package");
    let bin = lowering.optional_word(table.bin.as_ref(), "a binary target");
    let manifest = lowering.path(&table.manifest);
    if let Some(path) = &manifest {
        lowering.must_exist(&table.manifest, path, FileKind::File, "manifest");
    }
    let profile = lowering.word(&table.profile, "a profile");
    let features = table
        .features
        .iter()
        .filter_map(|feature| lowering.word(feature, "a feature"))
        .collect();
    let user = user(lowering, &table.user);
    Some(CargoBuilder {
        package: package?,
        bin: bin?,
        manifest: manifest?,
        profile: profile?,
        features,
        default_features: table.default_features,
        linkage: table.linkage,
        certificates: table.certificates,
        user: user?,
    })
}

/// `UID:GID`. Names and values that wrap around to 0 are refused (E7).
fn user(lowering: &mut Lowering<'_>, at: &At<String>) -> Option<User> {
    let id = |text: &str| {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse().ok().filter(|&id| digits && id != u32::MAX)
    };
    let user = at.value.split_once(':').and_then(|(uid, gid)| {
        Some(User {
            uid: id(uid)?,
            gid: id(gid)?,
        })
    });
    if user.is_none() {
        let message = format!("`{}` is not a numeric user and group", at.value);
        lowering
            .error(at, message)
            .help("write `UID:GID`, each from 0 to 4294967294, as in `65532:65532`");
    }
    user
}

fn dockerfile(
    lowering: &mut Lowering<'_>,
    table: &DockerfileTable,
    known: &BTreeSet<&str>,
    edges: &mut Vec<Edge>,
) -> Option<DockerfileBuilder> {
    let context = lowering.path(&table.context);
    if let Some(path) = &context {
        lowering.must_exist(&table.context, path, FileKind::Folder, "context");
    }
    let file = lowering.path(&table.file);
    if let Some(path) = &file {
        lowering.must_exist(&table.file, path, FileKind::File, "file");
    }
    let target = lowering.optional_word(table.target.as_ref(), "a target");
    image::warn_of_secrets(lowering, &table.args, "build argument");
    let args = lowering.variables(&table.args);
    let mut secrets = BTreeMap::new();
    for (id, source) in &table.secrets {
        let id_ok = lowering.word(id, "the id of a secret");
        if let (Some(id), Some(source)) = (id_ok, secret(lowering, source)) {
            secrets.insert(id, source);
        }
    }
    let mut contexts = BTreeMap::new();
    for (name, source) in &table.contexts {
        let name_ok = lowering.word(name, "the name of a context");
        if let (Some(name), Some(source)) =
            (name_ok, context_source(lowering, source, known, edges))
        {
            contexts.insert(name, source);
        }
    }
    Some(DockerfileBuilder {
        context: context?,
        file: file?,
        target: target?,
        args,
        secrets,
        ssh: table.ssh,
        contexts,
    })
}

fn secret(lowering: &mut Lowering<'_>, at: &At<String>) -> Option<SecretSource> {
    match at.value.split_once(':') {
        Some(("env", name)) => {
            let name = At {
                value: name.to_owned(),
                span: at.span.clone(),
            };
            lowering.variable_name(&name).map(SecretSource::Env)
        }
        Some(("file", path)) => lowering.path_of(at, path).map(SecretSource::File),
        _ => {
            // Whoever wrote something else may have written the secret itself: it is not repeated (S4).
            lowering.error(at, "a secret comes from `env:NAME` or `file:PATH`");
            None
        }
    }
}

fn context_source(
    lowering: &mut Lowering<'_>,
    at: &At<String>,
    known: &BTreeSet<&str>,
    edges: &mut Vec<Edge>,
) -> Option<ContextSource> {
    match at.value.split_once(':') {
        Some(("service", name)) => {
            if !known.contains(name) {
                lowering.unknown_service(at, name, known);
                return None;
            }
            let name: Name = name.parse().ok()?;
            edges.push(Edge {
                to: name.clone(),
                span: lowering.span(at),
            });
            Some(ContextSource::Service(name))
        }
        Some(("oci-layout", path)) => lowering.path_of(at, path).map(ContextSource::OciLayout),
        Some(("dir", path)) => {
            let path = lowering.path_of(at, path)?;
            lowering.must_exist(at, &path, FileKind::Folder, "contexts");
            Some(ContextSource::Dir(path))
        }
        Some(("image", reference)) => {
            let reference = At {
                value: reference.to_owned(),
                span: at.span.clone(),
            };
            let reference = lowering.word(&reference, "the reference of an image");
            reference.map(ContextSource::Image)
        }
        _ => {
            let message = format!("`{}` is not the source of a context", at.value);
            lowering
                .error(at, message)
                .help("write `service:NAME`, `image:REFERENCE`, `oci-layout:PATH` or `dir:PATH`");
            None
        }
    }
}
