//! Which services a change touches, and why: from the paths that differ to the services whose images may.
//!
//! What git says differs is the caller's business, and so is what only a Dockerfile or cargo can tell ([`Knowledge`]). Where something
//! is not known, services count as affected: more rather than fewer.

mod inputs;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fmt;
use std::path::{Component, Path, PathBuf};

use crate::render::Safe;
use crate::{Catalog, LOCK_FILE, Name, Service};

/// What is known beyond the catalog.
pub struct Knowledge<'a> {
    /// Whether the image of a service depends on a file, as far as the service's builder can tell; `None`: it cannot, which counts
    /// as yes. Asked for files of the service's contexts, for cargo services of any file, and for the lock file of base images. Of a
    /// file outside the root (`../x`), only yes counts.
    pub depends: &'a dyn Fn(&Service, &Path) -> Option<bool>,
    /// Folders whose files concern every service, such as that of the program that builds them. Relative to the catalog root.
    pub shared: &'a [PathBuf],
}

/// Why a service is affected.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Reason {
    /// A catalog file: `pipeline.toml`, the lock file, the service's own `service.toml`.
    Catalog(PathBuf),
    /// Its Dockerfile, or a file of ignore rules.
    Dockerfile(PathBuf),
    /// A file in the service's folder.
    Path(PathBuf),
    /// A lock file of a package manager.
    Lockfile(PathBuf),
    /// A file that it reads outside its folder.
    Shared(PathBuf),
    /// A file of which nobody knows who reads it.
    Unclear(PathBuf),
    /// Its build reads the image of this service, which is affected.
    Service(Name),
    /// It is released together with this service, which is affected.
    Coupled(Name),
    /// What differs is not known.
    Unknown,
}

/// The services a change touches. Displays as a list with reasons.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Affected {
    /// Reasons by service, ordered; each service that is affected has at least one.
    pub services: BTreeMap<Name, BTreeSet<Reason>>,
    /// Why there may be too many of them.
    pub warnings: Vec<String>,
}

/// The services that a change of these paths, relative to the catalog root, touches. Of a file that was moved both names count.
pub fn affected<P: AsRef<Path>>(
    catalog: &Catalog,
    changed: impl IntoIterator<Item = P>,
    knowledge: &Knowledge<'_>,
) -> Affected {
    let mut affected = Affected::default();
    let mut guessed = BTreeSet::new();
    for path in changed {
        match normal(path.as_ref()) {
            Normal::Inside(path) => affected.touch(catalog, &path, knowledge, &mut guessed),
            Normal::Outside(path) => affected.touch_from_outside(catalog, &path, knowledge),
            Normal::Absolute => {
                let why = "is not relative to the catalog root";
                affected.unclear(catalog, path.as_ref(), why);
            }
        }
    }
    for service in guessed {
        affected.warnings.push(format!(
            "what `{service}` is made of is not known: every change counts as one of it"
        ));
    }
    affected.spread(catalog);
    affected
}

impl Affected {
    /// All services, since what differs cannot be found out; `why` is a warning, such as that the history is cut off.
    #[must_use]
    pub fn everything(catalog: &Catalog, why: impl Into<String>) -> Self {
        let mut affected = Self::default();
        for service in catalog.services() {
            affected.add(service, Reason::Unknown);
        }
        affected.warnings.push(why.into());
        affected
    }

    /// Whether the service is affected.
    #[must_use]
    pub fn contains(&self, service: &str) -> bool {
        self.services.contains_key(service)
    }

    fn add(&mut self, service: &Service, reason: Reason) {
        self.services
            .entry(service.name.clone())
            .or_default()
            .insert(reason);
    }

    /// Adds those whose images may depend on the file, and to `guessed` those of them for which that is a guess.
    fn touch(
        &mut self,
        catalog: &Catalog,
        path: &Path,
        knowledge: &Knowledge<'_>,
        guessed: &mut BTreeSet<Name>,
    ) {
        let shared = knowledge
            .shared
            .iter()
            .any(|folder| path.starts_with(folder));
        let mut claimed = false;
        for service in catalog.services() {
            let reason = if path == Path::new(crate::load::CATALOG_FILE) {
                Some(Reason::Catalog(path.to_owned()))
            } else if shared {
                Some(Reason::Shared(path.to_owned()))
            } else if path == Path::new(LOCK_FILE) {
                claimed = true;
                let depends = (knowledge.depends)(service, path);
                (depends != Some(false)).then(|| Reason::Catalog(path.to_owned()))
            } else {
                match inputs::of(service, path, knowledge) {
                    inputs::Claim::None => None,
                    inputs::Claim::Ignored => {
                        claimed = true;
                        None
                    }
                    inputs::Claim::Read(reason) => Some(reason),
                    inputs::Claim::Unclear if is_harmless(path) => None,
                    inputs::Claim::Unclear => {
                        guessed.insert(service.name.clone());
                        Some(Reason::Unclear(path.to_owned()))
                    }
                }
            };
            if let Some(reason) = reason {
                claimed = true;
                self.add(service, reason);
            }
        }
        let at_root = path.parent() == Some(Path::new(""));
        if !claimed && at_root && !is_harmless(path) {
            let why = "is at the root, and who reads it is not known";
            self.unclear(catalog, path, why);
        }
    }

