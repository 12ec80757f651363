//! Links in an image, hostile and ordinary, resolved against a directory on disk.

use std::fs::{create_dir_all, write};
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use super::*;

/// The resolved path, with a `|` where the image ends.
fn walk(root: &Path, path: &str) -> io::Result<String> {
    let root = std::fs::File::open(root)?;
    let resolved = resolve(&root, Path::new(path))?;
    let existing: PathBuf = resolved.existing.iter().map(|(name, _)| name).collect();
    let missing: PathBuf = resolved.missing.iter().collect();
    Ok(format!("{}|{}", existing.display(), missing.display()))
}

fn image() -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    let at = |path: &str| root.path().join(path);
    create_dir_all(at("usr/bin")).unwrap();
    write(at("usr/bin/sh"), "").unwrap();
    symlink("usr/bin", at("bin")).unwrap();
    symlink("/usr", at("absolute")).unwrap();
    symlink("../../../../etc", at("climber")).unwrap();
    symlink("/nowhere/deep", at("dangling")).unwrap();
    symlink("loop", at("loop")).unwrap();
    root
}

#[test]
fn links_are_followed_inside_the_image() {
    let root = image();
    assert_eq!(walk(root.path(), "/bin/sh").unwrap(), "usr/bin/sh|");
    assert_eq!(
        walk(root.path(), "/absolute/bin/sh").unwrap(),
        "usr/bin/sh|"
    );
}

#[test]
fn e3_links_and_dots_do_not_leave_the_image() {
    let root = image();
    assert_eq!(walk(root.path(), "/climber/passwd").unwrap(), "|etc/passwd");
    assert_eq!(walk(root.path(), "/../../../usr").unwrap(), "usr|");
}

#[test]
fn what_is_missing_is_named() {
    let root = image();
    assert_eq!(
        walk(root.path(), "/usr/local/lib").unwrap(),
        "usr|local/lib"
    );
    assert_eq!(
        walk(root.path(), "/dangling/mount").unwrap(),
        "|nowhere/deep/mount"
    );
    assert_eq!(walk(root.path(), "/nowhere/../usr").unwrap(), "usr|");
}

#[test]
fn a_link_to_itself_is_an_error() {
    let root = image();
    assert_eq!(
        walk(root.path(), "/loop/x").unwrap_err().raw_os_error(),
        Some(Errno::LOOP.raw_os_error())
    );
}

#[test]
fn a_file_is_no_directory() {
    let root = image();
    assert!(walk(root.path(), "/usr/bin/sh/x").is_err());
}
