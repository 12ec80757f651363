//! Hostile Dockerfiles, and programs that end in every way but the right one: nothing of the host is seen, nothing broken is kept.

use std::net::TcpListener;

use ci_engine::progress::Outcome;
use libtest_mimic::Trial;

use crate::dockerfile::build;
use crate::fixture::{Fixture, TestResult, base, path, test};

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        test(
            "e1 a working directory does not lead out",
            working_directory,
        ),
        test(
            "e2 mounts in volumes that several steps share",
            shared_volumes,
        ),
        test("e4 a source that is a link does not lead out", sources),
        test("e6 no frontend is fetched", frontend),
        test(
            "e7 a user whose number wraps around is refused",
            wrapping_user,
        ),
        test(
            "e12 what a background process does after the end is not in the layer",
            background,
        ),
        test("e12 a step that is killed leaves nothing", killed),
        test(
            "e12 a step that nobody waits for any more is ended and leaves nothing",
            abandoned,
        ),
    ]
}

/// What only the host has.
const MARKER: &str = "a file of the host";

/// Builds a Dockerfile that tries to read the marker, `HOST` in its text being the directory it is in; how that ended.
async fn attempt(dockerfile: &str) -> Result<(), String> {
    let fixture = Fixture::new();
    std::fs::write(fixture.dir.path().join("marker"), MARKER).unwrap();
    fixture.write(
        "Dockerfile",
        &dockerfile.replace("HOST", &path(fixture.dir.path())),
    );
    let engine = fixture.engine().await;
    let container = build(&engine.query("test"), &fixture).await;
    let built = container.map_err(drop).unwrap().sync().await.map(drop);
    engine.shutdown().await;
    drop(engine);
    assert_eq!(fixture.printed(MARKER), 0, "it was read:\n{dockerfile}");
    fixture.assert_clean_store();
    built.map_err(|error| format!("{error:?}"))
}

/// CVE-2024-21626
async fn working_directory(_: Fixture) -> TestResult {
    for number in 3..12 {
        for link in ["/proc/self/fd/N", "/out/N"] {
            let link = link.replace('N', &number.to_string());
            let dockerfile = format!(
                "FROM base\nRUN mkdir /out && ln -s /proc/self/fd/{number} /out/{number}\n\
                 WORKDIR {link}\nRUN cat ../../../../../../../../../../../HOST/marker\n"
            );
            let error = attempt(&dockerfile).await.unwrap_err();
            assert!(error.contains("Dockerfile:"), "{error}");
        }
    }
    Ok(())
}

/// CVE-2024-23651, and what it could have been on an engine that makes mount points in volumes.
async fn shared_volumes(fixture: Fixture) -> TestResult {
    let mut dockerfile = String::new();
    for stage in 0..6 {
        dockerfile += &format!(
            "FROM base AS s{stage}\n\
             RUN --mount=type=cache,id=a,target=/a --mount=type=cache,id=b,target=/a/deep/b --mount=type=tmpfs,target=/a/deep/b/c \
             echo {stage} > /a/deep/b/{stage} && ls /a/deep/b/c && touch /done{stage}\n"
        );
    }
    dockerfile += "FROM base\n";
    for stage in 0..6 {
        dockerfile += &format!("COPY --from=s{stage} /done{stage} /\n");
    }
    dockerfile += "RUN --mount=type=cache,id=b,target=/b ls /b\n";
    fixture.write("Dockerfile", &dockerfile);
    let engine = fixture.engine().await;
    build(&engine.query("test"), &fixture).await?.sync().await?;
    assert_eq!(fixture.printed("0\n1\n2\n3\n4\n5\nc\n"), 1);
    Ok(())
}

/// CVE-2024-1753, CVE-2024-9407, CVE-2024-9675
async fn sources(_: Fixture) -> TestResult {
    let links = [
        "HOST",
        "../../../../../../../../../../../HOST",
        "/proc/self/cwd/../../../../../../HOST",
        "/proc/1/root/HOST",
    ];
    for link in links {
        for mount in [
            "type=bind,from=evil,source=/link,target=/m",
            "type=bind,from=evil,source=/link/marker,target=/m/marker",
            "type=cache,id=c,from=evil,source=/link,target=/m",
            "type=bind,from=evil,source=/link/../marker,target=/m/marker",
        ] {
            let dockerfile = format!(
                "FROM base AS evil\nRUN ln -s {link} /link\nFROM base\nRUN --mount={mount} cat /m/marker\n"
            );
            attempt(&dockerfile).await.unwrap_err();
        }
        let copied = format!(
            "FROM base AS evil\nRUN ln -s {link} /link\nFROM base\nCOPY --from=evil /link/marker /m\nRUN cat /m\n"
        );
        attempt(&copied).await.unwrap_err();
    }
    Ok(())
}

