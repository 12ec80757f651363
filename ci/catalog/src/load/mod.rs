//! From files to a [`Catalog`]: find them, read them, lower them, then check what spans several of them.
//!
//! Every step goes on after an error as far as it makes sense, so that one run reports all that is wrong.

mod discover;
mod graph;
mod names;
pub(crate) mod read;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::diagnostic::Problems;
use crate::files::NoFiles;
use crate::format::{PipelineFile, ServiceFile};
use crate::lower::{self, Edge, Lowering};
use crate::schema;
use crate::source::Source;
use crate::{Catalog, CatalogErrors, Disk, Files, Service};

/// The file that makes a folder a catalog root.
pub(crate) const CATALOG_FILE: &str = "pipeline.toml";
/// The file that makes a folder a service.
pub(crate) const SERVICE_FILE: &str = "service.toml";

/// A `service.toml` that was read. It has a name for others to refer to even where the rest is broken.
struct Draft {
    source: Source,
    folder: PathBuf,
    name: String,
    name_span: Option<Range<usize>>,
    file: Option<ServiceFile>,
}

impl Draft {
    /// Where the service gets its name: the key, or the file when it is the folder's name.
    fn name_place(&self) -> Range<usize> {
        self.name_span.clone().unwrap_or(0..0)
    }
}

/// A service that was lowered, with what the checks across services need.
struct Lowered {
    draft: usize,
    service: Service,
    edges: Vec<Edge>,
}

impl Catalog {
    /// Reads `pipeline.toml` in `root` and every `service.toml` it points at.
    ///
    /// # Errors
    /// Everything that is wrong with them, at once.
    pub fn load(root: &Path) -> Result<Self, CatalogErrors> {
        match Disk::new(root) {
            Ok(disk) => Self::from_files(root, &disk),
            Err(error) => Self::from_files(root, &NoFiles(error.kind())),
        }
    }

    /// The same from any [`Files`]; `root` is only remembered.
    ///
    /// # Errors
    /// Everything that is wrong with them, at once.
    pub fn from_files(root: &Path, files: &dyn Files) -> Result<Self, CatalogErrors> {
        let mut problems = Problems::default();
        let parts = load(files, &mut problems);
        let warnings = problems.finish("the catalog")?;
        // Whatever kept `load` from a result was an error, so this is never empty here.
        let parts = parts.ok_or_else(CatalogErrors::unexplained)?;
        Ok(Self {
            root: root.to_path_buf(),
            warnings,
            ..parts
        })
    }
}

/// The catalog of these files, yet without its root and warnings.
fn load(files: &dyn Files, problems: &mut Problems) -> Option<Catalog> {
    let path = PathBuf::from(CATALOG_FILE);
    let bytes = match read::bytes(files, &path) {
        Ok(bytes) => bytes,
        Err(error) => {
            missing_catalog(path, &error, problems);
            return None;
        }
    };
    let (source, patterns, file) = read::toml::<PipelineFile, _>(
        path,
        bytes,
        &schema::of::<PipelineFile>(),
        problems,
        discover::patterns,
    );

    let drafts = drafts(files, &source, &patterns, problems);
    let names = unique_names(&drafts, problems);
    let known: BTreeSet<&str> = names.keys().copied().collect();
    let lowered: Vec<Lowered> = drafts
        .iter()
        .enumerate()
        .filter_map(|(index, draft)| lower_draft(index, draft, files, &known, problems))
        .collect();
    graph::report_cycles(&lowered, &drafts, problems);

    let file = file?;
    let mut lowering = Lowering::new(&source, Path::new(""), files, problems);
    let pipeline = lower::pipeline(&mut lowering, &file);
    let project = pipeline.project?;
    let mut services = BTreeMap::new();
    for Lowered {
        draft, mut service, ..
    } in lowered
    {
        let draft = &drafts[draft];
        let own = draft
            .file
            .as_ref()
            .and_then(|file| file.repository.as_ref());
        let repository = match own {
            Some(at) => {
                let mut lowering = Lowering::new(&draft.source, &draft.folder, files, problems);
                lower::repository(&mut lowering, at, &project, &service.name)
            }
            None => {
                let mut lowering = Lowering::new(&source, Path::new(""), files, problems);
                lower::repository(
                    &mut lowering,
                    &file.project.repository,
                    &project,
                    &service.name,
                )
            }
        };
        let Some(repository) = repository else {
            // The project's template would be wrong for every further service, too.
            own?;
            continue;
        };
        service.repository = repository;
        service.limits = service.limits.or(pipeline.limits);
        services.insert(service.name.clone(), service);
    }
    let catalog = Catalog {
        root: PathBuf::new(),
        project,
        environments: pipeline.environments,
        registries: pipeline.registries,
        limits: pipeline.limits,
        signing: pipeline.signing,
        services,
        warnings: Vec::new(),
    };
    names::report_shared(&catalog, &file, &source, &names, problems);
    Some(catalog)
}

