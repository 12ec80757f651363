//! Names of images: what templates of repositories and tags become. The schemes are those of five real projects.

use insta::assert_snapshot;
use proptest::prelude::*;
use semver::Version;

use super::{DOCKERFILE_SERVICE, files, load};
use crate::reference::is_tag;
use crate::tags::branch_slug;
use crate::{Catalog, Placeholder, RenderError, Tag, Variables, distinct_tags};

const SHA: &str = "abc1234567890def1234567890abcdef12345678";

/// A catalog of these services and this `pipeline.toml`, of which the list of services is the last part of `[project]`.
fn catalog(project: &str, environments: &str, services: &[(&str, &str)]) -> Catalog {
    let services: Vec<(&str, String)> = services
        .iter()
        .map(|(name, text)| (*name, format!("{text}\n{DOCKERFILE_SERVICE}")))
        .collect();
    let services: Vec<(&str, &str)> = services.iter().map(|(n, t)| (*n, t.as_str())).collect();
    let text = format!(
        "[project]\nname = \"shop\"\nservices = [\"services/*\"]\n{project}\n{environments}"
    );
    load(&files(&services).with("pipeline.toml", text))
}

fn variables() -> Variables {
    Variables::new()
        .with_commit(SHA)
        .with(Placeholder::Fingerprint, "0f".repeat(16))
        .with_version(&Version::new(1, 6, 1))
}

/// The names of all images in an environment, one per line; moving ones have a star.
fn names(catalog: &Catalog, environment: Option<&str>) -> String {
    let environment = environment.map(|name| catalog.environment(name).unwrap());
    let mut lines = Vec::new();
    for service in catalog.services() {
        for tag in catalog.tags(service, environment, &variables()).unwrap() {
            let star = if tag.moving { " *" } else { "" };
            lines.push(format!("{}:{tag}{star}", service.repository));
        }
    }
    lines.join("\n")
}

/// The only service's tags with these variables.
fn tags(environment: &str, variables: &Variables) -> Result<Vec<String>, String> {
    let catalog = catalog(
        "registry = \"ghcr.io/acme\"",
        &format!("[environments.e]\n{environment}\n"),
        &[("web", "")],
    );
    let service = catalog.service("web").unwrap();
    let tags = catalog.tags(service, catalog.environment("e"), variables);
    let texts = |tags: Vec<Tag>| tags.into_iter().map(|tag| tag.text).collect();
    tags.map(texts).map_err(|error| error.to_string())
}

