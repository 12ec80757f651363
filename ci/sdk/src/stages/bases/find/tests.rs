//! Tests of which images are found in the Dockerfiles of a project.

use super::*;
use crate::error::Failure;
use ci_engine::Progress;

const PIPELINE: &str = "[project]\nname = \"shop\"\nregistry = \"registry.example.com/acme\"\nservices = [\"services/*\"]\n";

/// A project of services: name, Dockerfile, and what follows `builder` in `service.toml`.
fn project(pipeline: &str, services: &[(&str, &str, &str)]) -> (tempfile::TempDir, Project) {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(
        dir.path().join("pipeline.toml"),
        format!("{PIPELINE}{pipeline}"),
    )
    .unwrap();
    for (name, dockerfile, more) in services {
        let folder = dir.path().join("services").join(name);
        std::fs::create_dir_all(&folder).unwrap();
        let manifest = format!("builder = \"dockerfile\"\n{more}\n");
        std::fs::write(folder.join("service.toml"), manifest).unwrap();
        std::fs::write(folder.join("Dockerfile"), dockerfile).unwrap();
    }
    let project = Project::open(dir.path(), &Progress::silent()).unwrap();
    (dir, project)
}

/// References and who uses them.
fn described(users: &Users) -> String {
    let line = |(reference, names): (&Reference, &BTreeSet<Name>)| {
        let names: Vec<&str> = names.iter().map(Name::as_str).collect();
        format!("{reference}: {}\n", names.join(" "))
    };
    users.iter().map(line).collect()
}

fn found(pipeline: &str, services: &[(&str, &str, &str)]) -> String {
    let (_dir, project) = project(pipeline, services);
    described(&used(&project, &[]).unwrap())
}

const DOCKERFILE: &str = r#"
ARG VERSION=12
ARG DISTRIBUTION
FROM debian:${VERSION}-slim AS build
COPY --from=ghcr.io/acme/tools:1 /bin/tool /bin/
RUN --mount=type=bind,from=busybox,target=/mnt true
FROM node:1 AS unused
FROM ${DISTRIBUTION} AS run
COPY --from=build /x /x
COPY --from=assets /a /a
FROM scratch AS test
COPY --from=run / /
COPY --from=checker:2 / /
FROM run
"#;

#[test]
fn what_needed_stages_stand_on_and_copy_from_is_found() {
    let more = "[dockerfile]\nargs = { DISTRIBUTION = \"alpine:3\" }\n[dockerfile.contexts]\nassets = \"dir:.\"";
    insta::assert_snapshot!(found("", &[("web", DOCKERFILE, more)]), @r"
    docker.io/library/alpine:3: web
    docker.io/library/busybox:latest: web
    docker.io/library/debian:12-slim: web
    ghcr.io/acme/tools:1: web
    ");
}

#[test]
fn targets_of_checks_count_too() {
    let more = "[dockerfile]\ntarget = \"build\"\nargs = { DISTRIBUTION = \"alpine:3\" }\n[dockerfile.contexts]\nassets = \"dir:.\"\n[[checks]]\nname = \"unit\"\ntarget = \"test\"\ncommand = [\"/check\"]";
    insta::assert_snapshot!(found("", &[("web", DOCKERFILE, more)]), @r"
    docker.io/library/alpine:3: web
    docker.io/library/busybox:latest: web
    docker.io/library/checker:2: web
    docker.io/library/debian:12-slim: web
    ghcr.io/acme/tools:1: web
    ");
}

#[test]
fn contexts_stand_for_images_and_may_be_some() {
    let dockerfile = "FROM base AS b\nFROM debian:12\nCOPY --from=b / /\n";
    let more = "[dockerfile.contexts]\nbase = \"image:alpine:3.20\"\n\"debian:12\" = \"dir:.\"";
    insta::assert_snapshot!(found("", &[("web", dockerfile, more)]), @"docker.io/library/alpine:3.20: web");
}

#[test]
fn services_share_bases_and_need_no_entry_for_what_has_a_digest() {
    let digest = "a".repeat(64);
    let pinned =
        format!("FROM docker.io/library/alpine@sha256:{digest}\nCOPY --from=alpine:3 / /\n");
    insta::assert_snapshot!(found("", &[
        ("api", "FROM docker.io/alpine:3\n", ""),
        ("web", &pinned, ""),
        ("empty", "FROM scratch\nCOPY x /\n", ""),
    ]), @"docker.io/library/alpine:3: api web");
}

#[test]
fn platforms_and_environments_may_decide() {
    let dockerfile = "ARG CHANNEL\nARG TARGETARCH\nFROM ghcr.io/acme/$CHANNEL:$TARGETARCH\n";
    let more = "platforms = [\"linux/amd64\", \"linux/arm64\"]\n[dockerfile]\nargs = { CHANNEL = \"{env}\" }";
    let environments = "[environments.preview]\n[environments.production]\n";
    insta::assert_snapshot!(found(environments, &[("web", dockerfile, more)]), @r"
    ghcr.io/acme/preview:amd64: web
    ghcr.io/acme/preview:arm64: web
    ghcr.io/acme/production:amd64: web
    ghcr.io/acme/production:arm64: web
    ");
}

#[test]
fn named_services_come_with_those_they_read() {
    let reader = (
        "web",
        "FROM b\nCOPY --from=busybox / /\n",
        "[dockerfile.contexts]\nb = \"service:base\"",
    );
    let (_dir, project) = project(
        "",
        &[
            reader,
            ("base", "FROM alpine:3\n", ""),
            ("other", "FROM no", ""),
        ],
    );
    insta::assert_snapshot!(described(&used(&project, &["web".into()]).unwrap()), @r"
    docker.io/library/alpine:3: base
    docker.io/library/busybox:latest: web
    ");
    let unknown = used(&project, &["wbe".into()]).unwrap_err();
    assert_eq!(Failure::of(&unknown).exit(), Exit::Usage);
}

#[test]
fn a_dockerfile_or_a_reference_that_is_broken_is_told_with_its_place() {
    let told = |dockerfile: &str, more: &str| {
        let (_dir, project) = project("", &[("web", dockerfile, more)]);
        let failure = Failure::of(&used(&project, &[]).unwrap_err());
        assert_eq!(failure.exit(), Exit::Usage);
        failure.message
    };
    assert!(told("FROM scratch\nCOPI a b\n", "").contains("services/web/Dockerfile:2:1"));
    insta::assert_snapshot!(told("FROM b\n", "[dockerfile.contexts]\nb = \"image:Alpine\""), @r#"services/web/service.toml: `dockerfile.contexts.b`: "Alpine" is not an image reference: repository names are lower case; did you mean "alpine"?"#);
    insta::assert_snapshot!(told("FROM alpine@sha512:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n", ""), @r#"services/web/Dockerfile:1: FROM alpine@sha512:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa: "alpine@sha512:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" is not an image reference: "sha512:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" is not a digest: expected `sha256:` and 64 lower-case hexadecimal digits"#);
    insta::assert_snapshot!(told("FROM scratch\nCOPY --from=x . .\n", "[dockerfile]\nargs = { X = \"{env}\" }"), @"services/web/service.toml: `dockerfile.args.X`: `{env}` has no value here");
}
