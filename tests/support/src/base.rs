//! Base images for Dockerfiles, written by hand: no tool, no privileges, and no code of the product makes them.
//!
//! `busybox` is a shell and its programs, two users and a PATH. `base` has the same and everything that makes it hard to stand on an
//! image: a config full of what is inherited, owners, modes, links, attributes, devices, names that are no text.

use std::path::{Path, PathBuf};

use ci_oci::manifest::media_type;
use ci_oci::{Digest, Layout, Platform};
use serde_json::{Value, json};
use tar::EntryType;

use crate::archive::Layer;

/// Programs of busybox that Dockerfiles call.
const APPLETS: [&str; 44] = [
    "ash",
    "awk",
    "basename",
    "cat",
    "chmod",
    "chown",
    "cp",
    "cut",
    "date",
    "dd",
    "echo",
    "env",
    "false",
    "find",
    "grep",
    "head",
    "httpd",
    "id",
    "ln",
    "ls",
    "mkdir",
    "mkfifo",
    "mktemp",
    "mount",
    "mv",
    "od",
    "printf",
    "pwd",
    "rm",
    "sed",
    "sh",
    "sha256sum",
    "sleep",
    "sort",
    "stat",
    "tar",
    "test",
    "touch",
    "tr",
    "true",
    "uname",
    "wc",
    "wget",
    "xargs",
];

const PASSWD: &str = "app:x:1000:1001:App:/home/app:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n";
const GROUP: &str = "app:x:1001:\nstaff:x:50:app\nnogroup:x:65534:\n";

/// `security.capability` of a file: version 2, effective, permitted CAP_NET_RAW (capabilities(7)).
const NET_RAW: [u8; 20] = [
    1, 0, 0, 2, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
];

/// A busybox that needs no libraries, if the machine has one.
pub fn busybox() -> Option<PathBuf> {
    ["/bin/busybox", "/usr/bin/busybox"]
        .map(PathBuf::from)
        .into_iter()
        .find(|path| path.exists())
}

/// A base image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Base {
    /// Programs and users.
    Busybox,
    /// Everything that is hard.
    Full,
}

impl Base {
    /// Every base image.
    pub const ALL: [Self; 2] = [Self::Busybox, Self::Full];

    /// As Dockerfiles call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Busybox => "busybox",
            Self::Full => "base",
        }
    }

    /// Writes it into a new OCI layout.
    #[track_caller]
    pub fn write(self, layout: &Path) {
        let mut layer = Layer::new();
        programs(&mut layer);
        users(&mut layer, PASSWD, GROUP);
        layer.directory("home/app", 0o750, (1000, 1001));
        if self == Self::Full {
            hard(&mut layer);
        }
        write(layout, self.name(), &self.config(), layer);
    }

    fn config(self) -> Value {
        match self {
            Self::Busybox => json!({"Env": ["PATH=/bin"], "Cmd": ["sh"]}),
            Self::Full => json!({
                "User": "app",
                "ExposedPorts": {"8080/tcp": {}},
                "Env": ["PATH=/usr/local/bin:/bin", "GREETING=hello, world; \"quoted\" $HOME"],
                "Entrypoint": ["/bin/env"],
                "Cmd": ["sh"],
                "Volumes": {"/volume": {}},
                "WorkingDir": "/srv/work",
                "Labels": {"org.example.base": "yes"},
                "StopSignal": "SIGUSR1",
            }),
        }
    }
}

/// Writes an image of one layer into a new OCI layout.
#[track_caller]
pub fn write(layout: &Path, name: &str, config: &Value, layer: Layer) {
    let archive = layer.finish();
    let layout = Layout::create(layout).unwrap();
    let put = |kind: &str, value: &Value| {
        layout
            .put_bytes(kind, &serde_json::to_vec(value).unwrap())
            .unwrap()
    };
    let blob = layout.put_bytes(media_type::OCI_LAYER, &archive).unwrap();
    let platform = Platform::host();
    let config = json!({
        "created": "2024-01-02T03:04:05Z",
        "architecture": platform.architecture,
        "os": platform.os,
        "config": config,
        "rootfs": {"type": "layers", "diff_ids": [Digest::of(&archive)]},
        "history": [{"created": "2024-01-02T03:04:05Z", "created_by": name}],
    });
    let config = put(media_type::OCI_CONFIG, &config);
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": media_type::OCI_MANIFEST,
        "config": config,
        "layers": [blob],
    });
    let manifest = put(media_type::OCI_MANIFEST, &manifest);
    layout.set_image(name, manifest).unwrap();
}

