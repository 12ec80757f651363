//! The base image, made by several tools: each gives an OCI layout with one image.

use std::fs;
use std::path::{Path, PathBuf};

use ci_oci::manifest::media_type;
use ci_oci::{Descriptor, Layout};
use serde_json::Value;

use super::content;
use crate::tools::{Mounted, run, skopeo_copy};
use crate::work;

/// A way to make the base image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Maker {
    /// `umoci repack`: gzip layers, whiteouts for every removed name.
    Umoci,
    /// `buildah commit --format oci`: layers that are differences of overlays, with opaque directories.
    Buildah,
    /// `buildah commit --format docker`, with Docker's media types in the layout, as containerd exports it.
    BuildahDocker,
    /// `skopeo copy` of umoci's, with layers that are not compressed.
    SkopeoPlain,
}

impl Maker {
    pub(crate) const ALL: [Self; 4] = [
        Self::Umoci,
        Self::Buildah,
        Self::BuildahDocker,
        Self::SkopeoPlain,
    ];

    /// For people, and for the names of images.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Umoci => "umoci",
            Self::Buildah => "buildah",
            Self::BuildahDocker => "buildah-docker",
            Self::SkopeoPlain => "skopeo-plain",
        }
    }

    /// Makes the layout.
    #[track_caller]
    pub(crate) fn make(self) -> PathBuf {
        let layout = work::folder(self.name()).join("layout");
        match self {
            Self::Umoci => umoci(&layout),
            Self::Buildah => buildah(&layout, "oci"),
            Self::BuildahDocker => buildah(&layout, "docker"),
            Self::SkopeoPlain => {
                let from = format!("oci:{}", super::layout(Self::Umoci).display());
                plain(&from, &layout);
            }
        }
        layout
    }
}

/// What the image is started with; the same from every maker.
const ENV: [&str; 2] = [
    "PATH=/usr/local/bin:/bin",
    "GREETING=hello, world; \"quoted\" $HOME",
];

#[track_caller]
fn umoci(layout: &Path) {
    let image = format!("{}:base", layout.display());
    let bundle = layout.with_file_name("bundle");
    let umoci = |arguments: &[&str]| run("umoci", arguments);
    umoci(&["init", "--layout", layout.to_str().unwrap()]);
    umoci(&["new", "--image", &image]);
    umoci(&["unpack", "--image", &image, bundle.to_str().unwrap()]);
    for fill in [content::first, content::second, content::third] {
        fill(&bundle.join("rootfs"));
        umoci(&[
            "repack",
            "--refresh-bundle",
            "--image",
            &image,
            bundle.to_str().unwrap(),
        ]);
    }
    umoci(&[
        "config",
        "--image",
        &image,
        "--config.user=app",
        "--config.workingdir=/srv/work",
        "--config.entrypoint=/bin/env",
        "--config.cmd=sh",
        "--config.env",
        ENV[0],
        "--config.env",
        ENV[1],
        "--config.exposedports=8080/tcp",
        "--config.volume=/volume",
        "--config.label=org.example.base=yes",
        "--config.stopsignal=SIGUSR1",
    ]);
}

#[track_caller]
fn buildah(layout: &Path, format: &str) {
    let name = format!("localhost/made-as-{format}");
    let buildah = |arguments: &[&str]| run("buildah", arguments);
    let container = Mounted::new("scratch");
    content::first(&container.root);
    buildah(&[
        "commit",
        "--quiet",
        "--format",
        format,
        container.container(),
        &name,
    ]);
    let container = Mounted::new(&name);
    content::second(&container.root);
    buildah(&[
        "commit",
        "--quiet",
        "--format",
        format,
        container.container(),
        &name,
    ]);
    let container = Mounted::new(&name);
    content::third(&container.root);
    let mut config = vec![
        "config",
        "--user=app",
        "--workingdir=/srv/work",
        "--entrypoint=[\"/bin/env\"]",
        "--cmd=sh",
        "--env",
        ENV[0],
        "--env",
        ENV[1],
        "--port=8080/tcp",
        "--volume=/volume",
        "--label=org.example.base=yes",
        "--stop-signal=SIGUSR1",
    ];
    if format == "docker" {
        // What only Docker's config has; a build must not lose it, and must pull the trigger.
        config.extend([
            "--healthcheck=CMD /bin/test -e /srv/one",
            "--healthcheck-interval=7s",
            "--healthcheck-retries=5",
            "--shell=/bin/sh -e -c",
            "--onbuild=RUN echo triggered as $(id -u) >/tmp/trigger",
        ]);
    }
    config.push(container.container());
    buildah(&config);
    buildah(&[
        "commit",
        "--quiet",
        "--format",
        format,
        container.container(),
        &name,
    ]);
    let storage = format!("containers-storage:{name}");
    if format == "oci" {
        return skopeo_copy(
            &["--quiet"],
            &storage,
            &format!("oci:{}:base", layout.display()),
        );
    }
    let dir = layout.with_file_name("dir");
    skopeo_copy(&["--quiet"], &storage, &format!("dir:{}", dir.display()));
    lay_out(&dir, layout);
}

/// Makes a layout of skopeo's folder form of an image, media types and bytes as they are.
#[track_caller]
fn lay_out(dir: &Path, to: &Path) {
    let layout = Layout::create(to).unwrap();
    let bytes = fs::read(dir.join("manifest.json")).unwrap();
    let manifest: Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(manifest["mediaType"], media_type::DOCKER_MANIFEST);
    let blobs = manifest["layers"]
        .as_array()
        .unwrap()
        .iter()
        .chain([&manifest["config"]]);
    for blob in blobs {
        let descriptor: Descriptor = serde_json::from_value(blob.clone()).unwrap();
        let file = dir.join(descriptor.digest.hex());
        layout
            .put_bytes(&descriptor.media_type, &fs::read(file).unwrap())
            .unwrap();
    }
    let image = layout
        .put_bytes(media_type::DOCKER_MANIFEST, &bytes)
        .unwrap();
    layout.set_image("base", image).unwrap();
}

#[track_caller]
fn plain(from: &str, layout: &Path) {
    let dir = layout.with_file_name("dir");
    let dir = format!("dir:{}", dir.display());
    skopeo_copy(&["--quiet", "--dest-decompress"], from, &dir);
    let to = format!("oci:{}:base", layout.display());
    skopeo_copy(
        &["--quiet", "--dest-oci-accept-uncompressed-layers"],
        &dir,
        &to,
    );
    let raw = run("skopeo", ["inspect", "--raw", &to]);
    assert!(
        raw.contains("\"application/vnd.oci.image.layer.v1.tar\""),
        "{raw}"
    );
}