/// CVE-2026-33747
async fn frontend(fixture: Fixture) -> TestResult {
    let registry = TcpListener::bind("127.0.0.1:0")?;
    registry.set_nonblocking(true)?;
    let address = registry.local_addr()?;
    fixture.write(
        "Dockerfile",
        &format!("# syntax={address}/evil/frontend:1\nFROM base\nRUN true\n"),
    );
    let engine = fixture.engine().await;
    build(&engine.query("test"), &fixture).await?.sync().await?;
    let asked = registry.accept().map(|(_, peer)| peer);
    assert_eq!(asked.unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
    Ok(())
}

/// CVE-2024-40635
async fn wrapping_user(_: Fixture) -> TestResult {
    for user in [
        "4294967296",
        "4294967295",
        "0:4294967296",
        "99999999999999999999",
    ] {
        let error = attempt(&format!("FROM base\nUSER {user}\nRUN id -u\n"))
            .await
            .unwrap_err();
        assert!(error.contains(user.rsplit(':').next().unwrap()), "{error}");
    }
    Ok(())
}

async fn background(fixture: Fixture) -> TestResult {
    fixture.write(
        "Dockerfile",
        "FROM base\nRUN (while :; do echo more >> /log; done) & while ! test -s /log; do :; done; echo enough\n",
    );
    let engine = fixture.engine().await;
    let container = build(&engine.query("test"), &fixture).await?;
    let size = container.file("/log").size().await?;
    assert!(size > 0);
    container.as_tarball().digest().await?;
    engine.shutdown().await;
    drop((container, engine));
    // The layer is what its digest says: nothing wrote to it any more.
    fixture.assert_clean_store();
    Ok(())
}

async fn killed(fixture: Fixture) -> TestResult {
    for (signal, told) in [
        ("TERM", "15, SIGTERM"),
        ("KILL", "9, SIGKILL"),
        ("SEGV", "11, SIGSEGV"),
    ] {
        let step = format!("RUN echo half > /made && kill -{signal} $$");
        fixture.write("Dockerfile", &format!("FROM base\n{step}\n"));
        for _ in 0..2 {
            let engine = fixture.engine().await;
            let built = build(&engine.query("test"), &fixture).await?;
            let error = format!("{:?}", built.sync().await.map(drop).unwrap_err());
            assert!(
                error.contains(&format!("(killed by signal {told})")),
                "{error}"
            );
            engine.shutdown().await;
            drop(engine);
            fixture.assert_clean_store();
        }
        let outcomes = fixture.outcomes(&format!("kill -{signal}"));
        assert!(
            matches!(
                outcomes.as_slice(),
                [Outcome::Failed(_), Outcome::Failed(_)]
            ),
            "{outcomes:?}"
        );
    }
    assert!(
        fixture.contents_with(b"half\n").is_empty(),
        "its changes are still there"
    );
    Ok(())
}

async fn abandoned(fixture: Fixture) -> TestResult {
    let marker = format!("{}.5{}", 86_400, std::process::id());
    let script = format!(
        "test -e /c/second && exit 0; touch /c/second; echo half > /made; echo begun; sleep {marker}"
    );
    let run = async |engine: &ci_engine::Engine| -> TestResult {
        let query = engine.query("test");
        let volume = query.cache_volume("volume").id().await?;
        let container = base(&query, &fixture).with_mounted_cache("/c", volume);
        container
            .with_exec(vec!["sh", "-c", &script])
            .sync()
            .await?;
        Ok(())
    };
    let engine = fixture.engine().await;
    tokio::select! {
        ended = run(&engine) => panic!("{ended:?}"),
        () = fixture.until_printed("begun") => (),
    }
    while is_running(&marker) {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    run(&engine).await?;
    engine.shutdown().await;
    drop(engine);
    fixture.assert_clean_store();
    assert_eq!(
        fixture.outcomes("touch /c/second"),
        [Outcome::Canceled, Outcome::Done]
    );
    assert!(
        fixture.contents_with(b"half\n").is_empty(),
        "its changes are still there"
    );
    Ok(())
}

fn is_running(argument: &str) -> bool {
    std::fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok())
        .any(|line| {
            let line = String::from_utf8_lossy(&line);
            line.starts_with("sleep\0") && line.contains(argument)
        })
}
