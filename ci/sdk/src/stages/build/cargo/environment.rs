//! The environment that cargo runs in: only what finds tools and reaches registries. Nothing of it that a user sets for other
//! purposes, nor what an outer `cargo run` sets, can change the program.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};

/// Finds tools and registries; does not change what is built.
const PLACES: &[&str] = &[
    "ALL_PROXY",
    "CARGO_HOME",
    "HOME",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NO_PROXY",
    "PATH",
    "RUSTUP_AUTO_INSTALL",
    "RUSTUP_DIST_SERVER",
    "RUSTUP_HOME",
    "RUSTUP_UPDATE_ROOT",
    "SSH_AUTH_SOCK",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "TEMP",
    "TMPDIR",
    "all_proxy",
    "http_proxy",
    "https_proxy",
    "no_proxy",
];

/// The same, by how the names begin.
const PLACE_PREFIXES: &[&str] = &[
    "CARGO_HTTP_",
    "CARGO_NET_",
    "CARGO_REGISTRIES_",
    "CARGO_REGISTRY_",
];

/// Native tools of the machine and where its libraries are: they do change what is built, as the compiler does.
const TOOLS: &[&str] = &[
    "AR",
    "CC",
    "CFLAGS",
    "CPATH",
    "CXX",
    "CXXFLAGS",
    "LIBCLANG_PATH",
    "LIBRARY_PATH",
    "PKG_CONFIG",
    "PKG_CONFIG_PATH",
    "PKG_CONFIG_SYSROOT_DIR",
    "PROTOC",
];

/// The same, by how the names begin: for one target, and what Nix's compiler wrappers read.
const TOOL_PREFIXES: &[&str] = &["AR_", "CC_", "CFLAGS_", "CXXFLAGS_", "CXX_", "NIX_"];

/// What is the same on every machine.
const FIXED: &[(&str, &str)] = &[
    ("CARGO_INCREMENTAL", "0"),
    ("CARGO_TERM_COLOR", "always"),
    ("CARGO_TERM_PROGRESS_WHEN", "never"),
    ("LC_ALL", "C"),
    // What compilers of other languages date their output with. Not the commit's time: a program depends on its sources alone.
    ("SOURCE_DATE_EPOCH", "1"),
    ("TZ", "UTC"),
];

/// Variables for cargo.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Environment {
    variables: BTreeMap<OsString, OsString>,
}

impl Environment {
    /// What of this process's environment is kept, and what is fixed.
    pub(super) fn of_process() -> Self {
        Self::from_pairs(std::env::vars_os())
    }

    fn from_pairs(pairs: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let kept = pairs.into_iter().filter(|(name, _)| {
            is_among(name, PLACES, PLACE_PREFIXES) || is_among(name, TOOLS, TOOL_PREFIXES)
        });
        let fixed = FIXED
            .iter()
            .map(|(name, value)| (name.into(), value.into()));
        Self {
            variables: kept.chain(fixed).collect(),
        }
    }

    /// The same with one more variable.
    pub(super) fn with(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.variables.insert(name.into(), value.into());
        self
    }

    pub(super) fn get(&self, name: &str) -> Option<&OsStr> {
        self.variables
            .get(OsStr::new(name))
            .map(OsString::as_os_str)
    }

    /// All of it, in the order of names.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&OsStr, &OsStr)> {
        self.variables
            .iter()
            .map(|(name, value)| (name.as_os_str(), value.as_os_str()))
    }

    /// What of it changes the program, as lines of text.
    pub(super) fn of_tools(&self) -> Vec<String> {
        self.iter()
            .filter(|(name, _)| is_among(name, TOOLS, TOOL_PREFIXES))
            .map(|(name, value)| format!("{}={}", name.display(), value.display()))
            .collect()
    }
}

fn is_among(name: &OsStr, names: &[&str], prefixes: &[&str]) -> bool {
    let name = name.to_string_lossy();
    names.contains(&&*name) || prefixes.iter().any(|prefix| name.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(names: &[&str]) -> Vec<(OsString, OsString)> {
        let pair = |name: &&str| ((*name).into(), "theirs".into());
        names.iter().map(pair).collect()
    }

    #[test]
    fn what_an_outer_cargo_or_a_user_sets_does_not_reach_the_build() {
        let outer = Environment::from_pairs(pairs(&[
            "CARGO",
            "CARGO_ENCODED_RUSTFLAGS",
            "CARGO_MANIFEST_DIR",
            "CARGO_PKG_VERSION",
            "CARGO_PROFILE_RELEASE_LTO",
            "CARGO_TARGET_DIR",
            "LANG",
            "LC_ALL",
            "LD_LIBRARY_PATH",
            "OUT_DIR",
            "RUSTC_WRAPPER",
            "RUSTFLAGS",
            "RUSTUP_TOOLCHAIN",
            "SECRET",
            "SOURCE_DATE_EPOCH",
            "TZ",
            "USER",
        ]));
        assert_eq!(outer, Environment::from_pairs([]));
        assert_eq!(outer.get("TZ"), Some(OsStr::new("UTC")));
    }

    #[test]
    fn tools_and_places_are_found_and_only_tools_count_as_input() {
        let names = [
            "PATH",
            "CARGO_HTTP_PROXY",
            "CC",
            "CFLAGS_x86_64_unknown_linux_musl",
        ];
        let environment = Environment::from_pairs(pairs(&names));
        for name in names {
            assert_eq!(environment.get(name), Some(OsStr::new("theirs")), "{name}");
        }
        assert_eq!(
            environment.of_tools(),
            ["CC=theirs", "CFLAGS_x86_64_unknown_linux_musl=theirs"]
        );
    }
}
