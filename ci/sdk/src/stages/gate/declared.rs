//! The images at the places that an environment declares, in the files of this checkout: for repositories whose images are not in
//! manifests alone (ConfigMaps, Helm values, `.env` files, JSON).

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use ci_catalog::{Catalog, Name};
use ci_deployments::gate::{Found, Unpinned};
use ci_deployments::{Contents, Current, Declaration, Entry, Form, Place, State, Target};
use ci_oci::Reference;

use super::sources::Located;
use crate::error::{Exit, UserError};
use crate::stages::deployments;

/// Most bytes of a file; the crate that reads it takes less.
const MAX_BYTES: u64 = 16 << 20;

/// The images at the declared places of all services.
pub(super) fn read(catalog: Option<&Catalog>, environment: &str) -> eyre::Result<Vec<Located>> {
    let usage = |message: String| UserError::new(Exit::Usage, message);
    let catalog = catalog.ok_or_else(|| {
        usage("no pipeline.toml in this folder or in one above it".into())
            .hint("`--env` reads the places that one declares; manifests can be named without")
    })?;
    let (found, declaration) = deployments::environment(catalog, environment)?;
    let name = &found.name;
    let root = catalog.root();
    let mut all = Vec::new();
    for (service, repository) in services(catalog, name, declaration)? {
        let targets = ci_deployments::targets(declaration, name, &service)
            .map_err(|error| deployments::undeclared(name, &error))?;
        let state = ci_deployments::state_file(declaration, name, &service)
            .map_err(|error| deployments::undeclared(name, &error))?;
        let files = targets.into_iter().flatten().map(|target| target.file);
        let contents: Contents = files
            .chain([state])
            .map(|path| {
                let entry = entry_at(root, &path);
                (path, entry)
            })
            .collect();
        let running = ci_deployments::running(name, declaration, &service, &repository, &contents)
            .map_err(deployments::refused)?;
        for (target, current) in running.into_iter().flat_map(|running| running.places) {
            all.extend(located(&service, &repository, target, current));
        }
    }
    if all.is_empty() {
        let message =
            format!("nothing is declared to be deployed in {environment}, so nothing was checked");
        return Err(UserError::new(Exit::Failed, message).into());
    }
    Ok(all)
}

/// Every service that the environment may know: those of the catalog, those with places of their own, and those of the state map; with
/// where its image is pushed.
fn services(
    catalog: &Catalog,
    environment: &Name,
    declaration: &Declaration,
) -> eyre::Result<BTreeMap<Name, Reference>> {
    let mut all = BTreeMap::new();
    for service in catalog.services() {
        all.insert(service.name.clone(), service.repository.parse()?);
    }
    let folder = format!("{}/{environment}", declaration.state.trim_end_matches('/'));
    for entry in fs::read_dir(catalog.root().join(&folder))
        .into_iter()
        .flatten()
    {
        let file = entry?.file_name();
        let name = file.to_str().and_then(|it| it.strip_suffix(".toml"));
        let Some(Ok(service)) = name.map(str::parse::<Name>) else {
            continue;
        };
        let path = format!("{folder}/{service}.toml");
        if let Entry::File { bytes, .. } = entry_at(catalog.root(), &path)
            && let Ok(state) = State::parse(&bytes)
        {
            let repository = state.candidate().image.repository;
            all.entry(service).or_insert(repository);
        }
    }
    for (service, places) in &declaration.services {
        if !places.is_empty() && !all.keys().any(|it| it.as_str() == service) {
            let message = format!("nobody says where the image of {service} is pushed");
            let error = UserError::new(Exit::Usage, message);
            return Err(error
                .hint("it is known of the services of pipeline.toml, and of what was promoted once")
                .into());
        }
    }
    Ok(all)
}

/// What stands at a path of the checkout. Links lead nowhere, as in a repository that is read without a work tree (P2).
fn entry_at(root: &Path, path: &str) -> Entry {
    let missing = || Entry::Missing { nearby: Vec::new() };
    let mut at = root.to_owned();
    for part in path.split('/') {
        at.push(part);
        match fs::symlink_metadata(&at) {
            Ok(about) if about.is_symlink() => return Entry::Link,
            Ok(_) => {}
            Err(_) => return missing(),
        }
    }
    if at.is_dir() {
        return Entry::Folder;
    }
    let mut bytes = Vec::new();
    let read = File::open(&at).and_then(|file| file.take(MAX_BYTES).read_to_end(&mut bytes));
    match read {
        Ok(_) => Entry::file(bytes),
        Err(_) => missing(),
    }
}

/// What a place holds, if it is for an image: a tag or a commit stands beside one.
fn located(
    service: &Name,
    repository: &Reference,
    target: Target,
    current: Option<Current>,
) -> Option<Located> {
    let form = match &target.place {
        Place::Kustomize { .. } => Form::Reference,
        Place::Compose { form, .. }
        | Place::Yaml { form, .. }
        | Place::Env { form, .. }
        | Place::Json { form, .. } => *form,
    };
    if matches!(form, Form::Tag | Form::Commit) {
        return None;
    }
    let line = current.as_ref().map_or(1, |it| it.line);
    let named = current.as_ref().and_then(|it| it.repository.as_deref());
    let named = named.and_then(|text| text.parse::<Reference>().ok());
    let named = named
        .or(target.repository)
        .unwrap_or_else(|| repository.clone());
    let bare = named.clone().without_tag_and_digest();
    let image = match current.as_ref().and_then(|it| it.digest) {
        Some(digest) => Ok(bare.with_digest(digest)),
        None => Err(Unpinned::NoDigest),
    };
    Some(Located {
        source: target.file,
        found: Found {
            owner: service.to_string(),
            container: Some(target.place.to_string()),
            line,
            // What stands there may be a secret, if the place was declared wrongly.
            text: image.as_ref().unwrap_or(&named).familiar(),
            image,
        },
    })
}
