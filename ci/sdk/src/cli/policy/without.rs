//! In place of the command in a program that was built without signing: how to get it.

use super::Policy;
use crate::cli::Answer;
use crate::project::Project;
use crate::stages::verify::missing;

pub(crate) fn run(_args: &Policy, _project: &Project) -> eyre::Result<Answer> {
    Err(missing("policy").into())
}
