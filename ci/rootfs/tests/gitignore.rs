//! `.gitignore` files, held against what git itself takes of the same directory.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use ci_oci::Digest;
use ci_rootfs::import::{self, Digests, Filter, Node};

struct Nothing;

impl Digests for Nothing {
    fn known(&self, _: &rustix::fs::Stat) -> Option<Digest> {
        None
    }
    fn learn(&mut self, _: &rustix::fs::Stat, _: Digest) {}
}

const FILES: [&str; 24] = [
    "README",
    "a.log",
    "keep.log",
    "build/out",
    "build/keep",
    "src/build",
    "src/a.log",
    "src/keep.log",
    "src/deep/a.log",
    "src/deep/build/x",
    "src/deep/er/b.o",
    "src/deep/er/c.o",
    "doc/a.txt",
    "doc/b.txt",
    "doc/sub/a.txt",
    "node_modules/x/index.js",
    "packages/p/node_modules/y/index.js",
    "packages/p/dist/main.js",
    "packages/q/dist/main.js",
    "#hash",
    "!bang",
    "trailing ",
    "[x]",
    ".hidden/file",
];

const RULES: [&[(&str, &str)]; 12] = [
    &[(".gitignore", "*.log\n!keep.log\n")],
    &[(".gitignore", "build/\n")],
    &[(".gitignore", "/build\n/src/deep/**\n!/src/deep/er\n")],
    &[(".gitignore", "build/*\n!build/keep\n")],
    &[(".gitignore", "build/\n!build/keep\n")],
    &[
        (".gitignore", "*.log\n"),
        ("src/.gitignore", "!a.log\n"),
        ("src/deep/.gitignore", "a.log\n"),
    ],
    &[
        (".gitignore", "doc/*.txt\n"),
        ("doc/.gitignore", "!/b.txt\nsub\n"),
    ],
    &[(".gitignore", "node_modules\n**/dist\n!packages/q/dist\n")],
    &[(
        ".gitignore",
        "\\#hash\n\\!bang\ntrailing\\ \n[[]x]\n# comment\n",
    )],
    &[(".gitignore", "*\n!*/\n!*.txt\n")],
    &[(".gitignore", "[!a].o\n?eep.log\nsrc/**/b*\n")],
    &[(
        ".gitignore",
        "src/deep\n!src/deep/a.log\n.*\n!.gitignore\nREADME   \n",
    )],
];

/// What git takes: everything that it would add.
fn of_git(dir: &Path) -> Option<BTreeSet<String>> {
    let git = |arguments: &[&str]| {
        Command::new("git")
            .args(arguments)
            .current_dir(dir)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .output()
            .ok()
    };
    git(&["init", "-q"])?;
    let listed = git(&[
        "ls-files",
        "-z",
        "--others",
        "--exclude-per-directory=.gitignore",
    ])?;
    fs::remove_dir_all(dir.join(".git")).unwrap();
    let names = listed.stdout.split(|byte| *byte == 0);
    Some(
        names
            .filter(|name| !name.is_empty())
            .map(|name| String::from_utf8(name.to_vec()).unwrap())
            .collect(),
    )
}

fn of_scan(dir: &Path) -> BTreeSet<String> {
    let filter = Filter {
        gitignore: true,
        ..Filter::default()
    };
    let tree = import::scan(dir, &filter, &mut Nothing).unwrap();
    let files = tree
        .entries
        .iter()
        .filter(|entry| entry.node != Node::Directory);
    files
        .map(|entry| entry.path.display().to_string())
        .collect()
}

#[test]
fn a_scan_leaves_out_what_git_leaves_out() {
    for rules in RULES {
        let dir = tempfile::TempDir::new().unwrap();
        for (path, content) in FILES
            .iter()
            .map(|path| (*path, *path))
            .chain(rules.iter().copied())
        {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        let Some(expected) = of_git(dir.path()) else {
            eprintln!("skipped: no git");
            return;
        };
        assert!(
            expected.len() < FILES.len() + rules.len(),
            "git leaves something out: {rules:?}"
        );
        assert_eq!(of_scan(dir.path()), expected, "{rules:?}");
    }
}

#[test]
fn without_being_asked_to_a_scan_takes_everything() {
    let dir = tempfile::TempDir::new().unwrap();
    fs::write(dir.path().join(".gitignore"), "*\n").unwrap();
    let tree = import::scan(dir.path(), &Filter::default(), &mut Nothing).unwrap();
    assert_eq!(tree.entries.len(), 1);
    assert!(of_scan(dir.path()).is_empty());
}
