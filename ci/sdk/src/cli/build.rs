//! `build`: services become images.

use super::{Answer, Format, Making};
use crate::context::Context;
use crate::report::{self, Cell, Column, Table};
use crate::stages::build::{self, Built};
use crate::terminal::{Paint, Style};
use crate::units;

/// Build services into OCI images
///
/// Images, their layout and the release record (release.json) are written to .pipeline in the checkout. Nothing is pushed.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Build {
    #[command(flatten)]
    pub(crate) making: Making,
}

const EXAMPLES: &str = "\
Examples:
  {bin} build                            every default service
  {bin} build web worker                 these two, and what is coupled with them
  {bin} build --env production           with the tags of an environment
  {bin} build --affected --reuse         in CI: only what a change touches and no registry has
  {bin} build web --output json | jq .   the release record, for scripts";

/// What is said when a change touches no service.
pub(super) const NOTHING: &str = "nothing to do: no service is affected\n";

/// How much of a digest people compare.
const SHORT: usize = 12;

pub(crate) async fn run(args: &Build, ctx: &Context, paint: Paint) -> eyre::Result<Answer> {
    let request = args.making.request(ctx.project(), ctx.progress())?;
    let built = build::run(ctx, &request).await?;
    let text = match args.making.output {
        Format::Human if built.is_nothing(&request) => NOTHING.to_owned(),
        Format::Human => table(&built, paint),
        Format::Json => report::json(&built.record)?,
    };
    Ok(Answer {
        text,
        failures: built.failures,
    })
}

fn table(built: &Built, paint: Paint) -> String {
    let mut table = Table::new([
        Column::left("SERVICE"),
        Column::left("IMAGE"),
        Column::left("DIGEST"),
        Column::right("SIZE"),
        Column::right("TIME"),
    ]);
    for image in &built.images {
        table.row([
            image.service.as_str().into(),
            image.reference.as_str().into(),
            short(&image.digest).into(),
            units::size(image.size).into(),
            match image.elapsed {
                Some(elapsed) => units::duration(elapsed).into(),
                None => Cell::styled("REUSED", Style::Dim),
            },
        ]);
    }
    if table.is_empty() {
        String::new()
    } else {
        table.render(paint)
    }
}

/// `sha256:0123456789ab`: the algorithm, and enough to tell digests apart.
pub(super) fn short(digest: &str) -> String {
    match digest.split_once(':') {
        Some((algorithm, hex)) => format!(
            "{algorithm}:{}",
            hex.chars().take(SHORT).collect::<String>()
        ),
        None => digest.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stages::build::Image;
    use std::time::Duration;

    fn image(service: &str, size: u64, millis: u64) -> Image {
        Image {
            service: service.into(),
            reference: format!(
                "registry.example.com/acme/shop-{service}:preview-0123abc-{service}"
            ),
            digest: format!("sha256:{}", "0123456789abcdef".repeat(4)),
            size,
            elapsed: Some(Duration::from_millis(millis)),
        }
    }

    #[test]
    fn images_are_listed_with_short_digests_and_aligned_sizes() {
        let built = Built {
            images: vec![
                image("web", 5_200_000, 320),
                image("migrator", 48_000, 65_000),
                Image {
                    elapsed: None,
                    ..image("worker", 1_200_000, 0)
                },
            ],
            ..Built::default()
        };
        insta::assert_snapshot!(table(&built, Paint::new(false)), @r"
        SERVICE   IMAGE                                                             DIGEST                  SIZE    TIME
        web       registry.example.com/acme/shop-web:preview-0123abc-web            sha256:0123456789ab   5.2 MB    0.3s
        migrator  registry.example.com/acme/shop-migrator:preview-0123abc-migrator  sha256:0123456789ab  48.0 kB  1m 05s
        worker    registry.example.com/acme/shop-worker:preview-0123abc-worker      sha256:0123456789ab   1.2 MB  REUSED
        ");
    }

    #[test]
    fn a_build_without_images_prints_no_empty_table() {
        assert_eq!(table(&Built::default(), Paint::new(true)), "");
    }
}
