//! Results go to standard output, everything else to standard error; terminals get colours, pipes never.

use libtest_mimic::Trial;

use crate::support::built::SERVICES;
use crate::support::machine::tool;
use crate::support::program::run;
use crate::support::project::Project;
use crate::support::{Verdict, test, test_if_possible};

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        test(
            "output: the result is a table with a line for each service",
            table,
        ),
        test("output: plain text where it is piped", piped),
        test("output: colours when asked for", colours),
        test("output: nothing but the result when quiet", quiet),
        test("output: one JSON object for each event", events),
        test(
            "output: a result that cannot be written is an error, a reader who leaves is none",
            unwritable,
        ),
        test_if_possible(
            "output: a live tree on a terminal, without colours if NO_COLOR says so",
            terminal,
        ),
    ]
}

fn table() {
    let project = Project::compiled();
    let run = project.run(&["build"]).succeeded();
    let lines: Vec<Vec<&str>> = run
        .stdout
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(lines[0], ["SERVICE", "IMAGE", "DIGEST", "SIZE", "TIME"]);
    assert_eq!(
        lines[1..].iter().map(|line| line[0]).collect::<Vec<_>>(),
        SERVICES
    );
    let record = project.record();
    for (line, service) in lines[1..]
        .iter()
        .zip(record["services"].as_array().unwrap())
    {
        assert_eq!(line[1], service["repository"]);
        assert!(service["digest"].as_str().unwrap().starts_with(line[2]));
    }
}

fn piped() {
    let project = Project::compiled();
    let run = project.run(&["build"]).succeeded();
    for text in [&run.stdout, &run.stderr] {
        let control = |c: char| c.is_control() && c != '\n';
        assert!(!text.contains(control), "{text:?}");
    }
    assert!(
        run.stderr
            .contains("\nworker  [schedule] RUN sh scripts/seal.sh"),
        "{}",
        run.stderr
    );
}

fn colours() {
    let project = Project::compiled();
    let run = project.run(&["build", "--color", "always"]).succeeded();
    assert!(run.stdout.contains("\x1b["), "{}", run.stdout);
}

fn quiet() {
    let project = Project::compiled();
    let run = project.run(&["build", "--progress", "quiet"]).succeeded();
    assert_eq!(run.stderr, "");
    assert!(run.stdout.starts_with("SERVICE"));
}

fn events() {
    let project = Project::compiled();
    let run = project
        .run(&["build", "--progress", "json", "--output", "json"])
        .succeeded();
    let events = crate::support::events::events(&run.stderr);
    assert!(events.iter().all(|event| event["event"].is_string()));
    serde_json::from_str::<serde_json::Value>(&run.stdout).unwrap();
}

fn unwritable() {
    let project = Project::compiled();
    let mut full = project.bare("sh");
    full.args([
        "-c",
        "exec \"$0\" build >/dev/full",
        env!("CARGO_BIN_EXE_pipeline"),
    ]);
    let failed = run(&mut full).exited(4);
    assert!(
        failed.stderr.contains("cannot write the result"),
        "{}",
        failed.stderr
    );
    let mut left = project.bare("sh");
    left.args([
        "-c",
        "{ \"$0\" build; echo $? >&2; } | true",
        env!("CARGO_BIN_EXE_pipeline"),
    ]);
    let left = run(&mut left);
    assert!(left.stderr.ends_with("\n0\n"), "{}", left.stderr);
}

fn terminal() -> Verdict {
    let script = tool("script")?;
    let project = Project::compiled();
    let on_terminal = |no_color: Option<&str>| {
        let mut command = project.bare(script.to_str().unwrap());
        let line = format!("{} build --no-cache", env!("CARGO_BIN_EXE_pipeline"));
        command
            .args(["-qec", &line, "/dev/null"])
            .env("TERM", "xterm");
        if let Some(value) = no_color {
            command.env("NO_COLOR", value);
        }
        run(&mut command).succeeded().stdout
    };
    let is_coloured = |text: &str| {
        ["\x1b[1m", "\x1b[2m", "\x1b[32m"]
            .iter()
            .any(|code| text.contains(code))
    };
    let coloured = on_terminal(None);
    assert!(is_coloured(&coloured), "{coloured:?}");
    assert!(coloured.contains("\x1b[?25h"), "the cursor is shown again");
    assert!(
        is_coloured(&on_terminal(Some(""))),
        "an empty NO_COLOR says nothing"
    );
    let plain = on_terminal(Some("1"));
    assert!(!is_coloured(&plain), "{plain:?}");
    assert!(plain.contains("✔ worker  "), "{plain:?}");
    Ok(())
}
