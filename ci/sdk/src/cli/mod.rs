//! The command line: what can be asked for, and how its answers look. One file per command.
//!
//! Help teaches by example. It says `{bin}` for the program's name, which is that of the executable: a project names its
//! pipeline as it likes.

pub(crate) mod affected;
pub(crate) mod build;
pub(crate) mod cache;
pub(crate) mod completions;
pub(crate) mod doctor;
pub(crate) mod gate;
pub(crate) mod lock;
pub(crate) mod login;
pub(crate) mod plan;
pub(crate) mod policy;
pub(crate) mod promote;
pub(crate) mod push;
pub(crate) mod rollback;
pub(crate) mod sbom;
pub(crate) mod schema;
pub(crate) mod sign;
pub(crate) mod status;
pub(crate) mod test;
pub(crate) mod trusting;
pub(crate) mod verify;
pub(crate) mod version;

use std::path::{Path, PathBuf};

use ci_catalog::Platform;
use ci_engine::Progress;
use clap::{ArgAction, CommandFactory, ValueEnum};

use crate::context::Setup;
use crate::engine::EngineChoice;
use crate::error::EXIT_CODES;
use crate::project::Project;
use crate::stages::{self, Request};
use crate::terminal::{ColourChoice, ProgressChoice};

/// Build, test and deliver the services of this repository
///
/// Services are described in pipeline.toml and in a service.toml beside each of them. The same images come out on a laptop
/// and in CI, byte for byte.
#[derive(Debug, clap::Parser)]
#[command(name = "pipeline", version, after_help = EXAMPLES, subcommand_required = true, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) globals: Globals,
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXAMPLES: &str = "\
Examples:
  {bin} build             build every default service
  {bin} test web          build web and hold it to its contract
  {bin} push              bring what was built to its registry
  {bin} lock              pin the images that Dockerfiles stand on
  {bin} doctor            see what this machine can do
  {bin} help build        more on a command";

const ENVIRONMENT: &str = "\
Environment:
  PIPELINE_REGISTRY_MIRRORS
                         where to pull from first: docker.io=mirror.example.com/dockerhub,…
  PIPELINE_PLAIN_HTTP    registries without TLS: 127.0.0.1:5000,…
  SSL_CERT_FILE          certificate authorities to trust
  PIPELINE_CACHE_DIR     where the cache is [default: $XDG_CACHE_HOME/pipeline, ~/.cache/pipeline]
  PIPELINE_CACHE_LIMIT   size the cache is kept below [default: 20GB]
  PIPELINE_LOG           log what the program itself does: debug, or ci_engine=trace,info
  SOURCE_DATE_EPOCH      the time images carry [default: that of the commit]
  DAGGER_SESSION_PORT, DAGGER_SESSION_TOKEN
                         the Dagger session to use, as `dagger run` sets them
  NO_COLOR               no colours, whatever the terminal can do";

/// What every command takes.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Globals {
    /// Look for pipeline.toml in DIR and above it, instead of the current folder
    #[arg(
        short = 'C',
        long,
        value_name = "DIR",
        default_value = ".",
        hide_default_value = true,
        global = true
    )]
    directory: PathBuf,

    /// How to show progress, on standard error: auto (the default), tty, plain, quiet or json
    #[arg(
        long,
        value_name = "HOW",
        default_value = "auto",
        hide_possible_values = true,
        hide_default_value = true,
        global = true
    )]
    pub(crate) progress: ProgressChoice,

    /// When to use colours: auto (the default), always or never; NO_COLOR is respected
    #[arg(
        long,
        value_name = "WHEN",
        default_value = "auto",
        hide_possible_values = true,
        hide_default_value = true,
        global = true
    )]
    pub(crate) color: ColourChoice,

    /// What runs the steps: embedded, dagger or auto (the default: a Dagger session in the environment, else embedded)
    #[arg(
        long,
        value_name = "ENGINE",
        default_value = "auto",
        hide_possible_values = true,
        hide_default_value = true,
        global = true
    )]
    engine: EngineChoice,

    /// How many steps run at once [default: the number of processors]
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..), global = true)]
    jobs: Option<u16>,
}

impl Globals {
    /// Where to begin to look for the catalog.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    pub(crate) fn setup(&self, no_cache: bool) -> Setup {
        let processors = || std::thread::available_parallelism().map_or(1, usize::from);
        Setup {
            directory: self.directory.clone(),
            engine: self.engine,
            jobs: self.jobs.map_or_else(processors, usize::from),
            no_cache,
        }
    }
}