/// A shell and its programs.
#[track_caller]
pub fn programs(layer: &mut Layer) {
    for dir in ["bin", "etc", "home", "tmp"] {
        layer.directory(dir, if dir == "tmp" { 0o1777 } else { 0o755 }, (0, 0));
    }
    let busybox = std::fs::read(busybox().expect("busybox-static is needed")).unwrap();
    layer.file("bin/busybox", 0o755, (0, 0), &busybox);
    for applet in APPLETS {
        layer.link(&format!("bin/{applet}"), "busybox", (0, 0));
    }
}

/// Users besides root, as lines of `passwd` and `group`.
#[track_caller]
pub fn users(layer: &mut Layer, passwd: &str, group: &str) {
    let passwd = format!("root:x:0:0:root:/root:/bin/sh\n{passwd}");
    layer.file("etc/passwd", 0o644, (0, 0), passwd.as_bytes());
    layer.file(
        "etc/group",
        0o644,
        (0, 0),
        format!("root:x:0:\n{group}").as_bytes(),
    );
}

fn hard(layer: &mut Layer) {
    let root = (0, 0);
    layer.file("home/app/.profile", 0o644, (1000, 1001), b"umask 022\n");
    for (dir, mode, owner) in [
        ("srv", 0o755, root),
        ("srv/deep", 0o2775, (0, 50)),
        ("srv/deep/er", 0o755, root),
        ("srv/work", 0o755, root),
        ("var", 0o755, root),
        ("var/lib", 0o755, root),
        ("var/lib/keep", 0o755, root),
        ("opt", 0o755, root),
        ("opt/emptied", 0o755, root),
        ("opt/file-then-dir", 0o755, root),
        ("opt/mode", 0o711, (1000, 50)),
        ("volume", 0o755, root),
    ] {
        layer.directory(dir, mode, owner);
    }
    // Owners and modes.
    layer.file("srv/nobodys", 0o644, (65534, 65534), b"mine\n");
    layer.file("srv/setuid", 0o4755, root, b"setuid");
    layer.file("srv/setgid", 0o2755, root, b"setgid");
    layer.file("srv/secret", 0o000, root, b"secret");
    layer.file("srv/readonly", 0o444, root, b"readonly");
    // Links.
    layer.file("srv/one", 0o644, root, b"shared\n");
    layer.same("srv/deep/three", "srv/one");
    layer.link("var/relative", "../srv/deep", root);
    layer.link("var/absolute", "/srv/deep", root);
    layer.link("var/dangling", "nowhere", (1000, 1001));
    layer.link("srv/long-target", &"t".repeat(300), root);
    layer.link("opt/dir-then-link", "mode", root);
    // Attributes, special files, names.
    layer.attribute("user.colour", b"blue");
    layer.file("srv/attributed", 0o644, root, b"x");
    layer.attribute("security.capability", &NET_RAW);
    layer.file("srv/capable", 0o644, root, b"y");
    layer.special("srv/fifo", EntryType::Fifo, 0o640, (0, 0));
    layer.special("srv/null", EntryType::Char, 0o666, (1, 3));
    layer.file(b"srv/not \xff\xfe text", 0o644, root, b"bytes");
    layer.file(
        &format!("srv/{}", "n".repeat(255)),
        0o644,
        root,
        b"long name",
    );
    let mut deep = "srv".to_owned();
    for _ in 0..4 {
        deep = format!("{deep}/{}", "d".repeat(100));
        layer.directory(&deep, 0o755, root);
    }
    layer.file(&format!("{deep}/leaf"), 0o644, root, b"long path");
    layer.file("srv/empty", 0o644, root, b"");
    layer.file("srv/.wholly", 0o644, root, b"begins as a whiteout does");
    layer.file("srv/late", 0o644, root, b"shared by two names of one layer");
    layer.same("opt/late", "srv/late");
    layer.file("opt/emptied/new", 0o644, root, b"new");
    layer.file("opt/file-then-dir/inside", 0o644, root, b"now");
    layer.file("opt/dir-then-file", 0o644, root, b"now");
    layer.file("opt/mode/kept", 0o644, root, b"kept");
    layer.file("var/lib/keep/b", 0o644, root, b"var/lib/keep/b");
    layer.file("var/lib/keep/c", 0o644, root, b"c");
}

/// Base images by the names that Dockerfiles call them by, each in an OCI layout of its own.
#[derive(Debug, Clone)]
pub struct Bases(pub Vec<(String, PathBuf)>);

impl Bases {
    /// Writes every base image into a folder.
    #[track_caller]
    pub fn write(folder: &Path) -> Self {
        let written = Base::ALL.map(|base| {
            let layout = folder.join(base.name());
            base.write(&layout);
            (base.name().to_owned(), layout)
        });
        Self(written.into())
    }
}
