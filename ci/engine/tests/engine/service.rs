//! Services and tunnels.

use std::io::{Read, Write};
use std::net::TcpStream;

use ci_engine::progress::Outcome;
use libtest_mimic::Trial;

use crate::fixture::{Fixture, TestResult, base, test};

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        test(
            "a service is reached through a tunnel, two of them on one port number",
            tunnel,
        ),
        test(
            "a service that ends early fails its users with its output",
            ended_early,
        ),
        test("the step of a service says how it ended", exit_is_shown),
    ]
}

async fn tunnel(fixture: Fixture) -> TestResult {
    let engine = fixture.engine().await;
    let query = engine.query("test");
    let mut tunnels = Vec::new();
    for name in ["one", "two"] {
        let service = base(&query, &fixture)
            .with_new_file("/www/index.html", name)
            .with_exposed_port(8080);
        let service = service
            .with_default_args(vec!["httpd", "-f", "-p", "8080", "-h", "/www"])
            .as_service();
        let tunnel = query.host().tunnel(service.id().await?);
        tunnels.push((name, tunnel.endpoint().await?, service));
    }
    for (name, endpoint, service) in tunnels {
        let mut stream = TcpStream::connect(&endpoint)?;
        stream.write_all(b"GET /index.html HTTP/1.0\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        assert!(answer.ends_with(name), "{answer}");
        service.stop().await?;
    }
    engine.shutdown().await;
    Ok(())
}

async fn ended_early(fixture: Fixture) -> TestResult {
    let engine = fixture.engine().await;
    let query = engine.query("test");
    let service = base(&query, &fixture)
        .with_exposed_port(8080)
        .with_default_args(vec!["sh", "-c", "echo no config >&2; exit 4"])
        .as_service();
    let error = format!("{:?}", service.start().await.map(drop).unwrap_err());
    assert!(
        error.contains("no config") && error.contains("exit code: 4"),
        "{error}"
    );
    Ok(())
}

async fn exit_is_shown(fixture: Fixture) -> TestResult {
    let engine = fixture.engine().await;
    let query = engine.query("test");
    for (script, name) in [
        ("trap 'exit 3' TERM; sleep 60 & wait", "exit 3"),
        ("trap 'exit 0' TERM; sleep 61 & wait", "exit 0"),
    ] {
        let service = base(&query, &fixture)
            .with_default_args(vec!["sh", "-c", script])
            .as_service();
        service.start().await?;
        // The trap has to be set before the signal comes.
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        service.stop().await?;
        let expected = if name == "exit 0" {
            Outcome::Done
        } else {
            Outcome::Failed("exit code: 3".into())
        };
        assert_eq!(fixture.outcomes(name), [expected]);
    }
    Ok(())
}
