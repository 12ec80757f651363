//! Dockerfile builds.

use ci_engine::Engine;
use ci_engine::progress::Outcome;
use dagger_sdk::{Container, Query};
use libtest_mimic::Trial;
use serde_json::json;

use crate::fixture::{Fixture, TestResult, base, test};

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        test(
            "a Dockerfile of several stages is built on a named context",
            several_stages,
        ),
        test(
            "the same build gives the same image, from an empty store too",
            same_image,
        ),
        test(
            "changing one file runs only what depends on it",
            changed_file,
        ),
        test(
            "steps that change nothing, and the same change again, are layers like any other",
            repeated_layers,
        ),
        test(
            "an OCI layout on disk is a base, also one that another program has packed",
            oci_layout,
        ),
        test(
            "RUN --network=none has only a loopback device, host and default have the host's network",
            networks,
        ),
        test(
            "RUN --security=insecure and --device are refused with the reason and the place",
            privileged,
        ),
        test("a failing RUN says its place", failing_run),
        test(
            "a broken Dockerfile says its place and the nearest name",
            broken,
        ),
    ]
}

/// `dockerBuild` of the project, with busybox as the named context `base`.
pub(crate) async fn build(
    query: &Query,
    fixture: &Fixture,
) -> Result<Container, libtest_mimic::Failed> {
    build_with(query, fixture, &[]).await
}

/// The same, with further arguments that are ids or lists of ids.
pub(crate) async fn build_with(
    query: &Query,
    fixture: &Fixture,
    arguments: &[(&str, serde_json::Value)],
) -> Result<Container, libtest_mimic::Failed> {
    let id = base(query, fixture).id().await?;
    let named = json!({"name": "base", "container": id.0});
    Ok(build_given(query, named, arguments))
}

/// `dockerBuild` of the project with one named context.
pub(crate) fn build_on(query: &Query, named: serde_json::Value) -> Container {
    build_given(query, named, &[])
}

fn build_given(
    query: &Query,
    named: serde_json::Value,
    arguments: &[(&str, serde_json::Value)],
) -> Container {
    let context = query.host().directory(".");
    let mut selection = context
        .selection
        .select("dockerBuild")
        .arg("namedContexts", Raw(vec![named]));
    for (name, value) in arguments {
        selection = selection.arg(name, value);
    }
    Container {
        proc: None,
        selection,
        graphql_client: context.graphql_client.clone(),
    }
}

/// Input objects as the SDK writes them.
struct Raw(Vec<serde_json::Value>);

