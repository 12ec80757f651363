//! `ADD` of git repositories and `Query.git`: real repositories, over file and over HTTP through `git http-backend`.

use ci_engine::progress::Outcome;
use dagger_sdk::{GitRefTreeOptsBuilder, QueryGitOptsBuilder};
use libtest_mimic::{Failed, Trial};
use serde_json::json;

use crate::dockerfile::{build, build_with, digest};
use crate::fixture::{Fixture, TestResult, test};
use crate::repository::{Repository, sample, serve};
use crate::server::{Answer, Server};

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
            "a directory of a repository never leads out of it e9",
            subdirs,
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
            "submodules are fetched by the rules for any repository p2",
            submodules,
        ),
        test(
            "nothing of a repository or of its user's configuration is run p2",
            hostile,
        ),
        test(
            "addresses and names that git would read as options are refused p1",
            options,
        ),
        test(
            "over HTTP, a repository is fetched with a token that nobody else sees s1",
            over_http,
        ),
        test(
            "an https repository is not fetched over anything else e10",
            transports,
        ),
        test(
            "a mirror that a killed git has left locked is used again c6",
            left_locked,
        ),
        test("Query.git knows branches, tags, commits and versions", api),
        test("a repository that SSH reaches needs an agent", ssh),
    ]
}

/// `ADD` as the plan has it; `file` addresses are no git sources in a Dockerfile, so these tests come through the API.
async fn tree(fixture: &Fixture, url: &str, name: &str) -> Result<Vec<String>, Failed> {
    let engine = fixture.engine().await;
    let query = engine.query("test");
    let opts = GitRefTreeOptsBuilder::default()
        .discard_git_dir(true)
        .build()?;
    let files = query.git(url).r#ref(name).tree_opts(opts).glob("**").await;
    engine.shutdown().await;
    Ok(files?)
}

async fn run(fixture: &Fixture, dockerfile: &str, script: &str) -> Result<String, Failed> {
    fixture.write("Dockerfile", dockerfile);
    let engine = fixture.engine().await;
    let built = build(&engine.query("test"), fixture).await?;
    let out = built.with_exec(vec!["sh", "-c", script]).stdout().await;
    engine.shutdown().await;
    Ok(out?)
}

