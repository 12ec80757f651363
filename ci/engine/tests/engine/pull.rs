//! Images from a registry: a real one, filled by another tool.

use std::fs;
use std::path::Path;
use std::process::Command;

use ci_engine::progress::Outcome;
use ci_oci::Platform;
use ci_registry::RegistryConfig;
use ci_sandbox::binfmt;
use dagger_sdk::QueryContainerOptsBuilder;
use dagger_sdk::core::graphql_client::GraphQLError;
use dagger_sdk::errors::DaggerError;
use libtest_mimic::{Failed, Trial};
use serde_json::json;
use test_support::registry::{Registry, Wants};

use crate::dockerfile::build_on;
use crate::fixture::{Fixture, TestResult, base, path, test};

pub(crate) fn tests() -> Vec<Trial> {
    let tools = ["docker-registry", "skopeo"];
    if let Some(missing) = tools.into_iter().find(|tool| !installed(tool)) {
        #[allow(clippy::print_stderr, reason = "says why tests are missing")]
        {
            eprintln!("skipped: tests of pulling, for want of {missing}");
        }
        return Vec::new();
    }
    vec![
        test("an image is pulled once, and then there", pulled_once),
        test("layers come as gzip, zstd and uncompressed", compressions),
        test(
            "FROM, COPY --from and --mount=from take images of registries, each for its platform",
            in_dockerfiles,
        ),
        test(
            "an image that is only there for another platform is used with a warning, and nothing of it is run",
            other_platform,
        ),
        test(
            "R4: a tag that moves during a session stays what it was",
            moved_tag,
        ),
        test(
            "without the registry the image of the last time is used, with a warning",
            unreachable,
        ),
        test("an image that is not there is told with its place", absent),
        test(
            "a context that pins an image replaces no stage of its name",
            pinned,
        ),
        test(
            "an image that only a trigger names goes by its tag, with a warning, or by a context",
            triggered,
        ),
        test(
            "a registry that does not answer is told apart from one that says no",
            kinds_of_failure,
        ),
        test(
            "C6: a pull that was killed goes on where it stopped",
            resumed,
        ),
        test(
            "L13: a layer that is not what its digest says is refused, and nothing of it stays",
            damaged,
        ),
    ]
}

fn installed(tool: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|dir| dir.join(tool).is_file())
}

/// Copies an image of an archive into a registry, with further options of skopeo.
fn push(registry: &Registry, archive: &Path, name: &str, options: &[&str]) {
    let image = format!("oci-archive:{}", archive.display());
    registry.copy(&image, name, options).unwrap();
}

/// The fixture knows the registry; an image with busybox and the file `/which` is at `name`.
async fn filled(fixture: &mut Fixture, name: &str, which: &str) -> Result<Registry, Failed> {
    let registry = Registry::start(&Wants::default()).unwrap();
    let declared = RegistryConfig {
        plain_http: true,
        ..RegistryConfig::default()
    };
    let registries = &mut fixture.registries.registries;
    registries.insert(registry.host.clone(), declared);
    fill(fixture, &registry, name, which, &[]).await?;
    Ok(registry)
}

async fn fill(
    fixture: &Fixture,
    registry: &Registry,
    name: &str,
    which: &str,
    options: &[&str],
) -> TestResult {
    let archive = fixture.dir.path().join("pushed.tar");
    // A store of its own: the one under test is to be empty.
    let elsewhere = Fixture::new();
    let engine = elsewhere.engine().await;
    let query = engine.query("base");
    let image = base(&query, &elsewhere)
        .with_new_file("/which", which)
        .with_env_variable("FROM_BASE", "yes");
    image.export(path(&archive)).await?;
    push(registry, &archive, name, options);
    Ok(())
}

async fn which(fixture: &Fixture, reference: &str) -> Result<String, Failed> {
    let engine = fixture.engine().await;
    let container = engine.query("web").container().from(reference);
    Ok(container.with_exec(vec!["cat", "/which"]).stdout().await?)
}