impl serde::Serialize for Raw {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

pub(crate) async fn digest(
    engine: &Engine,
    fixture: &Fixture,
) -> Result<String, libtest_mimic::Failed> {
    Ok(build(&engine.query("test"), fixture)
        .await?
        .as_tarball()
        .digest()
        .await?)
}

const STAGES: &str = r#"ARG WHO=world
FROM base AS build
ARG WHO
WORKDIR /src
COPY *.txt ./
RUN --mount=type=cache,target=/cache cat *.txt > all && echo "hello ${WHO}" >> all && touch /cache/used
RUN <<EOF
#!/bin/sh -e
test -e all
chmod 640 all
EOF

FROM base
COPY --from=build --chown=app:app /src/all /data/all
COPY --chmod=755 <<script /run.sh
#!/bin/sh
cat /data/all
script
USER app
ENV PATH=/opt/bin:$PATH
LABEL who="me" what=that
EXPOSE 8080
CMD ["/bin/sh", "/run.sh"]
"#;

async fn several_stages(fixture: Fixture) -> TestResult {
    fixture.write("Dockerfile", STAGES);
    fixture.write("a.txt", "from a\n");
    fixture.write("b.txt", "from b\n");
    fixture.write(".dockerignore", "# from the top\n/b.txt\n");
    let engine = fixture.engine().await;
    let image = build(&engine.query("test"), &fixture).await?;
    assert_eq!(
        image.with_exec(Vec::<String>::new()).stdout().await?,
        "from a\nhello world\n"
    );
    assert_eq!(image.user().await?, "app");
    assert_eq!(
        image.env_variable("PATH").await?,
        "/opt/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    );
    assert_eq!(image.label("who").await?, "me");
    let out = image
        .with_exec(vec![
            "stat",
            "-c",
            "%U:%G %a %n",
            "/data/all",
            "/run.sh",
            "/data",
        ])
        .stdout()
        .await?;
    assert_eq!(
        out,
        "app:app 640 /data/all\nroot:root 755 /run.sh\napp:app 755 /data\n"
    );
    Ok(())
}

async fn same_image(fixture: Fixture) -> TestResult {
    fixture.write("Dockerfile", STAGES);
    fixture.write("a.txt", "from a\n");
    let engine = fixture.engine().await;
    let first = digest(&engine, &fixture).await?;
    engine.shutdown().await;
    let other = Fixture::new();
    other.write("Dockerfile", STAGES);
    other.write("a.txt", "from a\n");
    let engine = other.engine().await;
    assert_eq!(digest(&engine, &other).await?, first);
    assert!(first.starts_with("sha256:"), "{first}");
    Ok(())
}

async fn changed_file(fixture: Fixture) -> TestResult {
    fixture.write(
        "Dockerfile",
        "FROM base\nCOPY a.txt /\nRUN cat /a.txt\nCOPY b.txt /\nRUN cat /b.txt\n",
    );
    fixture.write("a.txt", "a");
    for content in ["one", "two"] {
        fixture.write("b.txt", content);
        let engine = fixture.engine().await;
        build(&engine.query("test"), &fixture).await?.sync().await?;
        engine.shutdown().await;
    }
    assert_eq!(
        fixture.outcomes("COPY a.txt"),
        [Outcome::Done, Outcome::Cached]
    );
    assert_eq!(
        fixture.outcomes("RUN cat /a.txt"),
        [Outcome::Done, Outcome::Cached]
    );
    assert_eq!(
        fixture.outcomes("COPY b.txt"),
        [Outcome::Done, Outcome::Done]
    );
    assert_eq!(
        fixture.outcomes("RUN cat /b.txt"),
        [Outcome::Done, Outcome::Done]
    );
    Ok(())
}

async fn oci_layout(fixture: Fixture) -> TestResult {
    let engine = fixture.engine().await;
    let archive = fixture.dir.path().join("base.tar").display().to_string();
    base(&engine.query("test"), &fixture)
        .with_default_args(vec!["cat", "/added"])
        .export(&archive)
        .await?;
    engine.shutdown().await;
    let dir = fixture.dir.path().join("layout");
    repack(&fixture.dir.path().join("base.tar"), &dir)?;

    let other = Fixture::new();
    other.write("Dockerfile", "FROM base\nRUN echo added > /added\n");
    let engine = other.engine().await;
    let image = build_on(
        &engine.query("test"),
        json!({"name": "base", "ociLayout": dir.display().to_string()}),
    );
    assert_eq!(
        image.with_exec(Vec::<String>::new()).stdout().await?,
        "added\n"
    );
    image.as_tarball().digest().await?;
    engine.shutdown().await;
    drop(engine);
    other.assert_clean_store();
    Ok(())
}

/// Turns an archive of ours into a layout whose only layer another program has packed: other times, other order, no compression.
fn repack(archive: &std::path::Path, dir: &std::path::Path) -> TestResult {
    use ci_oci::manifest::media_type;
    let ours = ci_oci::Layout::create(&dir.with_extension("ours"))?;
    ci_oci::archive::read(&mut std::fs::File::open(archive)?, &ours)?;
    let image = ours.resolve(None, &ci_oci::Platform::host())?;
    let files = dir.with_extension("files");
    std::fs::create_dir_all(&files)?;
    for layer in &image.manifest.layers {
        let status = std::process::Command::new("tar")
            .arg("-xf")
            .arg(ours.blob_path(&layer.digest))
            .arg("-C")
            .arg(&files)
            .status()?;
        assert!(status.success());
    }
    let tar = dir.with_extension("tar");
    assert!(
        std::process::Command::new("tar")
            .args(["--sort=none", "-cf"])
            .arg(&tar)
            .arg("-C")
            .arg(&files)
            .arg(".")
            .status()?
            .success()
    );
    let layout = ci_oci::Layout::create(dir)?;
    let layer = layout.put_stream(media_type::OCI_LAYER, &mut std::fs::File::open(&tar)?)?;
    let mut config = image.config.clone();
    config.rootfs.diff_ids = vec![layer.digest];
    config.history.clear();
    let config = layout.put_bytes(media_type::OCI_CONFIG, &config.to_json()?)?;
    let manifest = ci_oci::Manifest {
        config,
        layers: vec![layer],
        ..image.manifest
    };
    let manifest = layout.put_bytes(media_type::OCI_MANIFEST, &serde_json::to_vec(&manifest)?)?;
    layout.set_image("base", manifest)?;
    Ok(())
}

async fn repeated_layers(fixture: Fixture) -> TestResult {
    fixture.write(
        "Dockerfile",
        "FROM base\nRUN true 1\nRUN true 2\nRUN echo one > /file\nRUN echo two > /file && touch -d @1 /file\nRUN echo one > /file # again\nRUN true 3\n",
    );
    let engine = fixture.engine().await;
    let image = build(&engine.query("test"), &fixture).await?;
    assert_eq!(image.file("/file").contents().await?, "one\n");
    assert_eq!(
        image.with_exec(vec!["cat", "/file"]).stdout().await?,
        "one\n"
    );
    Ok(())
}

async fn failing_run(fixture: Fixture) -> TestResult {
    fixture.write(
        "Dockerfile",
        "FROM base\n\nRUN echo before \\\n && exit 7\n",
    );
    let engine = fixture.engine().await;
    let error = build(&engine.query("test"), &fixture)
        .await?
        .sync()
        .await
        .map(drop)
        .unwrap_err()
        .to_string();
    assert_eq!(
        error,
        "failed to query dagger engine: domain error: Dockerfile:3: RUN echo before: exit code: 7"
    );
    Ok(())
}

async fn broken(fixture: Fixture) -> TestResult {
    fixture.write("Dockerfile", "FROM base\nCOPPY a b\n");
    let engine = fixture.engine().await;
    let error = build(&engine.query("test"), &fixture)
        .await?
        .sync()
        .await
        .map(drop)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("Dockerfile:2:1") && error.contains("COPY"),
        "{error}"
    );
    Ok(())
}

async fn networks(fixture: Fixture) -> TestResult {
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port();
    std::thread::spawn(move || listener.incoming().for_each(drop));
    fixture.write(
        "Dockerfile",
        &format!(
            "FROM base\n\
             RUN --network=default nc 127.0.0.1 {port} < /dev/null\n\
             RUN --network=host nc 127.0.0.1 {port} < /dev/null\n\
             RUN --network=none ! nc 127.0.0.1 {port} < /dev/null && cat /proc/net/dev > /devices\n"
        ),
    );
    let engine = fixture.engine().await;
    let devices = build(&engine.query("test"), &fixture)
        .await?
        .file("/devices")
        .contents()
        .await?;
    let devices: Vec<_> = devices
        .lines()
        .filter_map(|line| line.split_once(':'))
        .map(|(name, _)| name.trim())
        .collect();
    assert_eq!(devices, ["lo"]);
    Ok(())
}

async fn privileged(fixture: Fixture) -> TestResult {
    let engine = fixture.engine().await;
    for (flag, reason) in [
        (
            "--security=insecure",
            "no instruction runs outside the sandbox",
        ),
        ("--device=vendor.com/gpu=0", "a device of this machine"),
    ] {
        fixture.write("Dockerfile", &format!("FROM base\nRUN {flag} true\n"));
        let engine = engine.query(flag);
        let error = build(&engine, &fixture)
            .await?
            .sync()
            .await
            .map(drop)
            .unwrap_err()
            .to_string();
        assert!(
            error.contains(reason) && error.contains("Dockerfile:2:5"),
            "{error}"
        );
    }
    fixture.write("Dockerfile", "FROM base\nRUN --security=sandbox true\n");
    build(&engine.query("sandbox"), &fixture)
        .await?
        .sync()
        .await?;
    Ok(())
}