async fn failure(fixture: &Fixture, dockerfile: &str) -> String {
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

async fn subdirs(fixture: Fixture) -> TestResult {
    let repository = sample(&fixture);
    std::os::unix::fs::symlink("bin", repository.0.join("to-bin"))?;
    repository.commit("a link to a directory");
    let server = serve(fixture.dir.path(), None);
    let url = server.url("/sample/.git");
    for (subdir, expected) in [
        ("outside", "links are not followed"),
        ("outside/ssl", "has no directory"),
        ("to-bin", "links are not followed"),
        ("README", "is not a directory"),
        ("missing", "has no directory"),
        (".git", "has no directory"),
        ("bin/../..", "leads out"),
    ] {
        let message = failure(
            &fixture,
            &format!("FROM base\nADD {url}#main:{subdir} /src\n"),
        )
        .await;
        assert!(message.contains(expected), "{subdir}: {message}");
        assert!(message.contains("Dockerfile:2"), "{message}");
    }
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

async fn submodules(fixture: Fixture) -> TestResult {
    let inner = Repository::new(&fixture, "inner");
    inner.write("deep", "deep\n");
    inner.commit("inner");
    let lib = Repository::new(&fixture, "lib");
    lib.write("lib", "lib\n");
    lib.git(&["submodule", "-q", "add", "../inner", "vendor/inner"]);
    lib.commit("lib");
    let app = Repository::new(&fixture, "app");
    app.write("app", "app\n");
    app.git(&["submodule", "-q", "add", "../lib", "third/lib"]);
    app.commit("app");
    let files = tree(&fixture, &app.url(), "main").await?;
    for path in ["app", "third/lib/lib", "third/lib/vendor/inner/deep"] {
        assert!(files.iter().any(|file| file == path), "{path} in {files:?}");
    }
    assert!(
        !files.iter().any(|file| file.ends_with(".git")),
        "{files:?}"
    );

    for (url, expected) in [
        ("ext::sh -c touch% /tmp/pwned", "git repository"),
        ("-uid", "git repository"),
        ("../../../../../../../../../../x", "above its host"),
    ] {
        app.git(&[
            "config",
            "-f",
            ".gitmodules",
            "submodule.third/lib.url",
            url,
        ]);
        app.commit("hostile");
        let error = tree(&fixture, &app.url(), "main").await.unwrap_err();
        let message = error.message().unwrap_or_default().to_owned();
        assert!(message.contains(expected), "{url}: {message}");
    }
    // Over HTTP a repository names none of this machine.
    app.git(&[
        "config",
        "-f",
        ".gitmodules",
        "submodule.third/lib.url",
        &lib.url(),
    ]);
    app.commit("local");
    let server = serve(fixture.dir.path(), None);
    let message = tree(&fixture, &server.url("/app/.git"), "main")
        .await
        .unwrap_err();
    assert!(
        message.message().unwrap_or_default().contains("not read"),
        "{message:?}"
    );
    Ok(())
}

async fn hostile(fixture: Fixture) -> TestResult {
    let repository = sample(&fixture);
    let ran = fixture.dir.path().join("ran");
    let run = format!("touch {}", ran.display());
    // A filter that only a configuration could define, and hooks and configuration of the other side.
    repository.write(".gitattributes", "* filter=evil\n");
    repository.commit("filter");
    repository.git(&["config", "filter.evil.smudge", &run]);
    repository.git(&["config", "core.fsmonitor", &run]);
    repository.write(".git/hooks/post-checkout", &format!("#!/bin/sh\n{run}\n"));
    let hook = repository.0.join(".git/hooks/post-checkout");
    std::fs::set_permissions(hook, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
    let files = tree(&fixture, &repository.url(), "main").await?;
    assert!(files.iter().any(|file| file == "README"), "{files:?}");

    // A cache mount cannot reach the mirror, whatever it is called, and so cannot configure what git does on the host.
    let server = serve(fixture.dir.path(), None);
    let url = server.url("/sample/.git");
    let mut mounts = String::new();
    let caches = fixture.dir.path().join("store/caches");
    for entry in std::fs::read_dir(&caches)? {
        let record = std::fs::read_to_string(entry?.path().join("0/record"))?;
        let id = record
            .split("\"id\":\"")
            .nth(1)
            .and_then(|rest| rest.split('"').next());
        let id = id.ok_or("a record without id")?;
        mounts.push_str(&format!(
            "RUN --mount=type=cache,target=/m,id={id} ls -A /m | wc -l >> /count\n"
        ));
    }
    assert!(!mounts.is_empty());
    fixture.write(
        "Dockerfile",
        &format!("FROM base\nADD {url} /src\n{}", mounts.replace('\u{0}', "")),
    );
    let engine = fixture.engine().await;
    let counts = build(&engine.query("test"), &fixture)
        .await?
        .file("/count")
        .contents()
        .await?;
    assert!(counts.lines().all(|count| count == "0"), "{counts}");
    assert!(!ran.exists(), "something was run");
    Ok(())
}

async fn options(fixture: Fixture) -> TestResult {
    let engine = fixture.engine().await;
    let query = engine.query("test");
    for url in [
        "--upload-pack=id",
        "ext::id",
        "ssh://-oProxyCommand=id/x",
        "/etc",
        "https://x/\u{1b}[31m",
    ] {
        let error = query
            .git(url)
            .head()
            .commit()
            .await
            .unwrap_err()
            .to_string();
        assert!(error.contains("git repository"), "{url}: {error}");
    }
    let repository = sample(&fixture);
    let remote = query.git(repository.url());
    for name in ["--all", "-x", "main^{/a}", "refs/*", "a..b"] {
        let error = remote.r#ref(name).commit().await.unwrap_err().to_string();
        assert!(error.contains("cannot be the name"), "{name}: {error}");
    }
    let error = remote
        .commit("abc1234")
        .commit()
        .await
        .unwrap_err()
        .to_string();
    assert!(error.contains("40 hexadecimal digits"), "{error}");
    let error = remote
        .branch("missing")
        .commit()
        .await
        .unwrap_err()
        .to_string();
    assert!(error.contains("it has no branch missing"), "{error}");
    Ok(())
}

async fn over_http(fixture: Fixture) -> TestResult {
    sample(&fixture);
    // x-access-token:hunter2-and-more
    const BASIC: &str = "Basic eC1hY2Nlc3MtdG9rZW46aHVudGVyMi1hbmQtbW9yZQ==";
    let server = serve(fixture.dir.path(), Some(BASIC));
    let url = server.url("/sample/.git");
    fixture.write("Dockerfile", &format!("FROM base\nADD {url} /src\n"));
    let message = failure(&fixture, &format!("FROM base\nADD {url} /src\n")).await;
    assert!(message.contains("GIT_AUTH_TOKEN"), "{message}");

    let engine = fixture.engine().await;
    let query = engine.query("test");
    let name = format!("GIT_AUTH_TOKEN.{}", server.host());
    let secret = query.set_secret(name, "hunter2-and-more").id().await?;
    let image = build_with(&query, &fixture, &[("secrets", json!([secret.0]))]).await?;
    assert_eq!(image.file("/src/README").contents().await?, "read me\n");
    let token = query.set_secret("token", "hunter2-and-more").id().await?;
    let opts = QueryGitOptsBuilder::default()
        .http_auth_token(token)
        .build()?;
    let head = query.git_opts(&url, opts).head();
    assert_eq!(head.r#ref().await?, "refs/heads/main");

    // Who is redirected elsewhere shows nothing there.
    let other = serve(fixture.dir.path(), None);
    let target = other.url("");
    let redirecting =
        Server::start(move |request| Answer::redirect(&format!("{target}{}", request.target)));
    let address = redirecting.url("/sample/.git");
    let token = query.set_secret("token", "hunter2-and-more").id().await?;
    let opts = QueryGitOptsBuilder::default()
        .http_auth_token(token)
        .build()?;
    let error = query
        .git_opts(&address, opts)
        .head()
        .commit()
        .await
        .unwrap_err()
        .to_string();
    assert!(error.contains("use its new address"), "{error}");
    assert_eq!(redirecting.seen()[0].headers["authorization"], BASIC);
    assert!(other.seen().is_empty());
    for address in [
        address.clone(),
        address.replace("http://", "http://me:hunter2@"),
    ] {
        assert_eq!(
            query.git(&address).head().commit().await?,
            head.commit().await?,
            "without a token it is followed"
        );
    }
    for request in other.seen() {
        assert!(
            !request.headers.contains_key("authorization"),
            "{request:?}"
        );
    }
    assert!(fixture.contents_with(b"hunter2").is_empty());
    Ok(())
}

async fn transports(fixture: Fixture) -> TestResult {
    let repository = sample(&fixture);
    let target = repository.url();
    let server =
        Server::start(move |request| Answer::redirect(&format!("{target}{}", request.target)));
    let engine = fixture.engine().await;
    let query = engine.query("test");
    let error = query
        .git(server.url("/sample"))
        .head()
        .commit()
        .await
        .unwrap_err()
        .to_string();
    assert!(error.contains("git repository http://127.0.0.1"), "{error}");
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

async fn ssh(fixture: Fixture) -> TestResult {
    let message = failure(&fixture, "FROM base\nADD git@127.0.0.1:a/b.git /src\n").await;
    assert!(message.contains("no SSH agent"), "{message}");
    assert!(message.contains("Dockerfile:2"), "{message}");
    Ok(())
}
