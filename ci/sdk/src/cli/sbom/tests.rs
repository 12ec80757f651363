//! What is printed of images.

use ci_oci::{Digest, Platform as Host};
use ci_sbom::{Bom, Ecosystem, Image, Package, Subject};

use super::*;

fn described(service: &str, packages: &[(Ecosystem, &str, Option<&str>)]) -> Described {
    let digest = Digest::of(service);
    let mut bom = Bom::new(Subject::Image(Image {
        name: format!("registry.example.com/acme/shop-{service}"),
        digest,
        platform: Host::new("linux", "amd64", None),
        created: "2026-01-02T03:04:05Z".into(),
    }));
    for (ecosystem, name, license) in packages {
        let mut package = Package::new(*ecosystem, name, Some("1.2.3")).unwrap();
        package.license = license.and_then(License::parse);
        bom.add(package);
    }
    Described {
        service: service.into(),
        platform: "linux/amd64".into(),
        digest,
        bom,
    }
}

#[test]
fn people_get_a_table_for_each_image() {
    let mut tool = Package::new(Ecosystem::Cargo, "cc", Some("1.0.0")).unwrap();
    tool.role = Role::BuildTool;
    let mut web = described(
        "web",
        &[
            (Ecosystem::Npm, "@babel/core", Some("MIT")),
            (Ecosystem::Deb, "libc6", None),
            (Ecosystem::Cargo, "ring", Some("Apache-2.0 AND ISC")),
        ],
    );
    web.bom.add(tool);
    let images = [described("empty", &[]), web];
    insta::assert_snapshot!(human(&images, Paint::new(false)), @r"
    empty linux/amd64 sha256:2e1cfa82b035: no packages

    web linux/amd64 sha256:4b5e57f6eb2f: 3 packages
    PACKAGE      VERSION  TYPE   LICENCE
    ring         1.2.3    cargo  Apache-2.0 AND ISC
    libc6        1.2.3    deb    -
    @babel/core  1.2.3    npm    MIT
    ");
}

#[test]
fn standard_output_takes_one_document() {
    let image = described("web", &[]);
    let text = one(std::slice::from_ref(&image), Form::Spdx).unwrap();
    assert_eq!(text.as_bytes(), image.document(Form::Spdx).unwrap());
    let error = one(&[image.clone(), image], Form::Spdx).unwrap_err();
    assert_eq!(
        error.to_string(),
        "there are 2 documents, and standard output takes one"
    );
}

#[test]
fn a_folder_takes_a_file_for_each_image() {
    let dir = tempfile::tempdir().unwrap();
    let images = [described("web", &[]), described("worker", &[])];
    let paths = write(&images, Form::CycloneDx, dir.path()).unwrap();
    let names: Vec<&str> = paths
        .lines()
        .map(|it| it.rsplit('/').next().unwrap())
        .collect();
    assert_eq!(
        names,
        ["web.linux-amd64.cdx.json", "worker.linux-amd64.cdx.json"]
    );
    for (path, image) in paths.lines().zip(&images) {
        assert_eq!(
            std::fs::read(path).unwrap(),
            image.document(Form::CycloneDx).unwrap()
        );
    }
}
