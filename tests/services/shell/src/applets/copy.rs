//! `cp` and `mv`. A move to another file system, as from one layer of an overlay to another, is a copy and a removal.

use std::fs::{self, File, FileTimes, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, lchown, symlink};
use std::path::{Path, PathBuf};

use super::{Arguments, Call, Ended, Failure, about};

/// What a copy keeps.
#[derive(Clone, Copy)]
struct Keep {
    /// Directories with all there is in them, and links as links.
    recursive: bool,
    /// Mode, owner and times.
    attributes: bool,
}

/// `cp [-afpRr] FILE… TARGET`
pub(super) fn cp(call: &Call<'_>) -> Ended {
    let arguments = call.arguments("afpRr")?;
    let all = arguments.has('a');
    let keep = Keep {
        recursive: all || arguments.has('r') || arguments.has('R'),
        attributes: all || arguments.has('p'),
    };
    to_target(call, &arguments, |from, to| {
        if arguments.has('f')
            && fs::symlink_metadata(from).is_ok()
            && File::options().write(true).open(to).is_err()
        {
            // What cannot be written is replaced. If it is a directory or absent, the copy says what is wrong.
            let _ = fs::remove_file(to);
        }
        copy(from, to, keep)
    })
}

/// `mv [-f] FILE… TARGET`
pub(super) fn mv(call: &Call<'_>) -> Ended {
    let arguments = call.arguments("f")?;
    to_target(call, &arguments, |from, to| match fs::rename(from, to) {
        Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {
            if fs::symlink_metadata(to).is_ok_and(|file| !file.is_dir()) {
                fs::remove_file(to).map_err(|error| about(to, &error))?;
            }
            copy(
                from,
                to,
                Keep {
                    recursive: true,
                    attributes: true,
                },
            )?;
            super::files::remove(from).map_err(|error| about(from, &error))
        }
        other => other.map_err(|error| about(from, &error)),
    })
}

/// Calls `act` with each source and its place: in the target if that is a directory, else the target itself.
fn to_target(
    call: &Call<'_>,
    arguments: &Arguments<'_>,
    act: impl Fn(&Path, &Path) -> Result<(), Failure>,
) -> Ended {
    let (target, sources) = match arguments.operands.split_last() {
        Some((target, sources)) if !sources.is_empty() => (target, sources),
        _ => return Err(Failure::Usage("needs a source and a target".to_owned())),
    };
    let place = call.path(target);
    let into = place.is_dir();
    if !into && (sources.len() > 1 || target.ends_with('/') && !call.path(&sources[0]).is_dir()) {
        return Err(Failure::Other(format!("{target}: not a directory")));
    }
    call.each(sources, |source| {
        let from = call.path(source);
        let to = match from.file_name() {
            Some(name) if into => place.join(name),
            // `cp -r dir/.. target` or `cp -r / target`: the contents.
            _ => place.clone(),
        };
        act(&from, &to)
    })
}

fn copy(from: &Path, to: &Path, keep: Keep) -> Result<(), Failure> {
    let source = if keep.recursive {
        fs::symlink_metadata(from)
    } else {
        fs::metadata(from)
    };
    let source = source.map_err(|error| about(from, &error))?;
    if let Ok(existing) = fs::metadata(to)
        && (existing.dev(), existing.ino()) == (source.dev(), source.ino())
    {
        return Err(Failure::Other(format!(
            "{}: source and target are the same file",
            to.display()
        )));
    }
    if source.is_dir() {
        if !keep.recursive {
            return Err(Failure::Other(format!(
                "{}: is a directory (without -r)",
                from.display()
            )));
        }
        return copy_dir(from, to, &source, keep);
    }
    if source.is_symlink() {
        let target = fs::read_link(from).map_err(|error| about(from, &error))?;
        if fs::symlink_metadata(to).is_ok_and(|file| !file.is_dir()) {
            fs::remove_file(to).map_err(|error| about(to, &error))?;
        }
        symlink(target, to).map_err(|error| about(to, &error))?;
        if keep.attributes {
            lchown(to, Some(source.uid()), Some(source.gid()))
                .map_err(|error| about(to, &error))?;
        }
        return Ok(());
    }
    if !source.is_file() {
        return Err(Failure::Other(format!(
            "{}: devices, pipes and sockets are not copied",
            from.display()
        )));
    }
    let mut input = File::open(from).map_err(|error| about(from, &error))?;
    let mut options = OpenOptions::new();
    options
        .write(true)
        .create(true)
        .truncate(true)
        .mode(source.mode() & 0o777);
    let mut output = options.open(to).map_err(|error| about(to, &error))?;
    io::copy(&mut input, &mut output).map_err(|error| about(to, &error))?;
    keep_attributes(to, &source, keep)
}

fn copy_dir(from: &Path, to: &Path, source: &Metadata, keep: Keep) -> Result<(), Failure> {
    // Read before the target is made: it may lie in the source, and must not be copied into itself without end.
    let mut entries: Vec<PathBuf> = Vec::new();
    for entry in fs::read_dir(from).map_err(|error| about(from, &error))? {
        entries.push(entry?.path());
    }
    entries.sort_unstable();
    match fs::create_dir(to) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && to.is_dir() => {}
        made => made.map_err(|error| about(to, &error))?,
    }
    let made = fs::metadata(to).map_err(|error| about(to, &error))?;
    for entry in entries {
        let itself = fs::symlink_metadata(&entry)
            .is_ok_and(|file| (file.dev(), file.ino()) == (made.dev(), made.ino()));
        if let Some(name) = entry.file_name().filter(|_| !itself) {
            copy(&entry, &to.join(name), keep)?;
        }
    }
    keep_attributes(to, source, keep)
}

fn keep_attributes(to: &Path, source: &Metadata, keep: Keep) -> Result<(), Failure> {
    if !keep.attributes {
        return Ok(());
    }
    let kept = (|| {
        lchown(to, Some(source.uid()), Some(source.gid()))?;
        // After the owner, because changing that clears the set-id bits.
        fs::set_permissions(to, fs::Permissions::from_mode(source.mode() & 0o7777))?;
        File::open(to)?.set_times(FileTimes::new().set_modified(source.modified()?))
    })();
    kept.map_err(|error| about(to, &error))
}
