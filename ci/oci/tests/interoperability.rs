//! Other programs read what we write, and we read what they write. Each test needs a program and says so where it is missing.

#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "helpers of tests")]

use std::fs;
use std::io::Read;
use std::os::fd::AsFd;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use ci_oci::assembly::assemble;
use ci_oci::compression::{GzipWriter, decompress};
use ci_oci::layer::{self, DiskIds, Limits, Ownership, PackOptions};
use ci_oci::manifest::media_type;
use ci_oci::{Descriptor, Digest, ImageConfig, Layout, Owner, Owners, Platform, archive};
use rustix::fs::{CWD, FileType, Mode, mknodat};

/// Whether a program is there; otherwise the reason why nothing was tested.
fn available(program: &str) -> bool {
    let found = Command::new(program).arg("--version").output().is_ok();
    if !found {
        eprintln!("skipped: {program} is not installed");
    }
    found
}

/// Runs a program and returns what it says; its failure fails the test.
#[track_caller]
fn run(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {error}");
    String::from_utf8(output.stdout).unwrap()
}

fn put_layer(layout: &Layout, dir: &Path, owners: &Owners) -> (Descriptor, Digest) {
    let mut gzip = GzipWriter::new(Vec::new());
    let options = PackOptions {
        disk_ids: DiskIds::Root,
        ..PackOptions::default()
    };
    let packed = layer::pack(
        fs::File::open(dir).unwrap().as_fd(),
        owners,
        &options,
        &mut gzip,
    )
    .unwrap();
    (
        layout
            .put_bytes(media_type::OCI_LAYER_GZIP, &gzip.finish().unwrap())
            .unwrap(),
        packed.diff_id,
    )
}

/// A layout with an image of two layers, of which the second removes from the first.
fn sample() -> (tempfile::TempDir, Layout, Descriptor) {
    let dir = tempfile::tempdir().unwrap();
    let layout = Layout::create(&dir.path().join("layout")).unwrap();
    let (lower, upper) = (dir.path().join("lower"), dir.path().join("upper"));
    for name in ["lower/bin", "lower/old", "upper/old", "upper/bin"] {
        fs::create_dir_all(dir.path().join(name)).unwrap();
        fs::set_permissions(dir.path().join(name), PermissionsExt::from_mode(0o755)).unwrap();
    }
    fs::write(lower.join("bin/tool"), "tool").unwrap();
    fs::set_permissions(lower.join("bin/tool"), PermissionsExt::from_mode(0o4711)).unwrap();
    fs::hard_link(lower.join("bin/tool"), lower.join("bin/same")).unwrap();
    symlink("tool", lower.join("bin/link")).unwrap();
    fs::write(lower.join("n".repeat(200)), "long").unwrap();
    fs::write(lower.join("old/hidden"), "x").unwrap();
    fs::write(lower.join("bin/removed"), "x").unwrap();
    mknodat(
        CWD,
        upper.join("bin/removed"),
        FileType::CharacterDevice,
        Mode::empty(),
        0,
    )
    .unwrap();
    rustix::fs::setxattr(
        upper.join("old"),
        "user.overlay.opaque",
        b"y",
        rustix::fs::XattrFlags::empty(),
    )
    .unwrap();
    fs::write(upper.join("old/new"), "new").unwrap();
    let mut owners = Owners::new();
    owners.insert("bin/same", Owner::new(1000, 3_000_000));
    let layers = [
        put_layer(&layout, &lower, &owners),
        put_layer(&layout, &upper, &Owners::new()),
    ];
    let mut config = ImageConfig::new(&Platform::host());
    config.config.entrypoint = Some(vec!["/bin/tool".to_owned()]);
    let image = assemble(&config, &layers, &Default::default()).unwrap();
    layout
        .put_bytes(media_type::OCI_CONFIG, &image.config)
        .unwrap();
    layout
        .put_bytes(media_type::OCI_MANIFEST, &image.manifest)
        .unwrap();
    layout
        .set_image("sample", image.descriptor.clone())
        .unwrap();
    (dir, layout, image.descriptor)
}

