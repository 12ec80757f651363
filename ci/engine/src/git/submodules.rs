//! Submodules: repositories that a commit names as parts of itself. Each is fetched by the rules for any repository.

use std::collections::BTreeMap;
use std::sync::Arc;

use ci_rootfs::copy;
use futures::FutureExt;
use futures::future::BoxFuture;

use super::tree::{Checkout, DEPTH_LIMIT, Want};
use super::{Asker, Remote, Resolved};
use crate::error::{Error, Result};
use crate::layers::Rootfs;
use crate::session::Session;

/// A submodule of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Submodule {
    /// Where, relative.
    path: String,
    /// As `.gitmodules` says it.
    url: String,
    commit: String,
}

impl Checkout<'_> {
    /// The submodules of the commit that `.gitmodules` knows; others stay empty directories, as git leaves them.
    pub(super) async fn submodules(&self) -> Result<Vec<Submodule>> {
        let commit = &self.wanted.commit;
        let blob = format!("{commit}:.gitmodules");
        let git = self.git();
        if git.run(&["cat-file", "-e", &blob], None).await.is_err() {
            return Ok(Vec::new());
        }
        let arguments = [
            "config",
            "--blob",
            &blob,
            "-z",
            "--get-regexp",
            r"^submodule\..*\.(path|url)$",
        ];
        // Git fails too when nothing matches; and what is no configuration names no submodules.
        let Ok(config) = git.run(&arguments, None).await else {
            return Ok(Vec::new());
        };
        let listed = git
            .run(&["ls-tree", "-r", "-z", "--full-tree", commit], None)
            .await?;
        Ok(named(&config, &listed))
    }
}

/// Brings together what `.gitmodules` says and which commits the tree names.
fn named(config: &[u8], tree: &[u8]) -> Vec<Submodule> {
    let mut modules: BTreeMap<&str, (Option<&str>, Option<&str>)> = BTreeMap::new();
    for entry in config.split(|byte| *byte == 0) {
        let Some((key, value)) = std::str::from_utf8(entry)
            .ok()
            .and_then(|entry| entry.split_once('\n'))
        else {
            continue;
        };
        let Some((name, field)) = key
            .strip_prefix("submodule.")
            .and_then(|key| key.rsplit_once('.'))
        else {
            continue;
        };
        let module = modules.entry(name).or_default();
        match field {
            "path" => module.0 = Some(value),
            _ => module.1 = Some(value),
        }
    }
    let urls: BTreeMap<&str, &str> = modules
        .into_values()
        .filter_map(|(path, url)| Some((path?, url?)))
        .collect();
    let mut found = Vec::new();
    for entry in tree.split(|byte| *byte == 0) {
        let Some((status, path)) = std::str::from_utf8(entry)
            .ok()
            .and_then(|entry| entry.split_once('\t'))
        else {
            continue;
        };
        if let Some(commit) = status.strip_prefix("160000 commit ")
            && let Some(url) = urls.get(path)
        {
            found.push(Submodule {
                path: path.to_owned(),
                url: (*url).to_owned(),
                commit: commit.to_owned(),
            });
        }
    }
    found
}

impl Session {
    /// A commit's files with those of its submodules.
    pub(super) fn with_submodules<'a>(
        self: &'a Arc<Self>,
        remote: &'a Remote,
        rootfs: Rootfs,
        modules: Vec<Submodule>,
        want: &'a Want,
        asker: &'a Asker,
        level: usize,
    ) -> BoxFuture<'a, Result<Rootfs>> {
        async move {
            let subdir = want.subdir.as_deref().unwrap_or_default().trim_matches('/');
            let mut items = Vec::new();
            for module in modules {
                let Some(path) = below(&module.path, subdir) else {
                    continue;
                };
                if level >= DEPTH_LIMIT {
                    return Err(Error::new(format!(
                        "git repository {}: its submodules are more than {DEPTH_LIMIT} deep",
                        remote.address
                    )));
                }
                let part = Remote {
                    address: remote.address.part(&module.url)?,
                    access: remote.access.clone(),
                };
                let wanted = Resolved::commit(module.commit);
                let files = self
                    .git_tree_at(&part, &wanted, &Want::FILES, asker, level + 1)
                    .await
                    .map_err(|error| error.context(format!("submodule {}", module.path)))?;
                let request = copy::Request {
                    sources: vec![".".into()],
                    root: "/".into(),
                    dest: format!("/{path}/"),
                    ..copy::Request::default()
                };
                items.push((files, request));
            }
            if items.is_empty() {
                return Ok(rootfs);
            }
            let layer = self.copy(&rootfs, items).await?;
            Ok(rootfs.with(layer))
        }
        .boxed()
    }
}

/// A path relative to a directory, if it is below it.
fn below<'a>(path: &'a str, dir: &str) -> Option<&'a str> {
    if dir.is_empty() {
        return Some(path);
    }
    path.strip_prefix(dir)?.strip_prefix('/')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn submodules_are_what_both_the_tree_and_the_configuration_name() {
        let config = b"submodule.lib.path\nvendor/lib\0submodule.lib.url\n../lib.git\0submodule.x.y.url\nu\0submodule.x.y.path\nx\0submodule.nowhere.url\nv\0";
        let a = "a".repeat(40);
        let tree = format!(
            "100644 blob {a}\tfile\0160000 commit {a}\tvendor/lib\0160000 commit {a}\tunnamed\0160000 commit {a}\tx\0"
        );
        let found = named(config, tree.as_bytes());
        let found: Vec<_> = found
            .iter()
            .map(|module| (module.path.as_str(), module.url.as_str()))
            .collect();
        assert_eq!(found, [("vendor/lib", "../lib.git"), ("x", "u")]);
    }

    #[test]
    fn only_submodules_below_the_directory_count() {
        assert_eq!(below("a/b", "a"), Some("b"));
        assert_eq!(below("ab/c", "a"), None);
        assert_eq!(below("a", ""), Some("a"));
    }
}
