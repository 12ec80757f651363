//! Sockets of the host in executions: SSH agents, and any other.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use libtest_mimic::Trial;
use serde_json::json;

use crate::dockerfile::{build, build_with};
use crate::fixture::{Fixture, TestResult, base, test};

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        test(
            "RUN --mount=type=ssh reaches the agent of the build, to use keys and no more",
            mount,
        ),
        test(
            "an SSH mount without an agent is left out, or an error if it is required",
            without,
        ),
        test(
            "a socket that nobody answers on is an error that names it",
            dead,
        ),
        test("withUnixSocket leads to a socket of the host", any_socket),
    ]
}

/// An SSH agent with one key.
struct Agent {
    process: Child,
    socket: PathBuf,
}

impl Agent {
    /// `None` where OpenSSH is not installed.
    fn start(fixture: &Fixture) -> Option<Self> {
        let socket = fixture.dir.path().join("agent");
        let process = Command::new("ssh-agent")
            .arg("-D")
            .arg("-a")
            .arg(&socket)
            .stdout(Stdio::null())
            .spawn()
            .ok()?;
        while !socket.exists() {
            std::thread::yield_now();
        }
        let agent = Self { process, socket };
        let key = fixture.dir.path().join("key");
        let made = Command::new("ssh-keygen")
            .args(["-q", "-t", "ed25519", "-N", "", "-C", "of-the-test", "-f"])
            .arg(&key)
            .status();
        assert!(made.unwrap().success());
        let added = Command::new("ssh-add")
            .arg("-q")
            .arg(&key)
            .env("SSH_AUTH_SOCK", &agent.socket)
            .status();
        assert!(added.unwrap().success());
        Some(agent)
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// Copies a program of the host into the image, with the libraries it needs.
fn with_program(fixture: &Fixture, program: &str) {
    let libraries = Command::new("ldd").arg(program).output().unwrap().stdout;
    let libraries = String::from_utf8(libraries).unwrap();
    let libraries = libraries
        .split_whitespace()
        .filter(|word| word.starts_with('/'));
    for path in libraries.chain([program]) {
        let inside = fixture.dir.path().join("image").join(&path[1..]);
        std::fs::create_dir_all(inside.parent().unwrap()).unwrap();
        std::fs::copy(path, inside).unwrap();
    }
}

async fn mount(fixture: Fixture) -> TestResult {
    let Some(agent) = Agent::start(&fixture) else {
        eprintln!("skipped: no ssh-agent");
        return Ok(());
    };
    fixture.write(
        "Dockerfile",
        "FROM base\n\
         RUN --mount=type=ssh echo $SSH_AUTH_SOCK > /first && stat -c '%F %u:%g %a' $SSH_AUTH_SOCK >> /first\n\
         RUN --mount=type=ssh ssh-add -l > /keys && ! ssh-add -D && ! ssh-add -x < /dev/null && ssh-add -l\n\
         USER app\n\
         RUN --mount=type=ssh,id=other,target=/tmp/agent,uid=1000,gid=1000,mode=0640,required test \"$(stat -c '%n %u:%g %a' $SSH_AUTH_SOCK)\" = '/tmp/agent 1000:1000 640'\n\
         RUN test -z \"$SSH_AUTH_SOCK\" && test ! -e /run/buildkit\n",
    );
    with_program(&fixture, "/usr/bin/ssh-add");
    let engine = fixture.engine().await;
    let query = engine.query("test");
    let socket = query
        .host()
        .unix_socket(agent.socket.display().to_string())
        .id()
        .await?;
    let image = build_with(&query, &fixture, &[("ssh", json!(socket.0))]).await?;
    assert_eq!(
        image.file("/first").contents().await?,
        "/run/buildkit/ssh_agent.0\nsocket 0:0 600\n"
    );
    assert!(
        image
            .file("/keys")
            .contents()
            .await?
            .contains("of-the-test")
    );
    assert_eq!(
        image.directory("/").glob("run/**").await?,
        Vec::<String>::new(),
        "mount points leave no trace"
    );
    Ok(())
}

async fn without(fixture: Fixture) -> TestResult {
    let engine = fixture.engine().await;
    let query = engine.query("test");
    fixture.write(
        "Dockerfile",
        "FROM base\nRUN --mount=type=ssh test -z \"$SSH_AUTH_SOCK\"\n",
    );
    build(&query, &fixture).await?.sync().await?;
    fixture.write(
        "Dockerfile",
        "FROM base\nRUN --mount=type=ssh,required true\n",
    );
    let engine = fixture.engine().await;
    let error = build(&engine.query("test"), &fixture)
        .await?
        .sync()
        .await
        .map(drop)
        .unwrap_err();
    let error = error.to_string();
    assert!(
        error.contains("Dockerfile:2") && error.contains("SSH agent"),
        "{error}"
    );
    Ok(())
}

async fn dead(fixture: Fixture) -> TestResult {
    let engine = fixture.engine().await;
    let query = engine.query("test");
    fixture.write("Dockerfile", "FROM base\nRUN --mount=type=ssh true\n");
    let socket = query.host().unix_socket("nobody").id().await?;
    let image = build_with(&query, &fixture, &[("ssh", json!(socket.0))]).await?;
    let error = image.sync().await.map(drop).unwrap_err().to_string();
    assert!(error.contains("project/nobody does not answer"), "{error}");
    Ok(())
}

async fn any_socket(fixture: Fixture) -> TestResult {
    let Some(agent) = Agent::start(&fixture) else {
        eprintln!("skipped: no ssh-agent");
        return Ok(());
    };
    with_program(&fixture, "/usr/bin/ssh-add");
    let engine = fixture.engine().await;
    let query = engine.query("test");
    let socket = query
        .host()
        .unix_socket(agent.socket.display().to_string())
        .id()
        .await?;
    let container = base(&query, &fixture)
        .with_unix_socket("/run/it", socket)
        .with_env_variable("SSH_AUTH_SOCK", "/run/it");
    // Through this one anything may be said, so the agent can be emptied.
    let script = "stat -c %F /run/it && ssh-add -l && ssh-add -q -D && ! ssh-add -l";
    let out = container
        .with_exec(vec!["sh", "-c", script])
        .stdout()
        .await?;
    assert!(
        out.starts_with("socket\n") && out.contains("of-the-test"),
        "{out}"
    );
    assert_eq!(container.mounts().await?, ["/run/it"]);
    let without = container.without_unix_socket("/run/it");
    assert_eq!(without.mounts().await?, Vec::<String>::new());
    Ok(())
}
