//! `pipeline test` with the real program: the sample services keep their contracts, and variants of them that are broken in one
//! way each are told from each other, all in one run, without disturbing those beside them.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

/// The samples in a repository of their own, with what a test adds, and a cache of its own.
struct Checkout {
    dir: TempDir,
}

impl Checkout {
    fn new(services: &[(&str, &str)]) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let checkout = Self {
            dir: TempDir::new().unwrap(),
        };
        let path = checkout.path();
        copy(&root.join("tests/services"), &path.join("services"));
        for (name, text) in services {
            let folder = path.join("broken").join(name);
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join("service.toml"), text).unwrap();
        }
        let more = if services.is_empty() {
            ""
        } else {
            ", \"broken/*\""
        };
        let catalog = format!(
            "[project]\nname = \"shop\"\nregistry = \"registry.example.com/acme\"\nservices = [\"services/*\"{more}]\n"
        );
        fs::write(path.join("pipeline.toml"), catalog).unwrap();
        for args in [
            "init -q -b main",
            "add -A",
            "-c user.name=a -c user.email=a@example.com commit -q -m All",
        ] {
            let git = Command::new("git")
                .args(args.split(' '))
                .current_dir(&path)
                .status();
            assert!(git.unwrap().success());
        }
        checkout
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("checkout")
    }

    fn pipeline(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pipeline"));
        command
            .args(args)
            .current_dir(self.path())
            .env("PIPELINE_CACHE_DIR", self.dir.path().join("cache"))
            .env_remove("SOURCE_DATE_EPOCH")
            .stdin(Stdio::null());
        command
    }

    fn file(&self, path: &str) -> String {
        fs::read_to_string(self.path().join(path)).unwrap()
    }
}

/// The sources, without what builds left beside them.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type().unwrap().is_dir() {
            if entry.file_name() != "target" {
                copy(&source, &target);
            }
        } else {
            fs::copy(source, target).unwrap();
        }
    }
}

/// A service that runs the web sample's program, held to another contract.
fn variant(image: &str, contract: &str) -> String {
    format!(
        "builder = \"cargo\"\ndefault = false\n[cargo]\nmanifest = \"../../services/web/Cargo.toml\"\npackage = \"web\"\n\
         [image]\n{image}\n[contract]\nkind = \"http\"\nport = 8080\n{contract}\n"
    )
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn service<'a>(document: &'a Value, name: &str) -> &'a Value {
    let services = document["services"].as_array().unwrap();
    let found = services.iter().find(|service| service["name"] == name);
    found.unwrap_or_else(|| panic!("{name} is not in {document:#}"))
}

/// The points of a contract that failed, one in a line, and what was seen.
fn failed(document: &Value, name: &str) -> Vec<String> {
    let points = service(document, name)["contract"]["points"]
        .as_array()
        .unwrap();
    let failed = points.iter().filter(|point| point["passed"] == false);
    failed
        .map(|point| {
            format!(
                "{}: {}",
                point["name"].as_str().unwrap(),
                point["detail"].as_str().unwrap()
            )
        })
        .collect()
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", text(&output.stderr)))
}

#[test]
fn the_samples_pass_their_checks_and_keep_their_contracts() {
    let checkout = Checkout::new(&[]);
    let output = checkout.pipeline(&["test"]).output().unwrap();
    let (shown, errors) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{shown}{errors}");
    assert!(!shown.contains('✗'), "{shown}");
    for point in ["livez", "readyz", "version", "drain", "requests", "exit"] {
        assert!(shown.contains(&format!("✔ {point}")), "{point}: {shown}");
    }

    let summary: Value =
        serde_json::from_str(&checkout.file(".pipeline/reports/summary.json")).unwrap();
    assert_eq!(summary["passed"], true);
    let release: Value = serde_json::from_str(&checkout.file(".pipeline/release.json")).unwrap();
    for built in release["services"].as_array().unwrap() {
        let tested = service(&summary, built["name"].as_str().unwrap());
        assert_eq!(
            tested["digest"], built["digest"],
            "what is tested is what was built"
        );
    }
    let schedule = &service(&summary, "worker")["checks"][0];
    assert_eq!(
        schedule["junit"]["path"],
        ".pipeline/reports/worker/schedule.xml"
    );
    assert_eq!(schedule["junit"]["counts"]["failed"], 0);
    assert!(
        checkout
            .file(".pipeline/reports/worker/schedule.xml")
            .contains("<testcase")
    );
}

