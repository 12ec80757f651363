//! `ADD` of git repositories and `Query.git`: real repositories, over file and over HTTP through `git http-backend`.

use ci_engine::progress::Outcome;
use dagger_sdk::GitRefTreeOptsBuilder;
use libtest_mimic::{Failed, Trial};

use crate::dockerfile::{build, digest};
use crate::fixture::{Fixture, TestResult, test};
use crate::repository::{Repository, sample, serve, serve_files, serve_old};

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        test(
            "ADD of a repository gives its files with git's modes",
            added,
        ),
        test(
            "branches are resolved in each build, commits need no network",
            resolved,
        ),
        test(
            "a checksum is the beginning of the commit's id, or of the tag's",
            checksums,
        ),
        test(
            "with --keep-git-dir the image has a repository, the same from an empty store",
            git_dir,
        ),
        test(
            "a mirror that a killed git has left locked is used again c6",
            left_locked,
        ),
        test(
            "servers that give only what has a name, or only files, are fetched from",
            old_servers,
        ),
        test("Query.git knows branches, tags, commits and versions", api),
    ]
}

/// What is in a repository, through the API: `file` addresses are no git sources in a Dockerfile.
pub(crate) async fn tree(fixture: &Fixture, url: &str, name: &str) -> Result<Vec<String>, Failed> {
    let engine = fixture.engine().await;
    let query = engine.query("test");
    let opts = GitRefTreeOptsBuilder::default()
        .discard_git_dir(true)
        .build()?;
    let files = query.git(url).r#ref(name).tree_opts(opts).glob("**").await;
    engine.shutdown().await;
    Ok(files?)
}

pub(crate) async fn run(
    fixture: &Fixture,
    dockerfile: &str,
    script: &str,
) -> Result<String, Failed> {
    fixture.write("Dockerfile", dockerfile);
    let engine = fixture.engine().await;
    let built = build(&engine.query("test"), fixture).await?;
    let out = built.with_exec(vec!["sh", "-c", script]).stdout().await;
    engine.shutdown().await;
    Ok(out?)
}

pub(crate) async fn failure(fixture: &Fixture, dockerfile: &str) -> String {
    let error = run(fixture, dockerfile, "true").await.unwrap_err();
    error.message().unwrap_or_default().to_owned()
}

async fn added(fixture: Fixture) -> TestResult {
    let repository = sample(&fixture);
    let server = serve(fixture.dir.path(), None);
    let url = server.url("/sample/.git");
    let file = format!("FROM base\nADD --chown=app:app {url} /src\nADD {url}#main:bin /opt/bin/\n");
    let out = run(
        &fixture,
        &file,
        "cd /src; stat -c '%U %a %n' README bin bin/tool link; cat lines | wc -c; ls -A /src; ls /opt/bin; stat -c '%U %a' /opt/bin/tool",
    )
    .await?;
    assert_eq!(
        out,
        "app 644 README\napp 755 bin\napp 755 bin/tool\napp 777 link\n4\n.gitattributes\nREADME\nbin\nlines\nlink\noutside\ntool\nroot 755\n"
    );
    assert_eq!(
        repository.git(&["status", "--short"]),
        "",
        "the repository itself is left alone"
    );
    Ok(())
}

async fn resolved(fixture: Fixture) -> TestResult {
    let repository = sample(&fixture);
    let first = repository.git(&["rev-parse", "HEAD"]);
    let server = serve(fixture.dir.path(), None);
    let url = server.url("/sample/.git");
    let branch = format!("FROM base\nADD {url}#main /src\nADD {url} /again\nRUN cat /src/README\n");
    assert_eq!(
        run(&fixture, &branch, "cat /src/README").await?,
        "read me\n"
    );
    assert_eq!(
        run(&fixture, &branch, "cat /src/README").await?,
        "read me\n"
    );
    repository.write("README", "changed\n");
    repository.commit("second");
    assert_eq!(
        run(&fixture, &branch, "cat /src/README").await?,
        "changed\n"
    );
    assert_eq!(
        fixture.outcomes("RUN cat"),
        [Outcome::Done, Outcome::Cached, Outcome::Done],
        "a branch that has not moved runs nothing"
    );
    assert_eq!(
        fixture.outcomes("fetch http").len(),
        2,
        "each commit is fetched once, whatever it is called"
    );
    server.close();
    let commit = format!("FROM base\nADD {url}#{first} /src\n");
    assert_eq!(
        run(&fixture, &commit, "cat /src/README").await?,
        "read me\n"
    );
    assert!(fixture.warnings().is_empty(), "{:?}", fixture.warnings());
    assert_eq!(
        run(&fixture, &branch, "cat /src/README").await?,
        "changed\n"
    );
    let warnings = fixture.warnings().join("\n");
    assert!(warnings.contains("as it was the last time"), "{warnings}");
    Ok(())
}

async fn checksums(fixture: Fixture) -> TestResult {
    let repository = sample(&fixture);
    let commit = repository.git(&["rev-parse", "HEAD"]);
    repository.git(&["tag", "-a", "v1", "-m", "one"]);
    let tag = repository.git(&["rev-parse", "v1"]);
    let server = serve(fixture.dir.path(), None);
    let url = server.url("/sample/.git");
    for right in [commit.as_str(), &commit[..8], &tag] {
        run(
            &fixture,
            &format!("FROM base\nADD --checksum={right} {url}#v1 /src\n"),
            "true",
        )
        .await?;
    }
    let wrong = "0123456789012345678901234567890123456789";
    let message = failure(
        &fixture,
        &format!("FROM base\nADD --checksum={wrong} {url}#v1 /src\n"),
    )
    .await;
    assert!(
        message.contains(wrong) && message.contains(&commit),
        "{message}"
    );
    Ok(())
}

