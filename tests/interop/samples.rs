//! The images of the sample services as skopeo, umoci and buildah see them.

use std::fs;

use ci_oci::{Digest, profile};
use libtest_mimic::{Failed, Trial};
use serde_json::Value;

use crate::image::{Image, unpacked};
use crate::product::{SAMPLES, samples};
use crate::tools::{self, Mounted, run, skopeo_copy};
use crate::work;
use test_support::tree::{Node, Tree, assert_same};

/// What each test does with the image of one service.
type Test = fn(&str, &Image);

const TESTS: [(&str, Test); 9] = [
    ("skopeo_inspects_what_the_release_record_says", inspected),
    ("a_copy_keeps_the_digest", copied),
    ("a_docker_archive_keeps_config_and_layers", docker_archive),
    ("umoci_unpacks_our_tree", umoci_tree),
    ("umoci_tells_our_history", umoci_history),
    ("buildah_mounts_our_tree", buildah_tree),
    ("podman_loads_archives_of_it", loaded),
    ("the_dagger_api_lists_our_tree", api_tree),
    ("a_pulled_image_is_not_changed_by_a_commit", recommitted),
];

pub(crate) fn tests() -> Vec<Trial> {
    let of_service = |service: &'static str| {
        TESTS.map(|(name, test)| {
            Trial::test(format!("samples::{service}::{name}"), move || {
                test(service, &samples().image(service));
                Ok::<(), Failed>(())
            })
        })
    };
    SAMPLES.into_iter().flat_map(of_service).collect()
}

fn inspected(service: &str, image: &Image) {
    let raw = run("skopeo", ["inspect", "--raw", &image.transport()]);
    let digest = Digest::of(&raw).to_string();
    let record = fs::read(samples().dir.join(".pipeline/release.json")).unwrap();
    let record: Value = serde_json::from_slice(&record).unwrap();
    let services = record["services"].as_array().unwrap();
    let recorded = services.iter().find(|it| it["name"] == service).unwrap();
    assert_eq!(recorded["digest"], digest.as_str());

    let inspected: Value =
        serde_json::from_str(&run("skopeo", ["inspect", &image.transport()])).unwrap();
    let config = image.config();
    assert_eq!(inspected["Digest"], digest.as_str());
    assert_eq!(inspected["Created"], config["created"]);
    assert_eq!(inspected["Architecture"], config["architecture"]);
    assert_eq!(inspected["Env"], config["config"]["Env"]);
    let labels = &config["config"]["Labels"];
    assert_eq!(&inspected["Labels"], labels);
    let raw_config = run(
        "skopeo",
        ["inspect", "--config", "--raw", &image.transport()],
    );
    assert_eq!(
        Digest::of(raw_config),
        image.resolved.manifest.config.digest
    );
}

fn copied(service: &str, image: &Image) {
    let dir = work::folder("copies");
    let target = |transport: &str, name: &str| format!("{transport}:{}", dir.join(name).display());
    let (folder, archive, layout) = (
        target("dir", "dir"),
        target("oci-archive", "archive.tar"),
        target("oci", "layout"),
    );
    for copy in [folder, archive, format!("{layout}:{service}")] {
        // Asked to keep digests, skopeo refuses to copy what it would have to change.
        skopeo_copy(
            &["--quiet", "--preserve-digests"],
            &image.transport(),
            &copy,
        );
        let raw = run("skopeo", ["inspect", "--raw", &copy]);
        assert_eq!(Digest::of(raw).to_string(), image.digest(), "{copy}");
    }
    let again = Image::open(&dir.join("layout"), Some(service));
    assert_eq!(again.digest(), image.digest());
    assert_same(&image.tree(), "the copy", &again.tree());
}

/// A Docker archive has a manifest of its own and layers that are not compressed: the image id and the diff ids stay.
fn docker_archive(service: &str, image: &Image) {
    let file = work::folder("docker").join("image.tar");
    let archive = format!(
        "docker-archive:{}:registry.example.com/acme/{service}:v1",
        file.display()
    );
    skopeo_copy(&["--quiet"], &image.transport(), &archive);
    let config = run("skopeo", ["inspect", "--config", "--raw", &archive]);
    let config: Value = serde_json::from_str(&config).unwrap();
    let ours = image.config();
    for member in [
        "config",
        "rootfs",
        "history",
        "created",
        "architecture",
        "os",
    ] {
        assert_eq!(config[member], ours[member], "{member}");
    }
    let names = run("tar", ["tf", file.to_str().unwrap()]);
    for diff_id in ours["rootfs"]["diff_ids"].as_array().unwrap() {
        let layer = diff_id
            .as_str()
            .unwrap()
            .trim_start_matches("sha256:")
            .to_owned()
            + ".tar";
        assert!(
            names.lines().any(|name| name == layer),
            "{layer} in {names}"
        );
    }
}