async fn pulled_once(mut fixture: Fixture) -> TestResult {
    let registry = filled(&mut fixture, "library/base:1", "first").await?;
    let reference = registry.reference("library/base:1");
    assert_eq!(which(&fixture, &reference).await?, "first");
    assert_eq!(which(&fixture, &reference).await?, "first");
    assert_eq!(fixture.outcomes("pull"), [Outcome::Done]);

    let engine = fixture.engine().await;
    let container = engine.query("web").container().from(&reference);
    let pinned = container.image_ref().await?;
    assert!(
        pinned.starts_with(&format!("{reference}@sha256:")),
        "{pinned}"
    );
    assert_eq!(container.env_variable("FROM_BASE").await?, "yes");
    Ok(())
}

async fn compressions(mut fixture: Fixture) -> TestResult {
    let registry = filled(&mut fixture, "base:gzip", "gzip").await?;
    for (tag, options) in [
        ("zstd", vec!["--dest-compress-format=zstd"]),
        ("docker", vec!["--format=v2s2"]),
        ("plain", vec!["--dest-decompress"]),
    ] {
        let name = format!("base:{tag}");
        fill(&fixture, &registry, &name, tag, &options).await?;
        let found = which(&fixture, &registry.reference(&name)).await?;
        assert_eq!(found, tag);
    }
    Ok(())
}

async fn in_dockerfiles(mut fixture: Fixture) -> TestResult {
    let registry = filled(&mut fixture, "base:1", "registry").await?;
    let base = registry.reference("base:1");
    fixture.write(
        "Dockerfile",
        &format!(
            "FROM --platform=$BUILDPLATFORM {base} AS make\n\
             RUN --mount=from={base},target=/other cat /other/which > /made\n\
             FROM {base}\n\
             COPY --from=make /made /made\n\
             COPY --from={base} /which /copied\n"
        ),
    );
    let engine = fixture.engine().await;
    let query = engine.query("web");
    let built = query.host().directory(".").docker_build();
    let files = built.with_exec(vec!["cat", "/made", "/copied", "/which"]);
    assert_eq!(files.stdout().await?, "registryregistryregistry");
    assert_eq!(fixture.outcomes("pull"), [Outcome::Done]);
    Ok(())
}

/// As BuildKit does. Its own check of this rule wants such a registry, too.
async fn other_platform(mut fixture: Fixture) -> TestResult {
    let registry = filled(&mut fixture, "base:1", "here").await?;
    let foreign = match Platform::host().architecture.as_str() {
        "s390x" => "linux/riscv64",
        _ => "linux/s390x",
    };
    let archive = fixture.dir.path().join("foreign.tar");
    {
        let elsewhere = Fixture::new();
        let engine = elsewhere.engine().await;
        let opts = QueryContainerOptsBuilder::default()
            .platform(dagger_sdk::Platform(foreign.into()))
            .build()?;
        let image = engine.query("foreign").container_opts(opts);
        let image = image.with_new_file("/which", "there");
        image.export(path(&archive)).await?;
    }
    push(&registry, &archive, "base:foreign", &[]);
    let (base, image) = (
        registry.reference("base:1"),
        registry.reference("base:foreign"),
    );
    let build = |dockerfile: String| {
        fixture.write("Dockerfile", &dockerfile);
        let fixture = &fixture;
        async move {
            let engine = fixture.engine().await;
            let built = engine.query("web").host().directory(".").docker_build();
            let said = built.file("/which").contents().await;
            (said, fixture.warnings())
        }
    };
    let (said, warnings) = build(format!("FROM {base}\nCOPY --from={image} /which /\n")).await;
    assert_eq!(said?, "there");
    assert_eq!(warnings, <[String; 0]>::default(), "no stage stands on it");

    let (said, warnings) = build(format!("FROM {image}\nENV A=1\n")).await;
    assert_eq!(said?, "there");
    let host = Platform::host();
    let warning = format!("{image} is an image for {foreign}, and this is built for {host}");
    assert!(
        warnings.iter().any(|said| said.contains(&warning)),
        "{warnings:?}"
    );

    if binfmt::handler(foreign.trim_start_matches("linux/")).is_none() {
        let (said, _) = build(format!("FROM {image}\nRUN [\"/which\"]\n")).await;
        let error = said.unwrap_err().to_string();
        assert!(
            error.contains(&format!("this step needs {foreign}")),
            "{error}"
        );
    }
    Ok(())
}

