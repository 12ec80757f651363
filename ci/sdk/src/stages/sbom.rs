//! `sbom`: what is in the images of the release record, or in one of a registry.
//!
//! The images' own files tell, and, of programs that we compiled, what their builder knew: cargo leaves nothing in a program. Reading an
//! image is `ci_sbom`'s business; here is which image, and which programs are known.

mod pull;

use std::path::{Path, PathBuf};

use ci_oci::layout::Resolved;
use ci_oci::manifest::Document;
use ci_oci::{Descriptor, Digest, Layout, Reference};
use ci_registry::Client;
use ci_sbom::{Bom, Programs, Subject, cyclonedx, spdx};

use super::build::LAYOUT;
use super::files;
use super::record::{Platform, Record, Service};
use crate::error::{Exit, UserError};
use crate::project::Project;
use crate::registries;

/// What is in the image of one platform.
#[derive(Debug, Clone)]
pub(crate) struct Described {
    /// The service; of an image of a registry, the last part of its name.
    pub(crate) service: String,
    /// Such as `linux/amd64`.
    pub(crate) platform: String,
    /// Of its manifest.
    pub(crate) digest: Digest,
    pub(crate) bom: Bom,
}

/// A form of document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// SPDX 2.3.
    Spdx,
    /// CycloneDX 1.6.
    CycloneDx,
}

impl Described {
    /// The document: the same bytes for the same image.
    pub(crate) fn document(&self, form: Form) -> eyre::Result<Vec<u8>> {
        Ok(match form {
            Form::Spdx => spdx::document(&self.bom)?,
            Form::CycloneDx => cyclonedx::document(&self.bom)?,
        })
    }

    /// Writes it into a folder, in place of the one that is there; the file.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(crate) fn write(&self, form: Form, dir: &Path) -> eyre::Result<PathBuf> {
        let extension = match form {
            Form::Spdx => "spdx.json",
            Form::CycloneDx => "cdx.json",
        };
        let platform = self.platform.replace('/', "-");
        let path = dir.join(format!("{}.{platform}.{extension}", self.service));
        files::write(&path, &self.document(form)?).map_err(|error| {
            let message = format!("cannot write {}", path.display());
            UserError::new(Exit::Infrastructure, message).because(error)
        })?;
        Ok(path)
    }
}

/// What is in the images of services, on the platforms named or on all; in the order of the record.
///
/// # Errors
/// When one of them was not built, or not for a platform, or its image is not there.
pub(crate) async fn run(
    project: &Project,
    services: &[String],
    platforms: &[ci_catalog::Platform],
) -> eyre::Result<Vec<Described>> {
    let record = Record::required(project)?;
    for name in services {
        project.catalog().select(std::slice::from_ref(name))?;
        record.service(name).ok_or_else(|| {
            let message = format!("{name} was not built");
            UserError::new(Exit::Usage, message).hint(format!("`build {name}` first"))
        })?;
    }
    let is_wanted = |service: &&Service| services.is_empty() || services.contains(&service.name);
    let mut described = Vec::new();
    for service in record.services.iter().filter(is_wanted) {
        described.extend(of_service(project, service, platforms).await?);
    }
    Ok(described)
}

/// What is in the image of a service, platform by platform.
///
/// # Errors
/// When it was not built for a platform that is named, or is not there.
pub(crate) async fn of_service(
    project: &Project,
    service: &Service,
    platforms: &[ci_catalog::Platform],
) -> eyre::Result<Vec<Described>> {
    for wanted in platforms {
        let is_it = |built: &Platform| built.platform == wanted.to_string();
        if !service.platforms.iter().any(is_it) {
            let built: Vec<&str> = service.platforms.iter().map(|it| &*it.platform).collect();
            let message = format!("{} was not built for {wanted}", service.name);
            return Err(UserError::new(Exit::Usage, message)
                .hint(format!("it was built for {}", built.join(", ")))
                .into());
        }
    }
    let is_wanted = |built: &&Platform| {
        platforms.is_empty() || platforms.iter().any(|it| it.to_string() == built.platform)
    };
    let wanted: Vec<Platform> = service
        .platforms
        .iter()
        .filter(is_wanted)
        .cloned()
        .collect();
    let programs = programs(project, &Record::required(project)?)?;
    let dir = project.state_dir().join(LAYOUT);
    let service = service.clone();
    // Layers are read and digested.
    tokio::task::spawn_blocking(move || {
        let layout = Layout::open(&dir).map_err(|error| missing(&service).because(error))?;
        let described = wanted.iter().map(|platform| {
            let image = find(&layout, &service, platform)?;
            let bom = ci_sbom::of_image(&layout, &service.repository, &image, &programs)?;
            Ok(Described {
                service: service.name.clone(),
                platform: platform.platform.clone(),
                digest: platform.digest,
                bom,
            })
        });
        described.collect()
    })
    .await?
}