#[test]
fn skopeo_reads_layouts_and_archives() {
    if !available("skopeo") {
        return;
    }
    let (dir, layout, image) = sample();
    let inspected = run(
        "skopeo",
        &[
            "inspect",
            &format!("oci:{}:sample", layout.path().display()),
        ],
    );
    assert!(inspected.contains(&image.digest.to_string()), "{inspected}");
    let file = dir.path().join("image.tar");
    archive::write(&layout, &[], &mut fs::File::create(&file).unwrap()).unwrap();
    let raw = run(
        "skopeo",
        &[
            "inspect",
            "--raw",
            &format!("oci-archive:{}:sample", file.display()),
        ],
    );
    assert_eq!(Digest::of(raw), image.digest);
    run(
        "skopeo",
        &[
            "inspect",
            "--config",
            &format!("oci-archive:{}:sample", file.display()),
        ],
    );
}

#[test]
fn layouts_and_archives_of_skopeo_are_read() {
    if !available("skopeo") {
        return;
    }
    let (dir, layout, image) = sample();
    let source = format!("oci:{}:sample", layout.path().display());
    let (copy, file) = (dir.path().join("copy"), dir.path().join("copy.tar"));
    let policy = ["--insecure-policy", "copy", &source];
    run(
        "skopeo",
        &[&policy[..], &[&format!("oci:{}:copied", copy.display())]].concat(),
    );
    run(
        "skopeo",
        &[
            &policy[..],
            &[&format!("oci-archive:{}:copied", file.display())],
        ]
        .concat(),
    );
    let resolved = Layout::open(&copy)
        .unwrap()
        .resolve(Some("copied"), &Platform::host())
        .unwrap();
    assert_eq!(resolved.descriptor.digest, image.digest);
    let target = Layout::create(&dir.path().join("target")).unwrap();
    let names = archive::read(&mut fs::File::open(&file).unwrap(), &target).unwrap();
    assert_eq!(names, [Some("copied".to_owned())]);
    // As a Docker image it has other media types, but the same layers.
    let docker = dir.path().join("docker");
    run(
        "skopeo",
        &[
            &policy[..],
            &["--format", "v2s2", &format!("dir:{}", docker.display())],
        ]
        .concat(),
    );
    let manifest = fs::read(docker.join("manifest.json")).unwrap();
    ci_oci::manifest::Document::parse(media_type::DOCKER_MANIFEST, &manifest).unwrap();
}

#[test]
fn umoci_unpacks_what_was_packed() {
    if !available("umoci") {
        return;
    }
    let (dir, layout, _) = sample();
    let bundle = dir.path().join("bundle");
    let image = format!("{}:sample", layout.path().display());
    let rootless = !rustix::process::geteuid().is_root();
    let mut arguments = vec!["unpack", "--image", &image, bundle.to_str().unwrap()];
    if rootless {
        arguments.insert(1, "--rootless");
    }
    run("umoci", &arguments);
    let root = bundle.join("rootfs");
    let tool = fs::metadata(root.join("bin/tool")).unwrap();
    assert_eq!(
        (tool.mode() & 0o7777, tool.mtime(), tool.nlink()),
        (0o4711, 1, 2)
    );
    if !rootless {
        assert_eq!((tool.uid(), tool.gid()), (1000, 3_000_000));
    }
    assert_eq!(
        fs::read_link(root.join("bin/link")).unwrap(),
        Path::new("tool")
    );
    assert_eq!(fs::read(root.join("n".repeat(200))).unwrap(), b"long");
    assert!(!root.join("bin/removed").exists());
    assert!(!root.join("old/hidden").exists());
    assert_eq!(fs::read(root.join("old/new")).unwrap(), b"new");
}

#[test]
fn layers_of_umoci_are_unpacked() {
    if !available("umoci") || !rustix::process::geteuid().is_root() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let (path, bundle) = (dir.path().join("layout"), dir.path().join("bundle"));
    let image = format!("{}:new", path.display());
    run("umoci", &["init", "--layout", path.to_str().unwrap()]);
    run("umoci", &["new", "--image", &image]);
    run(
        "umoci",
        &["unpack", "--image", &image, bundle.to_str().unwrap()],
    );
    fs::create_dir(bundle.join("rootfs/dir")).unwrap();
    fs::write(bundle.join("rootfs/dir/caf\u{e9}"), "x".repeat(3_000_000)).unwrap();
    fs::hard_link(
        bundle.join("rootfs/dir/caf\u{e9}"),
        bundle.join("rootfs/link"),
    )
    .unwrap();
    run(
        "umoci",
        &["repack", "--image", &image, bundle.to_str().unwrap()],
    );

    let layout = Layout::open(&path).unwrap();
    let found = layout.resolve(Some("new"), &Platform::host()).unwrap();
    let target = tempfile::tempdir().unwrap();
    let mut tar = decompress(layout.open_blob(&found.manifest.layers[0]).unwrap()).unwrap();
    let target_dir = fs::File::open(target.path()).unwrap();
    let unpacked = layer::unpack(
        &mut tar,
        target_dir.as_fd(),
        &Limits::default(),
        Ownership::Record,
    )
    .unwrap();
    assert_eq!(unpacked.diff_id, found.config.rootfs.diff_ids[0]);
    assert_eq!(
        fs::metadata(target.path().join("link")).unwrap().len(),
        3_000_000
    );
}