#[test]
fn scheme_of_one_repository_with_environment_commit_and_role() {
    let catalog = catalog(
        "registry = \"ghcr.io/Acme-Org\"\nrepository = \"{registry}/Shop\"",
        "[environments.preview]\n[environments.prod]\n",
        &[
            ("app", "tags = [\"{env}-{sha}\"]"),
            (
                "migrator",
                "tags = [\"{env}-{sha}-migrate\", \"migrate-{fingerprint}\"]",
            ),
            ("scheduler-worker", ""),
        ],
    );
    assert_snapshot!(names(&catalog, Some("prod")), @r"
    ghcr.io/acme-org/shop:prod-abc1234567890def1234567890abcdef12345678
    ghcr.io/acme-org/shop:prod-abc1234567890def1234567890abcdef12345678-migrate
    ghcr.io/acme-org/shop:migrate-0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f
    ghcr.io/acme-org/shop:prod-abc1234567890def1234567890abcdef12345678-scheduler-worker
    ");
}

#[test]
fn scheme_of_one_repository_per_image_with_the_commit_alone() {
    let catalog = catalog(
        "registry = \"ghcr.io/acme\"\ntags = [\"sha-{sha}\"]",
        "[environments.staging]\n[environments.production]\n",
        &[("app", ""), ("migrator", "")],
    );
    assert_snapshot!(names(&catalog, None), @r"
    ghcr.io/acme/shop-app:sha-abc1234567890def1234567890abcdef12345678
    ghcr.io/acme/shop-migrator:sha-abc1234567890def1234567890abcdef12345678
    ");
    assert_eq!(names(&catalog, Some("staging")), names(&catalog, None));
}

#[test]
fn scheme_of_versions_and_a_moving_tag_for_one_environment() {
    let catalog = catalog(
        "registry = \"ghcr.io/acme\"\nrepository = \"{registry}/{service}\"\ntags = [\"{version}\", \"v{version}\"]",
        "[environments.staging]\nmoving-tags = [\"latest\"]\n[environments.production]\nmoving-tags = [\"{major_minor}\"]\n",
        &[("api", ""), ("web", "")],
    );
    assert_snapshot!(names(&catalog, Some("staging")), @r"
    ghcr.io/acme/api:1.6.1
    ghcr.io/acme/api:v1.6.1
    ghcr.io/acme/api:latest *
    ghcr.io/acme/web:1.6.1
    ghcr.io/acme/web:v1.6.1
    ghcr.io/acme/web:latest *
    ");
    assert_snapshot!(names(&catalog, Some("production")), @r"
    ghcr.io/acme/api:1.6.1
    ghcr.io/acme/api:v1.6.1
    ghcr.io/acme/api:1.6 *
    ghcr.io/acme/web:1.6.1
    ghcr.io/acme/web:v1.6.1
    ghcr.io/acme/web:1.6 *
    ");
}

#[test]
fn scheme_of_short_commits() {
    let catalog = catalog(
        "registry = \"registry.example.com:5000\"\ntags = [\"{short_sha}\"]",
        "",
        &[("server", "")],
    );
    assert_snapshot!(names(&catalog, None), @"registry.example.com:5000/shop-server:abc1234");
}

#[test]
fn the_tags_nearest_to_the_service_hold() {
    let catalog = catalog(
        "registry = \"ghcr.io/acme\"\ntags = [\"project-{sha}\"]",
        "[environments.a]\ntags = [\"environment-{sha}\"]\n[environments.b]\n",
        &[("own", "tags = [\"service-{sha}\"]"), ("web", "")],
    );
    let short = |environment| names(&catalog, environment).replace(SHA, "…");
    assert_snapshot!(short(Some("a")), @r"
    ghcr.io/acme/shop-own:service-…
    ghcr.io/acme/shop-web:environment-…
    ");
    assert_snapshot!(short(Some("b")), @r"
    ghcr.io/acme/shop-own:service-…
    ghcr.io/acme/shop-web:project-…
    ");
    assert_snapshot!(short(None), @r"
    ghcr.io/acme/shop-own:service-…
    ghcr.io/acme/shop-web:project-…
    ");
}

#[test]
fn by_default_a_tag_says_environment_commit_and_service() {
    let catalog = load(&files(&[("web", DOCKERFILE_SERVICE)]));
    assert_eq!(
        names(&catalog, Some("preview")),
        format!("registry.example.com/acme/shop-web:preview-{SHA}-web")
    );
}

#[test]
fn repositories_are_in_lower_case_as_registries_need_it() {
    let catalog = catalog(
        "registry = \"GHCR.io/Acme-Org\"",
        "",
        &[("web", "repository = \"{registry}/{project}/WEB\"")],
    );
    assert_eq!(
        catalog.service("web").unwrap().repository,
        "ghcr.io/acme-org/shop/web"
    );
    assert_eq!(catalog.project().registry, "ghcr.io/acme-org");
}

#[test]
fn a_value_that_is_missing_is_told_with_the_place_of_its_template() {
    let catalog = catalog(
        "registry = \"ghcr.io/acme\"\ntags = [\"{sha}\"]",
        "[environments.a]\ntags = [\"{version}\"]\nmoving-tags = [\"{branch}\"]\n",
        &[("own", "tags = [\"{fingerprint}\"]"), ("web", "")],
    );
    let error = |service: &str, environment: Option<&str>, variables: &Variables| {
        let service = catalog.service(service).unwrap();
        let environment = environment.map(|name| catalog.environment(name).unwrap());
        let error = catalog.tags(service, environment, variables).unwrap_err();
        error.to_string()
    };
    let none = Variables::new();
    assert_snapshot!(error("own", Some("a"), &none), @"services/own/service.toml: `tags`: `{fingerprint}`: `{fingerprint}` has no value here");
    assert_snapshot!(error("web", Some("a"), &none), @"pipeline.toml: `environments.a.tags`: `{version}`: `{version}` has no value here");
    assert_snapshot!(error("web", Some("a"), &variables()), @"pipeline.toml: `environments.a.moving-tags`: `{branch}`: `{branch}` has no value here");
    assert_snapshot!(error("web", None, &none), @"pipeline.toml: `project.tags`: `{sha}`: `{sha}` has no value here");
}

#[test]
fn a_pre_release_does_not_move_the_tag_of_its_series() {
    let environment = "tags = [\"{version}\"]\nmoving-tags = [\"{major_minor}\", \"edge\"]";
    let of = |version: &str| {
        let variables = Variables::new().with_version(&version.parse().unwrap());
        tags(environment, &variables).unwrap()
    };
    assert_eq!(of("1.4.2"), ["1.4.2", "1.4", "edge"]);
    assert_eq!(of("1.4.0-rc.1"), ["1.4.0-rc.1", "edge"]);
}

#[test]
fn build_metadata_of_versions_is_written_as_tags_can_hold_it() {
    let variables = Variables::new().with_version(&"1.4.2+build.7".parse().unwrap());
    assert_eq!(
        tags("tags = [\"v{version}\"]", &variables).unwrap(),
        ["v1.4.2_build.7"]
    );
}

#[test]
fn equal_tags_are_one() {
    let variables = Variables::new()
        .with_commit("abc1234")
        .with(Placeholder::Branch, "main");
    let environment = "tags = [\"{sha}\", \"{short_sha}\"]\nmoving-tags = [\"main\", \"{branch}\"]";
    assert_eq!(tags(environment, &variables).unwrap(), ["abc1234", "main"]);
}

#[test]
fn a_branch_called_latest_is_not_a_declaration() {
    let latest = Variables::new()
        .with_commit(SHA)
        .with(Placeholder::Branch, "latest");
    assert_snapshot!(tags("moving-tags = [\"{branch}\"]", &latest).unwrap_err(), @r#"pipeline.toml: `environments.e.moving-tags`: `{branch}`: it has become `latest`, which an environment has to declare as such: `moving-tags = ["latest"]`"#);
    assert!(tags("moving-tags = [\"latest\"]", &latest).is_ok());
}

/// W3: branch names hold what neither a tag nor a shell can.
#[test]
fn branches_become_part_of_a_tag_and_stay_apart() {
    for same in ["main", "v1.x", "release-2024_01", "Fix"] {
        assert_eq!(branch_slug(same), same);
    }
    let changed: Vec<String> = [
        "feature/x",
        "feature-x",
        "feature//x",
        "feature/$(id)",
        "-x",
        ".x",
        "日本",
        "a-0123abcd",
        &"long".repeat(20),
        "",
    ]
    .map(branch_slug)
    .to_vec();
    assert_snapshot!(changed.join("\n"), @r"
    feature-x-217d2bf5
    feature-x
    feature-x-3b0d3308
    feature-id-3b968a8a
    x-a4209624
    x-bb42e4c6
    branch-cf2abf0c
    a-0123abcd-1dbd4352
    longlonglonglonglonglonglonglonglonglon-5aa1dce7
    branch-e3b0c442
    ");
}

#[test]
fn tags_longer_than_registries_take_are_refused() {
    let error = tags(
        &format!("tags = [\"{}-{{sha}}\"]", "x".repeat(90)),
        &variables(),
    );
    assert_snapshot!(error.unwrap_err().replace(&"x".repeat(90), "xxx…"), @"pipeline.toml: `environments.e.tags`: `xxx…-{sha}`: `xxx…-abc1234567890def1234567890abcdef12345678` is not a tag: up to 128 letters, digits, `_`, `.` and `-`, and neither `.` nor `-` first");
}

#[test]
fn values_that_no_tag_can_hold_are_refused() {
    let injected = Variables::new().with(Placeholder::Sha, "x/../y");
    let catalog = load(&files(&[("web", DOCKERFILE_SERVICE)]));
    let service = catalog.service("web").unwrap();
    let error = catalog
        .tags(service, catalog.environment("preview"), &injected)
        .unwrap_err();
    assert!(matches!(error.reason, RenderError::NoTag(_)), "{error}");
}

#[test]
fn two_images_never_have_one_name() {
    let catalog = catalog(
        "registry = \"ghcr.io/acme\"\nrepository = \"{registry}/shop\"",
        "[environments.e]\n",
        &[
            ("api", "tags = [\"{branch}-{sha}\"]"),
            ("web", "tags = [\"web-{branch}-{sha}\"]"),
        ],
    );
    let [api, web] = ["api", "web"].map(|name| catalog.service(name).unwrap());
    let on = |service, branch: &str| {
        let variables = variables().with(Placeholder::Branch, branch);
        catalog.tags(service, None, &variables).unwrap()
    };
    let (of_api, of_web) = (on(api, "web-main"), on(web, "main"));
    let error = distinct_tags([(api, of_api.as_slice()), (web, of_web.as_slice())]).unwrap_err();
    assert_snapshot!(error, @"the images of `api` and `web` would both be `ghcr.io/acme/shop:web-main-abc1234567890def1234567890abcdef12345678`");
    let of_api = on(api, "main");
    assert!(distinct_tags([(api, of_api.as_slice()), (web, of_web.as_slice())]).is_ok());
}

/// Texts of characters that branches have, safe and unsafe.
fn branch() -> impl Strategy<Value = String> {
    "[a-f0-9/_.-]{0,12}|[a-z]{1,3}-[0-9a-f]{8}|\\PC{0,60}"
}

proptest! {
    #[test]
    fn every_branch_becomes_a_tag(branch in branch()) {
        let slug = branch_slug(&branch);
        prop_assert!(is_tag(&slug) && slug.len() <= 48, "{}", slug);
    }

    #[test]
    fn branches_that_differ_become_tags_that_differ(a in branch(), b in branch()) {
        prop_assume!(a != b);
        prop_assert_ne!(branch_slug(&a), branch_slug(&b));
    }

    #[test]
    fn what_a_branch_became_becomes_something_else(branch in branch()) {
        let slug = branch_slug(&branch);
        prop_assert!(slug == branch || branch_slug(&slug) != slug);
    }
}
