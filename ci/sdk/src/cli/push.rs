//! `push`: what was built goes to its registry.

use ci_engine::Progress;
use clap::ValueEnum;

use super::Answer;
use super::build::short;
use crate::project::Project;
use crate::report::{self, Cell, Column, Table};
use crate::stages::push::{self, Pushed, PushedImage, Request};
use crate::terminal::{Paint, Style};
use crate::units;

/// Bring what was built to its registry
///
/// Pushes the images of the release record (.pipeline/release.json), exactly as they were built and tested: by digest first, then, when
/// all images of a release unit are there, under the tags of the environment. A tag that names another image already is an error;
/// one that names this image is done. What the registry has is not sent again, and a push that was interrupted goes on when repeated.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Push {
    /// Services, with those coupled to them; none means all that were built
    #[arg(value_name = "SERVICE")]
    services: Vec<String>,

    /// Tag images as this environment of pipeline.toml does [default: the one they were built for]
    #[arg(long, value_name = "NAME")]
    env: Option<String>,

    /// Push images of uncommitted changes, though their tags name the commit before
    #[arg(long)]
    allow_dirty: bool,

    /// How to print the result, on standard output: human (the default), json (the release record) or refs (REPOSITORY@DIGEST, one per
    /// line)
    #[arg(
        long,
        value_name = "FORMAT",
        default_value = "human",
        hide_possible_values = true,
        hide_default_value = true
    )]
    output: Output,
}

const EXAMPLES: &str = "\
Examples:
  {bin} push --env production           everything that was built
  {bin} push web --output refs          registry.example.com/acme/shop-web@sha256:…
  {bin} build && {bin} test && {bin} push  what a job does on the main branch

Credentials are Docker's: `docker login`, or `{bin} login` without Docker.";

/// Form of the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Output {
    Human,
    Json,
    Refs,
}

pub(crate) async fn run(
    args: &Push,
    project: &Project,
    progress: &Progress,
    paint: Paint,
) -> eyre::Result<Answer> {
    let request = Request {
        services: args.services.clone(),
        environment: args.env.clone(),
        allow_dirty: args.allow_dirty,
    };
    let pushed = push::run(project, progress, &request).await?;
    let text = match args.output {
        Output::Human => human(&pushed, paint),
        Output::Json => report::json(&pushed.record)?,
        Output::Refs => pushed.images.iter().map(line).collect(),
    };
    Ok(Answer {
        text,
        failures: pushed.failures,
    })
}

fn line(image: &PushedImage) -> String {
    format!("{}@{}\n", image.repository, image.digest)
}

fn human(pushed: &Pushed, paint: Paint) -> String {
    let mut table = Table::new([
        Column::left("SERVICE"),
        Column::left("IMAGE"),
        Column::left("DIGEST"),
        Column::left("SENT"),
    ]);
    for image in &pushed.images {
        for (at, tag) in image.tags.iter().enumerate() {
            let is_first = at == 0;
            let sent = if is_first { sent(image) } else { "".into() };
            table.row([
                Cell::from(if is_first { image.service.as_str() } else { "" }),
                format!("{}:{tag}", image.repository).into(),
                short(&image.digest.to_string()).into(),
                sent,
            ]);
        }
    }
    if table.is_empty() {
        String::new()
    } else {
        table.render(paint)
    }
}

/// What had to be done for an image.
fn sent(image: &PushedImage) -> Cell {
    let transferred = image.transferred;
    match transferred.sent {
        _ if image.existed => Cell::styled("was there", Style::Dim),
        0 => Cell::styled("tags only", Style::Dim),
        1 => format!("1 blob, {}", units::size(transferred.bytes)).into(),
        count => format!("{count} blobs, {}", units::size(transferred.bytes)).into(),
    }
}

#[cfg(test)]
mod tests {
    use ci_oci::Digest;

    use super::*;
    use crate::stages::push::Transferred;

    fn image(service: &str, tags: &[&str], transferred: Transferred, existed: bool) -> PushedImage {
        PushedImage {
            service: service.into(),
            repository: format!("registry.example.com/acme/shop-{service}"),
            digest: Digest::of(service),
            tags: tags.iter().map(|&tag| tag.to_owned()).collect(),
            transferred,
            existed,
        }
    }

    fn pushed() -> Pushed {
        let sent = Transferred {
            sent: 3,
            bytes: 5_200_000,
            found: 2,
        };
        Pushed {
            images: vec![
                image("migrator", &["1.4.2"], Transferred::default(), true),
                image("web", &["1.4.2", "1.4"], sent, false),
                image("worker", &["1.4.2"], Transferred::default(), false),
            ],
            ..Pushed::default()
        }
    }

    #[test]
    fn every_tag_is_listed_and_what_was_sent() {
        insta::assert_snapshot!(human(&pushed(), Paint::new(false)), @r"
        SERVICE   IMAGE                                          DIGEST               SENT
        migrator  registry.example.com/acme/shop-migrator:1.4.2  sha256:6c695db71356  was there
        web       registry.example.com/acme/shop-web:1.4.2       sha256:4b5e57f6eb2f  3 blobs, 5.2 MB
                  registry.example.com/acme/shop-web:1.4         sha256:4b5e57f6eb2f
        worker    registry.example.com/acme/shop-worker:1.4.2    sha256:87eba76e7f31  tags only
        ");
    }

    #[test]
    fn references_are_whole_and_one_per_line() {
        let lines: String = pushed().images.iter().map(line).collect();
        insta::assert_snapshot!(lines, @r"
        registry.example.com/acme/shop-migrator@sha256:6c695db7135689cbb77eb4bc2d0adff21bf841b0015f51e30030c89e3562dba6
        registry.example.com/acme/shop-web@sha256:4b5e57f6eb2f42b9039b3d1e13929295f231749c510cbe341cd68036d9af97e2
        registry.example.com/acme/shop-worker@sha256:87eba76e7f3164534045ba922e7770fb58bbd14ad732bbf5ba6f11cc56989e6e
        ");
    }
}
