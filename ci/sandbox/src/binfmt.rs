//! How programs of other architectures run on this machine: by handlers that somebody registered with the kernel
//! (Documentation/admin-guide/binfmt-misc.rst). They are read here, never registered.

use std::fs;
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;

use rustix::fs::{CWD, Dir, Mode, OFlags, openat};
use rustix::io::Errno;
use rustix::mount::MountAttrFlags;

use crate::mounts::{Configuration, INERT};

/// Where distributions mount the registrations.
const DIRECTORY: &str = "/proc/sys/fs/binfmt_misc";

/// A program that the kernel starts for programs of another architecture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handler {
    /// What it is registered as, such as `qemu-aarch64`.
    pub name: String,
    /// Absolute path of the program.
    pub interpreter: PathBuf,
    /// Whether it was opened when it was registered (flag F). If not, the kernel looks for it in the root file system of whoever executes.
    pub fixed: bool,
}

/// The handler for programs of an architecture, by its name in Go (`arm64`), if there is an enabled one.
pub fn handler(architecture: &str) -> Option<Handler> {
    let program = header(architecture)?;
    let directory = directory().ok()?;
    let entries = Dir::read_from(&directory).ok()?;
    let names = entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str().map(str::to_owned).ok())
        .filter(|name| !matches!(name.as_str(), "." | ".." | "register" | "status"));
    let registered = names.filter_map(|name| {
        let file = openat(
            &directory,
            &name,
            OFlags::RDONLY | OFlags::CLOEXEC,
            Mode::empty(),
        )
        .ok()?;
        let text = std::io::read_to_string(fs::File::from(file)).ok()?;
        Registration::parse(&text)?.handles(&program, name)
    });
    // The kernel asks the one registered last first; among those that open their program early it makes no difference.
    registered.max_by_key(|handler| handler.fixed)
}

/// Whether an arm64 processor runs programs of its 32-bit predecessor, which the kernel knows; elsewhere it is taken for granted.
pub fn runs_32_bit_programs() -> bool {
    #[cfg(target_arch = "aarch64")]
    return crate::sys::accepts_32_bit_personality();
    #[cfg(not(target_arch = "aarch64"))]
    true
}

/// The registrations; where they are not mounted, root looks at them through a mount that is in no mount table.
fn directory() -> rustix::io::Result<OwnedFd> {
    let open = |from: &dyn AsFd, path: &str| {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        openat(from.as_fd(), path, flags, Mode::empty())
    };
    let mounted = open(&CWD, DIRECTORY)?;
    if openat(&mounted, "status", OFlags::PATH, Mode::empty()).is_ok() {
        return Ok(mounted);
    }
    // In a user namespace it would be another set of registrations, empty, and would hide the machine's from then on.
    let whole = |map: &str| map.split_whitespace().eq(["0", "0", "4294967295"]);
    if !fs::read_to_string("/proc/self/uid_map").is_ok_and(|map| whole(&map)) {
        return Err(Errno::NOENT);
    }
    let mount = Configuration::new("binfmt_misc")
        .and_then(|registrations| registrations.mount(INERT | MountAttrFlags::MOUNT_ATTR_RDONLY))
        .map_err(|failure| failure.errno().unwrap_or(Errno::NOENT))?;
    open(&mount, ".")
}

/// An entry of the directory.
#[derive(Debug, PartialEq, Eq)]
struct Registration {
    interpreter: PathBuf,
    fixed: bool,
    offset: usize,
    magic: Vec<u8>,
    mask: Vec<u8>,
}

impl Registration {
    /// `None` if it is disabled, or goes by the names of files.
    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        if lines.next()? != "enabled" {
            return None;
        }
        let value = |name: &str| {
            text.lines()
                .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))
        };
        let magic = bytes(value("magic")?)?;
        Some(Self {
            interpreter: value("interpreter")?.into(),
            fixed: value("flags:")?.contains('F'),
            offset: value("offset")?.parse().ok()?,
            mask: value("mask").map_or_else(|| Some(vec![0xff; magic.len()]), bytes)?,
            magic,
        })
    }

    fn handles(self, program: &[u8], name: String) -> Option<Handler> {
        let start = program.get(self.offset..)?;
        let matches = start.len() >= self.magic.len()
            && self.magic.len() == self.mask.len()
            && self
                .magic
                .iter()
                .zip(&self.mask)
                .zip(start)
                .all(|((magic, mask), byte)| (magic ^ byte) & mask == 0);
        matches.then_some(Handler {
            name,
            interpreter: self.interpreter,
            fixed: self.fixed,
        })
    }
}

