//! File operations on layers: what ends up where, with which metadata, and that nothing leaves its root.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use ci_oci::Digest;
use ci_rootfs::copy::Request;
use ci_rootfs::import::{self, Digests, Filter};
use ci_rootfs::op::{Op, Reply, run};
use ci_rootfs::write::Change;
use ci_rootfs::{LayerDir, read};
use tempfile::TempDir;

/// Layers in a directory of their own.
struct Layers {
    dir: TempDir,
    next: std::cell::Cell<u32>,
}

impl Layers {
    fn new() -> Self {
        Self {
            dir: TempDir::new().unwrap(),
            next: 0.into(),
        }
    }

    /// An empty layer.
    fn layer(&self) -> LayerDir {
        let root = self
            .dir
            .path()
            .join(self.next.replace(self.next.get() + 1).to_string());
        fs::create_dir_all(root.join("fs")).unwrap();
        LayerDir {
            dir: root.join("fs"),
            owners: root.join("owners"),
        }
    }

    /// A layer with files; a path that ends in `/` is a directory, `a -> b` a link.
    fn with(&self, entries: &[&str]) -> LayerDir {
        let layer = self.layer();
        for entry in entries {
            if let Some((link, target)) = entry.split_once(" -> ") {
                fs::create_dir_all(layer.dir.join(link).parent().unwrap()).unwrap();
                symlink(target, layer.dir.join(link)).unwrap();
            } else if let Some(dir) = entry.strip_suffix('/') {
                fs::create_dir_all(layer.dir.join(dir)).unwrap();
            } else {
                fs::create_dir_all(layer.dir.join(entry).parent().unwrap()).unwrap();
                fs::write(layer.dir.join(entry), format!("{entry}\n")).unwrap();
            }
        }
        layer
    }

    /// Copies; what is in the new layer, or the error.
    fn copy(
        &self,
        source: &LayerDir,
        below: &[LayerDir],
        request: Request,
    ) -> Result<(LayerDir, Vec<String>), String> {
        let upper = self.layer();
        run(&Op::Copy {
            items: vec![(vec![source.clone()], request)],
            below: below.to_vec(),
            upper: upper.clone(),
        })
        .map_err(|error| error.to_string())?;
        let listed = listing(&upper.dir);
        Ok((upper, listed))
    }
}

/// Everything below a directory, sorted; directories end in `/`.
fn listing(dir: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut todo = vec![dir.to_owned()];
    while let Some(next) = todo.pop() {
        for entry in fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(dir).unwrap().display().to_string();
            if path.is_dir() && !path.is_symlink() {
                found.push(format!("{name}/"));
                todo.push(path);
            } else {
                found.push(name);
            }
        }
    }
    found.sort();
    found
}