async fn moved_tag(mut fixture: Fixture) -> TestResult {
    let registry = filled(&mut fixture, "base:1", "first").await?;
    let reference = registry.reference("base:1");
    let engine = fixture.engine().await;
    let query = engine.query("web");
    let before = query.container().from(&reference).image_ref().await?;
    fill(&fixture, &registry, "base:1", "second", &[]).await?;
    let other = query.container().with_env_variable("A", "1");
    let after = other.from(&reference).image_ref().await?;
    assert_eq!(before, after);
    drop((query, engine));
    assert_eq!(which(&fixture, &reference).await?, "second");
    Ok(())
}

async fn unreachable(mut fixture: Fixture) -> TestResult {
    let mut registry = filled(&mut fixture, "base:1", "first").await?;
    let reference = registry.reference("base:1");
    assert_eq!(which(&fixture, &reference).await?, "first");
    registry.stop();
    assert_eq!(which(&fixture, &reference).await?, "first");
    let warnings = fixture.warnings();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(
        warnings[0].contains("as it was pulled last"),
        "{}",
        warnings[0]
    );
    // What never was there cannot be had.
    let error = which(&fixture, &registry.reference("base:2")).await;
    let message = error.unwrap_err().message().unwrap_or_default().to_owned();
    assert!(message.contains("base:2"), "{message}");
    Ok(())
}

async fn absent(mut fixture: Fixture) -> TestResult {
    let registry = filled(&mut fixture, "base:1", "first").await?;
    let base = registry.reference("base:none");
    fixture.write("Dockerfile", &format!("FROM scratch\n\nFROM {base}\n"));
    let engine = fixture.engine().await;
    let context = engine.query("web").host().directory(".");
    let error = context.docker_build().sync().await;
    let message = error.err().unwrap().to_string();
    assert!(
        message.contains(&format!("Dockerfile:3: FROM {base}")),
        "{message}"
    );
    assert!(message.contains("base:none"), "{message}");
    Ok(())
}

async fn pinned(mut fixture: Fixture) -> TestResult {
    let registry = filled(&mut fixture, "library/base:latest", "first").await?;
    let hub = RegistryConfig {
        mirrors: vec![registry.host.parse()?],
        ..RegistryConfig::default()
    };
    let registries = &mut fixture.registries.registries;
    registries.insert("docker.io".into(), hub);
    let engine = fixture.engine().await;
    let query = engine.query("web");
    let pinned = query.container().from("base").image_ref().await?;
    fill(&fixture, &registry, "library/base:latest", "second", &[]).await?;
    fixture.write(
        "Dockerfile",
        "FROM base AS base\nRUN cat /which > /made\n\
         FROM docker.io/library/base\nCOPY --from=base /made /made\nCOPY --from=base:latest /which /copied\n",
    );
    // Another session, which has not seen the tag before it moved.
    drop((query, engine));
    let engine = fixture.engine().await;
    let query = engine.query("web");
    let built = build_on(&query, json!({"name": "base", "image": pinned}));
    let files = built.with_exec(vec!["cat", "/made", "/which", "/copied"]);
    assert_eq!(files.stdout().await?, "firstfirstfirst");
    Ok(())
}

