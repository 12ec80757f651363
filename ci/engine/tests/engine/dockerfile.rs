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
        test("a failing RUN says its place", failing_run),
        test(
            "a broken Dockerfile says its place and the nearest name",
            broken,
        ),
    ]
}

/// `dockerBuild` of the project, with busybox as the named context `base`.
async fn build(query: &Query, fixture: &Fixture) -> Result<Container, libtest_mimic::Failed> {
    let id = base(query, fixture).id().await?;
    let context = query.host().directory(".");
    let named = vec![json!({"name": "base", "container": id.0})];
    let selection = context
        .selection
        .select("dockerBuild")
        .arg("namedContexts", Raw(named));
    Ok(Container {
        proc: None,
        selection,
        graphql_client: context.graphql_client.clone(),
    })
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
set -e
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
    fixture.write(".dockerignore", "b.txt\n");
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
        "failed to query dagger engine: domain error: Dockerfile:3: RUN echo before \\: exit code: 7"
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
