//! Hostile git repositories, addresses and servers, and what they do not get.

use dagger_sdk::QueryGitOptsBuilder;
use libtest_mimic::Trial;
use serde_json::json;

use crate::dockerfile::{build, build_with};
use crate::fetch_git::{failure, tree};
use crate::fixture::{Fixture, TestResult, test};
use crate::repository::{Repository, sample, serve};
use crate::server::{Answer, Server};

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        test(
            "a directory of a repository never leads out of it e9",
            subdirs,
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
        test("a repository that SSH reaches needs an agent", ssh),
    ]
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

async fn ssh(fixture: Fixture) -> TestResult {
    let message = failure(&fixture, "FROM base\nADD git@127.0.0.1:a/b.git /src\n").await;
    assert!(message.contains("no SSH agent"), "{message}");
    assert!(message.contains("Dockerfile:2"), "{message}");
    Ok(())
}
