//! In place of the commands in a program that was built without signing: how to get them.

use ci_engine::Progress;

use super::{Keys, Sign};
use crate::cli::Answer;
use crate::project::Project;
use crate::stages::verify::missing;
use crate::terminal::Paint;

pub(crate) async fn run(
    _args: &Sign,
    _project: &Project,
    _progress: &Progress,
    _paint: Paint,
) -> eyre::Result<Answer> {
    Err(missing("sign").into())
}

pub(crate) async fn keys(_args: &Keys) -> eyre::Result<Answer> {
    Err(missing("keys").into())
}