/// The commands that come with the program.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    Build(build::Build),
    Test(test::Test),
    Lock(lock::Lock),
    Plan(plan::Plan),
    Push(push::Push),
    Sbom(sbom::Sbom),
    Sign(sign::Sign),
    Verify(verify::Verify),
    Policy(policy::Policy),
    Promote(promote::Promote),
    Rollback(rollback::Rollback),
    Status(status::Status),
    Gate(gate::Gate),
    Affected(affected::Affected),
    Version(version::Version),
    Keys(sign::Keys),
    Login(login::Login),
    Logout(login::Logout),
    Doctor(doctor::Doctor),
    Cache(cache::Cache),
    Completions(completions::Completions),
    Schema(schema::Schema),
}

/// Which services, and how.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Selection {
    /// Services, with those coupled to them; none means the default ones
    #[arg(value_name = "SERVICE")]
    services: Vec<String>,

    /// Name images as this environment of pipeline.toml does
    #[arg(long, value_name = "NAME")]
    env: Option<String>,

    /// Build for these platforms instead of those in service.toml
    #[arg(long = "platform", value_name = "OS/ARCH", value_delimiter = ',', action = ArgAction::Append)]
    platforms: Vec<Platform>,

    /// Of these services, only those that changes since REF touch; `help affected` says more
    #[arg(
        long,
        value_name = "REF",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = ""
    )]
    affected: Option<String>,
}

/// What `build` and `test` are asked for.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Making {
    #[command(flatten)]
    selection: Selection,

    /// Build on nothing but the images of pipeline.lock, and stop if it is not up to date
    #[arg(long)]
    locked: bool,

    /// Do not build what its registry has already, made of the same inputs. Asks registries, so it is for CI
    #[arg(long, conflicts_with = "no_cache")]
    reuse: bool,

    /// Run every step anew; what comes out is still cached
    #[arg(long)]
    pub(crate) no_cache: bool,

    /// How to print the result, on standard output: human (the default) or json
    #[arg(
        long,
        value_name = "FORMAT",
        default_value = "human",
        hide_possible_values = true,
        hide_default_value = true
    )]
    pub(crate) output: Format,
}

impl Selection {
    /// What is asked for; git is asked which services that are affected.
    pub(crate) fn request(&self, project: &Project, progress: &Progress) -> eyre::Result<Request> {
        let only = match &self.affected {
            Some(reference) => {
                let reference = Some(reference.clone()).filter(|it| !it.is_empty());
                Some(stages::affected::names(project, progress, reference)?)
            }
            None => None,
        };
        Ok(Request {
            services: self.services.clone(),
            environment: self.env.clone(),
            platforms: self.platforms.clone(),
            only,
            reuse: false,
            locked: false,
        })
    }
}

impl Making {
    pub(crate) fn request(&self, project: &Project, progress: &Progress) -> eyre::Result<Request> {
        Ok(Request {
            locked: self.locked,
            reuse: self.reuse,
            ..self.selection.request(project, progress)?
        })
    }
}

/// Form of a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// A table.
    Human,
    /// One JSON document.
    Json,
}

/// What a command has to say when it is done.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    /// For standard output.
    pub(crate) text: String,
    /// For standard error, each on its own; the first sets the exit code.
    pub(crate) failures: Vec<eyre::Report>,
}

impl From<String> for Answer {
    fn from(text: String) -> Self {
        Self {
            text,
            failures: Vec::new(),
        }
    }
}

/// The whole command line, with the commands a project adds, under the name `bin`.
pub(crate) fn command(custom: impl IntoIterator<Item = clap::Command>, bin: &str) -> clap::Command {
    let command = Cli::command()
        .display_name(bin)
        .bin_name(bin.to_owned())
        .after_long_help(format!("{EXAMPLES}\n\n{ENVIRONMENT}\n\n{EXIT_CODES}"));
    named(command.subcommands(custom), bin)
}

/// Puts the program's name into the examples of `command` and of those below it.
fn named(mut command: clap::Command, bin: &str) -> clap::Command {
    let named_text = |text: Option<&clap::builder::StyledStr>| {
        text.map(|text| text.ansi().to_string().replace("{bin}", bin))
    };
    if let Some(text) = named_text(command.get_after_help()) {
        command = command.after_help(text);
    }
    if let Some(text) = named_text(command.get_after_long_help()) {
        command = command.after_long_help(text);
    }
    command
        .max_term_width(100)
        .mut_subcommands(|sub| named(sub, bin))
}

#[cfg(test)]
mod tests;
