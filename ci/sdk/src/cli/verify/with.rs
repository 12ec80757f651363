//! The command itself, in a program that was built with signing.

use ci_catalog::Catalog;
use ci_engine::Progress;
use ci_oci::Reference;
use ci_signing::discovery::{self, Judged, Matrix};
use ci_signing::verify::Verified;
use eyre::WrapErr;
use serde_json::{Value, json};

use super::{Verifier, Verify};
use crate::cli::build::short;
use crate::cli::{Answer, Format, Globals};
use crate::error::{Exit, UserError};
use crate::registries;
use crate::report::{self, Cell, Column, Table};
use crate::stages::verify::Verification;
use crate::terminal::{Paint, Style};

/// Group of what is reported.
const GROUP: &str = "verify";

/// What is known of an image.
#[derive(Debug)]
struct Answered {
    image: Reference,
    judged: Judged,
    /// What was asked for and is not there.
    missing: Vec<String>,
}

pub(crate) async fn run(
    args: &Verify,
    globals: &Globals,
    progress: &Progress,
    paint: Paint,
) -> eyre::Result<Answer> {
    let root = ci_catalog::find_root(globals.directory());
    let catalog = root.map(|root| Catalog::load(&root)).transpose()?;
    let demand = args.demand(catalog.as_ref())?;
    let variable = |name: &str| std::env::var(name).ok();
    let config = registries::anywhere(globals.directory(), variable)?;
    let verification = Verification::open(&demand, &config).await?;
    if let Some(warning) = verification.warning() {
        progress.warn(&GROUP.into(), "Verification", warning, None);
    }
    let (mut answered, mut failures) = (Vec::new(), Vec::new());
    for image in &args.images {
        match answer(&verification, image, &args.attestations).await {
            Ok(one) => answered.push(one),
            Err(error) => failures.push(error),
        }
    }
    let (text, refused) = if args.matrix || args.verifier.is_some() {
        as_others(args, &answered, paint)?
    } else {
        let text = match args.output {
            Format::Human => human(&answered, paint),
            Format::Json => report::json(&answered.iter().map(json).collect::<Vec<_>>())?,
        };
        (text, answered.iter().filter_map(unsigned).collect())
    };
    failures.extend(refused.into_iter().map(eyre::Report::from));
    Ok(Answer { text, failures })
}

async fn answer(
    verification: &Verification,
    image: &Reference,
    attestations: &[String],
) -> eyre::Result<Answered> {
    let told = || format!("cannot verify {image}");
    let resolved = verification.resolve(image).await.wrap_err_with(told)?;
    let judged = verification.judge(&resolved).await.wrap_err_with(told)?;
    let checked = Verification::checked(&judged, attestations);
    let signature = checked.signature.err();
    let attestations = checked.attestations.into_iter();
    let attestations = attestations.filter_map(|(kind, result)| {
        let problem = result.err()?;
        Some(format!("{kind}: {problem}"))
    });
    Ok(Answered {
        image: resolved,
        missing: signature.into_iter().chain(attestations).collect(),
        judged,
    })
}

/// The failure of an image that is not what was asked for.
fn unsigned(answered: &Answered) -> Option<UserError> {
    if answered.missing.is_empty() {
        return None;
    }
    let message = format!("{}: {}", answered.image, answered.missing.join("; "));
    let failure = UserError::new(Exit::Failed, message);
    Some(match answered.judged.problems.as_slice() {
        [] => failure,
        problems => failure.hint(problems.join("; ")),
    })
}

fn human(answered: &[Answered], paint: Paint) -> String {
    let mut table = Table::new([
        Column::left("IMAGE"),
        Column::left("DIGEST"),
        Column::left("VERIFIED"),
        Column::left("SIGNED BY"),
        Column::left("WHEN"),
    ]);
    for one in answered {
        let digest = short(&one.judged.image.to_string());
        let mut image = [one.image.clone().without_digest().to_string(), digest];
        if !one.missing.is_empty() {
            let cell = Cell::styled("no", Style::Bad);
            let [name, digest] = std::mem::take(&mut image);
            table.row([name.into(), digest.into(), cell, "".into(), "".into()]);
        }
        for verified in one.judged.verified() {
            let [name, digest] = std::mem::take(&mut image);
            table.row([
                name.into(),
                digest.into(),
                Cell::styled(what(verified), Style::Good),
                verified.signer.as_str().into(),
                verified.times.first().map_or("", String::as_str).into(),
            ]);
        }
    }
    table.render(paint)
}

/// What a signature states.
fn what(verified: &Verified) -> &str {
    match verified.predicate.as_deref() {
        None => "signature, legacy",
        Some(ci_signing::predicate::SIGNATURE) => "signature, bundle",
        Some(kind) => kind,
    }
}

fn json(answered: &Answered) -> Value {
    let judged = &answered.judged;
    let rejections = judged.rejections();
    json!({
        "image": answered.image.to_string(),
        "digest": judged.image.to_string(),
        "good": answered.missing.is_empty(),
        "missing": answered.missing,
        "verified": judged.verified().collect::<Vec<_>>(),
        "refused": rejections.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "problems": judged.problems,
    })
}

/// What others make of the images. One that was asked about has to be content in the way that comes first, which is the one that
/// `policy` writes for it; of all of them none has to be, as a catalog may have made only one form of signatures.
fn as_others(
    args: &Verify,
    answered: &[Answered],
    paint: Paint,
) -> eyre::Result<(String, Vec<UserError>)> {
    let only = args.verifier.map(known);
    let matrices = answered
        .iter()
        .map(|one| (one, Matrix::of(&one.judged, only)));
    let matrices: Vec<(&Answered, Matrix)> = matrices.collect();
    let refused = matrices
        .iter()
        .filter_map(|(one, matrix)| match (only, matrix.rows.first()) {
            (None, _) => unsigned(one),
            (Some(_), Some(row)) if !row.accepted => {
                let message = format!(
                    "{} does not accept {}: {}",
                    row.verifier,
                    one.image,
                    row.why.join("; ")
                );
                Some(UserError::new(Exit::Failed, message))
            }
            (Some(_), _) => None,
        });
    let refused = refused.collect();
    let text = match args.output {
        Format::Json => {
            let all = matrices.iter().map(
                |(one, matrix)| json!({ "image": one.image.to_string(), "rows": matrix.rows }),
            );
            report::json(&all.collect::<Vec<_>>())?
        }
        Format::Human => matrices
            .iter()
            .map(|(one, matrix)| format!("{}\n{}", one.image, rows(matrix, paint)))
            .collect::<Vec<_>>()
            .join("\n"),
    };
    Ok((text, refused))
}

fn known(verifier: Verifier) -> discovery::Verifier {
    match verifier {
        Verifier::Cosign2 => discovery::Verifier::Cosign2,
        Verifier::Cosign3 => discovery::Verifier::Cosign3,
        Verifier::Kyverno => discovery::Verifier::Kyverno,
        Verifier::PolicyController => discovery::Verifier::PolicyController,
    }
}

fn rows(matrix: &Matrix, paint: Paint) -> String {
    let mut table = Table::new([
        Column::left("VERIFIER"),
        Column::left("WAY"),
        Column::left("FINDS"),
        Column::left("ACCEPTS"),
        Column::left("WHY NOT"),
    ]);
    for row in &matrix.rows {
        table.row([
            row.verifier.name().into(),
            row.way.into(),
            row.found.as_str().into(),
            match row.accepted {
                true => Cell::styled("yes", Style::Good),
                false => Cell::styled("no", Style::Bad),
            },
            row.why.join("; ").into(),
        ]);
    }
    table.render(paint)
}
