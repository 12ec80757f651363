//! The syntax tree: instructions as they are written, with their places, before any variable is replaced.

use crate::check::{Check, Warning};
use crate::span::{Source, Span, Spanned};

/// A parsed Dockerfile.
#[derive(Debug, Clone)]
pub struct Dockerfile {
    pub(crate) source: Source,
    /// `# syntax=`: which frontend the author asked for. It is never fetched (E6): the language is this crate's.
    pub syntax: Option<Spanned<String>>,
    /// `# escape=`: the escape character, `\` or `` ` ``.
    pub escape: char,
    /// `# check=`.
    pub check: Option<Spanned<Check>>,
    /// ARG instructions before the first FROM.
    pub args: Vec<Instruction>,
    /// The stages; there is at least one.
    pub stages: Vec<Stage>,
    /// Advice about the text itself; what depends on values comes with the plan and the stages.
    pub warnings: Vec<Warning>,
}

impl Dockerfile {
    /// The name that was given to [`crate::parse()`].
    pub fn name(&self) -> &str {
        self.source.name()
    }
}

/// A stage: FROM and what follows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stage {
    /// The FROM instruction itself.
    pub instruction: Instruction,
    /// What FROM says.
    pub from: From,
    /// The instructions of the stage.
    pub instructions: Vec<Instruction>,
}

/// One instruction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instruction {
    /// All its lines, heredocs included.
    pub span: Span,
    /// The keyword as written.
    pub keyword: Spanned<String>,
    /// The whole instruction on one line: continued lines joined, comments between them dropped, heredoc bodies not included.
    pub text: String,
    /// Flags, in order.
    pub flags: Vec<Flag>,
    /// What it says.
    pub command: Command,
    /// Heredocs that it opens, in order.
    pub heredocs: Vec<Heredoc>,
    /// The comments between it and the instruction before it, without `#`.
    pub comments: Vec<String>,
}

impl Instruction {
    /// A flag by its name without dashes; of several, the last.
    pub fn flag(&self, name: &str) -> Option<&Flag> {
        self.flags.iter().rev().find(|flag| flag.name == name)
    }

    /// Whether a boolean flag is on.
    pub fn is_set(&self, name: &str) -> bool {
        self.flag(name).is_some_and(|flag| {
            flag.value
                .as_deref()
                .is_none_or(|value| value.eq_ignore_ascii_case("true"))
        })
    }
}

/// `--name` or `--name=value`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flag {
    /// Without dashes.
    pub name: String,
    /// Quotes and escapes are gone, variables are not replaced.
    pub value: Option<String>,
    /// The whole flag.
    pub span: Span,
}

/// What an instruction says.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are the instructions'")]
pub enum Command {
    Add(Transfer),
    Arg(Vec<Argument>),
    Cmd(CommandLine),
    Copy(Transfer),
    Entrypoint(CommandLine),
    Env(Vec<KeyValue>),
    Expose(Vec<Spanned<String>>),
    From(From),
    Healthcheck(Health),
    Label(Vec<KeyValue>),
    Maintainer(Spanned<String>),
    Onbuild(Box<Trigger>),
    Run(CommandLine),
    Shell(Vec<String>),
    StopSignal(Spanned<String>),
    User(Spanned<String>),
    Volume(Vec<Spanned<String>>),
    Workdir(Spanned<String>),
}

/// `FROM base [AS name]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct From {
    /// Image or stage, variables not replaced.
    pub base: Spanned<String>,
    /// `AS name`.
    pub name: Option<StageName>,
}

/// `AS name`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StageName {
    /// In lower case, which is how stages are found.
    pub name: String,
    /// As written.
    pub written: String,
    /// The keyword `AS` as written.
    pub keyword: String,
    /// Where the name is.
    pub span: Span,
}

/// Sources and destination of COPY and ADD, variables not replaced. Sources that are heredocs are the instruction's
/// [`Instruction::heredocs`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transfer {
    /// Paths, patterns or addresses.
    pub paths: Vec<Spanned<String>>,
    /// Names of the heredocs that are sources, in order.
    pub documents: Vec<String>,
    /// Path in the image.
    pub dest: Spanned<String>,
}

/// `name[=default]` of ARG.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Argument {
    /// Its name.
    pub name: String,
    /// Default value, variables not replaced.
    pub default: Option<String>,
    /// The whole definition.
    pub span: Span,
}

/// `key=value` of ENV and LABEL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyValue {
    /// Variables not replaced, quotes and escapes still there.
    pub key: String,
    /// Variables not replaced, quotes and escapes still there.
    pub value: String,
    /// The old form `key value` was used.
    pub legacy: bool,
    /// The whole pair.
    pub span: Span,
}

/// The command of RUN, CMD, ENTRYPOINT and HEALTHCHECK.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommandLine {
    /// A JSON array: program and arguments.
    Exec(Vec<String>),
    /// A line for the shell.
    Shell(Spanned<String>),
}

/// `HEALTHCHECK`; its options are flags.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Health {
    /// `NONE`: no check, not even the base's.
    None,
    /// `CMD`.
    Command(CommandLine),
}

/// `ONBUILD`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trigger {
    /// The trigger's text, with its heredocs, as it is kept in the image.
    pub expression: String,
    /// The instruction it is.
    pub instruction: Instruction,
}

/// A heredoc: `<<name`, and the lines up to `name`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heredoc {
    /// The word that ends it.
    pub name: String,
    /// The file descriptor before `<<`.
    pub descriptor: u32,
    /// The name was written without quotes, so COPY replaces variables.
    pub expand: bool,
    /// `<<-`: leading tabs are dropped.
    pub chomp: bool,
    /// The lines, as written, each with its line ending.
    pub contents: String,
    /// Where the `<<name` is.
    pub span: Span,
}

impl Heredoc {
    /// The lines as they are meant: without leading tabs where `<<-` was used.
    pub fn text(&self) -> String {
        if !self.chomp {
            return self.contents.clone();
        }
        self.contents
            .split_inclusive('\n')
            .map(|line| line.trim_start_matches('\t'))
            .collect()
    }
}
