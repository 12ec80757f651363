//! Which Rust target a service is built for, and how it is linked: static where the toolchain can, for the platform asked for.

use ci_catalog::{Linkage, Platform};

use super::toolchain::Toolchain;
use crate::error::{Exit, UserError};

/// A Rust target and how programs for it are linked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    /// Rust's name for it.
    pub(super) triple: String,
    /// Whether the program is one file that needs no other.
    pub(super) is_static: bool,
    /// Whether the linker of this machine makes programs for it. If not, the one that comes with Rust does.
    pub(super) is_native: bool,
}

/// Rust's names for the architecture of a platform: the first part of a triple, and the end of its last.
fn names(platform: &Platform) -> Option<(&'static str, &'static str)> {
    Some(match (platform.architecture(), platform.variant()) {
        ("386", None) => ("i686", ""),
        ("amd64", None) => ("x86_64", ""),
        ("arm", Some("v5")) => ("armv5te", "eabi"),
        ("arm", Some("v6")) => ("arm", "eabihf"),
        ("arm", Some("v7")) => ("armv7", "eabihf"),
        ("arm64", None) => ("aarch64", ""),
        ("loong64", None) => ("loongarch64", ""),
        ("ppc64le", None) => ("powerpc64le", ""),
        ("riscv64", None) => ("riscv64gc", ""),
        ("s390x", None) => ("s390x", ""),
        _ => return None,
    })
}

impl Target {
    /// The target for `platform`: with `auto`, GNU's C library linked statically, else musl, else GNU's with shared objects.
    ///
    /// # Errors
    /// When the toolchain lacks what it takes; the hint says how to get it.
    pub(super) fn choose(
        toolchain: &Toolchain,
        platform: &Platform,
        linkage: Linkage,
    ) -> Result<Self, UserError> {
        let Some((architecture, abi)) = names(platform) else {
            let message = format!("Rust has no target for the platform {platform}");
            return Err(UserError::new(Exit::Usage, message));
        };
        let gnu = format!("{architecture}-unknown-linux-gnu{abi}");
        let musl = format!("{architecture}-unknown-linux-musl{abi}");
        let is_native = toolchain.host.split('-').next() == Some(architecture);
        let has_gnu = is_native && toolchain.host == gnu;
        let target = |triple: &str, is_static| Self {
            triple: triple.to_owned(),
            is_static,
            is_native,
        };
        if linkage != Linkage::Dynamic {
            if has_gnu && toolchain.libc.is_some() {
                return Ok(target(&gnu, true));
            }
            if toolchain.has_target(&musl) {
                return Ok(target(&musl, true));
            }
        }
        if linkage != Linkage::Static && has_gnu {
            return Ok(target(&gnu, false));
        }
        Err(lacking(toolchain, platform, linkage, &musl, is_native))
    }
}

fn lacking(
    toolchain: &Toolchain,
    platform: &Platform,
    linkage: Linkage,
    musl: &str,
    is_native: bool,
) -> UserError {
    let add = format!("rustup target add {musl}");
    if !is_native {
        let message = format!("this toolchain builds nothing for {platform}");
        return UserError::new(Exit::Machine, message).hint(add);
    }
    if linkage == Linkage::Dynamic {
        let message = format!(
            "programs for {} cannot be linked dynamically: only those for GNU's C library can",
            toolchain.host
        );
        return UserError::new(Exit::Machine, message)
            .hint("write `linkage = \"static\"` or \"auto\" under [cargo]");
    }
    let message = "this machine links no static programs: there is no libc.a, and no musl target";
    UserError::new(Exit::Machine, message).hint(format!(
        "{add}\nor libc.a: on Debian and Ubuntu `apt-get install libc6-dev`, on Fedora `dnf install glibc-static`"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Failure;
    use std::path::PathBuf;

    fn toolchain(sysroot: &std::path::Path, host: &str, libc: bool, targets: &[&str]) -> Toolchain {
        for triple in targets {
            std::fs::create_dir_all(sysroot.join("lib/rustlib").join(triple).join("lib")).unwrap();
        }
        Toolchain {
            cargo: PathBuf::new(),
            version: String::new(),
            host: host.to_owned(),
            commit: None,
            sysroot: sysroot.to_owned(),
            libc: libc.then(|| "/usr/lib/libc.a".into()),
            chosen: None,
            linker: Default::default(),
            libc_digest: None,
        }
    }

    const GNU: &str = "x86_64-unknown-linux-gnu";
    const MUSL: &str = "x86_64-unknown-linux-musl";
    const ARM: &str = "aarch64-unknown-linux-musl";

    /// Triple and static or dynamic, or the error and its hint.
    fn choose(libc: bool, targets: &[&str], platform: &str, linkage: Linkage) -> String {
        let sysroot = tempfile::tempdir().unwrap();
        let toolchain = toolchain(sysroot.path(), GNU, libc, targets);
        match Target::choose(&toolchain, &platform.parse().unwrap(), linkage) {
            Ok(target) => format!(
                "{} {}",
                target.triple,
                if target.is_static {
                    "static"
                } else {
                    "dynamic"
                }
            ),
            Err(error) => {
                let failure = Failure::of(&error.into());
                format!("{}; {}", failure.message, failure.hints.join("; "))
            }
        }
    }

    #[test]
    fn auto_prefers_static_gnu_then_musl_then_dynamic() {
        let auto = |libc, targets| choose(libc, targets, "linux/amd64", Linkage::Auto);
        assert_eq!(auto(true, &[GNU, MUSL]), format!("{GNU} static"));
        assert_eq!(auto(false, &[GNU, MUSL]), format!("{MUSL} static"));
        assert_eq!(auto(false, &[GNU]), format!("{GNU} dynamic"));
    }

    #[test]
    fn what_is_asked_for_is_never_replaced_by_something_else() {
        let dynamic = choose(true, &[GNU, MUSL], "linux/amd64", Linkage::Dynamic);
        assert_eq!(dynamic, format!("{GNU} dynamic"));
        insta::assert_snapshot!(choose(false, &[GNU], "linux/amd64", Linkage::Static), @r"
        this machine links no static programs: there is no libc.a, and no musl target; rustup target add x86_64-unknown-linux-musl
        or libc.a: on Debian and Ubuntu `apt-get install libc6-dev`, on Fedora `dnf install glibc-static`
        ");
    }

    #[test]
    fn another_platform_takes_its_musl_target() {
        let arm = |targets| choose(true, targets, "linux/arm64", Linkage::Auto);
        assert_eq!(arm(&[GNU, ARM]), format!("{ARM} static"));
        insta::assert_snapshot!(arm(&[GNU]), @"this toolchain builds nothing for linux/arm64; rustup target add aarch64-unknown-linux-musl");
    }

    #[test]
    fn every_platform_of_the_catalog_has_a_name_in_rust() {
        for platform in Platform::all() {
            assert!(names(&platform).is_some(), "{platform}");
        }
    }
}
