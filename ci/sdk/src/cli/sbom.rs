//! `sbom`: what is in images, as documents and for people.

use std::path::{Path, PathBuf};

use ci_catalog::Platform;
use ci_engine::Progress;
use ci_oci::Reference;
use ci_sbom::{License, Role};
use clap::{ArgAction, ValueEnum};

use super::Answer;
use super::build::short;
use crate::error::{Exit, UserError};
use crate::project::Project;
use crate::report::{Cell, Column, Table};
use crate::stages::sbom::{self, Described, Form};
use crate::terminal::{Paint, Style};

/// Say what is in images: packages, versions and licences
///
/// Reads the images of the release record (.pipeline/release.json), or one of a registry: the package databases of Debian, Alpine and RPM, what npm and pip
/// installed, the modules that programs of Go and Rust were compiled from. Documents depend on nothing but the image: the same image, the
/// same bytes.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Sbom {
    /// Services; none means all that were built
    #[arg(value_name = "SERVICE")]
    services: Vec<String>,

    /// Instead, an image of a registry
    #[arg(long, value_name = "REF", conflicts_with = "services")]
    image: Option<Reference>,

    /// Form: human (the default), spdx (SPDX 2.3, JSON) or cyclonedx (CycloneDX 1.6, JSON)
    #[arg(
        long,
        value_name = "FORMAT",
        default_value = "human",
        hide_possible_values = true,
        hide_default_value = true
    )]
    format: Format,

    /// Only of these platforms
    #[arg(long = "platform", value_name = "OS/ARCH", value_delimiter = ',', action = ArgAction::Append)]
    platforms: Vec<Platform>,

    /// Write documents to files of this folder instead of standard output: SERVICE.OS-ARCH.spdx.json
    #[arg(long, value_name = "DIR")]
    output_dir: Option<PathBuf>,
}

const EXAMPLES: &str = "\
Examples:
  {bin} sbom web                                    a table
  {bin} sbom web --format spdx > web.spdx.json
  {bin} sbom --format cyclonedx --output-dir sboms   everything, for every platform
  {bin} sbom --image debian:12-slim --platform linux/amd64";

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Human,
    Spdx,
    #[value(name = "cyclonedx")]
    CycloneDx,
}

pub(crate) async fn run(
    args: &Sbom,
    project: &Project,
    progress: &Progress,
    paint: Paint,
) -> eyre::Result<Answer> {
    let form = match (args.format, &args.output_dir) {
        (Format::Spdx, _) => Some(Form::Spdx),
        (Format::CycloneDx, _) => Some(Form::CycloneDx),
        (Format::Human, None) => None,
        (Format::Human, Some(_)) => {
            let message = "--output-dir is for documents, and no format is named";
            let hint = "add `--format spdx` or `--format cyclonedx`";
            return Err(UserError::new(Exit::Usage, message).hint(hint).into());
        }
    };
    let described = match &args.image {
        Some(image) => sbom::of_reference(project, image, &args.platforms).await?,
        None => sbom::run(project, &args.services, &args.platforms).await?,
    };
    for image in &described {
        for gap in image.bom.gaps() {
            let message = format!("{}: {gap}", image.platform);
            progress.warn(&image.service.as_str().into(), "NotRead", message, None);
        }
    }
    let text = match (form, &args.output_dir) {
        (None, _) => human(&described, paint),
        (Some(form), Some(dir)) => write(&described, form, dir)?,
        (Some(form), None) => one(&described, form)?,
    };
    Ok(text.into())
}

/// The only document. Several in one stream are none.
fn one(described: &[Described], form: Form) -> eyre::Result<String> {
    match described {
        [image] => Ok(String::from_utf8(image.document(form)?)?),
        images => {
            let message = format!(
                "there are {} documents, and standard output takes one",
                images.len()
            );
            let hint = "name a service and a platform, or `--output-dir DIR`";
            Err(UserError::new(Exit::Usage, message).hint(hint).into())
        }
    }
}

/// Writes a file for each image; their paths, one per line.
fn write(described: &[Described], form: Form, dir: &Path) -> eyre::Result<String> {
    let mut paths = String::new();
    for image in described {
        paths.push_str(&format!("{}\n", image.write(form, dir)?.display()));
    }
    Ok(paths)
}

fn human(described: &[Described], paint: Paint) -> String {
    let mut out = Vec::new();
    for image in described {
        let digest = image.digest.to_string();
        let name = format!("{} {} {}", image.service, image.platform, short(&digest));
        let system = image.bom.system.as_ref();
        let system = system.map_or_else(String::new, |it| {
            format!(", {}", crate::text::one_line(&it.name))
        });
        let mut table = Table::new([
            Column::left("PACKAGE"),
            Column::left("VERSION"),
            Column::left("TYPE"),
            Column::left("LICENCE"),
        ]);
        let packages = image.bom.packages().filter(|it| it.role != Role::BuildTool);
        let mut count = 0;
        for package in packages {
            count += 1;
            let license = package.license.as_ref().map(License::expression);
            table.row([
                Cell::from(&package.name),
                package.version.as_deref().unwrap_or("-").into(),
                package.ecosystem.name().into(),
                license.map_or_else(|| Cell::styled("-", Style::Dim), Cell::from),
            ]);
        }
        let packages = match count {
            0 => "no packages".to_owned(),
            1 => "1 package".to_owned(),
            count => format!("{count} packages"),
        };
        let name = paint.paint(Style::Bold, &name);
        let table = if table.is_empty() {
            String::new()
        } else {
            table.render(paint)
        };
        out.push(format!("{name}: {packages}{system}\n{table}"));
    }
    out.join("\n")
}

#[cfg(test)]
mod tests;
