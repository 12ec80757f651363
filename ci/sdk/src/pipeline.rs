//! A pipeline as a program: the commands that come with this crate and those a project adds, from arguments to exit code.

use std::ffi::{OsStr, OsString};
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::ExitCode;

use clap::{ArgMatches, CommandFactory, FromArgMatches};
use futures::future::LocalBoxFuture;

use crate::cli::{self, Answer, Cli, Command, Globals};
use crate::context::Context;
use crate::error::{Exit, Failure, UserError};
use crate::progress;
use crate::run;
use crate::terminal::{self, ColourChoice, Terminal};

/// The name used where the executable has none.
const DEFAULT_NAME: &str = "pipeline";

/// The commands of a project's pipeline: the built-in ones, and its own.
///
/// ```no_run
/// /// Greet a service
/// #[derive(clap::Parser)]
/// #[command(name = "greet")]
/// struct Greet {
///     service: String,
/// }
///
/// async fn greet(_ctx: ci::Context, args: Greet) -> eyre::Result<String> {
///     Ok(format!("hello {}\n", args.service))
/// }
///
/// fn main() -> std::process::ExitCode {
///     ci::Pipeline::new().command(greet).main()
/// }
/// ```
#[derive(Default)]
pub struct Pipeline {
    custom: Vec<Custom>,
}

type Stage = dyn Fn(
    Context,
    &ArgMatches,
) -> Result<LocalBoxFuture<'static, eyre::Result<String>>, clap::Error>;

struct Custom {
    command: clap::Command,
    stage: Box<Stage>,
}

impl Pipeline {
    /// The built-in commands.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a command: an async function of the run's [`Context`] and its own arguments. What it returns is printed on standard
    /// output once progress is done; an error ends the program as a built-in command's would.
    ///
    /// Name and help are those of `A`, given with `#[command(name = …)]` and doc comments.
    #[must_use]
    pub fn command<A, F, T>(mut self, stage: F) -> Self
    where
        A: CommandFactory + FromArgMatches,
        F: Fn(Context, A) -> T + 'static,
        T: Future<Output = eyre::Result<String>> + 'static,
    {
        let stage = Box::new(move |ctx, matches: &ArgMatches| {
            let args = A::from_arg_matches(matches)?;
            Ok(Box::pin(stage(ctx, args)) as LocalBoxFuture<'static, _>)
        });
        self.custom.push(Custom {
            command: A::command(),
            stage,
        });
        self
    }

    /// Runs what the arguments ask for. Call it first thing in `main`: the engine starts this program again to become the
    /// init of its executions, and such a copy never returns from here.
    pub fn main(self) -> ExitCode {
        ci_engine::init();
        let args: Vec<OsString> = std::env::args_os().collect();
        self.guarded(&args).into()
    }

    /// Runs, whatever happens, to an exit code of ours.
    pub(crate) fn guarded(&self, args: &[OsString]) -> Exit {
        let default_hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            terminal::restore();
            default_hook(panic);
        }));
        // A panic has been reported by the hook. Its own exit code, 101, says nothing to those who read ours.
        catch_unwind(AssertUnwindSafe(|| self.run(args))).unwrap_or_else(|_| {
            let defect = UserError::new(
                Exit::Infrastructure,
                "this program has a defect, which stopped it",
            )
            .hint("please report it, with what is printed above");
            let text =
                Failure::of(&defect.into()).render(Terminal::detect(ColourChoice::Auto).stderr);
            let _ = crate::report::write(std::io::stderr().lock(), &text);
            Exit::Infrastructure
        })
    }

    fn run(&self, args: &[OsString]) -> Exit {
        let bin = name(args.first());
        let command = cli::command(
            self.custom.iter().map(|custom| custom.command.clone()),
            &bin,
        )
        .color(colour_before_parsing(args));
        let parsed = command
            .clone()
            .try_get_matches_from(args)
            .and_then(|matches| {
                let globals = Globals::from_arg_matches(&matches)?;
                Ok((matches, globals))
            });
        match parsed {
            Ok((matches, globals)) => self.dispatch(&matches, &globals, command, &bin),
            Err(error) => explain(&error),
        }
    }

    fn dispatch(
        &self,
        matches: &ArgMatches,
        globals: &Globals,
        command: clap::Command,
        bin: &str,
    ) -> Exit {
        let terminal = Terminal::detect(globals.color);
        let paint = terminal.stdout;
        if let Some((name, matches)) = matches.subcommand()
            && let Some(custom) = self
                .custom
                .iter()
                .find(|custom| custom.command.get_name() == name)
        {
            return run::stage(globals, terminal, false, async |ctx| {
                Ok((custom.stage)(ctx, matches)?.await?.into())
            });
        }
        let cli = match Cli::from_arg_matches(matches) {
            Ok(cli) => cli,
            Err(error) => return explain(&error),
        };
        let answer = match cli.command {
            Command::Build(args) => {
                return run::stage(globals, terminal, args.making.no_cache, async |ctx| {
                    cli::build::run(&args, &ctx, paint).await
                });
            }
            Command::Test(args) => {
                return run::stage(globals, terminal, args.making.no_cache, async |ctx| {
                    cli::test::run(&args, &ctx, paint).await
                });
            }
            Command::Lock(args) => {
                return run::without_engine(globals, terminal, async |project, progress| {
                    cli::lock::run(&args, &project, &progress, paint).await
                });
            }
            Command::Plan(args) => {
                return run::without_engine(globals, terminal, async |project, progress| {
                    cli::plan::run(&args, &project, &progress, paint).await
                });
            }
            Command::Push(args) => {
                return run::without_engine(globals, terminal, async |project, progress| {
                    cli::push::run(&args, &project, &progress, paint).await
                });
            }
            Command::Sbom(args) => {
                return run::without_engine(globals, terminal, async |project, progress| {
                    cli::sbom::run(&args, &project, &progress, paint).await
                });
            }
            Command::Sign(args) => {
                return run::without_engine(globals, terminal, async |project, progress| {
                    cli::sign::run(&args, &project, &progress, paint).await
                });
            }
            Command::Verify(args) => {
                return run::without_project(globals, terminal, async |progress| {
                    cli::verify::run(&args, globals, &progress, paint).await
                });
            }
            Command::Policy(args) => {
                return run::without_engine(globals, terminal, async |project, _| {
                    cli::policy::run(&args, &project)
                });
            }
            Command::Promote(args) => {
                return run::without_engine(globals, terminal, async |project, progress| {
                    cli::promote::run(&args, &project, &progress, paint).await
                });
            }
            Command::Rollback(args) => {
                return run::without_engine(globals, terminal, async |project, progress| {
                    cli::rollback::run(&args, &project, &progress, paint).await
                });
            }
            Command::Status(args) => {
                return run::without_engine(globals, terminal, async |project, progress| {
                    cli::status::run(&args, &project, &progress, paint).await
                });
            }
            Command::Gate(args) => {
                return run::without_project(globals, terminal, async |progress| {
                    cli::gate::run(&args, globals, &progress, paint).await
                });
            }
            Command::Affected(args) => {
                return run::without_engine(globals, terminal, async |project, progress| {
                    cli::affected::run(&args, &project, &progress)
                });
            }
            Command::Version(args) => {
                return run::without_engine(globals, terminal, async |project, _| {
                    cli::version::run(&args, &project)
                });
            }
            Command::Keys(args) => {
                return run::without_project(globals, terminal, async |_| {
                    cli::sign::keys(&args).await
                });
            }
            Command::Login(args) => {
                return run::without_project(globals, terminal, async |_| {
                    cli::login::run(&args, globals).await
                });
            }
            Command::Logout(args) => cli::login::logout(&args),
            Command::Doctor(args) => cli::doctor::run(&args, paint),
            Command::Cache(args) => cli::cache::run(&args, paint, terminal.stderr),
            Command::Completions(args) => Ok(cli::completions::run(&args, command, bin)),
            Command::Schema(args) => cli::schema::run(&args),
        };
        finish(answer, globals, terminal)
    }
}