async fn triggered(mut fixture: Fixture) -> TestResult {
    let registry = filled(&mut fixture, "base:1", "first").await?;
    let reference = registry.reference("base:1");
    fixture.write(
        "Dockerfile",
        &format!("FROM scratch\nONBUILD COPY --from={reference} /which /made\n"),
    );
    let archive = fixture.dir.path().join("trigger.tar");
    let engine = fixture.engine().await;
    let query = engine.query("web");
    let image = query.host().directory(".").docker_build();
    image.export(path(&archive)).await?;
    push(&registry, &archive, "trigger:1", &[]);
    fixture.write(
        "Dockerfile",
        &format!("FROM {}\n", registry.reference("trigger:1")),
    );
    let pinned = query.container().from(&reference).image_ref().await?;
    drop((query, engine));

    let engine = fixture.engine().await;
    let query = engine.query("web");
    let built = build_on(&query, json!({"name": reference, "image": pinned}));
    assert_eq!(built.file("/made").contents().await?, "first");
    assert_eq!(fixture.warnings(), <[String; 0]>::default());
    drop((query, engine));

    let engine = fixture.engine().await;
    let built = engine.query("web").host().directory(".").docker_build();
    assert_eq!(built.file("/made").contents().await?, "first");
    let warnings = fixture.warnings();
    assert!(
        warnings.len() == 1 && warnings[0].contains(&reference),
        "{warnings:?}"
    );
    Ok(())
}

async fn kinds_of_failure(mut fixture: Fixture) -> TestResult {
    let mut registry = filled(&mut fixture, "base:1", "first").await?;
    let engine = fixture.engine().await;
    let query = engine.query("web");
    let image = |name: &str| query.container().from(registry.reference(name));
    let (absent, other) = (image("base:none"), image("base:other"));
    let error = absent.image_ref().await.unwrap_err();
    assert!(
        matches!(&error, DaggerError::Query(GraphQLError::DomainError { .. })),
        "{error:?}"
    );
    registry.stop();
    let error = other.image_ref().await.unwrap_err();
    assert!(
        matches!(&error, DaggerError::Query(GraphQLError::HttpError(_))),
        "{error:?}"
    );
    Ok(())
}

async fn resumed(mut fixture: Fixture) -> TestResult {
    let registry = filled(&mut fixture, "base:1", "first").await?;
    let layers = layers(&registry, "base:1");
    // What a kill leaves: the beginning of each layer.
    let store = fixture.dir.path().join("store");
    drop(fixture.engine().await);
    let partial = store.join("partial");
    for digest in &layers {
        let bytes = fs::read(registry.blob(digest)).unwrap();
        let hex = digest.strip_prefix("sha256:").unwrap();
        fs::write(partial.join(hex), &bytes[..bytes.len() / 2]).unwrap();
        // The registry no longer has that half.
        let mut rest = vec![0; bytes.len() / 2];
        rest.extend_from_slice(&bytes[bytes.len() / 2..]);
        fs::write(registry.blob(digest), rest).unwrap();
    }
    assert_eq!(
        which(&fixture, &registry.reference("base:1")).await?,
        "first"
    );
    Ok(())
}

async fn damaged(mut fixture: Fixture) -> TestResult {
    let registry = filled(&mut fixture, "base:1", "first").await?;
    let digest = layers(&registry, "base:1").pop().unwrap();
    let blob = registry.blob(&digest);
    let right = fs::read(&blob).unwrap();
    let mut wrong = right.clone();
    let last = wrong.len() - 1;
    wrong[last] ^= 1;
    fs::write(&blob, &wrong).unwrap();
    let reference = registry.reference("base:1");
    let error = which(&fixture, &reference).await.unwrap_err();
    let message = error.message().unwrap_or_default().to_owned();
    assert!(message.contains(&digest), "{message}");
    fs::write(&blob, &right).unwrap();
    assert_eq!(which(&fixture, &reference).await?, "first");
    Ok(())
}

/// Digests of an image's layers.
fn layers(registry: &Registry, name: &str) -> Vec<String> {
    let inspected = Command::new("skopeo")
        .args(["inspect", "--raw", "--tls-verify=false"])
        .arg(format!("docker://{}", registry.reference(name)))
        .output()
        .unwrap();
    let manifest: serde_json::Value = serde_json::from_slice(&inspected.stdout).unwrap();
    let layers = manifest["layers"].as_array().unwrap();
    let digest = |layer: &serde_json::Value| layer["digest"].as_str().unwrap().to_owned();
    layers.iter().map(digest).collect()
}
