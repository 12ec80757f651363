//! Images made by other tools, as bases of ours.

mod content;
mod makers;
mod special;

use std::path::PathBuf;
use std::sync::OnceLock;

use libtest_mimic::Trial;
use test_support::base::Bases;
use test_support::case::Case;

use crate::build;
use crate::buildkit;
use crate::differences::lines;
use crate::image::{Image, unpacked};
use crate::tools::{run, stored_tree};
use crate::work;
pub(crate) use makers::Maker;
use test_support::tree::{Tree, assert_same, difference};

/// What each test does with the base image of one maker.
type Test = fn(Maker);

pub(crate) fn tests() -> Vec<Trial> {
    let tests: [(&str, Test); 3] = [
        ("unpacks_as_umoci_unpacks_it", unpacked_by_umoci),
        ("unpacks_as_podman_mounts_it", mounted_by_podman),
        ("is_built_on_as_buildah_builds_on_it", built_on),
    ];
    let of_maker = |maker: Maker| {
        tests.map(|(name, test)| {
            Trial::test(format!("bases::{}::{name}", maker.name()), move || {
                test(maker);
                Ok(())
            })
        })
    };
    Maker::ALL
        .into_iter()
        .flat_map(of_maker)
        .chain(special::tests())
        .collect()
}

/// The base image of a maker, made once.
#[track_caller]
pub(crate) fn layout(maker: Maker) -> PathBuf {
    static MADE: [OnceLock<PathBuf>; Maker::ALL.len()] =
        [const { OnceLock::new() }; Maker::ALL.len()];
    MADE[maker as usize].get_or_init(|| maker.make()).clone()
}

/// The base image of a maker in the tools' storage.
#[track_caller]
pub(crate) fn stored(maker: Maker) -> String {
    static STORED: [OnceLock<String>; Maker::ALL.len()] =
        [const { OnceLock::new() }; Maker::ALL.len()];
    let store = || build::stored(&format!("base-{}", maker.name()), &layout(maker));
    STORED[maker as usize].get_or_init(store).clone()
}

/// umoci knows OCI images only.
fn unpacked_by_umoci(maker: Maker) {
    if maker == Maker::BuildahDocker {
        return;
    }
    let image = Image::open(&layout(maker), Some("base"));
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
    assert_same(
        &unpacked(&image),
        "umoci's",
        &Tree::read(&bundle.join("rootfs")),
    );
}

/// Where containers/storage, which podman and buildah share, shows something else. It leaves the merging of layers to the kernel,
/// as ours does, but does not care for directories that a layer implies without describing them: umoci writes such layers. Applied
/// one after the other, by umoci or containerd, they mean what ours shows.
fn known(maker: Maker, lines: [&'static str; 2]) -> Vec<&'static str> {
    match maker {
        Maker::Umoci | Maker::SkopeoPlain => lines.to_vec(),
        Maker::Buildah | Maker::BuildahDocker => Vec::new(),
    }
}

fn mounted_by_podman(maker: Maker) {
    let image = Image::open(&layout(maker), Some("base"));
    let ours = image.tree();
    let theirs = stored_tree(&stored(maker)).with_root_of(&ours);
    let implied = known(maker, ["- srv/deep d 2775 0:50", "+ srv/deep d 0755 0:0"]);
    assert_eq!(difference(&ours, &theirs), implied);
}

fn built_on(maker: Maker) {
    let name = "on_base".to_owned();
    let folder = work::repository().join("tests/interop/on_base");
    let bases = Bases(vec![("base".to_owned(), layout(maker))]);
    let (ours, staged) = build::ours(&Case { name, folder }, &bases);
    let theirs = build::buildah(&staged, &[("base".to_owned(), stored(maker))]);
    let implied = known(
        maker,
        [
            "- seen/implied f 0644 0:0 \"2775 0:50\\n\"",
            "+ seen/implied f 0644 0:0 \"755 0:0\\n\"",
        ],
    );
    // buildah makes directories 0755 whatever --chmod says.
    let made = ["- srv/deep d 0604 0:0", "+ srv/deep d 0755 0:0"];
    assert_eq!(lines(&ours, &theirs), [implied, made.to_vec()].concat());
    // BuildKit merges layers as ours does. A new name of a file that a lower layer has is a file of its own to it: only that name is in its
    // archive.
    if let Ok(buildkit) = buildkit::daemon() {
        let theirs = buildkit.build(&staged, &bases);
        let linked = [
            r#"- srv/one f 0644 65534:50 "shared\n" is srv/four"#,
            r#"+ srv/one f 0644 65534:50 "shared\n""#,
        ];
        assert_eq!(lines(&ours, &theirs), linked);
    }
}
