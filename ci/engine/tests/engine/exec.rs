//! Programs in containers.

use ci_engine::progress::Outcome;
use dagger_sdk::{
    ContainerWithExecOptsBuilder, ContainerWithMountedCacheOptsBuilder, DirectoryFilterOptsBuilder,
    HostDirectoryOptsBuilder, ReturnType,
};
use libtest_mimic::Trial;

use crate::fixture::{Fixture, TestResult, base, test};

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        test("a program runs and its output is read", output),
        test("what a program changes is in the next container", changes),
        test(
            "an unchanged execution is not run again, in another engine over the same store",
            cached,
        ),
        test("a failing program says its exit code and output", failure),
        test("a failing program may be expected", expected_failure),
        test(
            "cache volumes outlive executions and are no part of the image",
            cache_volume,
        ),
        test("secrets reach the program and nothing else s1", secrets),
        test(
            "standard streams are redirected from and to files of the container",
            redirects,
        ),
        test(
            "a directory of the host is taken without what its .gitignore files leave out",
            gitignore,
        ),
        test(
            "files are renamed and looked at, errors are made",
            small_fields,
        ),
        test("a user by name has its ids and home", users),
        test("a chain of 200 calls works", long_chain),
        test("annotations and labels are in the image", metadata),
        test(
            "files are copied to the same places in containers and directories",
            copies,
        ),
    ]
}

fn sh(script: &str) -> Vec<&str> {
    vec!["sh", "-c", script]
}

async fn output(fixture: Fixture) -> TestResult {
    let engine = fixture.engine().await;
    let query = engine.query("test");
    let out = base(&query, &fixture)
        .with_env_variable("GREETING", "hello")
        .with_exec(sh("echo $GREETING; pwd; hostname 2>/dev/null || true"))
        .stdout()
        .await?;
    assert_eq!(out.lines().take(2).collect::<Vec<_>>(), ["hello", "/"]);
    engine.shutdown().await;
    Ok(())
}

async fn changes(fixture: Fixture) -> TestResult {
    let engine = fixture.engine().await;
    let query = engine.query("test");
    let container = base(&query, &fixture)
        .with_exec(sh("mkdir /made && echo text > /made/file && rm /etc/group"));
    assert_eq!(container.file("/made/file").contents().await?, "text\n");
    assert_eq!(container.directory("/etc").entries().await?, ["passwd"]);
    assert_eq!(
        container.directory("/").entries().await?,
        ["bin/", "etc/", "made/"],
        "mount points leave no trace"
    );
    Ok(())
}

async fn cached(fixture: Fixture) -> TestResult {
    for _ in 0..2 {
        let engine = fixture.engine().await;
        let query = engine.query("test");
        base(&query, &fixture)
            .with_exec(sh("echo once > /file"))
            .sync()
            .await?;
        engine.shutdown().await;
    }
    assert_eq!(
        fixture.outcomes("echo once"),
        [Outcome::Done, Outcome::Cached]
    );
    Ok(())
}

async fn failure(fixture: Fixture) -> TestResult {
    let engine = fixture.engine().await;
    let query = engine.query("test");
    let error = base(&query, &fixture)
        .with_exec(sh("echo to-out; echo to-err >&2; exit 3"))
        .sync()
        .await
        .map(drop)
        .unwrap_err();
    let text = format!("{error:?}");
    assert!(
        text.contains("exit code: 3") && text.contains("to-out") && text.contains("to-err"),
        "{text}"
    );
    assert_eq!(
        fixture.outcomes("exit 3"),
        [Outcome::Failed("exit code: 3".into())]
    );
    Ok(())
}

async fn expected_failure(fixture: Fixture) -> TestResult {
    let engine = fixture.engine().await;
    let query = engine.query("test");
    let opts = ContainerWithExecOptsBuilder::default()
        .expect(ReturnType::Any)
        .build()?;
    let code = base(&query, &fixture)
        .with_exec_opts(sh("exit 5"), opts)
        .exit_code()
        .await?;
    assert_eq!(code, 5);
    Ok(())
}