/// Prints results and errors; the exit code.
pub(crate) fn finish(answer: eyre::Result<Answer>, globals: &Globals, terminal: Terminal) -> Exit {
    let Answer { text, mut failures } = answer.unwrap_or_else(|error| Answer {
        text: String::new(),
        failures: vec![error],
    });
    if let Err(error) = crate::report::write(std::io::stdout().lock(), &text) {
        failures.push(
            UserError::new(
                Exit::Infrastructure,
                "cannot write the result to standard output",
            )
            .because(error)
            .into(),
        );
    }
    let failures: Vec<Failure> = failures.iter().map(Failure::of).collect();
    let form = terminal.progress(globals.progress);
    for failure in &failures {
        // Without standard error there is nobody to tell; the exit code remains.
        let _ = crate::report::write(
            std::io::stderr().lock(),
            &progress::show_failure(form, failure, terminal.stderr),
        );
    }
    failures.first().map_or(Exit::Success, Failure::exit)
}

/// Help is a result, a mistake is an error; clap has the words for both.
fn explain(error: &clap::Error) -> Exit {
    // A reader who left wanted no more.
    let _ = error.print();
    if error.use_stderr() {
        Exit::Usage
    } else {
        Exit::Success
    }
}

/// The executable's name, for display.
fn name(arg0: Option<&OsString>) -> String {
    let file = arg0.and_then(|arg| Path::new(arg).file_stem());
    file.map_or_else(
        || DEFAULT_NAME.to_owned(),
        |name| name.to_string_lossy().into_owned(),
    )
}

/// Help and usage errors are written while arguments are parsed; `--color` must be known before.
fn colour_before_parsing(args: &[OsString]) -> clap::ColorChoice {
    let value = args
        .iter()
        .enumerate()
        .find_map(|(i, arg)| match arg.to_str()? {
            "--color" => args.get(i + 1).and_then(|value| value.to_str()),
            other => other.strip_prefix("--color="),
        });
    match value {
        Some("always") => clap::ColorChoice::Always,
        Some("never") => clap::ColorChoice::Never,
        _ if std::env::var_os("NO_COLOR").is_some_and(|value| value != OsStr::new("")) => {
            clap::ColorChoice::Never
        }
        _ => clap::ColorChoice::Auto,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(args: &[&str]) -> Vec<OsString> {
        args.iter().map(OsString::from).collect()
    }

    #[test]
    fn the_program_is_called_what_its_executable_is_called() {
        assert_eq!(name(Some(&"target/debug/deliver".into())), "deliver");
        assert_eq!(name(None), "pipeline");
    }

    #[test]
    fn the_choice_of_colour_is_known_before_arguments_are_parsed() {
        assert_eq!(
            colour_before_parsing(&args(&["p", "build", "--color", "always"])),
            clap::ColorChoice::Always
        );
        assert_eq!(
            colour_before_parsing(&args(&["p", "--color=never"])),
            clap::ColorChoice::Never
        );
    }
}
