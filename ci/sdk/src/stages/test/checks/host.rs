//! A check on this machine: services that are built with cargo have no container to be checked in.

use ci_catalog::{CargoBuilder, Check as Declared, Service};
use ci_engine::progress::Step;

use super::Ran;
use super::report::Place;
use crate::context::Context;
use crate::stages::build::cargo;

/// Runs the command in the service's folder, with the toolchain and the environment in which the service is compiled.
pub(super) async fn run(
    ctx: &Context,
    service: &Service,
    builder: &CargoBuilder,
    declared: &Declared,
    place: &Place,
    step: &Step,
) -> eyre::Result<Ran> {
    let folder = ctx.root().join(&service.folder);
    let left = declared.junit.as_ref().map(|path| folder.join(path));
    if let Some(left) = &left {
        // One of an earlier run would be taken for one of this.
        super::report::remove(left)?;
    }
    let status = cargo::check(ctx, builder, &folder, &declared.command, step).await?;
    let mut ran = Ran {
        failed: (!status.success()).then(|| match status.code() {
            Some(code) => format!("exit code: {code}"),
            None => status.to_string(),
        }),
        report: None,
        missing: None,
    };
    if let (Some(left), Some(path)) = (left, &declared.junit) {
        if place.copy(&left)? {
            ran.report = Some(place.read()?);
        } else {
            ran.missing = Some(path.clone());
        }
    }
    Ok(ran)
}
