//! What right files load as, and what is only warned of.

use std::path::Path;
use std::time::Duration;

use insta::assert_snapshot;

use super::{DOCKERFILE_SERVICE, PIPELINE, files, load};
use crate::{
    Builder, CargoBuilder, Catalog, ContextSource, ContractKind, Linkage, MemoryFiles, Placeholder,
    Platform, SecretSource, User, Variables,
};

pub(super) const EVERYTHING: &str = r#"name = "web"
description = "The shop"
builder = "dockerfile"
default = false
platforms = ["linux/amd64", "linux/arm/v7"]
coupled-with = ["migrator"]

[dockerfile]
context = "../.."
file = "Dockerfile"
target = "app"
args = { GIT_SHA = "{sha}" }
secrets = { npm = "env:NPM_TOKEN", cert = "file:../cert.pem" }
ssh = true
[dockerfile.contexts]
base = "service:migrator"
deb = "oci-layout:../../layout"
assets = "dir:../migrator"
distro = "image:debian:12-slim"

[image]
env = { BUILD_TS = "{commit_time}", JSON = '{{"a": 1}}' }
labels = { "org.example.service" = "{service}" }
ports = [8080, 9090]
cmd = ["serve"]

[contract]
kind = "http"
port = 8080
readyz = "/readyz"
env = { PORT = "8080" }
args = ["--quiet"]
start-timeout = "1m30s"
grace-period = "500ms"

[[checks]]
name = "unit"
target = "test"
command = ["/bin/check"]
junit = "/out/junit.xml"
"#;

fn everything() -> Catalog {
    load(&files(&[
        ("migrator", DOCKERFILE_SERVICE),
        ("shop-front", EVERYTHING),
    ]))
}

#[test]
fn every_key_arrives() {
    let catalog = everything();
    assert_eq!(catalog.warnings(), []);
    let web = catalog.service("web").unwrap();
    assert_eq!((web.description.as_str(), web.default), ("The shop", false));
    assert_eq!(web.folder, Path::new("services/shop-front"));
    assert_eq!(web.manifest, Path::new("services/shop-front/service.toml"));
    assert_eq!(web.repository, "registry.example.com/acme/shop-web");
    let platforms: Vec<String> = web.platforms.iter().map(Platform::to_string).collect();
    assert_eq!(platforms, ["linux/amd64", "linux/arm/v7"]);
    assert!(web.coupled_with.contains("migrator"));

    let Builder::Dockerfile(builder) = &web.builder else {
        panic!("{:?}", web.builder)
    };
    assert_eq!(
        (builder.context.written(), builder.context.from_root()),
        ("../..", Path::new(""))
    );
    assert_eq!(
        builder.context.under(Path::new("/root")),
        Path::new("/root")
    );
    assert_eq!(
        builder.file.from_root(),
        Path::new("services/shop-front/Dockerfile")
    );
    assert_eq!(builder.target.as_deref(), Some("app"));
    assert_eq!(
        builder.secrets["npm"],
        SecretSource::Env("NPM_TOKEN".to_owned())
    );
    assert!(builder.ssh);
    let SecretSource::File(cert) = &builder.secrets["cert"] else {
        panic!("{:?}", builder.secrets)
    };
    assert_eq!(cert.to_string(), "services/cert.pem");
    assert_eq!(
        builder.contexts["base"],
        ContextSource::Service("migrator".parse().unwrap())
    );
    let ContextSource::OciLayout(layout) = &builder.contexts["deb"] else {
        panic!("{:?}", builder.contexts)
    };
    assert_eq!(layout.from_root(), Path::new("layout"));
    let ContextSource::Dir(assets) = &builder.contexts["assets"] else {
        panic!("{:?}", builder.contexts)
    };
    assert_eq!(assets.from_root(), Path::new("services/migrator"));
    assert_eq!(
        builder.contexts["distro"],
        ContextSource::Image("debian:12-slim".into())
    );

    let variables = Variables::new()
        .with_commit("0123456789abcdef")
        .with(Placeholder::Service, "web");
    assert_eq!(
        builder.args["GIT_SHA"].render(&variables).unwrap(),
        "0123456789abcdef"
    );
    assert_eq!(
        web.image.labels["org.example.service"]
            .render(&variables)
            .unwrap(),
        "web"
    );
    assert_eq!(
        web.image.env["JSON"].render(&variables).unwrap(),
        r#"{"a": 1}"#
    );
    assert_eq!(web.image.ports, [8080, 9090]);
    assert_eq!(web.image.cmd, ["serve"]);

    let contract = web.contract.as_ref().unwrap();
    let http = ContractKind::Http {
        port: 8080,
        livez: "/livez".to_owned(),
        readyz: Some("/readyz".to_owned()),
        version: None,
    };
    assert_eq!(contract.kind, http);
    assert_eq!(contract.env["PORT"].as_str(), "8080");
    assert_eq!(contract.args, ["--quiet"]);
    assert_eq!(
        (contract.start_timeout, contract.grace_period),
        (Duration::from_secs(90), Duration::from_millis(500))
    );

    let [check] = web.checks.as_slice() else {
        panic!("{:?}", web.checks)
    };
    assert_eq!(
        (check.name.as_str(), check.target.as_deref()),
        ("unit", Some("test"))
    );
    assert_eq!(
        (check.command.as_slice(), check.junit.as_deref()),
        (&["/bin/check".to_owned()][..], Some("/out/junit.xml"))
    );
}

