//! Faults that build caches had: what must miss does, and what is cached never shows in an image.

use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::support::built::expected;
use crate::support::project::Project;
use crate::support::test;

const DOCKERFILE: &str = "tests/services/jobs/Dockerfile";

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        test(
            "c1: a change of metadata misses, and changing it back hits",
            metadata,
        ),
        test(
            "c1: images from scratch that differ in metadata alone are different",
            from_scratch,
        ),
        test("c5: what is in a cache mount is in no image", cache_mounts),
    ]
}

/// What a change of the Dockerfile does to the worker's digest, and to a part of its config.
#[track_caller]
fn changes(project: &Project, from: &str, to: &str, key: &str, value: &Value) {
    project.replace(DOCKERFILE, from, to);
    let digest = project.build_with(&["worker"])["worker"].clone();
    assert_ne!(digest, expected()["worker"], "{to}");
    assert_eq!(project.config("worker")["config"][key], *value, "{to}");
    project.git(&["checkout", "--quiet", "."]);
    assert_eq!(
        project.build_with(&["worker"])["worker"],
        expected()["worker"],
        "{to}"
    );
}

fn metadata() {
    let project = Project::compiled();
    project.build();
    let healthy = json!({
        "Test": ["CMD", "/app/web", "--check"], "Interval": 11_000_000_000_u64, "Timeout": 3_000_000_000_u64,
        "StartPeriod": 1_000_000_000, "Retries": 3,
    });
    changes(
        &project,
        "--interval=10s",
        "--interval=11s",
        "Healthcheck",
        &healthy,
    );
    let stop = json!("SIGQUIT");
    changes(
        &project,
        "STOPSIGNAL SIGTERM",
        "STOPSIGNAL SIGQUIT",
        "StopSignal",
        &stop,
    );
    let trigger = json!(["RUN true"]);
    changes(
        &project,
        "STOPSIGNAL SIGTERM",
        "STOPSIGNAL SIGTERM\nONBUILD RUN true",
        "OnBuild",
        &trigger,
    );
    let ports = json!({"8080/tcp": {}, "9090/tcp": {}});
    changes(
        &project,
        "EXPOSE ${PORT}/tcp",
        "EXPOSE ${PORT}/tcp 9090",
        "ExposedPorts",
        &ports,
    );
    let command = json!(["--jobs", "/etc/jobs/other"]);
    changes(
        &project,
        "\"/etc/jobs/schedule\"]",
        "\"/etc/jobs/other\"]",
        "Cmd",
        &command,
    );
}

const SCRATCH: &str = "tests/services/empty/Dockerfile";

/// CVE-2024-24557.
fn from_scratch() {
    let project = Project::compiled();
    project.write(
        "tests/services/empty/service.toml",
        "builder = \"dockerfile\"\n",
    );
    project.write("tests/services/empty/file", "content\n");
    let mut digests = Vec::new();
    for metadata in [
        "",
        "HEALTHCHECK CMD [\"/a\"]",
        "HEALTHCHECK CMD [\"/b\"]",
        "HEALTHCHECK NONE",
        "ONBUILD RUN [\"/a\"]",
        "ONBUILD RUN [\"/b\"]",
        "USER 1",
        "LABEL a=b",
    ] {
        project.write(
            SCRATCH,
            &format!("FROM scratch\nCOPY file /file\n{metadata}\n"),
        );
        digests.push(project.build_with(&["empty"])["empty"].clone());
    }
    let all = digests.len();
    digests.sort();
    digests.dedup();
    assert_eq!(digests.len(), all, "each is an image of its own");
}

fn cache_mounts() {
    let project = Project::compiled();
    let service = "builder = \"dockerfile\"\n\n[dockerfile.contexts]\nshell = \"service:shell\"\n";
    project.write("tests/services/mounts/service.toml", service);
    // Every run finds the files of those before it, and adds another.
    let dockerfile = "FROM shell\nUSER 0\nSHELL [\"/app/shell\", \"sh\", \"-euc\"]\n\
        RUN --mount=type=cache,target=/var/cache/it \
        id=$(cat /proc/sys/kernel/random/uuid); echo $id >/var/cache/it/$id; ls /var/cache/it | wc -l | grep .; echo made >/made\n";
    project.write("tests/services/mounts/Dockerfile", dockerfile);
    let mut digests = Vec::new();
    for count in 1..=3 {
        let run = project.run(&["build", "--no-cache", "mounts"]).succeeded();
        assert!(
            run.stderr.contains(&format!("#mounts {count}\n")),
            "{}",
            run.stderr
        );
        digests.push(project.index()["mounts"]["digest"].clone());
    }
    assert_eq!(digests[0], digests[1]);
    assert_eq!(digests[1], digests[2]);
    let root = project.run(&["files", "mounts"]).succeeded().stdout;
    assert_eq!(
        root, "app/\netc/\nmade\ntmp/\n",
        "nor is the place where it was"
    );
}