/// Bytes in hexadecimal digits.
fn bytes(digits: &str) -> Option<Vec<u8>> {
    let digits = digits.as_bytes();
    digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect()
}

/// How executables of an architecture begin: its name in Go, then the ELF specification's class and byte order, and the number of `elf.h`.
const ARCHITECTURES: [(&str, u8, u8, u16); 13] = [
    ("386", 1, LITTLE, 3),
    ("amd64", 2, LITTLE, 62),
    ("arm", 1, LITTLE, 40),
    ("arm64", 2, LITTLE, 183),
    ("loong64", 2, LITTLE, 258),
    ("mips", 1, BIG, 8),
    ("mipsle", 1, LITTLE, 8),
    ("mips64", 2, BIG, 8),
    ("mips64le", 2, LITTLE, 8),
    ("ppc64", 2, BIG, 21),
    ("ppc64le", 2, LITTLE, 21),
    ("riscv64", 2, LITTLE, 243),
    ("s390x", 2, BIG, 22),
];
const LITTLE: u8 = 1;
const BIG: u8 = 2;

/// The beginning of an executable of an architecture.
fn header(architecture: &str) -> Option<Vec<u8>> {
    const EXECUTABLE: u16 = 2;
    const LENGTH: usize = 128;
    let (_, class, order, machine) = ARCHITECTURES
        .into_iter()
        .find(|(name, ..)| *name == architecture)?;
    let number = if order == BIG {
        u16::to_be_bytes
    } else {
        u16::to_le_bytes
    };
    let mut header = vec![0; LENGTH];
    header[..7].copy_from_slice(&[0x7f, b'E', b'L', b'F', class, order, 1]);
    header[16..18].copy_from_slice(&number(EXECUTABLE));
    header[18..20].copy_from_slice(&number(machine));
    Some(header)
}

/// What an executable that begins like this is for.
pub(crate) fn architecture(beginning: &[u8]) -> Option<&'static str> {
    ARCHITECTURES
        .into_iter()
        .map(|(name, ..)| name)
        .find(|name| {
            header(name).is_some_and(|header| {
                let same = |range: std::ops::Range<usize>| {
                    beginning.get(range.clone()) == header.get(range)
                };
                same(0..6) && same(18..20)
            })
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARM64: &str = "enabled\n\
        interpreter /usr/libexec/qemu-binfmt/aarch64-binfmt-P\n\
        flags: POCF\n\
        offset 0\n\
        magic 7f454c460201010000000000000000000200b700\n\
        mask ffffffffffffff00fffffffffffffffffeffffff\n";

    fn found(text: &str, architecture: &str) -> Option<Handler> {
        let program = header(architecture).unwrap();
        Registration::parse(text)?.handles(&program, "name".into())
    }

    #[test]
    fn a_handler_is_found_by_what_it_handles() {
        let handler = found(ARM64, "arm64").unwrap();
        assert_eq!(
            (handler.interpreter.to_str(), handler.fixed),
            (Some("/usr/libexec/qemu-binfmt/aarch64-binfmt-P"), true)
        );
        for other in ["arm", "amd64", "riscv64", "s390x", "ppc64le", "mips64le"] {
            assert_eq!(found(ARM64, other), None, "{other}");
        }
        let s390x = "enabled\ninterpreter /usr/bin/qemu-s390x-static\nflags: OC\noffset 0\n\
            magic 7f454c4602020100000000000000000000020016\nmask ffffffffffffff00fffffffffffffffffffeffff\n";
        assert!(!found(s390x, "s390x").unwrap().fixed);
        assert_eq!(found(s390x, "ppc64"), None);
    }

    #[test]
    fn what_is_disabled_or_something_else_handles_nothing() {
        assert_eq!(found(&ARM64.replace("enabled", "disabled"), "arm64"), None);
        let wine = "enabled\ninterpreter /usr/bin/wine\nflags: \nextension .exe\n";
        assert_eq!(found(wine, "arm64"), None);
        for broken in [
            "",
            "enabled",
            "enabled\ninterpreter /x\nflags: F\noffset 0\nmagic 7f4\nmask zz",
        ] {
            assert_eq!(found(broken, "arm64"), None, "{broken}");
        }
        assert_eq!(header("wasm"), None);
        assert_eq!(architecture(b"#!/bin/sh\n"), None);
        assert_eq!(architecture(&header("s390x").unwrap()), Some("s390x"));
        assert_eq!(architecture(&header("mipsle").unwrap()), Some("mipsle"));
    }
}