#[test]
fn each_broken_variant_is_told_in_its_own_words_and_harms_no_other() {
    let misled = "env = { GIT_SHA = \"abc\", BUILD_TS = \"yesterday\", SERVICE = \"other\" }";
    let listens = "env = { PORT = \"8080\" }";
    // The good check sees the build's environment, not that of the tests you are reading.
    let failing = "builder = \"cargo\"\ndefault = false\n[cargo]\nmanifest = \"../../services/shell/Cargo.toml\"\n\
        [contract]\nkind = \"job\"\nargs = [\"sh\", \"-c\", \"echo no database >&2; exit 7\"]\n\
        [[checks]]\nname = \"unit\"\njunit = \"report.xml\"\n\
        command = [\"sh\", \"-c\", \"echo one is broken; echo '<testsuite><testcase><failure/></testcase><testcase/></testsuite>' >report.xml; exit 3\"]\n\
        [[checks]]\nname = \"silent\"\ncommand = [\"true\"]\njunit = \"none.xml\"\n\
        [[checks]]\nname = \"good\"\n\
        command = [\"sh\", \"-c\", \"case $CARGO_TARGET_DIR in */.pipeline/cargo) test -z $CARGO_MANIFEST_DIR;; *) exit 9;; esac\"]\n";
    let checkout = Checkout::new(&[
        (
            "misled",
            &variant(
                misled,
                &format!("version = \"/version\"\nreadyz = \"/readyz\"\n{listens}"),
            ),
        ),
        (
            "crashing",
            &variant("", "env = { PORT = \"http\" }\nstart-timeout = \"60s\""),
        ),
        (
            "elsewhere",
            &variant("", "env = { PORT = \"9090\" }\nstart-timeout = \"2s\""),
        ),
        (
            "unready",
            &variant(
                "",
                &format!("readyz = \"/nothing\"\nstart-timeout = \"3s\"\n{listens}"),
            ),
        ),
        // An exposed port that nobody listens on is no reason to wait.
        (
            "slow",
            &variant(
                "ports = [9999]",
                "readyz = \"/readyz\"\ngrace-period = \"500ms\"\nenv = { PORT = \"8080\", DRAIN_MS = \"20000\" }",
            ),
        ),
        ("failing", failing),
    ]);
    let names = [
        "misled",
        "crashing",
        "elsewhere",
        "unready",
        "slow",
        "failing",
        "worker",
    ];
    let args = [
        &["test", "--output", "json", "--progress", "plain"],
        &names[..],
    ]
    .concat();
    let output = checkout.pipeline(&args).output().unwrap();
    let (document, errors) = (json(&output), text(&output.stderr));
    assert_eq!(output.status.code(), Some(1), "{errors}");
    assert_eq!(document["passed"], false);

    let sha = {
        let git = Command::new("git")
            .args(["rev-parse", "HEAD"])
            .current_dir(checkout.path())
            .output();
        text(&git.unwrap().stdout).trim().to_owned()
    };
    let wrong = failed(&document, "misled");
    assert_eq!(
        wrong[0],
        format!("version.sha: expected `{sha}`, found `abc`")
    );
    assert_eq!(
        wrong[1],
        "version.service: expected `misled`, found `other`"
    );
    assert!(
        wrong[2].starts_with("version.buildTs: expected ")
            && wrong[2].ends_with("found `yesterday`, which is no RFC 3339 time")
    );
    assert_eq!(wrong.len(), 3);
    assert_eq!(
        failed(&document, "crashing"),
        ["livez: the program ended before /livez answered 200"]
    );
    assert_eq!(
        failed(&document, "elsewhere"),
        ["livez: not 200 within 2.0s: no connection is accepted"]
    );
    assert_eq!(
        failed(&document, "unready"),
        ["readyz: not 200 within 3.0s: /nothing answers 404"]
    );
    assert_eq!(
        failed(&document, "slow"),
        ["exit: still running 0.5s after SIGTERM, which is its grace period"]
    );
    assert_eq!(failed(&document, "failing"), ["exit: exit code: 7"]);
    assert!(failed(&document, "worker").is_empty());

    // What the program printed is repeated at the end, where people look for it.
    let end = &errors[errors.find("\nfailed: ").unwrap()..];
    for said in [
        "failed: crashing  contract: broken: livez",
        "PORT=http: not a port number",
        "\"message\":\"draining\",\"for_ms\":\"20000\"",
        "one is broken",
        "no database",
    ] {
        assert!(end.contains(said), "{said} is not in {end}");
    }
    assert!(
        end.trim_end().ends_with(" checks and contracts failed"),
        "{end}"
    );

    let checks = service(&document, "failing")["checks"].as_array().unwrap();
    let outcomes: Vec<_> = checks
        .iter()
        .map(|check| (check["name"].as_str().unwrap(), check["message"].as_str()))
        .collect();
    assert_eq!(
        outcomes,
        [
            ("unit", Some("exit code: 3")),
            ("silent", Some("it passed, but there is no none.xml")),
            ("good", None)
        ]
    );
    assert_eq!(
        checks[0]["junit"]["counts"],
        serde_json::json!({"tests": 2, "failed": 1, "skipped": 0})
    );
    assert!(
        checkout
            .file(".pipeline/reports/failing/unit.xml")
            .contains("<failure/>")
    );
}

