//! `plan`: what a build would do, and on what it would stand.

use ci_engine::Progress;

use super::build::{NOTHING, short};
use super::{Answer, Format, Selection};
use crate::project::Project;
use crate::report::{self, Cell, Column, Table};
use crate::stages::preview::{self, Base, Move, Pin, Preview, Service};
use crate::terminal::{Paint, Style};
use crate::text;

/// Say what a build would do, and which base images moved since the last one
///
/// Nothing is built, pulled or written. Registries are asked only for what the tags of base images mean now.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Plan {
    #[command(flatten)]
    selection: Selection,

    /// Ask no registry
    #[arg(long)]
    offline: bool,

    /// How to print the result, on standard output: human (the default) or json
    #[arg(
        long,
        value_name = "FORMAT",
        default_value = "human",
        hide_possible_values = true,
        hide_default_value = true
    )]
    output: Format,
}

const EXAMPLES: &str = "\
Examples:
  {bin} plan                             what `build` would do
  {bin} plan web --env production        with the tag it would have
  {bin} plan --output json | jq .bases   for scripts";

pub(crate) async fn run(
    args: &Plan,
    project: &Project,
    progress: &Progress,
    paint: Paint,
) -> eyre::Result<Answer> {
    let request = args.selection.request(project, progress)?;
    let preview = preview::run(project, progress, &request, args.offline).await?;
    Ok(match args.output {
        Format::Human if request.only.is_some() && preview.services.is_empty() => {
            NOTHING.to_owned().into()
        }
        Format::Human => human(&preview, paint).into(),
        Format::Json => report::json(&preview)?.into(),
    })
}

fn human(preview: &Preview, paint: Paint) -> String {
    let mut out = services(&preview.services, paint);
    if !preview.bases.is_empty() {
        out.push('\n');
        out.push_str(&bases(&preview.bases, paint));
        let notes: String = preview.bases.iter().flat_map(notes).collect();
        if !notes.is_empty() {
            out.push('\n');
            out.push_str(&notes);
        }
    }
    out
}

fn services(services: &[Service], paint: Paint) -> String {
    let mut table = Table::new([
        Column::left("SERVICE"),
        Column::left("BUILDER"),
        Column::left("PLATFORMS"),
        Column::left("IMAGE"),
        Column::left("READS"),
    ]);
    for service in services {
        // Of what is only read no image comes out.
        let image = if service.wanted {
            Cell::from(&service.image)
        } else {
            Cell::styled("(only read)", Style::Dim)
        };
        table.row([
            Cell::from(&service.name),
            service.builder.into(),
            service.platforms.join(", ").into(),
            image,
            service.reads.join(", ").into(),
        ]);
    }
    table.render(paint)
}

fn bases(bases: &[Base], paint: Paint) -> String {
    let mut table = Table::new([
        Column::left("BASE"),
        Column::left("DIGEST"),
        Column::left("PINNED BY"),
        Column::left("USED BY"),
    ]);
    for base in bases {
        let digest = base.digest.map(|digest| short(&digest.to_string()));
        let users: Vec<&str> = base.users.iter().map(String::as_str).collect();
        table.row([
            name(base).into(),
            digest.unwrap_or_default().into(),
            match base.pinned {
                Pin::Written => "its digest".into(),
                Pin::Locked => "pipeline.lock".into(),
                Pin::No => Cell::styled("nothing", Style::Notice),
            },
            users.join(", ").into(),
        ]);
    }
    table.render(paint)
}

/// What is to be known of a base beyond its row, one line each.
fn notes(base: &Base) -> Vec<String> {
    let moved = |moved: Move, since: &str| {
        let (from, to) = (short(&moved.from.to_string()), short(&moved.to.to_string()));
        format!("{} moved {from} -> {to} {since}\n", name(base))
    };
    let build = base.moved_since_last_build();
    let locked = base.moved_since_locked();
    let problem = base.problem.as_ref();
    let lines = [
        build.map(|it| moved(it, "since the last build")),
        locked.map(|it| {
            moved(
                it,
                "since it was locked; the `lock` command takes what is new",
            )
        }),
        problem.map(|it| format!("{}: {}\n", name(base), text::one_line(it))),
    ];
    lines.into_iter().flatten().collect()
}

