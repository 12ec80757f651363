//! `Container`: the table of its fields, by what they are about. The code behind them is in `container_files`, `container_config`,
//! `container_exec` and `container_read`.

mod config;
mod executions;
mod files;
mod image;

use ci_graphql::{Field, Type, joined, object};

use self::config::CONFIG;
use self::executions::EXECUTIONS;
use self::files::FILES;
use self::image::IMAGE;
use super::Connection;

const PATH: &str = "Absolute, or relative to the working directory.";
const OWNER: &str = "`user` or `user:group`, by name or number; `0:0` if empty.";

const COUNT: usize = IMAGE.len() + FILES.len() + CONFIG.len() + EXECUTIONS.len();

static FIELDS: [Field<Connection>; COUNT] = joined(&[IMAGE, FILES, CONFIG, EXECUTIONS]);

pub(super) static CONTAINER: Type<Connection> = object(
    "Container",
    "An image with what is needed to run programs on it.",
    &["Exportable", "Node", "Syncer"],
    &FIELDS,
);