fn request(sources: &[&str], dest: &str) -> Request {
    Request {
        sources: sources.iter().map(|&source| source.to_owned()).collect(),
        root: "/".into(),
        dest: dest.into(),
        ..Request::default()
    }
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

#[test]
fn a_directory_gives_its_contents_and_a_file_itself() {
    let layers = Layers::new();
    let source = layers.with(&["src/a", "src/deep/b", "c"]);
    let (_, listed) = layers
        .copy(&source, &[], request(&["src"], "/dest"))
        .unwrap();
    assert_eq!(listed, ["dest/", "dest/a", "dest/deep/", "dest/deep/b"]);
    let (_, listed) = layers.copy(&source, &[], request(&["c"], "/dest")).unwrap();
    assert_eq!(listed, ["dest"]);
    let (_, listed) = layers
        .copy(&source, &[], request(&["c"], "/dest/"))
        .unwrap();
    assert_eq!(listed, ["dest/", "dest/c"]);
    let (_, listed) = layers
        .copy(&source, &[], request(&["c", "src/a"], "/dest"))
        .unwrap();
    assert_eq!(
        listed,
        ["dest/", "dest/a", "dest/c"],
        "several sources make the destination a directory"
    );
}

#[test]
fn a_file_goes_into_a_directory_that_exists_below() {
    let layers = Layers::new();
    let (source, below) = (layers.with(&["c"]), layers.with(&["dest/"]));
    fs::set_permissions(below.dir.join("dest"), fs::Permissions::from_mode(0o711)).unwrap();
    let (upper, listed) = layers
        .copy(&source, &[below], request(&["c"], "/dest"))
        .unwrap();
    assert_eq!(listed, ["dest/", "dest/c"]);
    assert_eq!(
        upper.dir.join("dest").metadata().unwrap().mode() & 0o777,
        0o711,
        "a directory repeated in the layer keeps its mode"
    );
}

#[test]
fn patterns_match_names_and_what_matches_nothing_is_an_error_with_the_nearest_name() {
    let layers = Layers::new();
    let source = layers.with(&["a.txt", "b.txt", "c.md", "sub/d.txt"]);
    let (_, listed) = layers
        .copy(&source, &[], request(&["*.txt"], "/dest/"))
        .unwrap();
    assert_eq!(listed, ["dest/", "dest/a.txt", "dest/b.txt"]);
    let error = layers
        .copy(&source, &[], request(&["*.rs"], "/dest/"))
        .unwrap_err();
    assert_eq!(error, "*.rs: no such file or directory");
    let error = layers
        .copy(&source, &[], request(&["sub/d.text"], "/dest/"))
        .unwrap_err();
    assert_eq!(
        error,
        "sub/d.text: no such file or directory (did you mean \"sub/d.txt\"?)"
    );
}

#[test]
fn exclude_leaves_out_and_include_keeps_only() {
    let layers = Layers::new();
    let source = layers.with(&[
        "src/a.rs",
        "src/a.txt",
        "src/deep/b.rs",
        "src/deep/b.txt",
        "src/other/c.txt",
    ]);
    let exclude = Request {
        exclude: vec!["**/*.txt".into(), "!deep/b.txt".into()],
        ..request(&["src"], "/")
    };
    let (_, listed) = layers.copy(&source, &[], exclude).unwrap();
    assert_eq!(
        listed,
        ["a.rs", "deep/", "deep/b.rs", "deep/b.txt", "other/"]
    );
    let include = Request {
        include: vec!["**/*.txt".into()],
        ..request(&["src"], "/")
    };
    let (_, listed) = layers.copy(&source, &[], include).unwrap();
    assert_eq!(
        listed,
        ["a.txt", "deep/", "deep/b.txt", "other/", "other/c.txt"]
    );
}

#[test]
fn links_in_the_source_do_not_leave_it_e5() {
    let layers = Layers::new();
    let source = layers.with(&[
        "secret -> ../../../../../../../etc/passwd",
        "abs -> /etc/passwd",
        "up -> ..",
        "etc/passwd",
    ]);
    for link in ["secret", "abs"] {
        let (upper, _) = layers
            .copy(&source, &[], request(&[link], "/copied"))
            .unwrap();
        assert_eq!(
            fs::read_to_string(upper.dir.join("copied")).unwrap(),
            "etc/passwd\n",
            "the context's own file, not the host's"
        );
    }
    let (_, listed) = layers
        .copy(&source, &[], request(&["up/etc"], "/"))
        .unwrap();
    assert_eq!(listed, ["passwd"]);
    let error = layers
        .copy(&source, &[], request(&["../outside"], "/"))
        .unwrap_err();
    assert_eq!(error, "../outside: no such file or directory");
}

#[test]
fn links_in_the_destination_do_not_leave_it_l11() {
    let layers = Layers::new();
    let source = layers.with(&["file"]);
    let below = layers.with(&["out -> /", "up -> ../../../..", "real/"]);
    let (_, listed) = layers
        .copy(
            &source,
            std::slice::from_ref(&below),
            request(&["file"], "/out/real/"),
        )
        .unwrap();
    assert_eq!(listed, ["real/", "real/file"]);
    let (_, listed) = layers
        .copy(&source, &[below], request(&["file"], "/up/tmp/"))
        .unwrap();
    assert_eq!(listed, ["tmp/", "tmp/file"]);
}

#[test]
fn a_loop_of_links_is_an_error() {
    let layers = Layers::new();
    let source = layers.with(&["a -> b", "b -> a"]);
    let error = layers.copy(&source, &[], request(&["a"], "/")).unwrap_err();
    assert!(
        error.contains("too many levels of symbolic links"),
        "{error}"
    );
}

#[test]
fn kinds_in_the_way_are_errors() {
    let layers = Layers::new();
    let source = layers.with(&["file", "dir/inside"]);
    let below = layers.with(&["dir/file/", "plain"]);
    let error = layers
        .copy(
            &source,
            std::slice::from_ref(&below),
            request(&["dir"], "/plain"),
        )
        .unwrap_err();
    assert_eq!(
        error,
        "/plain: is not a directory, so a directory cannot be copied over it"
    );
    let below_file = layers.with(&["dest/file/"]);
    let error = layers
        .copy(&source, &[below_file], request(&["file"], "/dest/"))
        .unwrap_err();
    assert_eq!(
        error,
        "/dest/file: is a directory, so a file cannot be copied over it"
    );
}

#[test]
fn owner_and_mode_are_given_to_everything_copied_and_made() {
    if !is_root() {
        eprintln!("skipped: owners can only be set by root");
        return;
    }
    let layers = Layers::new();
    let source = layers.with(&["src/a", "src/deep/b"]);
    let (upper, _) = layers
        .copy(
            &source,
            &[],
            Request {
                owner: Some((7, 8)),
                mode: Some("u=rwX,go=".into()),
                ..request(&["src"], "/new/dest")
            },
        )
        .unwrap();
    for (path, mode) in [
        ("new", 0o755),
        ("new/dest", 0o755),
        ("new/dest/a", 0o600),
        ("new/dest/deep", 0o700),
        ("new/dest/deep/b", 0o600),
    ] {
        let metadata = upper.dir.join(path).metadata().unwrap();
        assert_eq!(
            (metadata.uid(), metadata.gid(), metadata.mode() & 0o7777),
            (7, 8, mode),
            "{path}"
        );
    }
}

#[test]
fn the_same_copy_is_the_same_layer_whatever_the_times_are() {
    let layers = Layers::new();
    let digest = |source: &LayerDir| {
        let upper = layers.layer();
        match run(&Op::Copy {
            items: vec![(vec![source.clone()], request(&["."], "/"))],
            below: Vec::new(),
            upper,
        })
        .unwrap()
        {
            Reply::Layer { diff_id, .. } => diff_id,
            other => panic!("{other:?}"),
        }
    };
    let first = layers.with(&["a", "d/b", "l -> a"]);
    let second = layers.with(&["l -> a", "d/b", "a"]);
    fs::File::open(second.dir.join("a"))
        .unwrap()
        .set_modified(std::time::UNIX_EPOCH)
        .unwrap();
    assert_eq!(digest(&first), digest(&second));
}

#[test]
fn a_removed_file_is_hidden_and_what_takes_its_place_is_alone() {
    if !is_root() {
        eprintln!("skipped: layers are merged by root only");
        return;
    }
    let layers = Layers::new();
    let bottom = layers.with(&["dir/old", "keep"]);
    let change = |below: &[LayerDir], changes: Vec<Change>| {
        let upper = layers.layer();
        run(&Op::Write {
            below: below.to_vec(),
            upper: upper.clone(),
            changes,
        })
        .unwrap();
        upper
    };
    let removed = change(
        std::slice::from_ref(&bottom),
        vec![Change::Remove {
            path: "/dir".into(),
        }],
    );
    let chain = vec![bottom, removed];
    let entries = |layers: &[LayerDir], path: &str| match run(&Op::Entries {
        layers: layers.to_vec(),
        path: path.into(),
    }) {
        Ok(Reply::Entries(entries)) => entries
            .into_iter()
            .map(|entry: read::Listed| entry.name)
            .collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    assert_eq!(entries(&chain, "/"), ["keep"]);
    let again = change(
        &chain,
        vec![Change::File {
            path: "/dir/new".into(),
            content: b"x".to_vec(),
            mode: 0o644,
            owner: (0, 0),
        }],
    );
    let chain = [chain, vec![again]].concat();
    assert_eq!(
        entries(&chain, "/dir"),
        ["new"],
        "the old contents stay hidden"
    );
}

#[test]
fn what_a_layer_replaces_by_a_link_is_not_followed_to_the_layers_below_l3() {
    if !is_root() {
        eprintln!("skipped: layers are merged by root only");
        return;
    }
    let layers = Layers::new();
    let bottom = layers.with(&["data/file", "other/"]);
    let top = layers.layer();
    // The upper layer turns the directory into a link that leads out of the root.
    symlink("/../../../../tmp", top.dir.join("data")).unwrap();
    let upper = layers.layer();
    let change = Change::File {
        path: "/data/written".into(),
        content: b"x".to_vec(),
        mode: 0o644,
        owner: (0, 0),
    };
    run(&Op::Write {
        below: vec![bottom, top],
        upper: upper.clone(),
        changes: vec![change],
    })
    .unwrap();
    assert_eq!(listing(&upper.dir), ["tmp/", "tmp/written"]);
    assert!(!Path::new("/tmp/written").exists());
}

#[test]
fn add_unpacks_an_archive_and_copies_anything_else() {
    let layers = Layers::new();
    let contents = layers.with(&["in/a", "in/deep/b"]);
    let source = layers.with(&["plain"]);
    let archive = std::process::Command::new("tar")
        .arg("-czf")
        .arg(source.dir.join("files.tgz"))
        .arg("-C")
        .arg(contents.dir.join("in"))
        .arg(".")
        .status()
        .unwrap();
    assert!(archive.success());
    let add = |name: &str| {
        layers
            .copy(
                &source,
                &[],
                Request {
                    unpack: true,
                    ..request(&[name], "/dest/")
                },
            )
            .unwrap()
            .1
    };
    assert_eq!(
        add("files.tgz"),
        ["dest/", "dest/a", "dest/deep/", "dest/deep/b"]
    );
    assert_eq!(add("plain"), ["dest/", "dest/plain"]);
}

/// Nothing is remembered.
struct Nothing;

impl Digests for Nothing {
    fn known(&self, _: &rustix::fs::Stat) -> Option<Digest> {
        None
    }
    fn learn(&mut self, _: &rustix::fs::Stat, _: Digest) {}
}

fn paths(tree: &import::Tree) -> Vec<PathBuf> {
    tree.entries
        .iter()
        .map(|entry| entry.path.clone())
        .collect()
}

#[test]
fn a_scan_follows_ignore_rules_and_does_not_see_umask_or_user() {
    let layers = Layers::new();
    let host = layers.with(&[
        "src/main.rs",
        "src/main.rs.bak",
        "target/debug/big",
        "target/keep",
        "README",
    ]);
    let filter = Filter {
        exclude: vec!["target".into(), "!target/keep".into(), "**/*.bak".into()],
        ..Filter::default()
    };
    let tree = import::scan(&host.dir, &filter, &mut Nothing).unwrap();
    assert_eq!(
        paths(&tree),
        ["README", "src", "src/main.rs", "target", "target/keep"].map(PathBuf::from)
    );
    let digest = tree.digest();
    fs::set_permissions(host.dir.join("README"), fs::Permissions::from_mode(0o600)).unwrap();
    fs::set_permissions(host.dir.join("src"), fs::Permissions::from_mode(0o700)).unwrap();
    assert_eq!(
        import::scan(&host.dir, &filter, &mut Nothing)
            .unwrap()
            .digest(),
        digest
    );
    fs::set_permissions(host.dir.join("README"), fs::Permissions::from_mode(0o755)).unwrap();
    assert_ne!(
        import::scan(&host.dir, &filter, &mut Nothing)
            .unwrap()
            .digest(),
        digest,
        "the execute bit counts"
    );
}

#[test]
fn a_scan_reads_only_what_is_named_and_digests_only_what_counts() {
    let layers = Layers::new();
    let host = layers.with(&["a/one", "a/two", "b/three"]);
    let filter = Filter {
        roots: vec!["a/one".into()],
        ..Filter::default()
    };
    assert_eq!(
        paths(&import::scan(&host.dir, &filter, &mut Nothing).unwrap()),
        ["a", "a/one"].map(PathBuf::from)
    );
    let all = import::scan(&host.dir, &Filter::default(), &mut Nothing).unwrap();
    let before = all.digest_below(&["a"]);
    fs::write(host.dir.join("b/three"), "changed").unwrap();
    let all = import::scan(&host.dir, &Filter::default(), &mut Nothing).unwrap();
    assert_eq!(all.digest_below(&["a"]), before);
}

#[test]
fn a_file_that_changes_between_scan_and_copy_is_noticed() {
    let layers = Layers::new();
    let host = layers.with(&["file"]);
    let tree = import::scan(&host.dir, &Filter::default(), &mut Nothing).unwrap();
    fs::write(host.dir.join("file"), "other").unwrap();
    let error = import::materialise(&tree, &host.dir, &layers.layer().dir, None).unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("file changed while it was being copied; run again"),
        "{error}"
    );
}

#[test]
fn an_import_shares_what_an_earlier_one_holds_unchanged() {
    let layers = Layers::new();
    let host = layers.with(&["same", "other"]);
    let import = |like: Option<&Path>| {
        let tree = import::scan(&host.dir, &Filter::default(), &mut Nothing).unwrap();
        let into = layers.layer();
        import::materialise(&tree, &host.dir, &into.dir, like).unwrap();
        into.dir
    };
    let first = import(None);
    fs::write(host.dir.join("other"), "changed").unwrap();
    let second = import(Some(&first));
    let inode = |dir: &Path, name: &str| dir.join(name).metadata().unwrap().ino();
    assert_eq!(inode(&first, "same"), inode(&second, "same"));
    assert_ne!(inode(&first, "other"), inode(&second, "other"));
    assert_eq!(fs::read_to_string(second.join("other")).unwrap(), "changed");
}

#[test]
fn a_dockerfile_that_is_a_link_out_of_the_context_is_not_read_e5() {
    let layers = Layers::new();
    let host = layers.with(&[
        "Dockerfile -> ../../../../../../etc/passwd",
        "inside",
        "link -> inside",
    ]);
    assert_eq!(
        import::read_below(&host.dir, Path::new("Dockerfile"), 1 << 20).unwrap(),
        None
    );
    assert_eq!(
        import::read_below(&host.dir, Path::new("link"), 1 << 20)
            .unwrap()
            .unwrap(),
        b"inside\n"
    );
    assert!(import::read_below(&host.dir, Path::new("inside"), 3).is_err());
}
