//! What was compiled before, kept in the checkout's state folder: programs by what they were compiled from.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use ci_oci::Digest;
use dagger_sdk::Query;
use serde::{Deserialize, Serialize};

use super::inputs::Inputs;
use crate::stages::files;

/// How many programs of a service are kept: those of a few branches.
const KEPT: usize = 4;

/// Names of an entry's files.
const PROGRAM: &str = "program";
/// Not as earlier versions called it: theirs does not name the program, and is made anew.
const SBOM: &str = "program.cdx.json";

/// The programs of one service for one target.
#[derive(Debug)]
pub(super) struct Memory {
    dir: PathBuf,
    list: PathBuf,
    entries: Vec<Entry>,
}

/// A program that was compiled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    /// Of everything but files: toolchain, flags, arguments.
    pub(super) recipe: Digest,
    /// What it was compiled from.
    pub(super) inputs: Inputs,
    /// Of what that contained.
    pub(super) content: String,
    /// The name of the program.
    pub(super) bin: String,
    /// Its size in bytes.
    pub(super) size: u64,
}

impl Entry {
    /// The folder of its files.
    fn folder(&self) -> String {
        let key = Digest::of(format!("{}\n{}\n{}", self.recipe, self.content, self.bin));
        key.hex()[..32].to_owned()
    }
}

/// The files of a program in the state folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Kept {
    pub(super) bin: String,
    pub(super) program: PathBuf,
    pub(super) sbom: PathBuf,
    /// What it was compiled from.
    pub(super) sources: Inputs,
}

impl Memory {
    /// What is known of a service; `dir` is the folder for all of them.
    pub(super) fn open(dir: &Path, service: &str, triple: &str) -> Self {
        let list = dir.join(format!("{service}-{triple}.json"));
        Self {
            dir: dir.to_owned(),
            entries: files::read_json(&list).unwrap_or_default(),
            list,
        }
    }

    /// The program that `recipe` makes of what is there now, if it was compiled before.
    pub(super) async fn find(
        &self,
        recipe: &Digest,
        query: &Query,
        root: &Path,
    ) -> eyre::Result<Option<Kept>> {
        let mut computed: Vec<(&Inputs, String)> = Vec::new();
        for entry in self.entries.iter().filter(|entry| entry.recipe == *recipe) {
            let kept = self.kept(entry);
            let size = std::fs::metadata(&kept.program).map(|found| found.len());
            if size.ok() != Some(entry.size) || !kept.sbom.is_file() {
                continue;
            }
            let known = computed.iter().find(|(inputs, _)| *inputs == &entry.inputs);
            let content = match known {
                Some((_, content)) => content.clone(),
                None => {
                    let content = entry.inputs.digest(query, root).await?;
                    computed.push((&entry.inputs, content.clone()));
                    content
                }
            };
            if content == entry.content {
                return Ok(Some(kept));
            }
        }
        Ok(None)
    }

    /// Keeps a program and its bill of materials.
    pub(super) fn keep(
        &mut self,
        entry: Entry,
        program: &Path,
        sbom: &[u8],
    ) -> std::io::Result<Kept> {
        // The folder appears whole; one that was left unfinished is on no list, and removed below.
        let new = tempfile::Builder::new()
            .prefix(".new-")
            .tempdir_in(&self.dir)?;
        std::fs::copy(program, new.path().join(PROGRAM))?;
        std::fs::File::open(new.path().join(PROGRAM))?.sync_data()?;
        files::write(&new.path().join(SBOM), sbom)?;
        let dir = self.dir.join(entry.folder());
        if dir.exists() {
            std::fs::remove_dir_all(&dir)?;
        }
        std::fs::rename(new.path(), &dir)?;
        let kept = self.kept(&entry);
        // Another process may have added to the list since it was read.
        self.entries = files::read_json(&self.list).unwrap_or_default();
        let folder = entry.folder();
        self.entries.retain(|other| other.folder() != folder);
        self.entries.insert(0, entry);
        self.entries.truncate(KEPT);
        files::write_json(&self.list, &self.entries)?;
        self.forget_the_rest();
        Ok(kept)
    }

    fn kept(&self, entry: &Entry) -> Kept {
        let dir = self.dir.join(entry.folder());
        Kept {
            program: dir.join(PROGRAM),
            sbom: dir.join(SBOM),
            bin: entry.bin.clone(),
            sources: entry.inputs.clone(),
        }
    }

    /// Removes programs that are on no list. Who holds the lock on the checkout's cargo is the only one to add any.
    fn forget_the_rest(&self) {
        let names = |dir: &Path| -> Vec<PathBuf> {
            let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
            entries.map(|entry| entry.path()).collect()
        };
        let all = names(&self.dir);
        let lists = all
            .iter()
            .filter(|path| path.extension().is_some_and(|it| it == "json"));
        let listed: BTreeSet<String> = lists
            .filter_map(|path| files::read_json::<Vec<Entry>>(path))
            .flatten()
            .map(|entry| entry.folder())
            .collect();
        for path in all.iter().filter(|path| path.is_dir()) {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if !listed.contains(&*name) {
                // What cannot be removed now is tried again after the next build.
                let _ = std::fs::remove_dir_all(path);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(number: usize) -> Entry {
        Entry {
            recipe: Digest::of("recipe"),
            inputs: Inputs::default(),
            content: number.to_string(),
            bin: "web".into(),
            size: 7,
        }
    }

    #[test]
    fn the_last_few_programs_are_kept_and_all_others_removed() {
        let dir = tempfile::tempdir().unwrap();
        let program = dir.path().join("built");
        std::fs::write(&program, "program").unwrap();
        let cache = dir.path().join("cache");
        std::fs::create_dir_all(cache.join(".new-unfinished")).unwrap();
        let other = Memory::open(&cache, "other", "T").keep(entry(100), &program, b"{}");
        let mut kept = Vec::new();
        for number in 0..KEPT + 2 {
            let mut memory = Memory::open(&cache, "web", "T");
            kept.push(memory.keep(entry(number), &program, b"{}").unwrap());
        }
        let exists: Vec<bool> = kept.iter().map(|kept| kept.program.is_file()).collect();
        assert_eq!(exists, [false, false, true, true, true, true]);
        assert!(other.unwrap().sbom.is_file());
        assert!(!cache.join(".new-unfinished").exists());
        let memory = Memory::open(&cache, "web", "T");
        assert_eq!(memory.entries.len(), KEPT);
        assert_eq!(memory.entries[0], entry(KEPT + 1));
    }

    #[test]
    fn a_broken_list_is_an_empty_one() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("web-T.json"), "[{").unwrap();
        assert!(Memory::open(dir.path(), "web", "T").entries.is_empty());
    }
}
