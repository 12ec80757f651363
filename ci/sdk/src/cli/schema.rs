//! `schema`: the JSON schemas of the catalog's files, for editors.

use ci_catalog::{SchemaKind, json_schema};
use clap::ValueEnum;

use super::Answer;
use crate::report;

/// Print the JSON schema of a catalog file
///
/// Editors with TOML support use it to complete keys and to mark mistakes while you type.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Schema {
    /// Which file: pipeline (pipeline.toml) or service (service.toml)
    #[arg(hide_possible_values = true)]
    file: File,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum File {
    /// pipeline.toml
    Pipeline,
    /// service.toml
    Service,
}

const EXAMPLES: &str = "\
Examples:
  {bin} schema service > .pipeline/service.schema.json

Then, in the first line of service.toml:
  #:schema ../../.pipeline/service.schema.json";

pub(crate) fn run(args: &Schema) -> eyre::Result<Answer> {
    let kind = match args.file {
        File::Pipeline => SchemaKind::Pipeline,
        File::Service => SchemaKind::Service,
    };
    Ok(report::json(&json_schema(kind))?.into())
}
