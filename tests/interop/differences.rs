//! What another builder makes of the same Dockerfile, and how that differs.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde_json::Value;
use test_support::report::Report;
use test_support::tree::{self, Tree};

/// What another builder made of a Dockerfile.
pub(crate) enum Theirs {
    Built(Peer),
    /// It says why.
    Refused(String),
}

/// An image that another builder made, as far as it can be compared.
pub(crate) struct Peer {
    pub(crate) tree: Tree,
    pub(crate) config: BTreeMap<String, Value>,
    /// Not of builders that have a form of their own.
    pub(crate) history: Option<Vec<String>>,
    /// `Rule Dockerfile:line`, sorted; not of builders that have none.
    pub(crate) warnings: Option<Vec<String>>,
}

/// Where builders mount things while they build: buildah leaves them in the image.
const LEFT_BEHIND: [&str; 7] = [
    "dev",
    "proc",
    "run",
    "sys",
    "etc/hostname",
    "etc/hosts",
    "etc/resolv.conf",
];

/// How another builder's result differs from ours: what is here with `-`, what is there with `+`.
#[track_caller]
pub(crate) fn lines(ours: &Report, theirs: &Theirs) -> Vec<String> {
    let words = |here: &str, there: &str| vec![format!("- {here}"), format!("+ {there}")];
    let (image, peer) = match (&ours.image, theirs) {
        (None, Theirs::Refused(_)) => return Vec::new(),
        (None, Theirs::Built(_)) => return words("is refused", "is built"),
        (Some(_), Theirs::Refused(_)) => return words("is built", "is refused"),
        (Some(image), Theirs::Built(peer)) => (image, peer),
    };
    let tree = peer.tree.clone();
    let tree = tree
        .without(&LEFT_BEHIND, &image.tree)
        .with_root_of(&image.tree);
    let mut lines = tree::difference(&image.tree, &tree);
    let names: BTreeSet<_> = image.config.keys().chain(peer.config.keys()).collect();
    for name in names {
        let (here, there) = (image.config.get(name), peer.config.get(name));
        if name == "WorkingDir" && here.is_none() && there == Some(&Value::from("/")) {
            continue;
        }
        if here != there {
            lines.extend(here.map(|value| format!("- config {name} {value}")));
            lines.extend(there.map(|value| format!("+ config {name} {value}")));
        }
    }
    if let Some(history) = &peer.history {
        lines.extend(changed("history", &image.history, history));
    }
    if let Some(warnings) = &peer.warnings {
        // The words are each builder's own.
        let rule_and_place = |warning: &String| {
            let mut parts = warning.splitn(3, ':');
            format!("{}:{}", parts.next().unwrap(), parts.next().unwrap())
        };
        let ours: Vec<String> = ours.events.warnings.iter().map(rule_and_place).collect();
        lines.extend(changed("warning", &ours, warnings));
    }
    lines
}

fn changed(what: &str, ours: &[String], theirs: &[String]) -> Vec<String> {
    let text = tree::changed_lines(&ours.join("\n"), &theirs.join("\n"));
    let changed = text.lines().filter(|line| !line.starts_with(' '));
    changed
        .map(|line| format!("{} {what} {}", &line[..1], &line[2..]))
        .collect()
}

/// A file beside a Dockerfile has these lines, and comments that say why; a missing file is an empty one. With `UPDATE_EXPECTED=1` it
/// is written anew: a comment stays with the line that it stands above.
#[track_caller]
pub(crate) fn assert_known(file: &Path, what: &str, lines: &[String], theirs: &Theirs) {
    let text = fs::read_to_string(file).unwrap_or_default();
    let is_comment = |line: &str| line.starts_with('#');
    let known: Vec<&str> = text
        .lines()
        .filter(|line| !line.is_empty() && !is_comment(line))
        .collect();
    if known == lines {
        return;
    }
    if std::env::var_os("UPDATE_EXPECTED").is_some() {
        let mut comments: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        let mut pending = Vec::new();
        for line in text.lines() {
            if is_comment(line) {
                pending.push(line);
            } else if !pending.is_empty() {
                comments.insert(line, std::mem::take(&mut pending));
            }
        }
        let with_comments = lines.iter().flat_map(|line| {
            let above = comments.remove(line.as_str()).unwrap_or_default();
            above.into_iter().chain([line.as_str()])
        });
        let text: String = with_comments.map(|line| format!("{line}\n")).collect();
        if text.is_empty() {
            let _ = fs::remove_file(file);
        } else {
            fs::write(file, text).unwrap();
        }
        return;
    }
    let said = match theirs {
        Theirs::Refused(reason) => format!("\nit says:\n{reason}"),
        Theirs::Built(_) => String::new(),
    };
    panic!(
        "not {what}. {} is to hold, if this is right:\n{}{said}",
        file.display(),
        lines.join("\n")
    );
}
