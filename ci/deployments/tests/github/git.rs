//! The repository behind the stand-in.

use std::path::PathBuf;
use std::process::{Command, Stdio};

pub(crate) struct Git {
    folder: tempfile::TempDir,
}

impl Git {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let git = Self { folder };
        git.run(&["init", "--quiet", "--bare", "--initial-branch=main"]);
        git
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("git");
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_AUTHOR_NAME", "GitHub")
            .env("GIT_AUTHOR_EMAIL", "noreply@example.com")
            .env("GIT_AUTHOR_DATE", "1767323045 +0000")
            .env("GIT_COMMITTER_NAME", "GitHub")
            .env("GIT_COMMITTER_EMAIL", "noreply@example.com")
            .env("GIT_COMMITTER_DATE", "1767323045 +0000");
        command
    }

    /// What a command prints, if it succeeds.
    pub(crate) fn maybe(&self, arguments: &[&str]) -> Option<String> {
        let output = self.command(arguments).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        output
            .status
            .success()
            .then(|| text.trim_end_matches('\n').to_owned())
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> String {
        self.maybe(arguments)
            .unwrap_or_else(|| panic!("git {arguments:?}"))
    }

    pub(crate) fn bytes(&self, arguments: &[&str]) -> Vec<u8> {
        self.command(arguments).output().unwrap().stdout
    }

    pub(crate) fn blob(&self, content: &[u8]) -> String {
        let mut child = self
            .command(&["hash-object", "-w", "--stdin"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), content).unwrap();
        let output = child.wait_with_output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// A tree like `base` with these entries (mode, id, path).
    pub(crate) fn tree(&self, base: Option<&str>, entries: &[(&str, &str, &str)]) -> String {
        static COUNTER: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
        let number = COUNTER.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let index: PathBuf = self.folder.path().join(format!("index-{number}"));
        let run = |arguments: &[&str]| {
            let output = self
                .command(arguments)
                .env("GIT_INDEX_FILE", &index)
                .output()
                .unwrap();
            assert!(
                output.status.success(),
                "{}",
                String::from_utf8_lossy(&output.stderr)
            );
            String::from_utf8(output.stdout).unwrap().trim().to_owned()
        };
        match base {
            Some(base) => run(&["read-tree", base]),
            None => run(&["read-tree", "--empty"]),
        };
        for (mode, id, path) in entries {
            run(&[
                "update-index",
                "--add",
                "--cacheinfo",
                &format!("{mode},{id},{path}"),
            ]);
        }
        run(&["write-tree"])
    }

    pub(crate) fn commit(&self, tree: &str, parents: &[&str], message: &str) -> String {
        let mut arguments = vec!["commit-tree", tree, "-m", message];
        parents
            .iter()
            .for_each(|parent| arguments.extend(["-p", parent]));
        self.run(&arguments)
    }

    pub(crate) fn head(&self, branch: &str) -> Option<String> {
        self.maybe(&[
            "rev-parse",
            "--verify",
            "--quiet",
            &format!("refs/heads/{branch}"),
        ])
    }

    /// A commit by somebody else on top of a branch.
    pub(crate) fn write(&self, branch: &str, files: &[(&str, &str)], message: &str) -> String {
        let head = self.head(branch);
        let entries: Vec<(&str, String, &str)> = files
            .iter()
            .map(|(path, content)| match content.strip_prefix("-> ") {
                Some(target) => ("120000", self.blob(target.as_bytes()), *path),
                None => ("100644", self.blob(content.as_bytes()), *path),
            })
            .collect();
        let entries: Vec<(&str, &str, &str)> = entries
            .iter()
            .map(|(mode, id, path)| (*mode, &**id, *path))
            .collect();
        let tree = self.tree(head.as_deref(), &entries);
        let parents: Vec<&str> = head.as_deref().into_iter().collect();
        let commit = self.commit(&tree, &parents, message);
        self.run(&["update-ref", &format!("refs/heads/{branch}"), &commit]);
        commit
    }

    pub(crate) fn file(&self, branch: &str, path: &str) -> String {
        String::from_utf8(self.bytes(&["cat-file", "blob", &format!("{branch}:{path}")])).unwrap()
    }

    pub(crate) fn is_ancestor(&self, old: &str, new: &str) -> bool {
        self.maybe(&["merge-base", "--is-ancestor", old, new])
            .is_some()
    }
}
