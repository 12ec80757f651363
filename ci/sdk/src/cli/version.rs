//! `version`: which version this is, and why.

use ci_catalog::version::{Cause, NextVersion, Reason};
use serde_json::{Value, json};

use super::{Answer, Format};
use crate::project::Project;
use crate::report;
use crate::stages::version::{self, Found, Origin};
use crate::text;

/// Say which version this is, and why
///
/// The version of a git tag at the commit, such as v1.4.2; else the one that follows the last release, from the commits since then in the
/// form of Conventional Commits: feat raises the second number, fix, perf and revert the third, and what breaks the first. This is the
/// {version} of tags and build arguments. In a shallow clone nothing is guessed.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Version {
    /// How to print the result, on standard output: human (the default) or json
    #[arg(
        long,
        value_name = "FORMAT",
        default_value = "human",
        hide_possible_values = true,
        hide_default_value = true
    )]
    output: Format,
}

const EXAMPLES: &str = "\
Examples:
  {bin} version                                  the version, and the commits that ask for it
  {bin} version --output json | jq -r .version   for scripts";

/// How many commits people are shown.
const SHOWN: usize = 20;

pub(crate) fn run(args: &Version, project: &Project) -> eyre::Result<Answer> {
    let found = version::of(project.root())?;
    Ok(match args.output {
        Format::Human => human(&found).into(),
        Format::Json => report::json(&document(&found))?.into(),
    })
}

fn human(found: &Found) -> String {
    match (&found.origin, &found.version) {
        (Origin::Tag(tag), Some(version)) => {
            format!("{version} is here: the tag {}\n", text::one_line(tag))
        }
        (Origin::Commits { next, .. }, _) => commits(next),
        (Origin::Tag(_), None) => String::new(),
    }
}

/// The version, and below it the commits that have a say in it.
fn commits(next: &NextVersion) -> String {
    let decided = next.to_string();
    let mut out = format!("{}\n", decided.lines().next().unwrap_or_default());
    let (telling, silent): (Vec<_>, Vec<_>) = next.reasons.iter().partition(|it| tells(it));
    for reason in telling.iter().take(SHOWN) {
        out.push_str(&format!("  {reason}\n"));
    }
    if let Some(more) = telling.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        out.push_str(&format!("  and {more} more\n"));
    }
    match silent.len() {
        0 => {}
        1 => out.push_str("  1 commit asks for no release\n"),
        count => out.push_str(&format!("  {count} commits ask for no release\n")),
    }
    if next.last.is_none() {
        out.push_str("No tag of the history names a release, such as v1.4.2; if one should, `git fetch --tags`.\n");
    }
    out
}

fn tells(reason: &Reason) -> bool {
    let taken_back = matches!(
        reason.cause,
        Cause::RevertsUnreleased(_) | Cause::RevertedBy(_)
    );
    reason.cause.bump().is_some() || taken_back
}

fn document(found: &Found) -> Value {
    let version = found.version.as_ref().map(ToString::to_string);
    match &found.origin {
        Origin::Tag(tag) => json!({"version": version, "tag": tag}),
        Origin::Commits { since, next } => {
            let commits: Vec<Value> = next.reasons.iter().map(commit).collect();
            json!({
                "version": version,
                "tag": null,
                "last": next.last.as_ref().map(ToString::to_string),
                "lastTag": since,
                "commits": commits,
            })
        }
    }
}

fn commit(reason: &Reason) -> Value {
    json!({
        "id": reason.id,
        "subject": reason.subject,
        "bump": reason.cause.bump().map(|it| it.to_string()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use ci_catalog::version::{Commit, next_version};

    fn found(last: Option<&str>, messages: &[&str]) -> Found {
        let commits: Vec<Commit<'_>> = messages
            .iter()
            .map(|message| Commit {
                id: "0123456789abcdef",
                message,
            })
            .collect();
        let next = next_version(last.map(|it| it.parse().unwrap()).as_ref(), &commits);
        Found {
            version: next.next.clone(),
            origin: Origin::Commits {
                since: last.map(|it| format!("v{it}")),
                next,
            },
        }
    }

    #[test]
    fn the_commits_that_have_a_say_are_listed() {
        let found = found(
            Some("1.4.2"),
            &[
                "docs: words",
                "feat(api): search\x1b[2J",
                "chore: tidy",
                "fix: it",
            ],
        );
        insta::assert_snapshot!(human(&found), @r"
        1.5.0 follows 1.4.2
          minor  0123456  feat(api): search\u{1b}[2J
          patch  0123456  fix: it
          2 commits ask for no release
        ");
    }

    #[test]
    fn no_release_is_an_answer_too() {
        insta::assert_snapshot!(human(&found(Some("1.4.2"), &["docs: a"])), @r"
        no release: nothing since 1.4.2 asks for one
          1 commit asks for no release
        ");
        insta::assert_snapshot!(human(&found(None, &["feat: a"])), @r"
        1.0.0 is the first version
          minor  0123456  feat: a
        No tag of the history names a release, such as v1.4.2; if one should, `git fetch --tags`.
        ");
        let many = vec!["fix: it"; 30];
        let shown = human(&found(Some("1.0.0"), &many));
        assert!(shown.ends_with("  and 10 more\n"), "{shown}");
    }

    #[test]
    fn a_tag_speaks_for_itself() {
        let found = Found {
            version: Some("1.4.2".parse().unwrap()),
            origin: Origin::Tag("v1.4.2".to_owned()),
        };
        insta::assert_snapshot!(human(&found), @"1.4.2 is here: the tag v1.4.2");
        assert_eq!(
            document(&found),
            json!({"version": "1.4.2", "tag": "v1.4.2"})
        );
    }

    #[test]
    fn programs_get_every_commit() {
        let document = document(&found(Some("1.4.2"), &["docs: words", "fix: it"]));
        insta::assert_snapshot!(report::json(&document).unwrap(), @r#"
        {
          "commits": [
            {
              "bump": null,
              "id": "0123456789abcdef",
              "subject": "docs: words"
            },
            {
              "bump": "patch",
              "id": "0123456789abcdef",
              "subject": "fix: it"
            }
          ],
          "last": "1.4.2",
          "lastTag": "v1.4.2",
          "tag": null,
          "version": "1.4.3"
        }
        "#);
    }
}