fn name(base: &Base) -> String {
    base.reference.clone().without_digest().familiar()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    use ci_oci::Digest;

    fn digest(digit: char) -> Digest {
        format!("sha256:{}", digit.to_string().repeat(64))
            .parse()
            .unwrap()
    }

    fn base(reference: &str, pinned: Pin, digit: Option<char>) -> Base {
        Base {
            reference: reference.parse().unwrap(),
            users: BTreeSet::from(["web".to_owned()]),
            pinned,
            digest: digit.map(digest),
            registry: None,
            last_build: BTreeSet::new(),
            problem: None,
        }
    }

    fn service(name: &str, wanted: bool, reads: &[&str]) -> Service {
        Service {
            name: name.into(),
            wanted,
            builder: "dockerfile",
            platforms: vec!["linux/amd64".into(), "linux/arm64".into()],
            image: format!("registry.example.com/acme/shop-{name}:preview-0123abc"),
            reads: reads.iter().map(|it| (*it).to_owned()).collect(),
            bases: Vec::new(),
            fingerprint: None,
            no_fingerprint: None,
        }
    }

    #[test]
    fn services_come_with_what_they_read_and_bases_with_what_pins_them() {
        let pinned = format!("ghcr.io/acme/base:1@{}", digest('c'));
        let preview = Preview {
            services: vec![
                service("tools", false, &[]),
                service("web", true, &["tools"]),
            ],
            bases: vec![
                base("debian:12-slim", Pin::Locked, Some('a')),
                base(&pinned, Pin::Written, Some('c')),
                base("node:22", Pin::No, None),
            ],
        };
        insta::assert_snapshot!(human(&preview, Paint::new(false)), @r"
        SERVICE  BUILDER     PLATFORMS                 IMAGE                                               READS
        tools    dockerfile  linux/amd64, linux/arm64  (only read)
        web      dockerfile  linux/amd64, linux/arm64  registry.example.com/acme/shop-web:preview-0123abc  tools

        BASE                 DIGEST               PINNED BY      USED BY
        debian:12-slim       sha256:aaaaaaaaaaaa  pipeline.lock  web
        ghcr.io/acme/base:1  sha256:cccccccccccc  its digest     web
        node:22                                   nothing        web
        ");
    }

    #[test]
    fn a_base_that_moved_is_told_with_both_digests() {
        let moved = Base {
            registry: Some(digest('c')),
            last_build: BTreeSet::from([digest('b')]),
            ..base("debian:12-slim", Pin::Locked, Some('a'))
        };
        insta::assert_snapshot!(notes(&moved).concat(), @r"
        debian:12-slim moved sha256:bbbbbbbbbbbb -> sha256:aaaaaaaaaaaa since the last build
        debian:12-slim moved sha256:aaaaaaaaaaaa -> sha256:cccccccccccc since it was locked; the `lock` command takes what is new
        ");
        let unmoved = Base {
            registry: Some(digest('a')),
            last_build: BTreeSet::from([digest('a')]),
            ..base("debian:12-slim", Pin::Locked, Some('a'))
        };
        assert!(notes(&unmoved).is_empty());
    }

    #[test]
    fn builds_that_differed_among_themselves_are_no_move() {
        let mixed = Base {
            last_build: BTreeSet::from([digest('b'), digest('c')]),
            ..base("debian:12-slim", Pin::Locked, Some('a'))
        };
        assert!(notes(&mixed).is_empty());
    }

    #[test]
    fn a_registry_that_does_not_answer_is_a_note() {
        let unknown = Base {
            problem: Some("nobody\nanswers".into()),
            ..base("debian:12-slim", Pin::No, None)
        };
        insta::assert_snapshot!(notes(&unknown).concat(), @"debian:12-slim: nobody answers");
    }
}
