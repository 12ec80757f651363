//! Where control groups of ours can be made. Read from what the kernel says about mounts and about our own group; only
//! [`Found::prepare`] changes anything.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};

use super::leaf;

/// The interface a group has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    /// One hierarchy for each controller (Documentation/admin-guide/cgroup-v1 of the kernel).
    V1,
    /// One for all (Documentation/admin-guide/cgroup-v2.rst).
    V2,
}

/// A group, or where groups can be made below.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) directory: PathBuf,
    pub(crate) version: Version,
}

/// What was found: something for at least one controller.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// Groups can be made there as things are.
    Ready {
        memory: Option<Place>,
        pids: Option<Place>,
    },
    /// A group of version 2 that is ours alone, but in which we are ourselves: a group with processes passes no controllers on.
    Occupied(PathBuf),
}

impl Found {
    /// Makes it ready: our own processes make room where they are in the way.
    pub(crate) fn prepare(self) -> io::Result<(Option<Place>, Option<Place>)> {
        match self {
            Self::Ready { memory, pids } => Ok((memory, pids)),
            Self::Occupied(directory) => {
                leaf::make_room(&directory)?;
                let place = Place {
                    directory,
                    version: Version::V2,
                };
                Ok((Some(place.clone()), Some(place)))
            }
        }
    }

    /// The directories, for people.
    pub(crate) fn directories(&self) -> Vec<String> {
        let mut directories: Vec<_> = match self {
            Self::Ready { memory, pids } => memory
                .iter()
                .chain(pids)
                .map(|place| place.directory.display().to_string())
                .collect(),
            Self::Occupied(directory) => vec![directory.display().to_string()],
        };
        directories.dedup();
        directories
    }
}

/// Looks for places for the groups of this process.
pub(crate) fn find() -> io::Result<Found> {
    let mounts = fs::read_to_string("/proc/self/mountinfo")?;
    let own = fs::read_to_string("/proc/self/cgroup")?;
    let unified = Hierarchy::unified(&mounts, &own);
    if let Some(found) = unified.as_ref().and_then(Hierarchy::passing) {
        return Ok(found);
    }
    let memory = Hierarchy::of_controller(&mounts, &own, "memory");
    let pids = Hierarchy::of_controller(&mounts, &own, "pids");
    let closest = memory.as_ref().or(unified.as_ref());
    let refused = closest.map(|hierarchy| hierarchy.own.display().to_string());
    let (memory, pids) = (
        memory.and_then(Hierarchy::split),
        pids.and_then(Hierarchy::split),
    );
    if memory.is_some() || pids.is_some() {
        return Ok(Found::Ready { memory, pids });
    }
    Err(io::Error::other(match refused {
        Some(group) => format!("{group} is not ours to divide"),
        None => "none are mounted".to_owned(),
    }))
}

/// Our own group in one hierarchy, as a directory.
struct Hierarchy {
    /// What is mounted, below which we can see.
    mount: PathBuf,
    own: PathBuf,
}

impl Hierarchy {
    /// That of version 2, whose line in cgroup(7) has neither number nor controllers.
    fn unified(mounts: &str, own: &str) -> Option<Self> {
        let path = own.lines().find_map(|line| line.strip_prefix("0::"))?;
        let mount = mounts
            .lines()
            .filter_map(Mount::parse)
            .find(|mount| mount.file_system == "cgroup2")?;
        mount.hierarchy(path)
    }

    /// That of a controller of version 1.
    fn of_controller(mounts: &str, own: &str, controller: &str) -> Option<Self> {
        let has = |list: &str| list.split(',').any(|entry| entry == controller);
        let path = own.lines().find_map(|line| {
            let mut fields = line.splitn(3, ':');
            let (_, controllers, path) = (fields.next()?, fields.next()?, fields.next()?);
            has(controllers).then_some(path)
        })?;
        let mount = mounts
            .lines()
            .filter_map(Mount::parse)
            .find(|mount| mount.file_system == "cgroup" && has(mount.options))?;
        mount.hierarchy(path)
    }

    /// In version 1 a group may have processes and children.
    fn split(self) -> Option<Place> {
        may_divide(&self.own).then_some(Place {
            directory: self.own,
            version: Version::V1,
        })
    }

    /// Our own group if it passes memory and pids on; else its parent, as on a desktop, where a terminal's group is one of many below a
    /// group of the user, unless that would take our executions out of a limit that was set for us; else our own, if it is ours alone.
    fn passing(&self) -> Option<Found> {
        let ready = |directory: &Path| {
            let place = Place {
                directory: directory.to_owned(),
                version: Version::V2,
            };
            Found::Ready {
                memory: Some(place.clone()),
                pids: Some(place),
            }
        };
        if passes_on(&self.own) {
            return Some(ready(&self.own));
        }
        let parent = self
            .own
            .parent()
            .filter(|parent| parent.starts_with(&self.mount));
        if let Some(parent) = parent
            && is_unlimited(&self.own)
            && passes_on(parent)
        {
            return Some(ready(parent));
        }
        (may_divide(&self.own)
            && lists(&self.own.join("cgroup.controllers"))
            && leaf::is_ours_alone(&self.own))
        .then(|| Found::Occupied(self.own.clone()))
    }
}

/// A line of mountinfo (proc_pid_mountinfo(5)).
struct Mount<'a> {
    /// Which part of the hierarchy is mounted.
    root: &'a str,
    point: &'a str,
    file_system: &'a str,
    options: &'a str,
}

impl<'a> Mount<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let (mount, super_block) = line.split_once(" - ")?;
        let mut mount = mount.split(' ').skip(3);
        let mut super_block = super_block.split(' ');
        Some(Self {
            root: mount.next()?,
            point: mount.next()?,
            file_system: super_block.next()?,
            options: super_block.nth(1)?,
        })
    }

    /// A group by its path in the hierarchy; `None` if it is outside of what is mounted.
    fn hierarchy(&self, path: &str) -> Option<Hierarchy> {
        let below = Path::new(path).strip_prefix(self.root).ok()?;
        // A group outside of our cgroup namespace is shown with `..`.
        if below
            .components()
            .any(|part| part == std::path::Component::ParentDir)
        {
            return None;
        }
        let mount = PathBuf::from(self.point);
        Some(Hierarchy {
            own: mount.join(below),
            mount,
        })
    }
}

fn may_divide(group: &Path) -> bool {
    let writable = |path: &Path| access(path, Access::WRITE_OK).is_ok();
    writable(group) && writable(&group.join("cgroup.procs"))
}

fn passes_on(group: &Path) -> bool {
    may_divide(group) && lists(&group.join("cgroup.subtree_control"))
}

/// Whether a list of controllers has both of ours.
fn lists(file: &Path) -> bool {
    let controllers = fs::read_to_string(file).unwrap_or_default();
    let has = |name| controllers.split_whitespace().any(|found| found == name);
    has("memory") && has("pids")
}

fn is_unlimited(group: &Path) -> bool {
    fs::read_to_string(group.join("memory.max")).is_ok_and(|limit| limit.trim() == "max")
}

#[cfg(test)]
mod tests;
