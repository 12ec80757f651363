//! What a program asks of the system it runs on, read from its ELF headers.

use std::path::{Path, PathBuf};

use object::elf::{
    DF_TEXTREL, DT_FLAGS, DT_NEEDED, DT_RPATH, DT_RUNPATH, DT_TEXTREL, FileHeader32, FileHeader64,
};
use object::read::elf::{FileHeader, ProgramHeader};
use object::{Endianness, FileKind};

/// Dynamic part of an ELF file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Elf {
    /// Class and machine: objects of another kind cannot be loaded together.
    pub(super) kind: (bool, u16),
    /// The loader.
    pub(super) interpreter: Option<PathBuf>,
    /// Names of shared objects.
    pub(super) needed: Vec<String>,
    /// Folders to look for them in, as written.
    pub(super) search: Vec<String>,
    /// Whether the loader would have to change code.
    pub(super) has_text_relocations: bool,
}

/// Why a file is no ELF file we can read.
#[derive(Debug, thiserror::Error)]
pub(super) enum ElfError {
    /// The file cannot be read.
    #[error("{path}: {error}")]
    Read {
        path: PathBuf,
        error: std::io::Error,
    },
    /// It is not ELF, or broken.
    #[error("{path} is no valid ELF file: {error}")]
    Parse {
        path: PathBuf,
        error: object::read::Error,
    },
}

impl Elf {
    /// Reads a program or shared object.
    pub(super) fn read(path: &Path) -> Result<Self, ElfError> {
        let data = std::fs::read(path).map_err(|error| ElfError::Read {
            path: path.to_owned(),
            error,
        })?;
        Self::parse(&data).map_err(|error| ElfError::Parse {
            path: path.to_owned(),
            error,
        })
    }

    fn parse(data: &[u8]) -> object::read::Result<Self> {
        match FileKind::parse(data)? {
            FileKind::Elf32 => Self::of_header::<FileHeader32<Endianness>>(data),
            _ => Self::of_header::<FileHeader64<Endianness>>(data),
        }
    }

    fn of_header<H: FileHeader<Endian = Endianness>>(data: &[u8]) -> object::read::Result<Self> {
        let header = H::parse(data)?;
        let endian = header.endian()?;
        let mut elf = Self {
            kind: (header.is_class_64(), header.e_machine(endian).0),
            ..Self::default()
        };
        for segment in header.program_headers(endian, data)? {
            if let Some(path) = segment.interpreter(endian, data)? {
                elf.interpreter = Some(String::from_utf8_lossy(path).into_owned().into());
            }
        }
        let table = header.sections(endian, data)?.dynamic_table(endian, data)?;
        for entry in table.iter() {
            let text = || {
                let bytes = table.string(entry)?;
                Ok(String::from_utf8_lossy(bytes).into_owned())
            };
            match entry.tag {
                DT_NEEDED => elf.needed.push(text()?),
                DT_RPATH | DT_RUNPATH => {
                    elf.search.extend(text()?.split(':').map(str::to_owned));
                }
                DT_TEXTREL => elf.has_text_relocations = true,
                DT_FLAGS => elf.has_text_relocations |= entry.val & DF_TEXTREL.0 != 0,
                _ => {}
            }
        }
        Ok(elf)
    }

    /// Why this is not a static program, if it is not.
    pub(super) fn not_static(&self) -> Option<String> {
        if let Some(loader) = &self.interpreter {
            return Some(format!("it asks for the loader {}", loader.display()));
        }
        if !self.needed.is_empty() {
            return Some(format!("it asks for {}", self.needed.join(", ")));
        }
        self.has_text_relocations
            .then(|| "it has relocations in its code".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_program_is_dynamic_and_says_what_it_needs() {
        let elf = Elf::read(&std::env::current_exe().unwrap()).unwrap();
        assert!(elf.interpreter.is_some());
        assert!(elf.needed.iter().any(|name| name.starts_with("libc.so")));
        assert!(elf.not_static().unwrap().contains("loader"));
    }

    #[test]
    fn broken_files_are_errors_and_no_panics() {
        let whole = std::fs::read("/proc/self/exe").unwrap();
        assert!(Elf::parse(b"#!/bin/sh\n").is_err());
        for length in (0..4096).chain([whole.len() / 2, whole.len() - 1]) {
            let _ = Elf::parse(&whole[..length]);
        }
        for at in 0..1024 {
            let mut bent = whole[..1 << 16].to_vec();
            bent[at] ^= 0xff;
            let _ = Elf::parse(&bent);
        }
    }
}