    /// Adds those who are known to read a file outside the root, as packages of cargo can.
    fn touch_from_outside(&mut self, catalog: &Catalog, path: &Path, knowledge: &Knowledge<'_>) {
        for service in catalog.services() {
            if (knowledge.depends)(service, path) == Some(true) {
                self.add(service, Reason::Shared(path.to_owned()));
            }
        }
    }

    /// Everybody, with a warning.
    fn unclear(&mut self, catalog: &Catalog, path: &Path, why: &str) {
        for service in catalog.services() {
            self.add(service, Reason::Unclear(path.to_owned()));
        }
        self.warnings.push(format!(
            "`{}` {why}: all services count as affected",
            Safe(&path.to_string_lossy())
        ));
    }

    /// Adds those that read the images of affected services, and those released with them, until there are no more.
    fn spread(&mut self, catalog: &Catalog) {
        let mut readers: BTreeMap<&Name, Vec<&Service>> = BTreeMap::new();
        for service in catalog.services() {
            for name in service.dependencies() {
                readers.entry(name).or_default().push(service);
            }
        }
        let mut open: Vec<Name> = self.services.keys().cloned().collect();
        while let Some(name) = open.pop() {
            let reading = readers.get(&name).into_iter().flatten().copied();
            let reading = reading.map(|service| (service, Reason::Service(name.clone())));
            let unit = catalog.service(name.as_str()).into_iter();
            let unit = unit.flat_map(|service| catalog.release_unit(service));
            let unit = unit
                .filter(|service| service.name != name)
                .map(|service| (service, Reason::Coupled(name.clone())));
            for (service, reason) in reading.chain(unit) {
                let known = self.services.contains_key(&service.name);
                // Of a unit that is affected, nobody needs to hear that each is coupled with each.
                if !known || matches!(reason, Reason::Service(_)) {
                    self.add(service, reason);
                }
                if !known {
                    open.push(service.name.clone());
                }
            }
        }
    }
}

enum Normal {
    Inside(PathBuf),
    /// Begins with `..`.
    Outside(PathBuf),
    Absolute,
}

fn normal(path: &Path) -> Normal {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::Normal(name) => normal.push(name),
            Component::CurDir => {}
            Component::ParentDir if normal.file_name().is_some() => {
                normal.pop();
            }
            Component::ParentDir => normal.push(".."),
            Component::RootDir | Component::Prefix(_) => return Normal::Absolute,
        }
    }
    match normal.components().next() {
        Some(Component::ParentDir) => Normal::Outside(normal),
        _ => Normal::Inside(normal),
    }
}

/// Files at the root that are for people, for git and for editors.
fn is_harmless(path: &Path) -> bool {
    const NAMES: &[&str] = &[
        ".editorconfig",
        ".gitattributes",
        ".gitignore",
        ".mailmap",
        "CODEOWNERS",
        "LICENSE",
        "NOTICE",
    ];
    let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
    NAMES.contains(&name) || path.extension().is_some_and(|it| it == "md")
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (path, what) = match self {
            Self::Catalog(path) => (path, "catalog"),
            Self::Dockerfile(path) => (path, "how it is built"),
            Self::Path(path) => (path, "its own"),
            Self::Lockfile(path) => (path, "lock file"),
            Self::Shared(path) => (path, "shared"),
            Self::Unclear(path) => (path, "perhaps"),
            Self::Service(name) => return write!(f, "reads the image of `{name}`"),
            Self::Coupled(name) => return write!(f, "is released with `{name}`"),
            Self::Unknown => return f.write_str("what differs is not known"),
        };
        write!(f, "{} ({what})", Safe(&path.to_string_lossy()))
    }
}

impl fmt::Display for Affected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 5;
        if self.services.is_empty() {
            return f.write_str("no service is affected");
        }
        for (at, (name, reasons)) in self.services.iter().enumerate() {
            let line = if at == 0 { "" } else { "\n" };
            write!(f, "{line}{name}")?;
            for reason in reasons.iter().take(SHOWN) {
                write!(f, "\n  {reason}")?;
            }
            if let Some(more) = reasons.len().checked_sub(SHOWN).filter(|more| *more > 0) {
                write!(f, "\n  and {more} more")?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Knowledge<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Knowledge")
            .field("shared", &self.shared)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
