//! In place of the command in a program that was built without signing: how to get it.

use ci_engine::Progress;

use super::Verify;
use crate::cli::{Answer, Globals};
use crate::stages::verify::missing;
use crate::terminal::Paint;

pub(crate) async fn run(
    _args: &Verify,
    _globals: &Globals,
    _progress: &Progress,
    _paint: Paint,
) -> eyre::Result<Answer> {
    Err(missing("verify").into())
}