async fn git_dir(fixture: Fixture) -> TestResult {
    let repository = sample(&fixture);
    repository.commit("second");
    repository.git(&["tag", "-a", "v1", "-m", "one"]);
    let server = serve(fixture.dir.path(), None);
    let url = server.url("/sample/.git");
    let credentials = url.replace("http://", "http://me:hunter2@");
    let file = format!("FROM base\nADD --keep-git-dir=true {credentials}#v1 /src\n");
    fixture.write("Dockerfile", &file);
    let out = fixture.dir.path().join("out");
    let engine = fixture.engine().await;
    let image = build(&engine.query("test"), &fixture).await?;
    image
        .directory("/src")
        .export(out.display().to_string())
        .await?;
    let first = digest(&engine, &fixture).await?;
    engine.shutdown().await;
    let checked = Repository(out);
    assert_eq!(checked.git(&["status", "--short"]), "");
    assert_eq!(checked.git(&["describe"]), "v1");
    assert_eq!(checked.git(&["rev-list", "--count", "HEAD"]), "1");
    assert_eq!(
        checked.git(&["remote", "get-url", "origin"]),
        url.replace("http://", "http://***@")
    );
    assert_eq!(checked.git(&["fsck", "--full"]), "");

    let other = Fixture::new();
    other.write("Dockerfile", &file);
    let engine = other.engine().await;
    assert_eq!(digest(&engine, &other).await?, first);
    Ok(())
}

async fn left_locked(fixture: Fixture) -> TestResult {
    let repository = sample(&fixture);
    tree(&fixture, &repository.url(), "main").await?;
    for entry in std::fs::read_dir(fixture.dir.path().join("store/caches"))? {
        let mirror = entry?.path().join("0/fs");
        std::fs::write(mirror.join("shallow.lock"), "")?;
        std::fs::write(mirror.join("config.lock"), "")?;
    }
    repository.write("new", "new\n");
    repository.commit("new");
    let files = tree(&fixture, &repository.url(), "main").await?;
    assert!(files.iter().any(|file| file == "new"), "{files:?}");
    Ok(())
}

async fn api(fixture: Fixture) -> TestResult {
    let repository = sample(&fixture);
    let first = repository.git(&["rev-parse", "HEAD"]);
    for tag in ["v1.9.0", "v1.10.0", "v2.0.0-rc.1", "latest"] {
        repository.git(&["tag", tag]);
    }
    repository.git(&["branch", "feature/x"]);
    repository.write("README", "second\n");
    let second = repository.commit("second");
    let engine = fixture.engine().await;
    let query = engine.query("test");
    let remote = query.git(repository.url());
    assert_eq!(remote.url().await?, repository.url());
    assert_eq!(remote.branches().await?, ["feature/x", "main"]);
    assert_eq!(
        remote.tags().await?,
        ["latest", "v1.10.0", "v1.9.0", "v2.0.0-rc.1"]
    );
    assert_eq!(remote.head().commit().await?, second);
    assert_eq!(remote.branch("feature/x").commit().await?, first);
    assert_eq!(remote.tag("v1.9.0").r#ref().await?, "refs/tags/v1.9.0");
    assert_eq!(remote.latest_version().r#ref().await?, "refs/tags/v1.10.0");
    assert_eq!(
        remote
            .commit(&first)
            .tree()
            .file("README")
            .contents()
            .await?,
        "read me\n"
    );

    // As in Dagger, the tree has `.git` unless told otherwise, with as much history as asked for.
    let depth = |depth: isize| GitRefTreeOptsBuilder::default().depth(depth).build();
    for (opts, expected) in [(depth(1)?, "1"), (depth(2)?, "2"), (depth(0)?, "2")] {
        let out = fixture
            .dir
            .path()
            .join(format!("out-{expected}-{:?}", opts.depth));
        remote
            .head()
            .tree_opts(opts)
            .export(out.display().to_string())
            .await?;
        let checked = Repository(out);
        assert_eq!(checked.git(&["rev-list", "--count", "HEAD"]), expected);
        assert_eq!(checked.git(&["status", "--short"]), "");
    }
    let opts = GitRefTreeOptsBuilder::default()
        .include_tags(true)
        .build()?;
    assert!(remote.head().tree_opts(opts).sync().await.is_err());
    Ok(())
}

async fn old_servers(fixture: Fixture) -> TestResult {
    let repository = sample(&fixture);
    let first = repository.git(&["rev-parse", "HEAD"]);
    repository.write("README", "second\n");
    repository.commit("second");
    repository.git(&["tag", "-a", "v2", "-m", "two"]);
    repository.git(&["update-server-info"]);
    let servers = [
        serve_old(fixture.dir.path()),
        serve_files(fixture.dir.path()),
    ];
    for server in &servers {
        let url = server.url("/sample/.git");
        let file = format!("FROM base\nADD {url}#v2 /new\nADD {url}#{first} /old\n");
        let out = run(&fixture, &file, "cat /new/README /old/README").await?;
        assert_eq!(out, "second\nread me\n", "{url}");
        let missing = "0123456789012345678901234567890123456789";
        let message = failure(&fixture, &format!("FROM base\nADD {url}#{missing} /x\n")).await;
        assert!(
            message.contains("git repository") && message.contains("Dockerfile:2"),
            "{message}"
        );
    }
    Ok(())
}