fn missing_catalog(path: PathBuf, error: &io::Error, problems: &mut Problems) {
    let source = Source::new(path, "".into(), Vec::new());
    let message = match error.kind() {
        io::ErrorKind::NotFound => format!("there is no `{CATALOG_FILE}` here"),
        _ => format!("`{CATALOG_FILE}` cannot be read: {error}"),
    };
    problems
        .error(&source, &(0..0), message)
        .help("it makes a folder a catalog: `[project]` with `name`, `registry` and `services`");
}

/// Reads every `service.toml` the patterns lead to, in the order of their folders.
fn drafts(
    files: &dyn Files,
    source: &Source,
    patterns: &[discover::Pattern],
    problems: &mut Problems,
) -> Vec<Draft> {
    let schema = schema::of::<ServiceFile>();
    let mut drafts = Vec::new();
    for (folder, pattern) in discover::folders(files, source, patterns, problems) {
        let path = folder.join(SERVICE_FILE);
        match read::bytes(files, &path) {
            Ok(bytes) => {
                let (source, peeked, file) =
                    read::toml::<ServiceFile, _>(path, bytes, &schema, problems, read::peek_name);
                let by_folder = || {
                    folder
                        .file_name()
                        .map(|name| name.to_string_lossy().into_owned())
                };
                let name_span = peeked.as_ref().map(|(_, span)| span.clone());
                let name = peeked
                    .map(|(name, _)| name)
                    .or_else(by_folder)
                    .unwrap_or_default();
                drafts.push(Draft {
                    source,
                    folder,
                    name,
                    name_span,
                    file,
                });
            }
            Err(error) => {
                problems.error(
                    source,
                    &pattern,
                    format!("`{}` cannot be read: {error}", path.display()),
                );
            }
        }
    }
    drafts
}

/// The drafts by name; of two with one name the second is reported, at both places.
fn unique_names<'a>(drafts: &'a [Draft], problems: &mut Problems) -> BTreeMap<&'a str, &'a Draft> {
    let mut names: BTreeMap<&str, &Draft> = BTreeMap::new();
    for draft in drafts {
        let Some(first) = names.get(draft.name.as_str()) else {
            names.insert(&draft.name, draft);
            continue;
        };
        let unnamed = draft.name_span.is_none() || first.name_span.is_none();
        let error = problems.error(
            &draft.source,
            &draft.name_place(),
            format!("two services are named `{}`", draft.name),
        );
        error.related(
            first.source.locate(&first.name_place()),
            "the first is here",
        );
        if unnamed {
            error.help("a service without `name` is named after its folder");
        }
    }
    names
}

fn lower_draft(
    index: usize,
    draft: &Draft,
    files: &dyn Files,
    known: &BTreeSet<&str>,
    problems: &mut Problems,
) -> Option<Lowered> {
    let mut lowering = Lowering::new(&draft.source, &draft.folder, files, problems);
    let name = lower::service_name(&mut lowering, &draft.name, draft.name_span.as_ref());
    let (service, edges) = lower::service(&mut lowering, draft.file.as_ref()?, name, known)?;
    Some(Lowered {
        draft: index,
        service,
        edges,
    })
}
