//! `mkdir`, `rmdir`, `rm`, `ln` and `touch`.

use std::fs::{self, File, FileTimes, OpenOptions};
use std::io;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::time::SystemTime;

use super::attributes::Mode;
use super::{Call, Ended, Failure, about};

/// `mkdir [-p] [-m MODE] DIR…`
pub(super) fn mkdir(call: &Call<'_>) -> Ended {
    let arguments = call.arguments("pm:")?;
    let mode = arguments.value('m').map(|text| {
        Mode::parse(text).ok_or_else(|| Failure::Usage(format!("`{text}` is not a mode")))
    });
    let mode = mode.transpose()?;
    call.each(call.some(arguments.operands)?, |name| {
        let path = call.path(name);
        let existed = path.is_dir();
        let made = if arguments.has('p') {
            fs::create_dir_all(&path)
        } else {
            fs::create_dir(&path)
        };
        made.map_err(|error| about(name, &error))?;
        match &mode {
            Some(mode) if !existed => {
                let permissions = fs::Permissions::from_mode(mode.apply(0o777, true));
                fs::set_permissions(&path, permissions).map_err(|error| about(name, &error))
            }
            _ => Ok(()),
        }
    })
}

/// `rmdir DIR…`
pub(super) fn rmdir(call: &Call<'_>) -> Ended {
    let arguments = call.arguments("")?;
    call.each(call.some(arguments.operands)?, |name| {
        fs::remove_dir(call.path(name)).map_err(|error| about(name, &error))
    })
}

/// `rm [-fRr] FILE…`
pub(super) fn rm(call: &Call<'_>) -> Ended {
    let arguments = call.arguments("fRr")?;
    let recursive = arguments.has('r') || arguments.has('R');
    if arguments.operands.is_empty() && arguments.has('f') {
        return Ok(0);
    }
    call.each(call.some(arguments.operands)?, |name| {
        let path = call.path(name);
        // `a/.` and `a/..` have no file name of their own, nor has the root.
        if path.file_name().is_none() || name.ends_with("/.") || name == "." {
            return Err(Failure::Other(format!("{name}: refused")));
        }
        let removed = if recursive {
            remove(&path)
        } else {
            fs::remove_file(&path)
        };
        match removed {
            Err(error) if arguments.has('f') && error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other.map_err(|error| about(name, &error)),
        }
    })
}

/// Removes a file, or a directory with all there is in it. Links are removed, not followed.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    if fs::symlink_metadata(path)?.is_dir() {
        fs::remove_dir_all(path)
    } else {
        fs::remove_file(path)
    }
}

/// `ln [-fs] TARGET… PLACE`
pub(super) fn ln(call: &Call<'_>) -> Ended {
    let arguments = call.arguments("fns")?;
    let (place, targets) = match arguments.operands.split_last() {
        Some((place, targets)) if !targets.is_empty() => (place, targets),
        _ => return Err(Failure::Usage("needs a target and a place".to_owned())),
    };
    let place = call.path(place);
    let linked_dir = arguments.has('n') && place.is_symlink();
    let into = place.is_dir() && !linked_dir;
    call.each(targets, |target| {
        let to = match Path::new(target).file_name() {
            Some(name) if into => place.join(name),
            _ => place.clone(),
        };
        if arguments.has('f') && fs::symlink_metadata(&to).is_ok_and(|file| !file.is_dir()) {
            fs::remove_file(&to).map_err(|error| about(&to, &error))?;
        }
        let linked = if arguments.has('s') {
            symlink(target, &to)
        } else {
            fs::hard_link(call.path(target), &to)
        };
        linked.map_err(|error| about(&to, &error))
    })
}

/// `touch [-c] FILE…`
pub(super) fn touch(call: &Call<'_>) -> Ended {
    let arguments = call.arguments("c")?;
    call.each(call.some(arguments.operands)?, |name| {
        let path = call.path(name);
        let opened = match File::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if arguments.has('c') {
                    return Ok(());
                }
                OpenOptions::new().append(true).create(true).open(&path)
            }
            opened => opened,
        };
        let now = FileTimes::new().set_modified(SystemTime::now());
        opened
            .and_then(|file| file.set_times(now))
            .map_err(|error| about(name, &error))
    })
}
