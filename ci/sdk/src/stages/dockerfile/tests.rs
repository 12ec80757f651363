//! What Dockerfiles are found to read.

use super::*;

fn dockerfile(text: &str) -> Dockerfile {
    let platform = ci_dockerfile::Platform::new("linux", "amd64", None);
    let request = ci_dockerfile::Request {
        target: None,
        build_args: [("FOLDER".to_owned(), "given".to_owned())].into(),
        target_platform: platform.clone(),
        build_platform: platform,
        named_contexts: ["named".to_owned()].into(),
    };
    let file = ci_dockerfile::parse("Dockerfile", text.as_bytes()).unwrap();
    Dockerfile {
        name: "Dockerfile".to_owned(),
        text: text.into(),
        plan: Plan::new(&file, &request).unwrap(),
    }
}

fn reads(text: &str) -> Reads {
    dockerfile(text).reads(|_| None)
}

fn paths(text: &str) -> Option<Vec<String>> {
    Some(reads(text).paths?.into_iter().collect())
}

#[test]
fn paths_of_needed_stages_count_up_to_their_first_wildcard() {
    let text = r#"
FROM debian AS unused
COPY other /
FROM debian AS build
ARG FOLDER=default
COPY package.json pnpm-lock.yaml ./
COPY src/*.rs src/$FOLDER/x /src/
ADD --exclude=*.md docs /docs
COPY --parents ./packages/**/package.json /
RUN --mount=type=bind,source=migrations,target=/m true
RUN --mount=type=cache,target=/c true
FROM scratch
COPY --from=build /src /src
COPY --from=named / /
COPY <<EOF /inline
text
EOF
"#;
    insta::assert_snapshot!(paths(text).unwrap().join(" "), @"docs migrations package.json packages pnpm-lock.yaml src src/given/x");
    assert_eq!(paths("FROM scratch\nCOPY . /\n"), Some(vec![String::new()]));
    assert_eq!(paths("FROM scratch\n"), Some(Vec::new()));
}

#[test]
fn what_only_an_image_could_tell_means_everything() {
    assert_eq!(paths("FROM node\nCOPY $FROM_THE_IMAGE/x /\n"), None);
    assert_eq!(paths("FROM node\nENV A=$FROM_THE_IMAGE\nCOPY $A /\n"), None);
    assert_eq!(
        paths("FROM scratch AS a\nONBUILD COPY y /\nFROM a\nCOPY x /\n").unwrap(),
        ["x", "y"]
    );
}

#[test]
fn what_the_image_is_known_to_say_counts() {
    let known = Config {
        env: vec![("DIR".to_owned(), "web".to_owned())],
        onbuild: vec!["COPY app /".to_owned()],
        ..Config::scratch()
    };
    let file = dockerfile("FROM node\nCOPY ${DIR:-other} /\n");
    let with = file.reads(|_| Some(known.clone())).paths.unwrap();
    assert_eq!(with.into_iter().collect::<Vec<_>>(), ["app", "web"]);
    let without = file.reads(|_| None).paths.unwrap();
    assert_eq!(without.into_iter().collect::<Vec<_>>(), ["other"]);
}

#[test]
fn files_below_and_above_what_is_named_may_be_read() {
    let reads = reads("FROM scratch\nCOPY web/src /\n");
    for path in ["web/src/main.ts", "web/src", "web"] {
        assert!(reads.includes(path), "{path}");
    }
    for path in ["web/src2", "web/test", "api/src", "we"] {
        assert!(!reads.includes(path), "{path}");
    }
    assert!(Reads::default().includes("anything"));
}

/// E5: where a link leads is not told by its name.
#[test]
fn a_link_on_the_way_means_everything() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(dir.path().join("shared/assets")).unwrap();
    std::os::unix::fs::symlink("shared", dir.path().join("link")).unwrap();
    let plain = dockerfile("FROM scratch\nCOPY shared/assets gone /\n");
    assert!(plain.reads_of(dir.path()).paths.is_some());
    let linked = dockerfile("FROM scratch\nCOPY link/assets /\n");
    assert_eq!(linked.reads_of(dir.path()).paths, None);
}

#[test]
fn sources_on_the_network_are_pinned_or_told() {
    let commit = "0123456789abcdef0123456789abcdef01234567";
    let digest = "a".repeat(64);
    let text = format!(
        "FROM scratch\nADD https://example.com/a /a\nADD --checksum=sha256:{digest} https://example.com/b /b\nADD https://example.com/c.git#main /c\nADD https://example.com/d.git#{commit} /d\n"
    );
    let unpinned: Vec<String> = reads(&text).unpinned.into_iter().collect();
    assert_eq!(
        unpinned,
        ["https://example.com/a", "https://example.com/c.git"]
    );
}

#[test]
fn labels_are_those_the_file_sets() {
    let reads = reads(
        "FROM scratch AS a\nLABEL x=1\nFROM a AS b\nLABEL y=2\nFROM scratch\nLABEL z=3\nFROM b\n",
    );
    assert_eq!(reads.labels.into_keys().collect::<Vec<_>>(), ["x", "y"]);
}

#[test]
fn ignore_rules_of_the_dockerfile_come_before_those_of_the_context() {
    let dir = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| {
        let path = dir.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write(
        "pipeline.toml",
        "[project]\nname = \"shop\"\nregistry = \"ghcr.io/acme\"\nservices = [\"web\"]\n",
    );
    write(
        "web/service.toml",
        "builder = \"dockerfile\"\n[dockerfile]\ncontext = \"..\"\nfile = \"Dockerfile\"\n",
    );
    write("web/Dockerfile", "FROM scratch\n");
    write(".dockerignore", "*.md\n");
    let catalog = ci_catalog::Catalog::load(dir.path()).unwrap();
    let ci_catalog::Builder::Dockerfile(builder) = &catalog.service("web").unwrap().builder else {
        panic!("another builder")
    };
    let ignore = Ignore::read(dir.path(), builder).unwrap();
    assert!(ignore.patterns.matches("a.md") && !ignore.patterns.matches("a.txt"));
    write("web/Dockerfile.dockerignore", "*.txt\n");
    let ignore = Ignore::read(dir.path(), builder).unwrap();
    assert!(!ignore.patterns.matches("a.md") && ignore.patterns.matches("a.txt"));
    write("web/Dockerfile.dockerignore", "[\n");
    assert!(Ignore::read(dir.path(), builder).is_err());
}
