//! COPY and ADD.

use super::{Lowering, Outcome, address, git, metadata, values};
use crate::ast::{Instruction, Transfer};
use crate::error::Error;
use crate::glob;
use crate::graph::{Copy, CopyFrom, Op, Source};
use crate::mode::Chmod;
use crate::span::Spanned;

impl Lowering<'_> {
    pub(super) fn copy(
        &mut self,
        instruction: &Instruction,
        transfer: &Transfer,
        add: bool,
    ) -> Result<Outcome, Error> {
        let keyword = if add { "ADD" } else { "COPY" };
        let from = self.from(instruction)?;
        let parents = instruction.is_set("parents");
        let chown = self.chown(instruction)?;
        let chmod = self.flag(instruction, "chmod")?;
        let checksum = self.flag(instruction, "checksum")?;
        let mut exclude = Vec::new();
        for flag in instruction
            .flags
            .iter()
            .filter(|flag| flag.name == "exclude")
        {
            exclude.push(self.word(flag.value.as_deref().unwrap_or_default(), flag.span)?);
        }
        let mut created_by = keyword.to_owned();
        let mut note = |text: &str| {
            created_by.push(' ');
            created_by.push_str(text);
        };
        if parents {
            note("--parents");
        }
        for (name, value) in [("chown", &chown), ("chmod", &chmod)] {
            if let Some(value) = value {
                note(&format!("--{name}={value}"));
            }
        }
        let unpack = instruction
            .flag("unpack")
            .map(|_| instruction.is_set("unpack"));
        let mut sources = Vec::new();
        for path in &transfer.paths {
            let value = self.spanned(path)?;
            note(&value);
            sources.push(self.source(&value, path, add, parents, unpack.unwrap_or(false))?);
            if let (Some(Source::Git(git)), Some(flag)) =
                (sources.last_mut(), instruction.flag("keep-git-dir"))
            {
                let wanted = instruction.is_set("keep-git-dir");
                if *git.keep_git_dir.get_or_insert(wanted) != wanted {
                    let message = "the address says something else about keep-git-dir";
                    return Err(self.error(flag.span, message));
                }
            }
        }
        for heredoc in &instruction.heredocs {
            let text = heredoc.text();
            let text = if heredoc.expand {
                self.document(&text, heredoc.span)?
            } else {
                text
            };
            self.spend(heredoc.span, text.len())?;
            note(&format!("<<{}", heredoc.name));
            sources.push(Source::Inline {
                name: heredoc.name.clone(),
                contents: text.into_bytes(),
            });
        }
        let dest = self.spanned(&transfer.dest)?;
        note(&dest);
        created_by.push_str(" # buildkit");
        let chmod = match (chmod, instruction.flag("chmod")) {
            (Some(mode), Some(flag)) => {
                Some(Chmod::parse(&mode).map_err(|message| self.error(flag.span, message))?)
            }
            _ => None,
        };
        if let (Some(checksum), Some(flag)) = (&checksum, instruction.flag("checksum")) {
            address::check(checksum, &mut sources)
                .map_err(|message| self.error(flag.span, message))?;
        }
        let copy = Copy {
            sources,
            from,
            dest: values::join_directory(self.working_dir(), &dest),
            chown,
            chmod,
            link: instruction.is_set("link"),
            exclude,
            unpack: unpack.unwrap_or(add),
        };
        let display = Some(self.display(&instruction.text, false, &[]));
        Ok(Outcome {
            op: Op::Copy(Box::new(copy)),
            created_by: Some(created_by),
            display,
        })
    }

    fn from(&self, instruction: &Instruction) -> Result<CopyFrom, Error> {
        let Some(flag) = instruction.flag("from") else {
            return Ok(CopyFrom::Context);
        };
        match flag.value.as_deref().unwrap_or_default() {
            "" => Ok(CopyFrom::Context),
            name if name.contains('$') => {
                let message = "variables are not replaced in --from; give the image a name with FROM … AS and use that";
                Err(self.error(flag.span, message))
            }
            name => {
                let resolved = self.plan.resolve(name, self.stage.id);
                resolved.map_err(|message| {
                    self.error(flag.span, message)
                        .suggest(self.plan.nearest_stage(name))
                })
            }
        }
    }

    fn chown(&mut self, instruction: &Instruction) -> Result<Option<String>, Error> {
        let chown = self.flag(instruction, "chown")?;
        if let (Some(owner), Some(flag)) = (&chown, instruction.flag("chown")) {
            metadata::check_user(owner).map_err(|message| self.error(flag.span, message))?;
        }
        Ok(chown)
    }

    fn source(
        &self,
        value: &str,
        written: &Spanned<String>,
        add: bool,
        parents: bool,
        unpack: bool,
    ) -> Result<Source, Error> {
        let wrong = |message: String| self.error(written.span, message);
        if let Some(git) = git::parse(value).map_err(wrong)? {
            return if add {
                Ok(Source::Git(git))
            } else {
                Err(wrong("COPY takes no git repositories; ADD does".to_owned()))
            };
        }
        if value.starts_with("http://") || value.starts_with("https://") {
            let name = address::file_name(value);
            return if add {
                Ok(Source::Url {
                    url: value.to_owned(),
                    name,
                    unpack,
                    checksum: None,
                })
            } else {
                Err(wrong("COPY takes no addresses; ADD does".to_owned()))
            };
        }
        if !parents {
            glob::check(value).map_err(wrong)?;
            return Ok(Source::Path(values::join("/", value)));
        }
        let (root, pattern) = value.split_once("/./").unwrap_or(("/", value));
        let required = !glob::has_wildcards(root) && !glob::has_wildcards(pattern);
        Ok(Source::Parents {
            root: values::join("/", root),
            pattern: values::join("/", pattern)[1..].to_owned(),
            required,
        })
    }
}