/// Times are part of it: umoci sets what the layers say.
fn umoci_tree(_: &str, image: &Image) {
    let bundle = work::folder("bundle").join("b");
    run(
        "umoci",
        [
            "unpack",
            "--image",
            &image.umoci(),
            bundle.to_str().unwrap(),
        ],
    );
    let theirs = Tree::read(&bundle.join("rootfs"));
    assert_same(&unpacked(image), "umoci's", &theirs);
    for (path, entry) in theirs.0.iter().filter(|(path, _)| !path.is_empty()) {
        let path = String::from_utf8_lossy(path);
        assert_eq!(u64::try_from(entry.mtime), Ok(profile::MTIME), "{path}");
    }
}

fn umoci_history(_: &str, image: &Image) {
    let stat = run("umoci", ["stat", "--json", "--image", &image.umoci()]);
    let stat: Value = serde_json::from_str(&stat).unwrap();
    let theirs = stat["history"].as_array().unwrap();
    let config = image.config();
    let ours = config["history"].as_array().unwrap();
    assert_eq!(theirs.len(), ours.len());
    let mut layers = image
        .resolved
        .manifest
        .layers
        .iter()
        .zip(&image.resolved.config.rootfs.diff_ids);
    for (theirs, ours) in theirs.iter().zip(ours) {
        for member in ["created", "created_by", "comment", "empty_layer"] {
            assert_eq!(theirs[member], ours[member], "{member} of {ours}");
        }
        if ours["empty_layer"] != true {
            let (blob, diff_id) = layers.next().unwrap();
            assert_eq!(theirs["layer"]["digest"], blob.digest.to_string());
            assert_eq!(theirs["layer"]["size"], blob.size);
            assert_eq!(theirs["diff_id"], diff_id.to_string());
        }
    }
    assert!(layers.next().is_none());
}

/// Layers do not describe the root directory itself, as BuildKit's do not; then buildah makes it 0555.
fn buildah_tree(service: &str, image: &Image) {
    // buildah calls an image by its path, which therefore has to be a name.
    let link = format!("pulled-{service}");
    std::os::unix::fs::symlink(samples().layout(), work::root().join(&link)).unwrap();
    let mounted = Mounted::new(&format!("oci:{link}:{service}"));
    let ours = image.tree();
    let theirs = Tree::read(&mounted.root).with_root_of(&ours);
    assert_same(&ours, "buildah's", &theirs);
}

/// The id of an image is the digest of its config, whatever it travelled in.
fn loaded(service: &str, image: &Image) {
    let dir = work::folder("loaded");
    for transport in ["oci-archive", "docker-archive"] {
        let file = dir.join(transport);
        let name = format!("localhost/{transport}-{service}:v1");
        skopeo_copy(
            &["--quiet"],
            &image.transport(),
            &format!("{transport}:{}:{name}", file.display()),
        );
        run(
            "podman",
            ["load", "--quiet", "--input", file.to_str().unwrap()],
        );
        let id = run("podman", ["image", "inspect", "--format", "{{.Id}}", &name]);
        assert_eq!(
            id.trim(),
            image.resolved.manifest.config.digest.hex(),
            "{transport}"
        );
    }
}

/// `pipeline files` asks the Dagger API for the entries of a directory.
fn api_tree(service: &str, image: &Image) {
    let tree = image.tree();
    let directories = tree
        .0
        .iter()
        .filter(|(_, entry)| entry.node == Node::Directory);
    for (path, _) in directories {
        let path = std::str::from_utf8(path).unwrap();
        let prefix = if path.is_empty() {
            String::new()
        } else {
            format!("{path}/")
        };
        let inside = tree.0.iter().filter_map(|(name, entry)| {
            let name = std::str::from_utf8(name).unwrap().strip_prefix(&prefix)?;
            let slash = if entry.node == Node::Directory {
                "/"
            } else {
                ""
            };
            (!name.is_empty() && !name.contains('/')).then(|| format!("{name}{slash}\n"))
        });
        let listed = samples().run(&["files", service, &format!("/{path}")]);
        assert_eq!(listed, inside.collect::<String>(), "/{path}");
    }
}

/// What others build on our image has our layers below, by our digests.
fn recommitted(service: &str, image: &Image) {
    let name = format!("localhost/base-{service}");
    tools::store(&image.transport(), &name);
    let mounted = Mounted::new(&name);
    fs::write(mounted.root.join("added"), "by another tool").unwrap();
    let layout = work::folder("recommitted").join("layout");
    let to = format!("oci:{}", layout.display());
    run(
        "buildah",
        [
            "commit",
            "--quiet",
            "--format",
            "oci",
            mounted.container(),
            &to,
        ],
    );
    let theirs = Image::open(&layout, None);
    let (ours, mut theirs) = (
        &image.resolved.config.rootfs.diff_ids,
        theirs.resolved.config.rootfs.diff_ids.clone(),
    );
    theirs.pop();
    assert_eq!(ours, &theirs);
}
