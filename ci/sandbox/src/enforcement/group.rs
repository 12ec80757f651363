//! The control group of one execution: made before it, asked afterwards what it ran into, removed with it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::{Enforcement, Place, Version};
use crate::spec::Limits;

/// Names of ours begin with this; our process id and what it is for follow.
const PREFIX: &str = "pipeline-";

/// Processes of ours in the group beside the command's: the init and the one that waits for it.
const OURS: u64 = 2;

/// A limit that something ran into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exceeded {
    /// Something was killed for it.
    Memory,
    /// A new process or thread was refused.
    Pids,
}

/// A control group of one execution (of version 1: one for each controller), removed when dropped.
#[derive(Debug, Default)]
pub(crate) struct Group {
    memory: Option<Place>,
    pids: Option<Place>,
    made: Vec<PathBuf>,
}

impl Group {
    /// Makes it, with those of the limits that have a place; `None` if there is none.
    pub(crate) fn make(enforcement: &Enforcement, limits: &Limits) -> io::Result<Option<Self>> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let name = name(&NEXT.fetch_add(1, Ordering::Relaxed).to_string());
        let mut group = Self::default();
        if let Some((place, memory)) = enforcement.memory.as_ref().zip(limits.memory) {
            let place = group.enter(place, &name)?;
            limit_memory(&place, memory)?;
            group.memory = Some(place);
        }
        if let Some((place, pids)) = enforcement.pids.as_ref().zip(limits.pids) {
            let place = group.enter(place, &name)?;
            let pids = pids.saturating_add(OURS);
            set(&place.directory, "pids.max", &pids.to_string())?;
            group.pids = Some(place);
        }
        Ok(Some(group).filter(|group| !group.made.is_empty()))
    }

    /// The directory of this group there, made if it is not.
    fn enter(&mut self, place: &Place, name: &str) -> io::Result<Place> {
        let directory = place.directory.join(name);
        if !self.made.contains(&directory) {
            fs::create_dir(&directory).map_err(|error| {
                io::Error::new(error.kind(), format!("{}: {error}", directory.display()))
            })?;
            self.made.push(directory.clone());
        }
        Ok(Place {
            directory,
            version: place.version,
        })
    }

    /// Moves a process in.
    pub(crate) fn add(&self, pid: u32) -> io::Result<()> {
        self.made
            .iter()
            .try_for_each(|directory| set(directory, "cgroup.procs", &pid.to_string()))
    }

    /// What it ran into, by the kernel's counts. A machine that runs out of memory is not that, as far as the kernel tells the two apart:
    /// in version 2.
    pub(crate) fn exceeded(&self) -> Option<Exceeded> {
        let killed = |place: &Place| match place.version {
            Version::V1 => counted(place, "memory.oom_control", "oom_kill"),
            Version::V2 => {
                counted(place, "memory.events", "oom_kill")
                    && counted(place, "memory.events", "oom")
            }
        };
        if self.memory.as_ref().is_some_and(killed) {
            return Some(Exceeded::Memory);
        }
        let refused = |place: &Place| counted(place, "pids.events", "max");
        self.pids
            .as_ref()
            .is_some_and(refused)
            .then_some(Exceeded::Pids)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        for directory in &self.made {
            let _ = fs::remove_dir(directory);
        }
    }
}

fn limit_memory(place: &Place, bytes: u64) -> io::Result<()> {
    let bytes = bytes.to_string();
    let set = |file, value: &str| set(&place.directory, file, value);
    match place.version {
        Version::V1 => {
            set("memory.limit_in_bytes", &bytes)?;
            // Kernels can be built without the count of memory and swap space together.
            let _ = set("memory.memsw.limit_in_bytes", &bytes);
        }
        Version::V2 => {
            set("memory.max", &bytes)?;
            // Without these, what exceeds the limit goes to the swap space, and one process is killed instead of all.
            let _ = set("memory.swap.max", "0");
            let _ = set("memory.oom.group", "1");
        }
    }
    Ok(())
}

fn set(directory: &Path, file: &str, value: &str) -> io::Result<()> {
    let path = directory.join(file);
    fs::write(&path, value)
        .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))
}

fn read(place: &Place, file: &str) -> String {
    fs::read_to_string(place.directory.join(file)).unwrap_or_default()
}

/// Whether a file of lines `name count` has a count other than 0 for the name.
fn counted(place: &Place, file: &str, name: &str) -> bool {
    read(place, file)
        .lines()
        .filter_map(|line| line.strip_prefix(name)?.strip_prefix(' '))
        .any(|count| count.trim() != "0")
}

/// The name of a group of this process.
pub(super) fn name(of: &str) -> String {
    format!("{PREFIX}{}-{of}", std::process::id())
}

/// Removes groups of processes that are gone. One that is in use cannot be removed.
pub(super) fn sweep(directory: &Path) {
    let Ok(entries) = fs::read_dir(directory) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let owner = name.to_str().and_then(|name| {
            let (pid, _) = name.strip_prefix(PREFIX)?.split_once('-')?;
            pid.parse::<u32>().ok()
        });
        if owner.is_some_and(|pid| !Path::new(&format!("/proc/{pid}")).exists()) {
            let _ = fs::remove_dir(entry.path());
        }
    }
}

#[cfg(test)]
mod tests;
