//! The shared objects of a dynamically linked program, found as its loader would find them, and where the image has them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::elf::Elf;
use crate::error::{Exit, UserError};

/// Where loaders look without a cache file. Images have none, so every object must be in one of these.
const DEFAULTS: [&str; 4] = ["/lib64", "/usr/lib64", "/lib", "/usr/lib"];
/// Where the machine keeps the list of further folders.
const CONFIG: &str = "/etc/ld.so.conf";

/// Files of the machine by their paths in the image.
pub(super) type Objects = BTreeMap<String, PathBuf>;

/// The loader and all objects that a program for `triple` needs, directly or not.
///
/// # Errors
/// When one of them is not on this machine.
pub(super) fn of(program: &Path, triple: &str) -> Result<Objects, UserError> {
    let elf = Elf::read(program).map_err(|error| {
        UserError::new(Exit::Failed, "the program cannot be read").because(error)
    })?;
    let defaults = default_folders(triple);
    let mut folders = configured(Path::new(CONFIG));
    folders.extend(defaults.iter().cloned());
    resolve(program, &elf, &folders, &defaults)
}

fn resolve(
    program: &Path,
    elf: &Elf,
    folders: &[PathBuf],
    defaults: &[PathBuf],
) -> Result<Objects, UserError> {
    let kind = elf.kind;
    let mut objects = Objects::new();
    // Already there when anything else is loaded, under its file name.
    let mut loader = None;
    if let Some(path) = &elf.interpreter {
        objects.insert(path.to_string_lossy().into_owned(), path.clone());
        loader = path.file_name().map(|name| name.to_string_lossy());
    }
    let mut found: BTreeMap<String, PathBuf> = BTreeMap::new();
    let mut todo = vec![(program.to_owned(), elf.clone())];
    while let Some((file, elf)) = todo.pop() {
        let own = own_folders(&file, &elf);
        for name in elf.needed {
            if found.contains_key(&name) || loader.as_deref() == Some(&*name) {
                continue;
            }
            let candidates = own.iter().chain(folders).map(|folder| folder.join(&name));
            let mut readable =
                candidates.filter_map(|path| Elf::read(&path).ok().map(|elf| (path, elf)));
            let (path, object) = readable.find(|(_, elf)| elf.kind == kind).ok_or_else(|| {
                UserError::new(
                    Exit::Machine,
                    format!(
                        "the shared object {name}, which {} needs, is not on this machine",
                        file.display()
                    ),
                )
                .hint("write `linkage = \"static\"` under [cargo], or install it")
            })?;
            found.insert(name, path.clone());
            todo.push((path, object));
        }
    }
    // The C library is in a folder of the loader's: what is found elsewhere goes there.
    let standard = found
        .values()
        .filter_map(|path| path.parent())
        .find(|folder| defaults.iter().any(|it| it == folder))
        .unwrap_or(Path::new("/usr/lib"))
        .to_owned();
    for (name, path) in found {
        let folder = path.parent().filter(|it| defaults.iter().any(|d| d == it));
        let place = folder.unwrap_or(&standard).join(&name);
        objects.insert(place.to_string_lossy().into_owned(), path);
    }
    Ok(objects)
}

/// The folders an object names itself.
fn own_folders(file: &Path, elf: &Elf) -> Vec<PathBuf> {
    let origin = file.parent().unwrap_or(Path::new("/")).to_string_lossy();
    elf.search
        .iter()
        .filter(|folder| !folder.is_empty())
        .map(|folder| {
            let folder = folder.replace("${ORIGIN}", &origin);
            folder.replace("$ORIGIN", &origin).into()
        })
        .collect()
}

/// The loader's own folders, those of Debian's multiarch among them.
fn default_folders(triple: &str) -> Vec<PathBuf> {
    let mut parts = triple.split('-');
    let architecture = match parts.next().unwrap_or_default() {
        "i686" => "i386",
        "riscv64gc" => "riscv64",
        "armv7" | "armv5te" => "arm",
        other => other,
    };
    let abi = parts.next_back().unwrap_or_default();
    let multiarch = format!("{architecture}-linux-{abi}");
    let multiarch = ["/lib", "/usr/lib"].map(|dir| Path::new(dir).join(&multiarch));
    let defaults = DEFAULTS.iter().map(PathBuf::from);
    multiarch.into_iter().chain(defaults).collect()
}