/// A check in a container that fails: its report is collected all the same, and what it printed is shown.
#[test]
fn a_check_in_a_container_that_fails_leaves_its_report() {
    let dockerfile = "FROM shell AS test\nSHELL [\"/app/shell\", \"sh\", \"-c\"]\nUSER 0:0\nRUN /app/shell mkdir /out\nFROM shell\n";
    let checkout = Checkout::new(&[(
        "tested",
        "builder = \"dockerfile\"\ndefault = false\n[dockerfile.contexts]\nshell = \"service:shell\"\n\
         [[checks]]\nname = \"unit\"\ntarget = \"test\"\njunit = \"/out/junit.xml\"\n\
         command = [\"/app/shell\", \"sh\", \"-c\", \"echo is broken; echo '<testsuite><testcase><error/></testcase></testsuite>' >/out/junit.xml; exit 4\"]\n\
         [[checks]]\nname = \"lost\"\ntarget = \"test\"\njunit = \"/none.xml\"\ncommand = [\"/app/shell\", \"true\"]\n\
         [[checks]]\nname = \"nowhere\"\ntarget = \"tset\"\ncommand = [\"/app/shell\", \"true\"]\n",
    )]);
    fs::write(checkout.path().join("broken/tested/Dockerfile"), dockerfile).unwrap();
    for round in ["first", "from the cache"] {
        let output = checkout
            .pipeline(&["test", "tested", "--checks-only", "--output", "json"])
            .output()
            .unwrap();
        let (document, errors) = (json(&output), text(&output.stderr));
        // A Dockerfile that has no such target is broken; that weighs more than a test that fails.
        assert_eq!(output.status.code(), Some(2), "{round}: {errors}");
        assert!(
            errors.contains("cannot run the check nowhere of tested") && errors.contains("tset"),
            "{round}: {errors}"
        );
        let end = &errors[errors.find("\nfailed: ").unwrap()..];
        assert!(end.contains("  | is broken\n"), "{round}: {end}");
        let service = service(&document, "tested");
        assert_eq!(service["contract"]["outcome"], "skipped");
        assert_eq!(service["checks"][0]["message"], "exit code: 4");
        assert_eq!(service["checks"][0]["junit"]["counts"]["failed"], 1);
        assert_eq!(
            service["checks"][1]["message"],
            "it passed, but there is no /none.xml"
        );
        assert!(
            checkout
                .file(".pipeline/reports/tested/unit.xml")
                .contains("<error/>")
        );
    }
}

/// Whether any process has `mark` in its environment.
fn runs(mark: &str) -> bool {
    let processes = fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    processes.into_iter().any(|process| {
        let environment = fs::read(process.path().join("environ")).unwrap_or_default();
        environment
            .windows(mark.len())
            .any(|window| window == mark.as_bytes())
    })
}

fn until(what: &str, limit: Duration, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < limit, "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn an_interruption_ends_services_and_checks() {
    let mark = format!("MARK_OF_TEST_{}", std::process::id());
    let contract = format!(
        "grace-period = \"60s\"\nenv = {{ PORT = \"8080\", DRAIN_MS = \"60000\", {mark} = \"1\" }}"
    );
    let waiting = "[[checks]]\nname = \"wait\"\ncommand = [\"sh\", \"-c\", \"echo $$ >pid; sleep 300 & wait\"]\n";
    let checkout = Checkout::new(&[
        ("endless", &variant("", &contract)),
        ("waiting", &(variant("", "") + waiting)),
    ]);
    // Compiling is not what is to be interrupted.
    let build = checkout.pipeline(&["build", "endless"]).output().unwrap();
    assert!(build.status.success(), "{}", text(&build.stderr));

    let interrupted = |args: &[&str], started: &dyn Fn() -> bool| {
        let mut child = checkout
            .pipeline(args)
            .stderr(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        until("it does not start", Duration::from_secs(60), started);
        let began = Instant::now();
        kill_process(Pid::from_child(&child), Signal::INT).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(130));
        assert!(
            began.elapsed() < Duration::from_secs(5),
            "{:?}",
            began.elapsed()
        );
    };
    interrupted(&["test", "endless"], &|| runs(&mark));
    until("the service is still there", Duration::from_secs(5), || {
        !runs(&mark)
    });

    let pid = checkout.path().join("broken/waiting/pid");
    let has_begun = || fs::read_to_string(&pid).is_ok_and(|pid| pid.ends_with('\n'));
    interrupted(&["test", "waiting", "--checks-only"], &has_begun);
    let group = fs::read_to_string(&pid).unwrap();
    let member = |stat: String| {
        // After the name, which may hold anything: state, parent, group.
        let fields: Vec<String> = stat
            .rsplit(')')
            .next()
            .unwrap()
            .split_whitespace()
            .map(str::to_owned)
            .collect();
        fields[0] != "Z" && fields[2] == group.trim()
    };
    until("the check is still there", Duration::from_secs(5), || {
        let mut processes = fs::read_dir("/proc").unwrap().filter_map(Result::ok);
        !processes.any(|process| fs::read_to_string(process.path().join("stat")).is_ok_and(member))
    });
}
