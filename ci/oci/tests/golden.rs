//! The assembly profile holds: fixed inputs give the digests that are written in `golden/`, on every machine and for ever.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::os::fd::AsFd;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::{fs, path::Path};

use ci_oci::assembly::{assemble, index};
use ci_oci::compression::GzipWriter;
use ci_oci::config::{Healthcheck, History};
use ci_oci::layer::{self, DiskIds, PackOptions};
use ci_oci::manifest::media_type;
use ci_oci::profile::PROFILE;
use ci_oci::{Descriptor, Device, DeviceKind, Digest, ImageConfig, Owner, Owners, Platform};
use rustix::fs::{CWD, FileType, Mode, XattrFlags, mknodat, setxattr};

/// One of everything a layer can hold, and the sidecar that goes with it.
fn layer_directory(dir: &Path) -> Owners {
    let at = |name: &str| dir.join(name);
    let long = format!("{}/{}", "long".repeat(30), "er".repeat(60));
    for name in ["bin", "bin-late", "etc", "opaque", &long] {
        fs::create_dir_all(at(name)).unwrap();
    }
    let text: String = (0..20_000u32)
        .map(|n| format!("{} ", n.wrapping_mul(2_654_435_761) % 977))
        .collect();
    for (name, content, mode) in [
        ("bin/tool", text.as_str(), 0o4755),
        ("etc/empty", "", 0o600),
        ("etc/caf\u{e9}", "unicode", 0o644),
        ("opaque/new", "new", 0o644),
        (&format!("{long}/file"), "deep", 0o640),
        ("etc/null", "", 0o666),
    ] {
        fs::write(at(name), content).unwrap();
        fs::set_permissions(at(name), PermissionsExt::from_mode(mode)).unwrap();
    }
    for name in [
        "bin",
        "bin-late",
        "etc",
        "opaque",
        "long".repeat(30).as_str(),
        &long,
    ] {
        fs::set_permissions(at(name), PermissionsExt::from_mode(0o755)).unwrap();
    }
    fs::hard_link(at("bin/tool"), at("bin-late/tool")).unwrap();
    symlink("tool", at("bin/link")).unwrap();
    symlink("t".repeat(150), at("etc/link")).unwrap();
    mknodat(
        CWD,
        at("etc/fifo"),
        FileType::Fifo,
        Mode::from_raw_mode(0),
        0,
    )
    .unwrap();
    fs::set_permissions(at("etc/fifo"), PermissionsExt::from_mode(0o644)).unwrap();
    mknodat(
        CWD,
        at("etc/removed"),
        FileType::CharacterDevice,
        Mode::empty(),
        0,
    )
    .unwrap();
    setxattr(
        at("opaque"),
        "user.overlay.opaque",
        b"y",
        XattrFlags::empty(),
    )
    .unwrap();
    setxattr(at("bin/tool"), "user.note", b"kept", XattrFlags::empty()).unwrap();

    let mut owners = Owners::new();
    owners.insert("etc", Owner::new(1000, 3_000_000));
    owners.insert(
        "etc/null",
        Owner {
            device: Some(Device {
                kind: DeviceKind::Character,
                major: 1,
                minor: 3,
            }),
            ..Owner::default()
        },
    );
    owners.insert(
        "bin/tool",
        Owner {
            capability: Some([&[1, 0, 0, 2, 0, 0x20][..], &[0; 14]].concat()),
            ..Owner::default()
        },
    );
    owners
}

fn config() -> ImageConfig {
    let mut config = ImageConfig::new(&Platform::new("linux", "amd64", None));
    config.created = Some("2024-02-03T04:05:06Z".to_owned());
    let run = &mut config.config;
    run.user = "65532:65532".to_owned();
    run.exposed_ports
        .extend(["8080/tcp".to_owned(), "443/tcp".to_owned()]);
    run.env = vec!["PATH=/bin".to_owned(), "A=<&>\u{2028}\u{e9}".to_owned()];
    run.entrypoint = Some(vec!["/bin/tool".to_owned()]);
    run.cmd = Some(Vec::new());
    run.volumes.insert("/data".to_owned());
    run.working_dir = "/".to_owned();
    run.labels.extend([
        ("b".to_owned(), "2".to_owned()),
        ("a".to_owned(), "1".to_owned()),
    ]);
    run.stop_signal = Some("SIGTERM".to_owned());
    run.healthcheck = Some(Healthcheck {
        test: vec!["CMD".to_owned(), "true".to_owned()],
        interval: 5_000_000_000,
        ..Healthcheck::default()
    });
    run.shell = vec!["/bin/sh".to_owned(), "-c".to_owned()];
    config.history = vec![
        History {
            created_by: Some("COPY tool /bin".to_owned()),
            created: config.created.clone(),
            ..History::default()
        },
        History {
            created_by: Some("USER 65532".to_owned()),
            empty_layer: true,
            ..History::default()
        },
    ];
    config
}

#[test]
fn fixed_inputs_give_the_golden_digests() {
    let dir = tempfile::tempdir().unwrap();
    let owners = layer_directory(dir.path());
    let options = PackOptions {
        disk_ids: DiskIds::Root,
        ..PackOptions::default()
    };
    let mut tar = Vec::new();
    let packed = layer::pack(
        fs::File::open(dir.path()).unwrap().as_fd(),
        &owners,
        &options,
        &mut tar,
    )
    .unwrap();
    let mut gzip = GzipWriter::new(Vec::new());
    gzip.write_all(&tar).unwrap();
    let gzip = gzip.finish().unwrap();
    let layer = Descriptor::of(media_type::OCI_LAYER_GZIP, &gzip);
    let image = assemble(
        &config(),
        &[(layer.clone(), packed.diff_id)],
        &Default::default(),
    )
    .unwrap();
    let annotations = BTreeMap::from([(
        "org.opencontainers.image.version".to_owned(),
        "1".to_owned(),
    )]);
    let arm64 = (
        Platform::new("linux", "arm64", None),
        image.descriptor.clone(),
    );
    let amd64 = (
        Platform::new("linux", "amd64", None),
        image.descriptor.clone(),
    );
    let (_, index) = index(&[arm64, amd64], &annotations).unwrap();

    let mut found = String::new();
    let digests: [(&str, Digest, u64); 5] = [
        ("layer.tar", packed.diff_id, packed.size),
        ("layer.tar.gz", layer.digest, layer.size),
        (
            "config.json",
            image.config_descriptor.digest,
            image.config_descriptor.size,
        ),
        (
            "manifest.json",
            image.descriptor.digest,
            image.descriptor.size,
        ),
        ("index.json", index.digest, index.size),
    ];
    for (name, digest, size) in digests {
        writeln!(found, "{name} {size} {digest}").unwrap();
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/{PROFILE}.txt"));
    let golden = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == golden,
        "The bytes of images have changed under the assembly profile {PROFILE:?}: every image built so far would get another digest.\n\
         If a dependency did it, keep its old version. If it is meant, give the profile a new version in src/profile.rs and add its \
         golden file; never edit {}.\n--- golden\n{golden}--- found\n{found}",
        path.display()
    );
}