/// The folders that a configuration file of the loader lists.
fn configured(file: &Path) -> Vec<PathBuf> {
    let mut folders = Vec::new();
    let text = std::fs::read_to_string(file).unwrap_or_default();
    for line in text.lines() {
        let line = line.split('#').next().unwrap_or_default().trim();
        match line.strip_prefix("include") {
            Some(pattern) => {
                // The one form that is in use: all `.conf` files of a folder.
                let dir = Path::new(pattern.trim()).parent().unwrap_or(Path::new("/"));
                let base = file.parent().unwrap_or(Path::new("/"));
                let entries = std::fs::read_dir(base.join(dir));
                let mut files: Vec<PathBuf> = entries
                    .into_iter()
                    .flatten()
                    .flatten()
                    .map(|entry| entry.path())
                    .filter(|path| path.extension().is_some_and(|it| it == "conf") && path != file)
                    .collect();
                files.sort();
                folders.extend(files.iter().flat_map(|file| configured(file)));
            }
            None if line.starts_with('/') => folders.push(line.into()),
            None => {}
        }
    }
    folders
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_program_would_find_its_objects_in_an_image() {
        let program = std::env::current_exe().unwrap();
        let triple = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
        let objects = of(&program, &triple).unwrap();
        let libc = objects.keys().find(|path| path.ends_with("/libc.so.6"));
        assert!(libc.is_some(), "{objects:?}");
        let defaults = default_folders(&triple);
        let interpreter = Elf::read(&program).unwrap().interpreter.unwrap();
        for place in objects
            .keys()
            .map(Path::new)
            .filter(|it| *it != interpreter)
        {
            let folder = place.parent().unwrap();
            assert!(
                defaults.iter().any(|it| it == folder),
                "{}",
                place.display()
            );
        }
    }

    #[test]
    fn an_object_in_a_folder_that_the_loader_does_not_know_moves_to_the_c_library() {
        let dir = tempfile::tempdir().unwrap();
        let program = std::env::current_exe().unwrap();
        let elf = Elf::read(&program).unwrap();
        let far = dir.path().join("far");
        std::fs::create_dir(&far).unwrap();
        std::fs::copy(&program, far.join("libfar.so.1")).unwrap();
        let needs = Elf {
            needed: vec!["libfar.so.1".into(), "libc.so.6".into()],
            search: vec!["$ORIGIN/far".into(), String::new()],
            ..elf
        };
        let triple = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
        let defaults = default_folders(&triple);
        let objects = resolve(&dir.path().join("web"), &needs, &defaults, &defaults).unwrap();
        let place = |end: &str| objects.keys().find(|path| path.ends_with(end)).unwrap();
        assert_eq!(
            Path::new(place("/libfar.so.1")).parent(),
            Path::new(place("/libc.so.6")).parent()
        );
    }

    #[test]
    fn a_missing_object_is_named() {
        let elf = Elf {
            needed: vec!["libnowhere.so".into()],
            ..Elf::default()
        };
        let error = resolve(Path::new("/web"), &elf, &[], &[]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the shared object libnowhere.so, which /web needs, is not on this machine"
        );
    }

    #[test]
    fn configuration_of_the_loader_is_followed() {
        let dir = tempfile::tempdir().unwrap();
        let conf = dir.path().join("ld.so.conf");
        std::fs::create_dir(dir.path().join("ld.so.conf.d")).unwrap();
        std::fs::write(&conf, "include ld.so.conf.d/*.conf\n/last # x\n").unwrap();
        let write =
            |name: &str, text| std::fs::write(dir.path().join("ld.so.conf.d").join(name), text);
        write("b.conf", "/b\n").unwrap();
        write("a.conf", "# none\n/a\n").unwrap();
        write("c.txt", "/c\n").unwrap();
        assert_eq!(configured(&conf), ["/a", "/b", "/last"].map(PathBuf::from));
    }
}
