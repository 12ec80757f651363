//! The lowered build graph: what is to be done for each stage, with nothing left to expand, default or look up in the Dockerfile.
//!
//! How it is done (file systems, processes, users by name, archives) is the engine's.

use crate::check::Warning;
use crate::config::Config;
use crate::lower::Scope;
use crate::mode::Chmod;
use crate::span::Span;

/// A stage, by its position in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StageId(pub usize);

/// A lowered stage.
#[derive(Debug, Clone)]
pub struct Stage {
    /// Which stage it is.
    pub id: StageId,
    /// What is to be done, in order, on top of the base.
    pub steps: Vec<Step>,
    /// The configuration of the stage's image.
    pub config: Config,
    /// Advice, in the order of the file.
    pub warnings: Vec<Warning>,
    /// What a stage on top of this one inherits besides `config`.
    pub(crate) scope: Scope,
}

/// One instruction of a stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What is to be done.
    pub op: Op,
    /// Where it is written; of an inherited ONBUILD trigger, the FROM that brought it.
    pub span: Span,
    /// The instruction as it is shown to people, such as `RUN make`.
    pub display: String,
    /// The `created_by` of its history entry; `None`: it leaves no entry (ONBUILD).
    pub created_by: Option<String>,
    /// The history entry's `empty_layer`.
    pub empty_layer: bool,
    /// It is an ONBUILD trigger of the base.
    pub onbuild: bool,
}

/// What a step does to the file system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Op {
    /// Nothing: it only changes the configuration.
    None,
    /// Run a process; what it changes is the layer.
    Run(Box<Run>),
    /// Bring files in.
    Copy(Box<Copy>),
    /// Make sure that a directory is there.
    Workdir(Workdir),
}

/// `WORKDIR`: the directory is made, with its parents, mode 0755, where it is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workdir {
    /// Absolute and clean.
    pub path: String,
    /// Owner of the directories that are made, as in [`Config::user`]; empty means root.
    pub user: String,
}

/// `RUN`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Program and arguments; the shell is part of it where the shell form was used.
    pub argv: Vec<String>,
    /// The environment: the image's and the build arguments in scope.
    pub env: Vec<(String, String)>,
    /// Proxy settings of the request. They are given to the process, but are no part of what the step *is*: they must not
    /// influence its cache key, and they are in no configuration or history.
    pub proxy: Vec<(String, String)>,
    /// As in [`Config::user`]; empty means root.
    pub user: String,
    /// Absolute and clean; made if missing.
    pub working_dir: String,
    /// Mounts, in order.
    pub mounts: Vec<Mount>,
    /// Network access.
    pub network: Network,
    /// Files the process finds, read-only, while it runs (a heredoc that begins with `#!`).
    pub files: Vec<InlineFile>,
}

/// A file whose contents are in the Dockerfile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InlineFile {
    /// Absolute path.
    pub path: String,
    /// Permission bits.
    pub mode: u32,
    /// The file's bytes.
    pub contents: Vec<u8>,
}

/// Network access of a RUN.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Network {
    /// The engine's default.
    #[default]
    Default,
    /// Only its own loopback interface.
    None,
    /// The host's network.
    Host,
}

/// Where files come from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CopyFrom {
    /// The build context.
    Context,
    /// Another stage's file system.
    Stage(StageId),
    /// A named context of the request.
    Named(String),
    /// An image, for the target platform.
    Image(String),
    /// Nothing: an empty file system.
    Scratch,
}

/// `COPY` and `ADD`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copy {
    /// What is copied, in order.
    pub sources: Vec<Source>,
    /// Where [`Source::Path`] and [`Source::Parents`] are looked up.
    pub from: CopyFrom,
    /// Absolute path; with a `/` at its end it is a directory, made if missing.
    pub dest: String,
    /// Owner, `user[:group]` by name or number; `None` means 0:0.
    pub chown: Option<String>,
    /// Mode of what is copied; `None` keeps the source's.
    pub chmod: Option<Chmod>,
    /// The layer does not depend on what is below it.
    pub link: bool,
    /// What is left out, in the language of [`crate::ignore`], relative to each source.
    pub exclude: Vec<String>,
    /// Unpack sources of `from` that are tar archives.
    pub unpack: bool,
}

