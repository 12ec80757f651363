//! `ADD` of addresses and `Query.http`, against a server in the test.

use std::sync::Mutex;

use ci_engine::progress::Outcome;
use dagger_sdk::QueryHttpOptsBuilder;
use libtest_mimic::{Failed, Trial};

use crate::dockerfile::build;
use crate::fixture::{Fixture, TestResult, test};
use crate::server::{Answer, Request, Server};

/// SHA-256 of `content`.
const SUM: &str = "sha256:ed7002b439e9ac845f22357d822bac1444730fbdb6016d3ec9432297b9ec9f73";

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        test(
            "ADD of an address gives a file of mode 0600 named as the address",
            added,
        ),
        test(
            "ADD of an address takes owner and mode, and does not unpack unless told to",
            dressed,
        ),
        test("a file with a checksum is fetched once", with_checksum),
        test(
            "a wrong checksum shows both and leaves nothing e10",
            wrong_checksum,
        ),
        test(
            "a file without checksum is asked for again, and fetched if it has changed",
            revalidated,
        ),
        test(
            "a file is taken as it was when the server cannot be reached",
            offline,
        ),
        test(
            "redirects are followed without credentials to another host, and to no other scheme e10",
            redirects,
        ),
        test(
            "a file that does not come whole is fetched again, and one that is not there is an error",
            broken,
        ),
        test("Query.http names, dresses and checks a file", api),
    ]
}

fn content(_: &Request) -> Answer {
    Answer::ok("content")
}

async fn run(fixture: &Fixture, dockerfile: &str, command: &[&str]) -> Result<String, Failed> {
    fixture.write("Dockerfile", dockerfile);
    let engine = fixture.engine().await;
    let built = build(&engine.query("test"), fixture).await?;
    let out = built.with_exec(command.to_vec()).stdout().await;
    engine.shutdown().await;
    Ok(out?)
}

async fn failure(fixture: &Fixture, dockerfile: &str) -> String {
    let error = run(fixture, dockerfile, &["true"]).await.unwrap_err();
    error.message().unwrap_or_default().to_owned()
}

const STAT: [&str; 5] = ["stat", "-c", "%u:%g %a %Y %n", "/d/a b", "/d/b"];

async fn added(fixture: Fixture) -> TestResult {
    let server = Server::start(|request| match request.target.as_str() {
        "/x/a%20b?v=1" => {
            Answer::ok("one").with("Content-Disposition", "attachment; filename=other")
        }
        _ => content(request),
    });
    let file = format!(
        "FROM base\nADD {} /d/\nADD {} /d/b\n",
        server.url("/x/a%20b?v=1"),
        server.url("/y")
    );
    let out = run(&fixture, &file, &STAT).await?;
    let names: Vec<_> = out
        .lines()
        .map(|line| line.split(' ').collect::<Vec<_>>())
        .collect();
    assert_eq!(names[0][..2], ["0:0", "600"], "{out}");
    assert_eq!(names[1][..2], ["0:0", "600"], "{out}");
    assert_eq!(
        run(&fixture, &file, &["cat", "/d/a b", "/d/b"]).await?,
        "onecontent"
    );
    Ok(())
}

async fn dressed(fixture: Fixture) -> TestResult {
    let dir = fixture.dir.path().join("archive");
    std::fs::create_dir(&dir)?;
    std::fs::write(dir.join("inside"), "inside")?;
    let tar = std::process::Command::new("tar")
        .arg("-C")
        .arg(&dir)
        .args(["-cf", "-", "inside"])
        .output()?;
    let archive = tar.stdout;
    let server = Server::start(move |_| Answer::ok(archive.clone()));
    let url = server.url("/a.tar");
    let file = format!(
        "FROM base\nADD --chown=app:app --chmod=640 {url} /whole/\nADD --unpack=true {url} /parts/\n"
    );
    let out = run(
        &fixture,
        &file,
        &[
            "sh",
            "-c",
            "stat -c '%U:%G %a %n' /whole/*; cat /parts/inside; ls /parts",
        ],
    )
    .await?;
    assert_eq!(out, "app:app 640 /whole/a.tar\ninsideinside\n");
    Ok(())
}

async fn with_checksum(fixture: Fixture) -> TestResult {
    let server = Server::start(content);
    let file = format!("FROM base\nADD --checksum={SUM} {} /f\n", server.url("/f"));
    assert_eq!(run(&fixture, &file, &["cat", "/f"]).await?, "content");
    server.close();
    assert_eq!(run(&fixture, &file, &["cat", "/f"]).await?, "content");
    // The store knows a file by its checksum, wherever it was from.
    let file = format!(
        "FROM base\nADD --checksum={SUM} {} /g\n",
        server.url("/elsewhere")
    );
    assert_eq!(run(&fixture, &file, &["cat", "/g"]).await?, "content");
    assert_eq!(server.seen().len(), 1);
    Ok(())
}

async fn wrong_checksum(fixture: Fixture) -> TestResult {
    let server = Server::start(|_| Answer::ok("other"));
    let file = format!("FROM base\nADD --checksum={SUM} {} /f\n", server.url("/f"));
    let message = failure(&fixture, &file).await;
    let found = "sha256:d9298a10d1b0735837dc4bd85dac641b0f3cef27a47e5d53a54f2f3f5b2fcffa";
    assert!(
        message.contains(SUM) && message.contains(found),
        "{message}"
    );
    assert!(message.contains("Dockerfile:2"), "{message}");
    let stored = ci_store::Store::open(&fixture.dir.path().join("store"))?;
    assert!(
        !stored.has_blob(&found.parse()?),
        "a file of the wrong content is not kept"
    );
    Ok(())
}

