//! The frame around a stage: display, engine and signals are set up, and put away again in whatever way it ends.

use std::io::Write;
use std::time::Duration;

use ci_engine::Progress;
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

use crate::cli::{self, Answer, Globals};
use crate::context::Context;
use crate::error::{Exit, Failure, UserError};
use crate::interrupt;
use crate::pipeline::finish;
use crate::progress::{self, Display};
use crate::project::Project;
use crate::terminal::{ProgressChoice, Terminal};

/// What is logged of the program's own doings: a filter such as `debug` or `ci_engine=trace`.
const LOG: &str = "PIPELINE_LOG";

/// Runs a stage from set-up to exit code.
pub(crate) fn stage(
    globals: &Globals,
    terminal: Terminal,
    no_cache: bool,
    work: impl AsyncFnOnce(Context) -> eyre::Result<Answer>,
) -> Exit {
    framed(globals, terminal, async |progress, cancel| {
        let opened = Context::open(globals.setup(no_cache), progress, cancel.clone());
        let ctx = unless(&cancel, opened).await?;
        let engine = ctx.engine().clone();
        let mut answer = unless(&cancel, work(ctx)).await;
        if engine.is_embedded() && !cancel.is_cancelled() {
            answer = blame(answer, ci_sandbox::probe);
        }
        if tokio::time::timeout(interrupt::SHUTDOWN, engine.shutdown())
            .await
            .is_err()
        {
            tracing::warn!("the engine took too long to stop");
        }
        answer
    })
}

/// The same for what needs no engine.
pub(crate) fn without_engine(
    globals: &Globals,
    terminal: Terminal,
    work: impl AsyncFnOnce(Project, Progress) -> eyre::Result<Answer>,
) -> Exit {
    framed(globals, terminal, async |progress, cancel| {
        let project = Project::open(globals.directory(), &progress)?;
        unless(&cancel, work(project, progress)).await
    })
}

/// The same for what needs no project either.
pub(crate) fn without_project(
    globals: &Globals,
    terminal: Terminal,
    work: impl AsyncFnOnce(Progress) -> eyre::Result<Answer>,
) -> Exit {
    framed(globals, terminal, async |progress, cancel| {
        unless(&cancel, work(progress)).await
    })
}

fn framed(
    globals: &Globals,
    terminal: Terminal,
    work: impl AsyncFnOnce(Progress, CancellationToken) -> eyre::Result<Answer>,
) -> Exit {
    let form = terminal.progress(globals.progress);
    let answer = displayed(terminal, form, work);
    finish(answer, globals, terminal)
}

fn displayed(
    terminal: Terminal,
    form: ProgressChoice,
    work: impl AsyncFnOnce(Progress, CancellationToken) -> eyre::Result<Answer>,
) -> eyre::Result<Answer> {
    let cancel = CancellationToken::new();
    interrupt::listen(cancel.clone())?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let (display, progress) = Display::start(form, terminal.stderr)?;
    log(&display)?;
    let answer = runtime.block_on(work(progress, cancel.clone()));
    // Threads that still read or hash have nothing to finish: what they write becomes visible only when complete.
    runtime.shutdown_timeout(Duration::ZERO);
    let model = display.close();
    if form != ProgressChoice::Json && !cancel.is_cancelled() {
        let _ = std::io::stderr()
            .write_all(progress::failure_report(&model, terminal.stderr).as_bytes());
    }
    answer
}

/// The result of `work`, unless the run is to stop before it is there.
async fn unless<T>(
    cancel: &CancellationToken,
    work: impl Future<Output = eyre::Result<T>>,
) -> eyre::Result<T> {
    tokio::select! {
        biased;
        () = cancel.cancelled() => Err(UserError::new(Exit::Interrupted, "interrupted").into()),
        result = work => result,
    }
}

/// Work that failed on a machine that cannot do it is not to blame: then the machine's error comes first, and its exit code.
fn blame(
    answer: eyre::Result<Answer>,
    probe: impl FnOnce() -> Vec<ci_sandbox::Probe>,
) -> eyre::Result<Answer> {
    let mut answer = answer.unwrap_or_else(|error| Answer {
        text: String::new(),
        failures: vec![error],
    });
    let failed = |report: &eyre::Report| {
        let exit = Failure::of(report).exit();
        matches!(exit, Exit::Failed | Exit::Infrastructure)
    };
    if answer.failures.first().is_some_and(failed)
        && let Some(machine) = cli::doctor::missing(&probe())
    {
        answer.failures.insert(0, machine.into());
    }
    Ok(answer)
}

fn log(display: &Display) -> eyre::Result<()> {
    let Ok(filter) = std::env::var(LOG) else {
        return Ok(());
    };
    let filter = EnvFilter::try_new(&filter).map_err(|error| {
        UserError::new(
            Exit::Usage,
            format!("{LOG} is `{filter}`, which is no filter"),
        )
        .hint("write `debug`, or `ci_engine=trace,info`")
        .because(error)
    })?;
    // It logs whole queries, and those that make secrets hold their values (S1).
    let filter = filter.add_directive("dagger_sdk::querybuilder=off".parse()?);
    let sink = display.log();
    // A second initialisation, in a test, changes nothing.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .without_time()
        .with_writer(move || sink.clone())
        .try_init();
    Ok(())
}

#[cfg(test)]
mod tests;
