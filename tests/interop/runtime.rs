//! The images of the sample services run by podman with runc.

use std::thread::sleep;
use std::time::{Duration, Instant};

use libtest_mimic::Trial;

use crate::product::samples;
use crate::tools::{self, attempt, run};

pub(crate) fn tests() -> Vec<Trial> {
    let test = |name: &str, body: fn()| {
        Trial::test(format!("runtime::{name}"), move || {
            body();
            Ok(())
        })
    };
    vec![
        test("podman_runs_the_shell", shell),
        test("podman_runs_the_migrator_to_its_end", migrator),
        test("podman_runs_web_until_sigterm", || service("web", &[])),
        test("podman_runs_worker_until_sigterm", || {
            service("worker", &["--jobs", "/etc/jobs/schedule"]);
        }),
    ]
}

/// The image of a service in podman's storage.
fn load(service: &str) -> String {
    let name = format!("localhost/run-{service}:v1");
    tools::store(&samples().image(service).transport(), &name);
    name
}

fn shell() {
    let image = load("shell");
    let script = "echo ok; id -u; echo $PATH; stat -c '%a %u:%g' /tmp";
    let printed = run(
        "podman",
        ["run", "--rm", "--network=none", &image, "sh", "-c", script],
    );
    assert_eq!(
        printed,
        "ok\n65532\n/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n1777 0:0\n"
    );
}

/// The volume that the image declares belongs to the user it runs as, or nothing could be written there.
fn migrator() {
    let printed = run(
        "podman",
        ["run", "--rm", "--network=none", &load("migrator")],
    );
    assert!(printed.ends_with("3 applied, 3 in all\n"), "{printed}");
}

/// Ready by its own check, then SIGTERM: the stop signal is the default or the one the image names.
fn service(name: &str, command: &[&str]) {
    let image = load(name);
    let container = format!("interop-{name}");
    let _removed = Removed(&container);
    run(
        "podman",
        [
            "run",
            "--detach",
            "--network=none",
            "--env=PORT=8080",
            "--name",
            &container,
            &image,
        ],
    );
    let config = run(
        "podman",
        ["inspect", "--format", "{{json .Config.Cmd}}", &container],
    );
    let expected = if command.is_empty() {
        "null".into()
    } else {
        serde_json::to_string(command).unwrap()
    };
    assert_eq!(config.trim(), expected);
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let (status, _, err) = attempt("podman", ["exec", &container, "/app/web", "--check"]);
        if status == 0 {
            break;
        }
        assert!(Instant::now() < deadline, "{name} is never well: {err}");
        sleep(Duration::from_millis(50));
    }
    run("podman", ["stop", "--time", "10", &container]);
    let code = run(
        "podman",
        ["inspect", "--format", "{{.State.ExitCode}}", &container],
    );
    assert_eq!(code.trim(), "0", "{}", run("podman", ["logs", &container]));
}

/// A container that is removed whatever becomes of the test.
struct Removed<'a>(&'a str);

impl Drop for Removed<'_> {
    fn drop(&mut self) {
        attempt("podman", ["rm", "--force", "--time", "0", self.0]);
    }
}