#[test]
fn tar_lists_and_extracts_the_canonical_archive() {
    if !available("tar") {
        return;
    }
    let (dir, layout, _) = sample();
    let found = layout.resolve(None, &Platform::host()).unwrap();
    let file = dir.path().join("layer.tar");
    let mut tar = decompress(layout.open_blob(&found.manifest.layers[0]).unwrap()).unwrap();
    std::io::copy(&mut tar, &mut fs::File::create(&file).unwrap()).unwrap();
    let file = file.to_str().unwrap();
    let listing = run(
        "tar",
        &["--numeric-owner", "--utc", "--full-time", "-tvf", file],
    );
    let long = "n".repeat(200);
    let expected = [
        "drwxr-xr-x 0/0               0 1970-01-01 00:00:01 bin/",
        "-rws--x--x 1000/3000000      4 1970-01-01 00:00:01 bin/same",
        "hrws--x--x 1000/3000000      0 1970-01-01 00:00:01 bin/tool link to bin/same",
    ];
    for line in expected {
        assert!(
            listing.lines().any(|found| found == line),
            "{line}\n{listing}"
        );
    }
    assert!(listing.contains(&long));

    let target = tempfile::tempdir().unwrap();
    run(
        "tar",
        &[
            "-C",
            target.path().to_str().unwrap(),
            "--no-same-owner",
            "-xf",
            file,
        ],
    );
    assert_eq!(fs::read(target.path().join("bin/tool")).unwrap(), b"tool");
    // And back: what tar writes of it in its own dialects is the same layer.
    for format in ["gnu", "pax", "ustar"] {
        let again = dir.path().join(format);
        if format == "ustar" {
            fs::remove_file(target.path().join(&long)).unwrap();
        }
        run(
            "tar",
            &[
                "-C",
                target.path().to_str().unwrap(),
                &format!("--format={format}"),
                "--numeric-owner",
                "-cf",
                again.to_str().unwrap(),
                ".",
            ],
        );
        let unpacked_dir = tempfile::tempdir().unwrap();
        let unpacked_file = fs::File::open(unpacked_dir.path()).unwrap();
        layer::unpack(
            &mut fs::File::open(&again).unwrap(),
            unpacked_file.as_fd(),
            &Limits::default(),
            Ownership::Record,
        )
        .unwrap();
        assert_eq!(
            fs::read(unpacked_dir.path().join("bin/tool")).unwrap(),
            b"tool"
        );
        assert_eq!(unpacked_dir.path().join(&long).exists(), format != "ustar");
    }
}

#[test]
fn layers_compressed_by_zstd_are_read_at_every_level() {
    if !available("zstd") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let plain = dir.path().join("plain");
    // Text, noise and zeros, more than one block and more than the window of the lower levels.
    let mut content: Vec<u8> = (0..200_000)
        .flat_map(|n| format!("{n}\n").into_bytes())
        .collect();
    let mut noise = 1u32;
    content.extend((0..3 << 20).map(|_| {
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (noise >> 24) as u8
    }));
    content.resize(content.len() + (3 << 20), 0);
    fs::write(&plain, &content).unwrap();
    let plain = plain.to_str().unwrap();
    for options in [
        &["-1"][..],
        &["-19"],
        &["--ultra", "-22", "--long=27", "--check"],
        &["-3", "--no-check", "--no-content-size"],
        &["-T2", "-B1048576", "--rsyncable"],
    ] {
        let compressed = dir.path().join("compressed");
        let to = ["-q", "-f", plain, "-o", compressed.to_str().unwrap()];
        run("zstd", &[options, &to].concat());
        let mut read = Vec::new();
        decompress(fs::File::open(compressed).unwrap())
            .unwrap()
            .read_to_end(&mut read)
            .unwrap();
        assert!(read == content, "{options:?}");
    }
}
