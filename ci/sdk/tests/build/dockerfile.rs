//! The `dockerfile` builder, with what the catalog says of it.

use libtest_mimic::Trial;

use crate::image::Image;
use crate::project::{Project, Ran, test};

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        test("contexts_arguments_and_a_dockerfile_elsewhere", everything),
        test("secrets_reach_the_step_and_nothing_else_s1", secrets),
        test("a_missing_secret_is_named_with_its_place", missing_secret),
        test("a_broken_dockerfile_is_wrong_use", broken),
        test("a_failing_step_is_shown_with_its_line", failing),
        test("a_failure_is_told_of_the_service_it_is_in", attribution),
        test("a_layout_that_is_not_there_is_explained", no_layout),
    ]
}

/// Copies what `/run/secrets` has into `/seen`, or does as its arguments say.
const TOOL: &str = r#"
fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.first().map(String::as_str) {
        Some("exit") => std::process::exit(args[1].parse().unwrap()),
        Some("secret") => {
            let secret = std::fs::read_to_string("/run/secrets/token").unwrap();
            println!("the token is {secret}");
            std::fs::write("/seen", secret.len().to_string()).unwrap();
        }
        _ => {}
    }
}
"#;

fn with_tool() -> Project {
    let project = Project::new();
    project.program("tool", TOOL, "user = \"0:0\"");
    project
}

fn everything() {
    let project = with_tool();
    project.build(&["tool"]);
    std::fs::rename(
        project.root.join(".pipeline/oci"),
        project.root.join("saved"),
    )
    .unwrap();
    project.write("assets/note.txt", "a note");
    project.write("context/file", "in context");
    project.write(
        "docker/Odd",
        "FROM layout AS base\nARG WHO\nLABEL who=$WHO\nCOPY --from=assets note.txt /\nCOPY file /\nFROM base\nRUN [\"/app/tool\"]\n",
    );
    let options = "context = \"../../context\"\nfile = \"../../docker/Odd\"\nargs = { WHO = \"{service} {source_date_epoch}\" }\n\
                   [dockerfile.contexts]\nlayout = \"oci-layout:../../saved\"\nassets = \"dir:../../assets\"\nt = \"service:tool\"\n";
    project.dockerfile("made", "", options);
    let mut command = project.command(&["build", "made"]);
    let ran = Ran::of(command.env("SOURCE_DATE_EPOCH", "7").output().unwrap());
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let image = Image::of(&project, "made");
    assert_eq!(image.text("note.txt"), "a note");
    assert_eq!(image.text("file"), "in context");
    assert_eq!(
        image.resolved.config.created.as_deref(),
        Some("1970-01-01T00:00:07Z")
    );
    let config = image.resolved.config.config;
    assert_eq!(config.labels["who"], "made 7");
}

const SECRET: &str = "correct-horse-battery";

fn secrets() {
    let project = with_tool();
    project.dockerfile(
        "made",
        "FROM tool\nRUN --mount=type=secret,id=token [\"/app/tool\", \"secret\"]\n",
        "contexts = { tool = \"service:tool\" }\nsecrets = { token = \"env:TEST_TOKEN\" }",
    );
    let store = tempfile::tempdir().unwrap();
    let mut command = project.command(&["build", "--output", "json"]);
    let ran = Ran::of(
        command
            .env("TEST_TOKEN", SECRET)
            .env("PIPELINE_CACHE_DIR", store.path())
            .env("PIPELINE_LOG", "trace,dagger_sdk=trace")
            .output()
            .unwrap(),
    );
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    ran.said(&["the token is ***"]);
    let image = Image::of(&project, "made");
    assert_eq!(image.text("seen"), SECRET.len().to_string());
    for text in [&ran.stdout, &ran.stderr] {
        assert!(!text.contains(SECRET), "{text}");
    }
    for dir in [store.path(), &project.root] {
        let found = std::process::Command::new("grep")
            .args(["-r", "-l", SECRET])
            .arg(dir)
            .output()
            .unwrap();
        assert_eq!(String::from_utf8_lossy(&found.stdout), "");
    }
}

fn missing_secret() {
    let project = Project::new();
    project.dockerfile(
        "made",
        "FROM scratch\n",
        "secrets = { token = \"env:TEST_TOKEN_THAT_IS_NOT_SET\" }",
    );
    project.run(&["build"]).failed(
        2,
        &["services/made/service.toml: `dockerfile.secrets.token`: the environment variable TEST_TOKEN_THAT_IS_NOT_SET is not set"],
    );
    project.dockerfile(
        "made",
        "FROM scratch\n",
        "secrets = { token = \"file:token\" }",
    );
    project
        .run(&["build"])
        .failed(2, &["services/made/token cannot be read"]);
}

fn broken() {
    let project = Project::new();
    project.dockerfile("made", "FROM scratch\nCOPI a b\n", "");
    project.run(&["build"]).failed(
        2,
        &[
            "services/made/Dockerfile:2:1:",
            "there is no instruction COPI",
        ],
    );
}

fn failing() {
    let project = with_tool();
    project.dockerfile(
        "made",
        "FROM tool\nRUN [\"/app/tool\", \"exit\", \"7\"]\n",
        "contexts = { tool = \"service:tool\" }",
    );
    let ran = project.run(&["build", "--output", "json"]);
    ran.failed(1, &["services/made/Dockerfile:2", "exit code: 7"]);
    // What was built is told all the same.
    let record: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(record["services"][0]["name"], "tool");
    assert_eq!(record, project.record());
}

fn attribution() {
    let project = Project::new();
    project.dockerfile("base", "FROM scratch\nCOPY missing /\n", "");
    project.dockerfile("top", "FROM b\n", "contexts = { b = \"service:base\" }");
    let ran = project.run(&["build"]);
    ran.failed(
        1,
        &[
            "error: cannot build base\n",
            "error: cannot build top: base, whose image it reads, failed\n",
        ],
    );
}

fn no_layout() {
    let project = Project::new();
    project.dockerfile(
        "made",
        "FROM l\n",
        "contexts = { l = \"oci-layout:../../l\" }",
    );
    project
        .run(&["build"])
        .failed(2, &["there is no OCI layout in l", "skopeo copy"]);
}