#[test]
fn a_cargo_service_needs_one_line() {
    let catalog = load(&files(&[("web", "builder = \"cargo\"\n")]));
    let web = catalog.service("web").unwrap();
    let Builder::Cargo(builder) = &web.builder else {
        panic!("{:?}", web.builder)
    };
    assert_eq!(
        builder.manifest.from_root(),
        Path::new("services/web/Cargo.toml")
    );
    assert_eq!(
        (
            builder.profile.as_str(),
            builder.linkage,
            builder.default_features
        ),
        ("release", Linkage::Auto, true)
    );
    assert_eq!(
        builder.user,
        User {
            uid: 65532,
            gid: 65532
        }
    );
    assert!(
        web.default && web.platforms.is_empty() && web.contract.is_none() && web.checks.is_empty()
    );
}

#[test]
fn every_key_of_a_cargo_job_arrives() {
    let text = r#"builder = "cargo"
[cargo]
package = "web-server"
bin = "web"
manifest = "../../Cargo.toml"
profile = "small"
features = ["a", "b/c"]
default-features = false
linkage = "static"
certificates = true
user = "0:4294967294"
[contract]
kind = "job"
[[checks]]
name = "unit"
command = ["cargo", "test"]
junit = "../../target/junit.xml"
"#;
    let catalog = load(&files(&[("web", text)]).with("Cargo.toml", "[workspace]\n"));
    let web = catalog.service("web").unwrap();
    let Builder::Cargo(builder) = &web.builder else {
        panic!("{:?}", web.builder)
    };
    let CargoBuilder {
        package,
        bin,
        manifest,
        profile,
        features,
        default_features,
        linkage,
        certificates,
        user,
    } = builder;
    assert_eq!(
        (package.as_deref(), bin.as_deref()),
        (Some("web-server"), Some("web"))
    );
    assert_eq!(manifest.from_root(), Path::new("Cargo.toml"));
    assert_eq!(
        (profile.as_str(), features.as_slice()),
        ("small", &["a".to_owned(), "b/c".to_owned()][..])
    );
    assert_eq!(
        (*default_features, *linkage, *certificates),
        (false, Linkage::Static, true)
    );
    assert_eq!(
        *user,
        User {
            uid: 0,
            gid: 4_294_967_294
        }
    );
    let contract = web.contract.as_ref().unwrap();
    assert_eq!(contract.kind, ContractKind::Job);
    assert_eq!(
        (contract.start_timeout, contract.grace_period),
        (Duration::from_secs(10), Duration::from_secs(10))
    );
    assert_eq!(
        web.checks[0].junit.as_deref(),
        Some("../../target/junit.xml")
    );
}

#[test]
fn the_order_of_files_and_patterns_does_not_show() {
    let pipeline = PIPELINE.replace(
        "\"services/*\"",
        "\"services/b\", \"./services/./a\", \"services/*\"",
    );
    let catalog = load(
        &files(&[("b", DOCKERFILE_SERVICE), ("a", DOCKERFILE_SERVICE)])
            .with("pipeline.toml", pipeline),
    );
    let names: Vec<&str> = catalog
        .services()
        .map(|service| service.name.as_str())
        .collect();
    assert_eq!(names, ["a", "b"]);
}