async fn revalidated(fixture: Fixture) -> TestResult {
    static VERSION: Mutex<&str> = Mutex::new("one");
    let server = Server::start(|request| {
        let version = *VERSION.lock().unwrap();
        let (name, validator) = if request.target == "/etag" {
            ("ETag", format!("\"{version}\""))
        } else {
            ("Last-Modified", format!("date {version}"))
        };
        let asked = request
            .headers
            .get("if-none-match")
            .or(request.headers.get("if-modified-since"));
        if asked == Some(&validator) {
            Answer::status(304, "")
        } else {
            Answer::ok(version).with(name, &validator)
        }
    });
    let file = format!(
        "FROM base\nADD {} {} /\nRUN cat /etag /date\n",
        server.url("/etag"),
        server.url("/date")
    );
    for expected in ["oneone", "oneone", "twotwo"] {
        if expected == "twotwo" {
            *VERSION.lock().unwrap() = "two";
        }
        assert_eq!(
            run(&fixture, &file, &["cat", "/etag", "/date"]).await?,
            expected
        );
    }
    assert_eq!(server.seen().len(), 6, "each build asks once");
    assert_eq!(
        fixture.outcomes("/etag"),
        fixture.outcomes("/date"),
        "both are one ADD"
    );
    assert_eq!(
        fixture.outcomes(&format!("fetch {}", server.url("/etag"))),
        [Outcome::Done, Outcome::Cached, Outcome::Done]
    );
    assert_eq!(
        fixture.outcomes("RUN cat"),
        [Outcome::Done, Outcome::Cached, Outcome::Done],
        "what has not changed runs nothing"
    );
    Ok(())
}

async fn offline(fixture: Fixture) -> TestResult {
    let server = Server::start(content);
    let file = format!("FROM base\nADD {} /f\n", server.url("/f"));
    run(&fixture, &file, &["true"]).await?;
    server.close();
    assert_eq!(run(&fixture, &file, &["cat", "/f"]).await?, "content");
    let warnings = fixture.warnings();
    assert!(
        warnings
            .iter()
            .any(|warning| warning.contains("as it was when it was last fetched")),
        "{warnings:?}"
    );
    let file = format!("FROM base\nADD {} /f\n", server.url("/never"));
    let message = failure(&fixture, &file).await;
    assert!(message.contains(&server.url("/never")), "{message}");
    Ok(())
}

async fn redirects(fixture: Fixture) -> TestResult {
    let other = Server::start(content);
    let target = other.url("/f");
    let server = Server::start(move |request| match request.target.as_str() {
        "/file" => Answer::redirect("file:///etc/passwd"),
        "/loop" => Answer::redirect("/loop"),
        _ => Answer::redirect(&target),
    });
    let engine = fixture.engine().await;
    let query = engine.query("test");
    let header = query
        .set_secret("header", "Bearer hunter2-and-more")
        .id()
        .await?;
    let opts = QueryHttpOptsBuilder::default()
        .auth_header(header)
        .build()?;
    let file = query.http_opts(server.url("/a"), opts);
    assert_eq!(file.contents().await?, "content");
    assert_eq!(
        server.seen()[0].headers["authorization"],
        "Bearer hunter2-and-more"
    );
    assert!(!other.seen()[0].headers.contains_key("authorization"), "R1");
    for path in ["/file", "/loop"] {
        let error = query.http(server.url(path)).contents().await.unwrap_err();
        assert!(
            error.to_string().contains("127.0.0.1") || error.to_string().contains("file:"),
            "{error}"
        );
    }
    Ok(())
}

async fn broken(fixture: Fixture) -> TestResult {
    static TIMES: Mutex<u32> = Mutex::new(0);
    let server = Server::start(|request| {
        if request.target == "/missing" {
            return Answer::status(404, "no");
        }
        let mut times = TIMES.lock().unwrap();
        *times += 1;
        let mut answer = Answer::ok("content");
        answer.length = (*times == 1).then_some(100);
        answer
    });
    let file = format!("FROM base\nADD {} /f\n", server.url("/f"));
    assert_eq!(run(&fixture, &file, &["cat", "/f"]).await?, "content");
    let message = failure(
        &fixture,
        &format!("FROM base\nADD {} /f\n", server.url("/missing")),
    )
    .await;
    assert!(message.contains("404"), "{message}");
    Ok(())
}

async fn api(fixture: Fixture) -> TestResult {
    let server = Server::start(content);
    let engine = fixture.engine().await;
    let query = engine.query("test");
    let file = query.http(server.url("/dir/name.txt"));
    assert_eq!(file.name().await?, "name.txt");
    assert_eq!(file.size().await?, 7);
    let opts = QueryHttpOptsBuilder::default()
        .name("other")
        .permissions(0o755_isize)
        .checksum(SUM)
        .build()?;
    let file = query.http_opts(server.url("/x"), opts);
    assert_eq!(
        (file.name().await?, file.contents().await?),
        ("other".into(), "content".into())
    );
    let opts = QueryHttpOptsBuilder::default().checksum("md5:0").build()?;
    let error = query
        .http_opts(server.url("/x"), opts)
        .contents()
        .await
        .unwrap_err();
    assert!(error.to_string().contains("no checksum"), "{error}");
    let opts = QueryHttpOptsBuilder::default().name("../x").build()?;
    assert!(
        query
            .http_opts(server.url("/x"), opts)
            .contents()
            .await
            .is_err()
    );
    Ok(())
}