async fn cache_volume(fixture: Fixture) -> TestResult {
    let engine = fixture.engine().await;
    let query = engine.query("test");
    let volume = query.cache_volume("things").id().await?;
    for round in ["one", "two"] {
        let opts = ContainerWithMountedCacheOptsBuilder::default().build()?;
        let container = base(&query, &fixture)
            .with_mounted_cache_opts("/cache", volume.clone(), opts)
            .with_env_variable("ROUND", round);
        let container = container.with_exec(sh("echo $ROUND >> /cache/log; cat /cache/log"));
        let expected = if round == "one" {
            "one\n"
        } else {
            "one\ntwo\n"
        };
        assert_eq!(container.stdout().await?, expected);
        assert_eq!(container.directory("/").entries().await?, ["bin/", "etc/"]);
    }
    Ok(())
}

async fn secrets(fixture: Fixture) -> TestResult {
    let engine = fixture.engine().await;
    let query = engine.query("test");
    let secret = query.set_secret("token", "hunter2-and-more").id().await?;
    let container = base(&query, &fixture)
        .with_secret_variable("TOKEN", secret.clone())
        .with_mounted_secret("/run/token", secret);
    let container = container.with_exec(sh("echo $TOKEN; cat /run/token; stat -c %a /run/token; test $TOKEN = $(cat /run/token) && echo same"));
    assert_eq!(container.stdout().await?, "***\n***400\nsame\n");
    engine.shutdown().await;
    let found = fixture.contents_with(b"hunter2");
    assert!(found.is_empty(), "{found:?}");
    Ok(())
}

async fn users(fixture: Fixture) -> TestResult {
    let engine = fixture.engine().await;
    let query = engine.query("test");
    let out = base(&query, &fixture)
        .with_user("app")
        .with_exec(sh("id -u; id -g; echo $HOME"))
        .stdout()
        .await?;
    assert_eq!(out, "1000\n1000\n/home/app\n");
    Ok(())
}

async fn long_chain(fixture: Fixture) -> TestResult {
    let engine = fixture.engine().await;
    let query = engine.query("test");
    let mut container = base(&query, &fixture);
    for number in 0..200 {
        container = container.with_env_variable(format!("N{number}"), number.to_string());
    }
    assert_eq!(
        container.with_exec(sh("echo $N199")).stdout().await?,
        "199\n"
    );
    Ok(())
}

async fn metadata(fixture: Fixture) -> TestResult {
    let engine = fixture.engine().await;
    let query = engine.query("test");
    let image = base(&query, &fixture)
        .with_label("who", "me")
        .with_annotation("org.example.what", "that");
    let archive = fixture.dir.path().join("image.tar");
    image.export(archive.display().to_string()).await?;
    let layout = ci_oci::Layout::create(&fixture.dir.path().join("layout"))?;
    ci_oci::archive::read(&mut std::fs::File::open(archive)?, &layout)?;
    let image = layout.resolve(None, &ci_oci::Platform::host())?;
    assert_eq!(image.manifest.annotations["org.example.what"], "that");
    assert_eq!(image.config.config.labels["who"], "me");
    assert_eq!(
        image.config.created.as_deref(),
        Some("2023-11-14T22:13:20Z")
    );
    Ok(())
}

async fn copies(fixture: Fixture) -> TestResult {
    let engine = fixture.engine().await;
    let query = engine.query("test");
    let source = query
        .directory()
        .with_new_file("a", "1")
        .with_new_file("deep/b", "2");
    let (dir, a, b) = (
        source.id().await?,
        source.file("a").id().await?,
        source.file("deep/b").id().await?,
    );
    let directory = query
        .directory()
        .with_directory("d", dir.clone())
        .with_file("f", a.clone())
        .with_file("g/", a.clone())
        .with_files("h", vec![a.clone(), b.clone()]);
    let container = base(&query, &fixture)
        .with_directory("/t/d", dir)
        .with_file("/t/f", a.clone())
        .with_file("/t/g/", a.clone())
        .with_files("/t/h", vec![a, b]);
    let expected = [
        "d/", "d/a", "d/deep/", "d/deep/b", "f", "g/", "g/a", "h/", "h/a", "h/b",
    ];
    assert_eq!(directory.glob("**").await?, expected);
    assert_eq!(container.directory("/t").glob("**").await?, expected);
    assert_eq!(
        container
            .with_exec(vec!["cat", "/t/d/deep/b", "/t/h/b"])
            .stdout()
            .await?,
        "22"
    );
    Ok(())
}