/// One source of a [`struct@Copy`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// An absolute, clean path or wildcard pattern (see [`crate::glob`]) below the root of [`Copy::from`]. A directory means its contents.
    Path(String),
    /// `--parents`: what matches below a directory, copied with its path from there.
    Parents {
        /// Absolute and clean: where paths begin to count.
        root: String,
        /// Pattern below `root`, in the language of [`crate::ignore`].
        pattern: String,
        /// It holds no wildcard, so there must be such a file.
        required: bool,
    },
    /// A heredoc: a file of this name and mode 0644.
    Inline {
        /// File name.
        name: String,
        /// The file's bytes.
        contents: Vec<u8>,
    },
    /// `ADD` of a file over HTTP.
    Url {
        /// The address.
        url: String,
        /// Name for the file where the destination is a directory.
        name: String,
        /// Unpack it if it is a tar archive.
        unpack: bool,
        /// What it must be, `algorithm:hex`.
        checksum: Option<String>,
    },
    /// `ADD` of a git repository.
    Git(Git),
}

/// A git repository as a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Git {
    /// Address to fetch from.
    pub remote: String,
    /// Branch, tag, reference or commit; `None` means the remote's default branch.
    pub reference: Option<String>,
    /// Directory of the repository that is the source; never absolute, never with `..` (E9).
    pub subdir: Option<String>,
    /// The commit it must be, or its beginning.
    pub checksum: Option<String>,
    /// Whether `.git` is kept, if anything is said about it; otherwise it is not.
    pub keep_git_dir: Option<bool>,
    /// Whether submodules come with it.
    pub submodules: bool,
}

/// A mount of a RUN. Targets are absolute and clean, and never `/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mount {
    /// Files of the context, a stage or an image.
    Bind(Bind),
    /// A directory that outlives the build.
    Cache(Cache),
    /// Memory.
    Tmpfs {
        /// Where.
        target: String,
        /// Largest size in bytes; `None`: no limit.
        size: Option<u64>,
    },
    /// A secret of the request, as a file or a variable.
    Secret(Secret),
    /// The request's SSH agent.
    Ssh(Ssh),
}

/// `--mount=type=bind`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bind {
    /// Where.
    pub target: String,
    /// Of what.
    pub from: CopyFrom,
    /// Absolute path in `from`.
    pub source: String,
    /// Writes fail; if not, they are thrown away.
    pub read_only: bool,
}

/// `--mount=type=cache`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cache {
    /// Where.
    pub target: String,
    /// Name of the cache.
    pub id: String,
    /// Who else may use it at the same time.
    pub sharing: Sharing,
    /// What a new cache begins with.
    pub from: CopyFrom,
    /// Absolute path in `from`.
    pub source: String,
    /// Owner of the directory when it is made.
    pub uid: u32,
    /// Group of the directory when it is made.
    pub gid: u32,
    /// Mode of the directory when it is made.
    pub mode: u32,
    /// Writes fail.
    pub read_only: bool,
}

/// Who else may use a cache at the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sharing {
    /// Anybody.
    #[default]
    Shared,
    /// Nobody: another user gets another directory.
    Private,
    /// Nobody: another user waits.
    Locked,
}

/// `--mount=type=secret`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Secret {
    /// Name of the secret in the request.
    pub id: String,
    /// File that holds it, absolute.
    pub target: Option<String>,
    /// Variable that holds it.
    pub env: Option<String>,
    /// Fail if the request does not have it; if not, leave it out.
    pub required: bool,
    /// Owner of the file.
    pub uid: u32,
    /// Group of the file.
    pub gid: u32,
    /// Mode of the file.
    pub mode: u32,
}

/// `--mount=type=ssh`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ssh {
    /// Name of the agent in the request.
    pub id: String,
    /// The socket, absolute; `SSH_AUTH_SOCK` names it.
    pub target: String,
    /// Fail if the request does not have it; if not, leave it out.
    pub required: bool,
    /// Owner of the socket.
    pub uid: u32,
    /// Group of the socket.
    pub gid: u32,
    /// Mode of the socket.
    pub mode: u32,
}
