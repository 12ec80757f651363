//! What builders tell of the files that services are made of.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use ci_catalog::{
    Builder, ContextSource, DockerfileBuilder, LOCK_FILE, Lock, LockChange, Name, Service,
};

use super::Changes;
use crate::project::Project;
use crate::stages::Request;
use crate::stages::bases;
use crate::stages::build::cargo::{Closure, Purpose, normal};
use crate::stages::dockerfile::{Dockerfile, Ignore, Reads};
use crate::stages::plan::{Plan, Planned};

/// What is known of each service.
pub(super) struct Known {
    root: PathBuf,
    services: BTreeMap<Name, Made>,
}

/// What an image is made of; `None` where it cannot be told.
enum Made {
    Cargo(Option<Package>),
    Dockerfile {
        context: Option<Context>,
        /// Whether `pipeline.lock` says something else of its bases.
        is_moved: Option<bool>,
    },
}

struct Package {
    closure: Closure,
    /// Whether the lock file says the same of its packages.
    is_lock_same: bool,
}

/// What a Dockerfile reads of its context.
struct Context {
    /// From the catalog's root.
    folder: PathBuf,
    ignore: Ignore,
    reads: Vec<Reads>,
    /// Folders that it reads under names of their own.
    named: Vec<PathBuf>,
}

impl Known {
    /// Reads what there is to read. `changes` has what files were before, if that is known.
    pub(super) fn of(project: &Project, changes: Option<&Changes>) -> eyre::Result<Self> {
        let all = project.catalog().services().map(|it| it.name.to_string());
        let request = Request {
            services: all.collect(),
            ..Request::default()
        };
        let plan = Plan::of(project, &request)?;
        let moved = moved(project, changes);
        let made = plan.services.iter().map(|planned| {
            let made = match &planned.service.builder {
                Builder::Cargo(builder) => {
                    let closure = Closure::of(project.root(), builder, Purpose::Test).ok();
                    Made::Cargo(closure.map(|closure| Package {
                        is_lock_same: is_lock_same(project, changes, &closure),
                        closure,
                    }))
                }
                Builder::Dockerfile(builder) => Made::Dockerfile {
                    context: context(project, planned, builder).ok(),
                    is_moved: is_moved(project, planned, moved.as_ref()),
                },
            };
            (planned.service.name.clone(), made)
        });
        Ok(Self {
            services: made.collect(),
            root: project.root().to_owned(),
        })
    }

    /// Whether a service's image depends on a file; `None` if that is not known.
    pub(super) fn depends(&self, service: &Service, path: &Path) -> Option<bool> {
        match self.services.get(&service.name)? {
            Made::Cargo(_) if path == Path::new(LOCK_FILE) => Some(false),
            Made::Cargo(package) => {
                let Package {
                    closure,
                    is_lock_same,
                } = package.as_ref()?;
                let path = normal(&self.root.join(path));
                let is_lock = path == closure.lock();
                Some(closure.contains(&path) && !(is_lock && *is_lock_same))
            }
            Made::Dockerfile { is_moved, .. } if path == Path::new(LOCK_FILE) => *is_moved,
            // Contexts do not leave the root.
            Made::Dockerfile { .. } if path.starts_with("..") => Some(false),
            Made::Dockerfile { context, .. } => context.as_ref()?.includes(path),
        }
    }
}

impl Context {
    fn includes(&self, path: &Path) -> Option<bool> {
        if self.named.iter().any(|folder| path.starts_with(folder)) {
            return Some(true);
        }
        let path = path.strip_prefix(&self.folder).ok()?.to_str()?;
        let is_read = || self.reads.iter().any(|reads| reads.includes(path));
        Some(!self.ignore.patterns.matches(path) && is_read())
    }
}

/// What the targets of a service's image and checks read, on all its platforms.
fn context(
    project: &Project,
    planned: &Planned<'_>,
    builder: &DockerfileBuilder,
) -> eyre::Result<Context> {
    let checks = planned.service.checks.iter();
    let checks = checks.filter_map(|check| check.target.clone()).map(Some);
    let targets: BTreeSet<_> = checks.chain([builder.target.clone()]).collect();
    let mut reads = Vec::new();
    for target in targets {
        let builder = DockerfileBuilder {
            target,
            ..builder.clone()
        };
        for platform in &planned.needed {
            let file = Dockerfile::read(project, planned, &builder, platform)?;
            reads.push(file.reads_of(&builder.context.under(project.root())));
        }
    }
    let named = builder.contexts.values().filter_map(|source| match source {
        ContextSource::Dir(path) | ContextSource::OciLayout(path) => {
            Some(path.from_root().to_owned())
        }
        ContextSource::Service(_) | ContextSource::Image(_) => None,
    });
    Ok(Context {
        folder: builder.context.from_root().to_owned(),
        ignore: Ignore::read(project.root(), builder)?,
        named: named.collect(),
        reads,
    })
}

/// References of which `pipeline.lock` says something else than before; `None` if it is not known what it said.
fn moved(project: &Project, changes: Option<&Changes>) -> Option<BTreeSet<String>> {
    let before = changes?.before(project.root(), Path::new(LOCK_FILE));
    let before = match before {
        Some(text) => Lock::parse(&String::from_utf8_lossy(&text)).ok()?,
        None => Lock::default(),
    };
    let changes = before.changes(project.lock().ok()?);
    let reference = |change| match change {
        LockChange::Added { reference, .. }
        | LockChange::Removed { reference, .. }
        | LockChange::Moved { reference, .. } => reference,
    };
    Some(changes.into_iter().map(reference).collect())
}

fn is_moved(
    project: &Project,
    planned: &Planned<'_>,
    moved: Option<&BTreeSet<String>>,
) -> Option<bool> {
    let bases = bases::of_service(project, planned).ok()?;
    let mut keys = bases.iter().filter_map(bases::Base::key);
    Some(keys.any(|key| moved.is_none_or(|moved| moved.contains(&key.to_string()))))
}

fn is_lock_same(project: &Project, changes: Option<&Changes>, closure: &Closure) -> bool {
    let same = || {
        let path = closure.lock();
        let inside = path.strip_prefix(project.root()).ok()?;
        let before = changes?.before(project.root(), inside)?;
        let before = closure.locked(std::str::from_utf8(&before).ok()?)?;
        let after = closure.locked(&std::fs::read_to_string(&path).ok()?)?;
        Some(before == after)
    };
    same().unwrap_or(false)
}
