//! A check in a container: a target of the service's Dockerfile, and the command in it.

use ci_catalog::Check as Declared;
use ci_engine::progress::{Step, Stream};
use dagger_sdk::{Container, ContainerWithExecOptsBuilder, ReturnType};

use super::Ran;
use super::report::Place;
use crate::stages::build::failure::Call;

/// Runs the command. It may fail, and what it wrote is still there: that is how a report is had of a failure.
pub(super) async fn run(
    container: &Container,
    declared: &Declared,
    place: &Place,
    step: &Step,
) -> eyre::Result<Ran> {
    let options = ContainerWithExecOptsBuilder::default()
        .expect(ReturnType::Any)
        .build()?;
    let run = container.with_exec_opts(declared.command.clone(), options);
    let code = run.exit_code().await.told()?;
    if code != 0 {
        // The step in which it ran has ended well, as the engine sees it, so nobody has repeated what it printed.
        step.output(Stream::Stdout, run.stdout().await.told()?.as_bytes());
        step.output(Stream::Stderr, run.stderr().await.told()?.as_bytes());
    }
    let mut ran = Ran {
        failed: (code != 0).then(|| format!("exit code: {code}")),
        report: None,
        missing: None,
    };
    let Some(path) = &declared.junit else {
        return Ok(ran);
    };
    if run.exists(path).await.told()? {
        run.file(path).export(place.text()?).await.told()?;
        ran.report = Some(place.read()?);
    } else {
        ran.missing = Some(path.clone());
    }
    Ok(ran)
}
