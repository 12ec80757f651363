//! What an image from a Dockerfile is made of: its text, the files it reads, arguments, bases and named contexts.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use ci_catalog::fingerprint::{ContextInput, DockerfileInputs, Fingerprint};
use ci_catalog::{Builder, ContextSource, DockerfileBuilder, Name, Platform};
use ci_dockerfile::Base as From;
use ci_rootfs::import::Filter;

use super::{Contents, Digests};
use crate::project::Project;
use crate::stages::bases::{self, Base};
use crate::stages::dockerfile::{Dockerfile, Ignore, Reads};
use crate::stages::plan::Planned;

/// The argument that a Dockerfile can ask for the time of the commit with.
const EPOCH: &str = "SOURCE_DATE_EPOCH";

/// The instruction that works in builds on top of an image.
const ONBUILD: &str = "ONBUILD";

/// What a build is taken to read of its context, by platform.
#[derive(Debug, Clone)]
pub(super) struct Assumed {
    pub(super) reads: BTreeMap<Platform, Reads>,
}

/// A service that is built from a Dockerfile.
pub(super) struct Place<'a> {
    pub(super) project: &'a Project,
    pub(super) planned: &'a Planned<'a>,
    pub(super) builder: &'a DockerfileBuilder,
    pub(super) platforms: &'a [Platform],
}

/// The bases of a service's image, on all platforms it is needed for.
///
/// # Errors
/// As [`bases::of`].
pub(crate) fn bases(project: &Project, planned: &Planned<'_>) -> eyre::Result<Vec<Base>> {
    let Builder::Dockerfile(builder) = &planned.service.builder else {
        return Ok(Vec::new());
    };
    let mut found = BTreeSet::new();
    for platform in &planned.needed {
        found.extend(bases::of(project, planned, builder, platform)?);
    }
    Ok(found.into_iter().collect())
}

/// Fills in what the catalog does not know. `fingerprint` gives that of services that are read.
///
/// # Errors
/// When something cannot be read, or may be something else another time.
pub(super) fn fill(
    inputs: &mut DockerfileInputs,
    place: &Place<'_>,
    digests: &Digests,
    contents: &Contents,
    fingerprint: impl Fn(&Name) -> Result<Fingerprint, String>,
) -> eyre::Result<Assumed> {
    let Place {
        project,
        planned,
        builder,
        platforms,
    } = place;
    let mut reads = BTreeMap::new();
    let mut used = BTreeSet::new();
    for platform in *platforms {
        let file = Dockerfile::read(project, planned, builder, platform)?;
        inputs.dockerfile = String::from_utf8_lossy(&file.text).into_owned();
        let read = file.reads_of(&builder.context.under(project.root()));
        if let Some(address) = read.unpinned.first() {
            eyre::bail!("{address} may be something else another time; `--checksum` pins it");
        }
        reads.insert(platform.clone(), place.careful(&file, read));
        let bases = bases::of(project, planned, builder, platform)?;
        used.extend(bases.into_iter().map(|base| base.reference.to_string()));
    }
    if inputs.dockerfile.contains(EPOCH) {
        let epoch = project.source_date_epoch().to_string();
        inputs.arguments.entry(EPOCH.to_owned()).or_insert(epoch);
    }
    for reference in used {
        let digest = digests.get(&reference);
        let digest = digest.ok_or_else(|| eyre::eyre!("what {reference} is now is not known"))?;
        inputs.bases.insert(reference, digest.clone());
    }
    for (name, source) in &builder.contexts {
        let input = match source {
            ContextSource::Service(service) => {
                ContextInput::Service(fingerprint(service).map_err(eyre::Report::msg)?)
            }
            ContextSource::Dir(path) => {
                let folder = path.under(project.root());
                let filter = place.filter(&folder, Vec::new());
                ContextInput::Content(contents.folder(&folder, &filter)?.to_string())
            }
            ContextSource::OciLayout(path) => {
                let index = path.under(project.root()).join("index.json");
                ContextInput::Content(contents.path(&index)?.to_string())
            }
            // Among the bases.
            ContextSource::Image(_) => continue,
        };
        inputs.contexts.insert(name.clone(), input);
    }
    inputs.context = place.context(&reads, contents)?;
    Ok(Assumed { reads })
}

impl Place<'_> {
    /// The digest of what the build reads of its context; empty if that is nothing.
    fn context(
        &self,
        reads: &BTreeMap<Platform, Reads>,
        contents: &Contents,
    ) -> eyre::Result<String> {
        let mut roots = BTreeSet::new();
        for reads in reads.values() {
            match &reads.paths {
                Some(paths) => roots.extend(paths.iter().cloned()),
                None => drop(roots.insert(String::new())),
            }
        }
        if roots.is_empty() {
            return Ok(String::new());
        }
        // The empty path is all of it.
        if roots.contains("") {
            roots.clear();
        }
        let ignore = Ignore::read(self.project.root(), self.builder)?;
        let folder = self.builder.context.under(self.project.root());
        let filter = Filter {
            roots: roots.into_iter().collect(),
            ..self.filter(&folder, ignore.list)
        };
        Ok(contents.folder(&folder, &filter)?.to_string())
    }

    fn filter(&self, folder: &Path, ignored: Vec<String>) -> Filter {
        let own = self.project.own_in(folder);
        Filter {
            exclude: own.into_iter().chain(ignored).collect(),
            ..Filter::default()
        }
    }

    /// Everything, where an image of this machine that a stage stands on could bring instructions along.
    fn careful(&self, file: &Dockerfile, reads: Reads) -> Reads {
        let stages = file
            .plan
            .needed()
            .iter()
            .filter_map(|id| file.plan.stage(*id));
        let brings = stages.into_iter().any(|stage| match &stage.base {
            From::Context(name) => match self.builder.contexts.get(name) {
                Some(ContextSource::OciLayout(_)) => true,
                Some(ContextSource::Service(service)) => self.has_triggers(service),
                _ => false,
            },
            _ => false,
        });
        Reads {
            paths: reads.paths.filter(|_| !brings),
            ..reads
        }
    }

    /// Whether the image of a service, or one that it is built on, may bring instructions along.
    fn has_triggers(&self, service: &Name) -> bool {
        let catalog = self.project.catalog();
        let services = catalog
            .service(service.as_str())
            .into_iter()
            .collect::<Vec<_>>();
        catalog.build_order(&services).iter().any(|service| {
            let Builder::Dockerfile(builder) = &service.builder else {
                return false;
            };
            let text = std::fs::read(builder.file.under(self.project.root()));
            let text = text.map(|it| String::from_utf8_lossy(&it).to_ascii_uppercase());
            text.is_ok_and(|text| text.contains(ONBUILD))
        })
    }
}
