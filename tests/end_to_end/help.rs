//! Help teaches by example: every example of every command is run as it stands.

use std::path::Path;

use libtest_mimic::Trial;

use crate::support::machine::tool;
use crate::support::program::run;
use crate::support::project::{Project, text};
use crate::support::test;

/// What reaches registries, or asks people; other tests are about these.
const ELSEWHERE: [&str; 13] = [
    " login ",
    " logout ",
    " push",
    " sign",
    " verify",
    " policy",
    " keys",
    " sbom --image",
    " promote",
    " rollback",
    " status",
    " gate",
    "--reuse",
];

pub(crate) fn tests() -> Vec<Trial> {
    vec![test("help: every example works", examples)]
}

fn examples() {
    let project = Project::compiled();
    project.git(&["tag", "v1.4.2"]);
    project.build();
    let mut examples = Vec::new();
    collect(&project, &mut Vec::new(), &mut examples);
    assert!(examples.len() > 20, "{examples:?}");
    examples.retain(|example| ELSEWHERE.iter().all(|part| !example.contains(part)));
    run_all(&project, &examples);
}

/// The examples of a command that other tests are about work in a project of theirs.
pub(crate) fn examples_work(project: &Project, command: &str) {
    let mut examples = Vec::new();
    collect(project, &mut vec![command.to_owned()], &mut examples);
    run_all(project, &examples);
}

fn run_all(project: &Project, examples: &[String]) {
    // By its name, as in the examples.
    let bin = project.dir.path().join("bin");
    if !bin.exists() {
        std::fs::create_dir(&bin).unwrap();
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_pipeline"), bin.join("pipeline")).unwrap();
    }
    let path = std::env::var("PATH").unwrap();
    for example in examples {
        let mut shell = project.bare("sh");
        shell
            .args(["-euc", &runnable(project, example)])
            .env("PATH", format!("{}:{path}", text(&bin)));
        let outcome = run(&mut shell);
        assert!(
            outcome.status.success(),
            "{example}\n{}\n{}",
            outcome.stdout,
            outcome.stderr
        );
    }
}

/// The examples of a command and of those below it.
fn collect(project: &Project, command: &mut Vec<String>, examples: &mut Vec<String>) {
    let mut arguments: Vec<&str> = command.iter().map(String::as_str).collect();
    arguments.push("--help");
    let help = project.run(&arguments).succeeded().stdout;
    let found = section(&help, "Examples:");
    assert!(!found.is_empty(), "{command:?} has no examples");
    // Two blanks separate what to type from what it does.
    examples.extend(
        found
            .iter()
            .map(|line| line.split("   ").next().unwrap().trim().to_owned()),
    );
    for line in section(&help, "Commands:") {
        let name = line.split_whitespace().next().unwrap();
        if name != "help" {
            command.push(name.to_owned());
            collect(project, command, examples);
            command.pop();
        }
    }
}

/// The lines below a heading, up to an empty one.
fn section<'a>(help: &'a str, heading: &str) -> Vec<&'a str> {
    let lines = help.lines().skip_while(|line| *line != heading).skip(1);
    lines.take_while(|line| !line.is_empty()).collect()
}

/// The example without what this machine lacks, and with the folders that it writes to.
fn runnable(project: &Project, example: &str) -> String {
    let (command, reader) = example.split_once(" | ").unwrap_or((example, ""));
    let is_installed = reader
        .split(' ')
        .next()
        .is_some_and(|reader| tool(reader).is_ok());
    if !reader.is_empty() && !is_installed {
        return command.to_owned();
    }
    if let Some((_, file)) = example.split_once(" > ") {
        let file = file.replace("~/", &format!("{}/", text(&project.home)));
        let folder = project
            .root
            .join(Path::new(&file))
            .parent()
            .unwrap()
            .to_owned();
        std::fs::create_dir_all(folder).unwrap();
    }
    example.to_owned()
}
