//! What the base images hold: three layers full of what makes layers hard.

use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, chown, lchown, symlink};
use std::path::Path;

use rustix::fs::{CWD, FileType, Mode, XattrFlags, lsetxattr, mknodat};

/// Programs of busybox that Dockerfiles of the suite call.
const APPLETS: [&str; 27] = [
    "sh", "cat", "chmod", "chown", "cp", "cut", "env", "find", "grep", "head", "id", "ln", "ls",
    "mkdir", "mkfifo", "mount", "mv", "od", "printf", "pwd", "rm", "sed", "sort", "stat", "test",
    "touch", "wc",
];

/// `security.capability` of a file: version 2, effective, permitted CAP_NET_RAW (capabilities(7)).
const NET_RAW: [u8; 20] = [
    1, 0, 0, 2, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
];

/// The first layer, in the root directory `root`.
pub(crate) fn first(root: &Path) {
    for dir in [
        "bin",
        "etc",
        "tmp",
        "home/app",
        "srv/deep/er",
        "srv/work",
        "var/lib/keep",
        "opt/gone/below",
        "opt/emptied",
        "volume",
    ] {
        fs::create_dir_all(root.join(dir)).unwrap();
    }
    let busybox = root.join("bin/busybox");
    fs::copy(crate::tools::busybox(), &busybox).unwrap();
    mode(&busybox, 0o755);
    for applet in APPLETS {
        symlink("busybox", root.join("bin").join(applet)).unwrap();
    }
    file(
        root,
        "etc/passwd",
        "root:x:0:0:root:/root:/bin/sh\napp:x:1000:1001:App:/home/app:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n",
    );
    file(
        root,
        "etc/group",
        "root:x:0:\napp:x:1001:\nstaff:x:50:app\nnogroup:x:65534:\n",
    );
    mode(&root.join("tmp"), 0o1777);

    // Owners and modes.
    chown(root.join("home/app"), Some(1000), Some(1001)).unwrap();
    mode(&root.join("home/app"), 0o750);
    file(root, "home/app/.profile", "umask 022\n");
    chown(root.join("home/app/.profile"), Some(1000), Some(1001)).unwrap();
    file(root, "srv/nobodys", "mine\n");
    chown(root.join("srv/nobodys"), Some(65534), Some(65534)).unwrap();
    for (name, bits) in [
        ("setuid", 0o4755),
        ("setgid", 0o2755),
        ("secret", 0o000),
        ("readonly", 0o444),
    ] {
        file(root, format!("srv/{name}"), name);
        mode(&root.join("srv").join(name), bits);
    }
    mode(&root.join("srv/deep"), 0o2775);
    chown(root.join("srv/deep"), Some(0), Some(50)).unwrap();
    mode(&root.join("srv/deep"), 0o2775);

    // Links.
    file(root, "srv/one", "shared\n");
    fs::hard_link(root.join("srv/one"), root.join("srv/two")).unwrap();
    fs::hard_link(root.join("srv/one"), root.join("srv/deep/three")).unwrap();
    symlink("../srv/deep", root.join("var/relative")).unwrap();
    symlink("/srv/deep", root.join("var/absolute")).unwrap();
    symlink("nowhere", root.join("var/dangling")).unwrap();
    lchown(root.join("var/dangling"), Some(1000), Some(1001)).unwrap();

    // Attributes, special files, names.
    file(root, "srv/attributed", "x");
    attribute(&root.join("srv/attributed"), "user.colour", b"blue");
    file(root, "srv/capable", "y");
    attribute(&root.join("srv/capable"), "security.capability", &NET_RAW);
    mknodat(
        CWD,
        root.join("srv/fifo"),
        FileType::Fifo,
        Mode::from_raw_mode(0o640),
        0,
    )
    .unwrap();
    let null = rustix::fs::makedev(1, 3);
    mknodat(
        CWD,
        root.join("srv/null"),
        FileType::CharacterDevice,
        Mode::from_raw_mode(0o666),
        null,
    )
    .unwrap();
    mode(&root.join("srv/null"), 0o666);
    file(root, OsStr::from_bytes(b"srv/not \xff\xfe text"), "bytes");
    file(root, format!("srv/{}", "n".repeat(255)), "long name");
    let deep = format!("srv/{}", ["d".repeat(100).as_str(); 4].join("/"));
    fs::create_dir_all(root.join(&deep)).unwrap();
    file(root, format!("{deep}/leaf"), "long path");
    symlink("t".repeat(300), root.join("srv/long-target")).unwrap();
    file(root, "srv/empty", "");
    file(root, "srv/.wholly", "begins as a whiteout does");

    // To be changed by the second layer.
    for name in [
        "opt/removed",
        "opt/gone/below/x",
        "opt/emptied/old",
        "opt/file-then-dir",
        "var/lib/keep/a",
        "var/lib/keep/b",
    ] {
        file(root, name, name);
    }
    fs::create_dir(root.join("opt/dir-then-file")).unwrap();
    file(root, "opt/dir-then-file/inside", "x");
    fs::create_dir(root.join("opt/dir-then-link")).unwrap();
    file(root, "opt/dir-then-link/inside", "x");
    fs::create_dir(root.join("opt/mode")).unwrap();
    file(root, "opt/mode/kept", "kept");
}

/// The second layer: removals from the root directory that the first one filled.
pub(crate) fn second(root: &Path) {
    fs::remove_file(root.join("opt/removed")).unwrap();
    fs::remove_dir_all(root.join("opt/gone")).unwrap();
    fs::remove_file(root.join("opt/file-then-dir")).unwrap();
    fs::remove_dir_all(root.join("opt/dir-then-file")).unwrap();
    fs::remove_dir_all(root.join("opt/dir-then-link")).unwrap();
    // Emptied and filled again: an opaque directory, or a whiteout for what was in it.
    fs::remove_dir_all(root.join("opt/emptied")).unwrap();
    fs::create_dir(root.join("opt/emptied")).unwrap();
    file(root, "opt/emptied/new", "new");
    fs::remove_file(root.join("var/lib/keep/a")).unwrap();
    // One name of three goes: the others stay one file.
    fs::remove_file(root.join("srv/two")).unwrap();
}

/// The third layer: other things under the names that the second one removed, and new metadata for what is there.
pub(crate) fn third(root: &Path) {
    fs::create_dir(root.join("opt/file-then-dir")).unwrap();
    file(root, "opt/file-then-dir/inside", "now");
    file(root, "opt/dir-then-file", "now");
    symlink("mode", root.join("opt/dir-then-link")).unwrap();
    mode(&root.join("opt/mode"), 0o711);
    chown(root.join("opt/mode"), Some(1000), Some(50)).unwrap();
    file(root, "var/lib/keep/c", "c");
    file(root, "srv/late", "shared by two names of one layer");
    fs::hard_link(root.join("srv/late"), root.join("opt/late")).unwrap();
}

fn file(root: &Path, name: impl AsRef<Path>, content: &str) {
    let path = root.join(name);
    fs::File::create(&path)
        .unwrap()
        .write_all(content.as_bytes())
        .unwrap();
    mode(&path, 0o644);
}

fn mode(path: &Path, bits: u32) {
    fs::set_permissions(path, Permissions::from_mode(bits)).unwrap();
}

fn attribute(path: &Path, name: &str, value: &[u8]) {
    lsetxattr(path, name, value, XattrFlags::empty())
        .unwrap_or_else(|errno| panic!("{name} on {}: {errno}", path.display()));
}
