//! This repository's own delivery pipeline: the built-in stages, and one more as an example of how to write them.

use std::process::ExitCode;

use ci::{Context, Pipeline};

/// List the files in the image of a service
///
/// Builds the image if need be. Folders end with a slash.
#[derive(clap::Parser)]
#[command(
    name = "files",
    after_help = "Examples:\n  {bin} files web\n  {bin} files worker /etc"
)]
struct Files {
    /// The service
    service: String,
    /// The folder to list
    #[arg(default_value = "/")]
    folder: String,
}

/// A stage is an async function over the Dagger API; what it returns is printed.
async fn files(ctx: Context, args: Files) -> eyre::Result<String> {
    let image = ctx.image(&args.service).await?;
    let entries = image.directory(&args.folder).entries().await?;
    Ok(entries.iter().map(|entry| format!("{entry}\n")).collect())
}

fn main() -> ExitCode {
    Pipeline::new().command(files).main()
}
