//! The layout as other tools read it when several builds, or the upkeep of the cache, had to do with it.

use libtest_mimic::Trial;

use crate::product::{Project, SAMPLES, sample_project, samples, succeeded};
use crate::tools::run;
use test_support::tree::assert_same;

pub(crate) fn tests() -> Vec<Trial> {
    let test = |name: &str, body: fn()| {
        Trial::test(format!("sharing::{name}"), move || {
            body();
            Ok(())
        })
    };
    vec![
        test("two_builds_in_one_checkout", one_checkout),
        test("two_builds_in_two_checkouts_share_a_cache", two_checkouts),
        test("a_layout_outlives_the_cache_it_came_from", pruned),
    ]
}

/// Other tools read every image, and it is the one that was built before.
#[track_caller]
fn assert_whole(project: &Project) {
    let listed = run(
        "umoci",
        ["list", "--layout", project.layout().to_str().unwrap()],
    );
    assert_eq!(listed.lines().collect::<Vec<_>>(), SAMPLES);
    for service in SAMPLES {
        let (image, expected) = (project.image(service), samples().image(service));
        run("skopeo", ["inspect", &image.transport()]);
        run("umoci", ["stat", "--json", "--image", &image.umoci()]);
        assert_eq!(image.digest(), expected.digest(), "{service}");
        assert_same(&expected.tree(), "this build's", &image.tree());
    }
}

/// Builds all services in each project at once; with an empty cache, so that both have everything to do.
#[track_caller]
fn build_at_once(projects: [&Project; 2], cache: &str) {
    let builds = projects.map(|project| {
        let mut command = project.command();
        command
            .env("PIPELINE_CACHE_DIR", crate::work::root().join(cache))
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .arg("build");
        command.spawn().unwrap()
    });
    for build in builds {
        succeeded(&build.wait_with_output().unwrap());
    }
}

fn one_checkout() {
    let project = sample_project("once");
    build_at_once([&project, &project], "cache-of-one");
    assert_whole(&project);
}

fn two_checkouts() {
    let projects = [sample_project("left"), sample_project("right")];
    build_at_once([&projects[0], &projects[1]], "cache-of-two");
    projects.iter().for_each(assert_whole);
}

/// The layout holds copies of its own, or links that the cache's upkeep does not cut.
fn pruned() {
    let project = sample_project("pruned");
    let in_own_cache = |arguments: &[&str]| {
        let mut command = project.command();
        command.env(
            "PIPELINE_CACHE_DIR",
            crate::work::root().join("cache-pruned"),
        );
        succeeded(&command.args(arguments).output().unwrap())
    };
    in_own_cache(&["build"]);
    in_own_cache(&["cache", "prune"]);
    assert_whole(&project);
    in_own_cache(&["cache", "prune", "--all"]);
    assert_whole(&project);
    in_own_cache(&["build"]);
    assert_whole(&project);
    in_own_cache(&["cache", "verify"]);
}