async fn redirects(fixture: Fixture) -> TestResult {
    let engine = fixture.engine().await;
    let query = engine.query("test");
    let container = base(&query, &fixture)
        .with_workdir("/work")
        .with_new_file("in", "from a file");
    let opts = || {
        ContainerWithExecOptsBuilder::default()
            .redirect_stdin("in")
            .redirect_stdout("/out/binary")
            .redirect_stderr("err")
            .build()
    };
    // No text, and more than is kept of what a program prints.
    let script = r"printf '\377\000'; cat; head -c 20000000 /dev/zero; echo failed >&2";
    let ran = container.with_exec_opts(sh(script), opts()?);
    let checked = ran.with_exec(sh(
        "head -c 13 /out/binary | tail -c +3; echo; head -c 1 /out/binary | grep -c .; stat -c '%s %a' /out/binary; cat err",
    ));
    let out = checked.stdout().await?;
    assert!(out.starts_with("from a file\n"), "{out}");
    assert!(out.ends_with("20000013 644\nfailed\n"), "{out}");
    assert_eq!(ran.stderr().await?, "failed\n");

    let opts = ContainerWithExecOptsBuilder::default()
        .redirect_stdout("/work")
        .build()?;
    let error = container
        .with_exec_opts(sh("echo"), opts)
        .sync()
        .await
        .map(drop)
        .unwrap_err();
    assert!(
        error.to_string().contains("/work: it is a directory"),
        "{error}"
    );
    Ok(())
}

async fn gitignore(fixture: Fixture) -> TestResult {
    for (path, content) in [
        (".gitignore", "*.log\n"),
        ("kept", "1"),
        ("a.log", "2"),
        ("d/b.log", "3"),
    ] {
        fixture.write(path, content);
    }
    let engine = fixture.engine().await;
    let query = engine.query("test");
    let opts = HostDirectoryOptsBuilder::default()
        .gitignore(true)
        .build()?;
    let directory = query.host().directory_opts(".", opts);
    assert_eq!(directory.glob("**").await?, [".gitignore", "d/", "kept"]);
    let opts = DirectoryFilterOptsBuilder::default()
        .gitignore(true)
        .build()?;
    let filtered = query.host().directory(".").filter_opts(opts);
    assert_eq!(filtered.digest().await?, directory.digest().await?);
    let opts = DirectoryFilterOptsBuilder::default()
        .gitignore(true)
        .build()?;
    let error = directory
        .directory("d")
        .filter_opts(opts)
        .sync()
        .await
        .map(drop)
        .unwrap_err();
    assert!(error.to_string().contains("host.directory"), "{error}");
    Ok(())
}

async fn small_fields(fixture: Fixture) -> TestResult {
    let engine = fixture.engine().await;
    let query = engine.query("test");
    let file = query
        .directory()
        .with_new_file("a", "text")
        .file("a")
        .with_name("b")
        .with_timestamps(1);
    assert_eq!(
        (file.name().await?, file.contents().await?),
        ("b".into(), "text".into())
    );
    assert_eq!(file.stat().size().await?, 4);
    assert!(file.with_name("../c").contents().await.is_err());
    let container = base(&query, &fixture);
    container.with_error("").sync().await?;
    let error = container
        .with_error("no way")
        .sync()
        .await
        .map(drop)
        .unwrap_err();
    assert!(error.to_string().contains("no way"), "{error}");
    let error = query
        .directory()
        .with_error("nor here")
        .sync()
        .await
        .map(drop)
        .unwrap_err();
    assert!(error.to_string().contains("nor here"), "{error}");
    Ok(())
}