/// What is in an image of a registry, on the platforms named or on all it is for.
///
/// # Errors
/// When it is not there, not for us, or not for a platform that is named.
pub(crate) async fn of_reference(
    project: &Project,
    reference: &Reference,
    platforms: &[ci_catalog::Platform],
) -> eyre::Result<Vec<Described>> {
    let client = Client::new(project.registries().clone()).map_err(registries::failure)?;
    let layout = Layout::create(&project.state_dir().join(LAYOUT))?;
    // What has no name there is kept for as long as this lives.
    layout.hold()?;
    let platforms = platforms
        .iter()
        .map(|platform| platform.to_string().parse());
    let platforms = platforms.collect::<Result<Vec<ci_oci::Platform>, _>>()?;
    let pulled = pull::pull(&client, reference, &platforms, &layout).await?;
    let name = reference.name();
    tokio::task::spawn_blocking(move || {
        let described = pulled.into_iter().map(|(platform, manifest)| {
            let image = layout.resolve_descriptor(&manifest, &platform)?;
            Ok(Described {
                service: name.rsplit('/').next().unwrap_or(&name).to_owned(),
                platform: platform.to_string(),
                digest: manifest.digest,
                bom: ci_sbom::of_image(&layout, &name, &image, &Programs::new())?,
            })
        });
        described.collect()
    })
    .await?
}

/// The image of a platform, every document of it verified.
fn find(layout: &Layout, service: &Service, platform: &Platform) -> eyre::Result<Resolved> {
    let images = layout.images()?.into_iter();
    let mut images = images.map(|(_, image)| image);
    let image = images.find(|image| image.digest == service.digest);
    let image = image.ok_or_else(|| missing(service))?;
    let manifest = if image.digest == platform.digest {
        image
    } else {
        member(layout, &image, platform.digest)?.ok_or_else(|| missing(service))?
    };
    Ok(layout.resolve_descriptor(&manifest, &platform.platform.parse()?)?)
}

/// The manifest of this digest in an index.
fn member(layout: &Layout, index: &Descriptor, digest: Digest) -> eyre::Result<Option<Descriptor>> {
    let bytes = layout.read_blob(index)?;
    Ok(match Document::parse(&index.media_type, &bytes)? {
        Document::Index(index) => index.manifests.into_iter().find(|it| it.digest == digest),
        Document::Manifest(_) => None,
    })
}

fn missing(service: &Service) -> UserError {
    let name = &service.name;
    if service.reused {
        // Whoever built it has said what is in it.
        let message =
            format!("{name} was not built here: its registry had it, and it is not at hand");
        return UserError::new(Exit::Usage, message)
            .hint(format!("`build {name}` without `--reuse`"));
    }
    let message = format!(
        "the image of {name} that was recorded, {}, is no longer there",
        service.digest
    );
    UserError::new(Exit::Usage, message).hint(format!("`build {name}` again"))
}

/// What builders knew of the programs they compiled. Images of other services may have them, too.
fn programs(project: &Project, record: &Record) -> eyre::Result<Programs> {
    let platforms = record.services.iter().flat_map(|it| &it.platforms);
    let mut programs = Programs::new();
    for known in platforms.filter_map(|platform| platform.sbom.as_ref()) {
        let path = project.root().join(&known.path);
        let stale = || {
            let message = format!("{} is not what the build wrote", path.display());
            UserError::new(Exit::Usage, message).hint("build again")
        };
        let document = std::fs::read(&path).map_err(|error| stale().because(error))?;
        if Digest::of(&document) != known.digest {
            return Err(stale().into());
        }
        let bom = cyclonedx::read(&document).map_err(|error| stale().because(error))?;
        if let Subject::Program(program) = &bom.subject
            && let Some(checksum) = &program.checksum
        {
            programs.insert(Digest::from_hex(checksum.hex())?, bom);
        }
    }
    Ok(programs)
}
