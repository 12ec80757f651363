//! Whether programs of a platform can run on this machine, said before anything is run.

use std::path::Path;

use ci_oci::Platform;
use ci_sandbox::binfmt::{self, Handler};

use crate::error::{Error, Result};
use crate::layers::Rootfs;
use crate::session::Session;

/// How programs of a platform run here.
#[derive(Debug, PartialEq, Eq)]
enum Way {
    /// As this machine's own.
    Native,
    /// By a handler whose program is open already.
    Handled,
    /// By a handler whose program must be in the image.
    InImage(Handler),
    /// Not at all.
    Missing,
}

fn way(host: &Platform, wanted: &Platform, handler: impl FnOnce(&str) -> Option<Handler>) -> Way {
    let native = match (host.architecture.as_str(), wanted.architecture.as_str()) {
        (host, wanted) if host == wanted => true,
        ("amd64", "386") => true,
        ("arm64", "arm") => binfmt::runs_32_bit_programs(),
        _ => false,
    };
    if wanted.os != host.os {
        return Way::Missing;
    }
    if native {
        return Way::Native;
    }
    match handler(&wanted.architecture) {
        Some(handler) if handler.fixed => Way::Handled,
        Some(handler) => Way::InImage(handler),
        None => Way::Missing,
    }
}

impl Session {
    /// Refuses a platform whose programs cannot run here on this root file system.
    pub(crate) async fn require_platform(&self, wanted: &Platform, rootfs: &Rootfs) -> Result<()> {
        let host = Platform::host();
        match way(&host, wanted, binfmt::handler) {
            Way::Native | Way::Handled => Ok(()),
            Way::InImage(handler) => {
                let path = handler.interpreter.to_string_lossy();
                if self.stat(rootfs, &path, true).await?.is_some() {
                    return Ok(());
                }
                Err(Error::new(not_in_image(&host, wanted, &handler)))
            }
            Way::Missing => Err(Error::new(missing(&host, wanted))),
        }
    }
}

fn missing(host: &Platform, wanted: &Platform) -> String {
    if wanted.os != host.os {
        return format!("this step needs {wanted}, this machine runs {host}");
    }
    format!(
        "this step needs {wanted}, this machine runs {host} and has no handler for it: install qemu-user-static (Debian: \
         `apt-get install qemu-user-static binfmt-support`) or `docker run --privileged --rm tonistiigi/binfmt --install {}`",
        wanted.architecture
    )
}

fn not_in_image(host: &Platform, wanted: &Platform, handler: &Handler) -> String {
    let program = Path::new(&handler.interpreter).display();
    format!(
        "this step needs {wanted}, this machine runs {host} and its handler {} is registered without the flag F, so that the image \
         would have to have {program}: register it with F, as binfmt-support and tonistiigi/binfmt do",
        handler.name
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn handler(fixed: bool) -> Handler {
        Handler {
            name: "qemu-aarch64".into(),
            interpreter: "/usr/bin/qemu-aarch64-static".into(),
            fixed,
        }
    }

    fn decide(host: &str, wanted: &str, handler: Option<Handler>) -> Way {
        way(&host.parse().unwrap(), &wanted.parse().unwrap(), |_| {
            handler
        })
    }

    #[test]
    fn a_foreign_platform_needs_a_handler_and_an_own_one_does_not() {
        assert_eq!(decide("linux/amd64", "linux/amd64", None), Way::Native);
        assert_eq!(decide("linux/amd64", "linux/amd64/v3", None), Way::Native);
        assert_eq!(decide("linux/amd64", "linux/386", None), Way::Native);
        assert_eq!(decide("linux/amd64", "linux/arm64", None), Way::Missing);
        assert_eq!(
            decide("linux/amd64", "linux/arm64", Some(handler(true))),
            Way::Handled
        );
        assert_eq!(
            decide("linux/amd64", "linux/arm64", Some(handler(false))),
            Way::InImage(handler(false))
        );
        assert_eq!(
            decide("linux/amd64", "windows/amd64", Some(handler(true))),
            Way::Missing
        );
    }

    #[test]
    fn what_is_missing_is_named() {
        let (host, wanted) = (
            "linux/amd64".parse().unwrap(),
            "linux/arm64".parse().unwrap(),
        );
        assert_eq!(
            missing(&host, &wanted),
            "this step needs linux/arm64, this machine runs linux/amd64 and has no handler for it: install qemu-user-static \
             (Debian: `apt-get install qemu-user-static binfmt-support`) or \
             `docker run --privileged --rm tonistiigi/binfmt --install arm64`"
        );
        assert_eq!(
            not_in_image(&host, &wanted, &handler(false)),
            "this step needs linux/arm64, this machine runs linux/amd64 and its handler qemu-aarch64 is registered without the \
             flag F, so that the image would have to have /usr/bin/qemu-aarch64-static: register it with F, as binfmt-support \
             and tonistiigi/binfmt do"
        );
        assert_eq!(
            missing(&host, &"windows/amd64".parse().unwrap()),
            "this step needs windows/amd64, this machine runs linux/amd64"
        );
    }
}
