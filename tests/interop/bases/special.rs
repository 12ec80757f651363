//! Layers that only some tools write, and what becomes of them.

use std::fs;
use std::path::Path;

use libtest_mimic::Trial;
use test_support::base::Bases;
use test_support::case::Case;

use super::{Maker, layout};
use crate::build;
use crate::image::Image;
use crate::product::{self, Project};
use crate::tools::{attempt, run, skopeo_copy};
use crate::work;
use test_support::tree::{Tree, assert_same};

pub(super) fn tests() -> Vec<Trial> {
    let test = |name: &str, body: fn()| {
        Trial::test(format!("bases::{name}"), move || {
            body();
            Ok(())
        })
    };
    vec![
        test("inserted_layers_are_merged_as_they_are_meant", inserted),
        test(
            "a_directory_that_umoci_replaced_by_a_link_is_refused",
            ambiguous,
        ),
        test("zstd_layers_are_read_as_gzip_layers_are", zstd),
    ]
}

/// A service with this Dockerfile.
fn service(dockerfile: &str) -> std::path::PathBuf {
    let folder = work::folder("service").join("special");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("Dockerfile"), dockerfile).unwrap();
    let catalog =
        "builder = \"dockerfile\"\n[dockerfile.contexts]\nbase = \"oci-layout:../../base\"\n";
    fs::write(folder.join("service.toml"), catalog).unwrap();
    folder
}

/// The files of the image that the program builds of a Dockerfile on a base image.
#[track_caller]
fn built(dockerfile: &str, base: &Path) -> Tree {
    let case = Case {
        name: "special".to_owned(),
        folder: service(dockerfile),
    };
    let bases = Bases(vec![("base".to_owned(), base.to_owned())]);
    build::ours(&case, &bases).0.image.unwrap().tree
}

/// What the program says when it cannot build on a base image.
#[track_caller]
fn refused(base: &Path) -> String {
    let project = Project::new("refused");
    project.add(&service("FROM base\nRUN true\n"));
    product::copy(base, &project.dir.join("base"));
    // With a cache of its own: where a layer is known by its diff id, its archive is not read again.
    let mut command = project.command();
    command.env("PIPELINE_CACHE_DIR", work::folder("cold-cache"));
    let output = command.arg("build").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    String::from_utf8(output.stderr).unwrap()
}

/// `umoci insert` describes what it inserts and nothing else, hides all of a directory with `.wh..wh..opq`, and ends its archives
/// without the two blocks of zeros that tar has.
fn inserted() {
    let base = work::folder("inserted").join("layout");
    product::copy(&layout(Maker::Umoci), &base);
    let image = format!("{}:base", base.display());
    let insert = work::folder("insert");
    fs::write(insert.join("new"), "inserted").unwrap();
    let (file, folder) = (insert.join("new"), insert.to_str().unwrap());
    let umoci = |arguments: &[&str]| {
        run(
            "umoci",
            ["insert", "--image", &image].iter().chain(arguments),
        );
    };
    umoci(&[file.to_str().unwrap(), "/home/app/new"]);
    umoci(&["--opaque", folder, "/opt/mode"]);
    umoci(&["--whiteout", "/srv/late"]);

    let bundle = work::folder("bundle").join("b");
    run(
        "umoci",
        ["unpack", "--image", &image, bundle.to_str().unwrap()],
    );
    let ours = Image::open(&base, Some("base")).tree();
    assert_same(&ours, "umoci's", &Tree::read(&bundle.join("rootfs")));

    // What a program sees, and what is made of a directory that a program changes.
    let dockerfile = "FROM base\nUSER 0\n\
        RUN stat -c '%a %u:%g' /home/app >/seen; ls /home/app /opt/mode >>/seen; touch /home/app/touched\n";
    let lines = built(dockerfile, &base).lines();
    assert_eq!(
        lines["seen"],
        r#"f 0644 0:0 "750 1000:1001\n/home/app:\nnew\n\n/opt/mode:\nnew\n""#
    );
    assert_eq!(lines["home/app"], "d 0750 1000:1001");
}

/// Where a directory gave way to a link, `umoci repack` writes the link and then whiteouts of what had been in the directory: names
/// that lead through the link. umoci itself then removes files of the directory that the link points to, containers/storage
/// fails, and ours refuses (L4).
fn ambiguous() {
    let base = work::folder("ambiguous").join("layout");
    let image = format!("{}:base", base.display());
    let bundle = base.with_file_name("bundle");
    let umoci = |arguments: &[&str]| run("umoci", arguments);
    umoci(&["init", "--layout", base.to_str().unwrap()]);
    umoci(&["new", "--image", &image]);
    umoci(&["unpack", "--image", &image, bundle.to_str().unwrap()]);
    let root = bundle.join("rootfs");
    for name in ["kept/same", "gone/same"] {
        fs::create_dir(root.join(name).parent().unwrap()).unwrap();
        fs::write(root.join(name), "x").unwrap();
    }
    let repack = [
        "repack",
        "--refresh-bundle",
        "--image",
        &image,
        bundle.to_str().unwrap(),
    ];
    umoci(&repack);
    fs::remove_dir_all(root.join("gone")).unwrap();
    std::os::unix::fs::symlink("kept", root.join("gone")).unwrap();
    umoci(&repack);

    let (status, _, _) = attempt(
        "skopeo",
        [
            "--insecure-policy",
            "copy",
            &format!("oci:{image}"),
            "containers-storage:localhost/ambiguous",
        ],
    );
    assert_ne!(status, 0, "containers/storage has learnt to read it");
    let error = refused(&base);
    assert!(
        error.contains("entry \"gone\" goes through a symbolic link"),
        "{error}"
    );
}

fn zstd() {
    let base = work::folder("zstd").join("layout");
    let gzip = layout(Maker::Umoci);
    let from = format!("oci:{}:base", gzip.display());
    let options = [
        "--quiet",
        "--dest-compress-format",
        "zstd",
        "--dest-compress",
    ];
    let dir = format!("dir:{}", base.with_file_name("dir").display());
    skopeo_copy(&["--quiet", "--dest-decompress"], &from, &dir);
    skopeo_copy(&options, &dir, &format!("oci:{}:base", base.display()));
    let [ours, theirs] = [&base, &gzip].map(|layout| Image::open(layout, Some("base")).tree());
    assert_same(&ours, "with gzip layers", &theirs);
    let built = built("FROM base\nUSER 0\nRUN echo x >/new\n", &base);
    assert!(built.lines().contains_key("new"));
}
