//! Containers of the API: an image's root file system and config, and what is added for executions only.

use std::collections::BTreeMap;
use std::sync::Arc;

use ci_oci::config::{History, RunConfig};
use ci_oci::{Descriptor, Digest, ImageConfig, Platform};
use ci_sandbox::Limits;

use crate::error::{Error, Result};
use crate::exec::{Exec, ExecOutcome, Expect, Mount, SecretEnv};
use crate::layers::Rootfs;
use crate::output::Redirects;

/// A container's state. It never changes: every call makes another one.
#[derive(Debug, Clone)]
pub(crate) struct Container {
    /// Its root file system.
    pub(crate) rootfs: Rootfs,
    /// The config of its image; `rootfs` in it is filled in when an image is made.
    pub(crate) image: ImageConfig,
    /// Layers that came from a base image, as the blobs they came as.
    pub(crate) blobs: BTreeMap<Digest, Descriptor>,
    /// The reference of the image in a registry that it is, with its digest; none once something has been changed.
    pub(crate) image_ref: Option<String>,
    /// Annotations of its manifest.
    pub(crate) annotations: BTreeMap<String, String>,
    /// Mounts of its executions; never part of its image.
    pub(crate) mounts: Vec<Mount>,
    /// Variables of its executions whose values are secrets; never part of its image.
    pub(crate) secret_env: Vec<SecretEnv>,
    /// What its executions may use up; never part of its image.
    pub(crate) limits: Limits,
    /// Default arguments were set after the image: a service runs them instead of the image's command.
    pub(crate) args_were_set: bool,
    /// The outcome of its last execution.
    pub(crate) last: Option<Arc<ExecOutcome>>,
}

impl Container {
    /// `FROM scratch`.
    pub(crate) fn scratch(platform: &Platform) -> Self {
        Self {
            rootfs: Rootfs::default(),
            image: ImageConfig::new(platform),
            blobs: BTreeMap::new(),
            image_ref: None,
            annotations: BTreeMap::new(),
            mounts: Vec::new(),
            secret_env: Vec::new(),
            limits: Limits::default(),
            args_were_set: false,
            last: None,
        }
    }

    /// The container of another image, with what was added to this one for executions and the variables the image lacks.
    pub(crate) fn with_image(&self, image: &Self) -> Self {
        let mut container = image.clone();
        container.mounts.clone_from(&self.mounts);
        container.secret_env.clone_from(&self.secret_env);
        container.limits.clone_from(&self.limits);
        for (name, value) in self.env() {
            if container.variable(&name).is_none() {
                container.set_variable(&name, Some(&value));
            }
        }
        container
    }

    /// How a container of it runs.
    pub(crate) fn config(&self) -> &RunConfig {
        &self.image.config
    }

    /// With another root file system, and the history entry of what was done.
    pub(crate) fn with_rootfs(&self, rootfs: Rootfs, created_by: String) -> Self {
        let mut next = self.clone();
        let added = rootfs.layers.len().saturating_sub(self.rootfs.layers.len());
        for _ in 0..added {
            next.image.history.push(History {
                created_by: Some(created_by.clone()),
                ..History::default()
            });
        }
        next.rootfs = rootfs;
        next.image_ref = None;
        next
    }

    /// Environment variables as pairs; an entry without `=` is a name with an empty value.
    pub(crate) fn env(&self) -> Vec<(String, String)> {
        let pair = |entry: &String| match entry.split_once('=') {
            Some((name, value)) => (name.to_owned(), value.to_owned()),
            None => (entry.clone(), String::new()),
        };
        self.config().env.iter().map(pair).collect()
    }

    /// The value of a variable.
    pub(crate) fn variable(&self, name: &str) -> Option<String> {
        self.env()
            .into_iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value)
    }

    /// Sets or removes a variable; one that was set keeps its place.
    pub(crate) fn set_variable(&mut self, name: &str, value: Option<&str>) {
        let mut env = self.env();
        match (env.iter_mut().find(|(known, _)| known == name), value) {
            (Some(entry), Some(value)) => value.clone_into(&mut entry.1),
            (None, Some(value)) => env.push((name.to_owned(), value.to_owned())),
            (_, None) => env.retain(|(known, _)| known != name),
        }
        self.image.config.env = env
            .into_iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
    }

    /// Replaces `$NAME` and `${NAME}` by the container's variables; an unknown name is empty.
    pub(crate) fn expand(&self, text: &str) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some(at) = rest.find('$') {
            out.push_str(&rest[..at]);
            rest = &rest[at + 1..];
            let (name, after) = match rest
                .strip_prefix('{')
                .and_then(|inner| inner.split_once('}'))
            {
                Some(braced) => braced,
                None => rest.split_at(
                    rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
                        .unwrap_or(rest.len()),
                ),
            };
            if name.is_empty() {
                out.push('$');
            } else {
                out.push_str(&self.variable(name).unwrap_or_default());
            }
            rest = after;
        }
        out.push_str(rest);
        out
    }

    /// An absolute path: relative ones are taken from the working directory.
    pub(crate) fn path(&self, path: &str) -> String {
        crate::directory::join(&self.config().working_dir, path)
    }

    /// The command line for `args`, as `withExec` and services have it.
    pub(crate) fn command(&self, args: Vec<String>, use_entrypoint: bool) -> Result<Vec<String>> {
        let args = if args.is_empty() {
            self.config().cmd.clone().unwrap_or_default()
        } else {
            args
        };
        let entrypoint = self
            .config()
            .entrypoint
            .clone()
            .filter(|_| use_entrypoint)
            .unwrap_or_default();
        let command: Vec<String> = entrypoint.into_iter().chain(args).collect();
        if command.is_empty() {
            Err(Error::new("no command has been set"))
        } else {
            Ok(command)
        }
    }

    /// An execution in it.
    pub(crate) fn exec(&self, argv: Vec<String>) -> Exec {
        Exec {
            rootfs: self.rootfs.clone(),
            platform: self.image.platform(),
            argv,
            env: self.env(),
            ambient_env: Vec::new(),
            secret_env: self.secret_env.clone(),
            user: self.config().user.clone(),
            cwd: self.config().working_dir.clone(),
            mounts: self.mounts.clone(),
            isolated: false,
            stdin: None,
            redirects: Redirects::default(),
            limits: self.limits.clone(),
            expect: Expect::Success,
        }
    }

    /// Adds a mount; one at the same place is replaced.
    pub(crate) fn mount(&mut self, mount: Mount) {
        self.mounts.retain(|known| known.target != mount.target);
        self.mounts.push(mount);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn container(env: &[&str]) -> Container {
        let mut container = Container::scratch(&Platform::new("linux", "amd64", None));
        container.image.config.env = env.iter().map(|&entry| entry.to_owned()).collect();
        container
    }

    #[test]
    fn variables_are_expanded_in_both_forms() {
        let container = container(&["A=1", "PATH=/bin"]);
        assert_eq!(
            container.expand("/x:$PATH:${A}b$$A-$missing."),
            "/x:/bin:1b$1-."
        );
    }

    #[test]
    fn a_variable_that_is_set_again_keeps_its_place() {
        let mut container = container(&["A=1", "B=2"]);
        container.set_variable("A", Some("3"));
        container.set_variable("C", Some("4"));
        container.set_variable("B", None);
        assert_eq!(container.config().env, ["A=3", "C=4"]);
    }

    #[test]
    fn no_command_is_an_error() {
        let error = container(&[]).command(Vec::new(), true).unwrap_err();
        assert_eq!(error.to_string(), "no command has been set");
    }
}