#[test]
fn a_byte_order_mark_and_windows_line_ends_are_accepted() {
    let files = files(&[("web", DOCKERFILE_SERVICE)]).with(
        "pipeline.toml",
        format!("\u{feff}{}", PIPELINE.replace('\n', "\r\n")),
    );
    assert!(load(&files).service("web").is_some());
}

#[test]
fn the_root_itself_can_be_a_service() {
    let pipeline = PIPELINE.replace("services/*", ".");
    let files = MemoryFiles::new()
        .with("pipeline.toml", pipeline)
        .with("service.toml", "name = \"web\"\nbuilder = \"dockerfile\"\n")
        .with("Dockerfile", "FROM scratch\n");
    let catalog = load(&files);
    assert_eq!(catalog.service("web").unwrap().folder, Path::new(""));
}

/// S2, S4
#[test]
fn secrets_in_build_arguments_are_warned_of_and_not_shown() {
    let text = "builder = \"dockerfile\"\n[dockerfile.args]\nNPM_TOKEN = \"hunter2\"\nTOKEN_URL = \"x\"\nCI = \"ghp_0123\"\n";
    let catalog = load(&files(&[("web", text)]));
    let warnings: Vec<String> = catalog.warnings().iter().map(ToString::to_string).collect();
    assert_snapshot!(warnings.join("\n\n"), @r#"
    warning: the build argument `NPM_TOKEN` looks like a secret, and everybody who has the image can read it
     --> services/web/service.toml:3:1
      |
    3 | NPM_TOKEN = "*******"
      | ^^^^^^^^^
      = help: give secrets to a build with `[dockerfile.secrets]`, and to a program when it is started

    warning: the build argument `CI` looks like a secret, and everybody who has the image can read it
     --> services/web/service.toml:5:1
      |
    5 | CI = "********"
      | ^^
      = help: give secrets to a build with `[dockerfile.secrets]`, and to a program when it is started
    "#);
}

#[test]
fn files_on_disk_are_found_and_links_out_of_the_root_are_not_followed() {
    // E5: a Dockerfile, a context and a service that are links.
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("root");
    std::fs::create_dir_all(root.join("services/web")).unwrap();
    std::fs::write(root.join("pipeline.toml"), PIPELINE).unwrap();
    std::fs::write(root.join("services/web/service.toml"), DOCKERFILE_SERVICE).unwrap();
    std::fs::write(root.join("services/web/real"), "FROM scratch\n").unwrap();
    std::os::unix::fs::symlink("real", root.join("services/web/Dockerfile")).unwrap();
    assert!(Catalog::load(&root).unwrap().service("web").is_some());
    assert_eq!(
        crate::find_root(&root.join("services/web")),
        Some(root.canonicalize().unwrap())
    );

    std::fs::write(folder.path().join("Dockerfile"), "FROM scratch\n").unwrap();
    std::fs::create_dir(folder.path().join("outside")).unwrap();
    std::fs::write(
        folder.path().join("outside/service.toml"),
        DOCKERFILE_SERVICE,
    )
    .unwrap();
    std::fs::remove_file(root.join("services/web/Dockerfile")).unwrap();
    std::os::unix::fs::symlink("../../../Dockerfile", root.join("services/web/Dockerfile"))
        .unwrap();
    std::os::unix::fs::symlink(folder.path().join("outside"), root.join("services/other")).unwrap();
    std::os::unix::fs::symlink("loop", root.join("services/loop")).unwrap();
    assert_snapshot!(Catalog::load(&root).unwrap_err(), @r#"
    error: `services/loop`: Too many levels of symbolic links (os error 40)
     --> pipeline.toml:4:13
      |
    4 | services = ["services/*"]
      |             ^^^^^^^^^^^^

    error: `services/other` is a link that leaves the catalog root
     --> pipeline.toml:4:13
      |
    4 | services = ["services/*"]
      |             ^^^^^^^^^^^^

    error: `services/web/Dockerfile` is a link that leaves the catalog root
     --> services/web/service.toml:1:11
      |
    1 | builder = "dockerfile"
      |           ^^^^^^^^^^^^

    the catalog has 3 errors
    "#);
}

#[test]
fn a_root_that_does_not_exist_is_an_error() {
    assert_snapshot!(Catalog::load(Path::new("/nonexistent")).unwrap_err(), @r#"
    error: there is no `pipeline.toml` here
     --> pipeline.toml:1:1
      = help: it makes a folder a catalog: `[project]` with `name`, `registry` and `services`

    the catalog has 1 error
    "#);
}
