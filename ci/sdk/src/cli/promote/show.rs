//! Promotions and rollbacks as people and programs read them.

use std::fmt::Write as _;

use ci_deployments::PullRequestRef;
use ci_deployments::{Kind, review};
use serde_json::{Value, json};

use crate::cli::build::short;
use crate::report::{self, Cell, Column, Table};
use crate::stages::promote::{Change, Outcome, Promoted, Receipt};
use crate::terminal::{Paint, Style};
use crate::text;

/// Most subjects that a plan lists.
const MAX_SUBJECTS: usize = 20;

/// What was not written in full, then a table of what was.
pub(super) fn human(changes: &[Change], paint: Paint) -> String {
    let mut out = String::new();
    let mut table = Table::new([
        Column::left("SERVICE"),
        Column::left("ENVIRONMENT"),
        Column::left("WAS"),
        Column::left("WILL BE"),
        Column::left("RESULT"),
    ]);
    for change in changes {
        if matches!(change.outcome, Outcome::Planned | Outcome::Refused) {
            out += &plan(change);
            continue;
        }
        for (at, it) in change.promotion.moves.iter().enumerate() {
            let was = it
                .before
                .map(|digest| short(&digest.to_string()).to_owned());
            table.row([
                Cell::from(it.service.as_str()),
                change.promotion.environment.as_str().into(),
                was.unwrap_or_else(|| "-".into()).into(),
                short(&it.after.image.digest.to_string()).into(),
                if at == 0 { result(change) } else { "".into() },
            ]);
        }
    }
    if !table.is_empty() {
        out += &table.render(paint);
    }
    out
}

fn result(change: &Change) -> Cell {
    match &change.outcome {
        Outcome::Planned | Outcome::Refused => "".into(),
        Outcome::Done => Cell::styled("was there", Style::Dim),
        Outcome::Committed { commit } => format!("commit {}", shortened(commit)).into(),
        Outcome::Open { pull, is_new: true } => format!("opened {}", pull.url).into(),
        Outcome::Open { pull, .. } => format!("updated {}", pull.url).into(),
        Outcome::Declined { pull } => {
            Cell::styled(format!("declined in {}", pull.url), Style::Notice)
        }
    }
}

/// Everything that is known before anything is written.
fn plan(change: &Change) -> String {
    let Change {
        promotion, review, ..
    } = change;
    let mut out = promotion.to_string();
    if let Some(commits) = &review.commits {
        let _ = writeln!(out, "  commits: {}", commits.total);
        for (id, subject) in commits.subjects.iter().take(MAX_SUBJECTS) {
            let subject = text::clean(subject.as_bytes(), text::Colours::Drop);
            let _ = writeln!(out, "    {} {subject}", shortened(id));
        }
        if commits.total > MAX_SUBJECTS {
            let _ = writeln!(out, "    … and {} more", commits.total - MAX_SUBJECTS);
        }
    }
    for service in &review.migrating {
        let _ = writeln!(out, "  {service} migrates the database");
    }
    for check in &review.checks {
        let (mark, found) = match &check.result {
            Ok(found) => ('✔', found),
            Err(problem) => ('✘', problem),
        };
        let line = format!("{}: {found}", check.what);
        let _ = writeln!(out, "  {mark} {}", text::one_line(&line));
    }
    if change.outcome == Outcome::Planned {
        let _ = writeln!(out, "\n  {}\n", review::title(promotion));
        for line in review::body(promotion, review).lines() {
            let line = text::clean(line.as_bytes(), text::Colours::Drop);
            let _ = writeln!(out, "{}", format!("  {line}").trim_end());
        }
    }
    out.push('\n');
    out
}

fn shortened(commit: &str) -> &str {
    commit.get(..12).unwrap_or(commit)
}

/// What people should know of a change that was made.
pub(super) fn warnings(change: &Change) -> Vec<String> {
    let mut warnings = change.warnings.clone();
    if let Outcome::Declined { pull } = &change.outcome {
        warnings.push(format!(
            "{} was closed without being merged, so this is not proposed again; `--reopen` does",
            pull.url
        ));
    }
    let is_made = matches!(
        change.outcome,
        Outcome::Committed { .. } | Outcome::Open { .. }
    );
    if change.promotion.kind == Kind::Rollback && is_made && change.promotion.moves.len() > 1 {
        for service in &change.review.migrating {
            warnings.push(format!(
                "{service} migrates the database; the old images come back, the old schema does not"
            ));
        }
    }
    warnings
}

/// Who else got it, one line for each.
pub(super) fn received(receipts: &[Receipt]) -> String {
    let line = |it: &Receipt| {
        let line = format!("{}: {} {}", it.services.join(", "), it.receiver, it.outcome);
        text::one_line(&line) + "\n"
    };
    receipts.iter().map(line).collect()
}

/// For programs.
pub(super) fn json(promoted: &Promoted) -> eyre::Result<String> {
    let changes: Vec<Value> = promoted.changes.iter().map(one).collect();
    report::json(&json!({ "schemaVersion": 1, "changes": changes, "received": promoted.received }))
}

fn one(change: &Change) -> Value {
    let Change {
        promotion, review, ..
    } = change;
    let services = promotion.moves.iter().map(|it| {
        let image = it.after.image.repository.clone().without_tag_and_digest();
        json!({
            "name": it.service.as_str(),
            "before": it.before,
            "after": it.after.image.digest,
            "image": image.with_digest(it.after.image.digest),
            "tags": it.after.tags,
            "commit": it.after.source.commit,
            "commitBefore": it.state.as_ref().map(|it| &it.commit),
        })
    });
    let files = promotion.files.iter().map(|(path, file)| {
        let lines = file.lines().into_iter().map(|line| {
            json!({ "line": line.line, "change": if line.is_new { "+" } else { "-" }, "text": line.text })
        });
        json!({ "path": path, "isNew": file.before.is_none(), "lines": lines.collect::<Vec<_>>() })
    });
    let commits = review.commits.as_ref().map(|commits| {
        let subjects = commits.subjects.iter();
        let subjects = subjects.map(|(id, subject)| json!({ "commit": id, "subject": subject }));
        json!({ "total": commits.total, "subjects": subjects.collect::<Vec<_>>() })
    });
    let checks = review.checks.iter().map(|check| {
        let (Ok(found) | Err(found)) = &check.result;
        json!({ "what": check.what, "passed": check.result.is_ok(), "found": found })
    });
    let mut value = json!({
        "kind": match promotion.kind { Kind::Promotion => "promotion", Kind::Rollback => "rollback" },
        "environment": promotion.environment.as_str(),
        "unit": promotion.unit.as_str(),
        "services": services.collect::<Vec<_>>(),
        "files": files.collect::<Vec<_>>(),
        "notes": promotion.notes,
        "commits": commits,
        "migrating": review.migrating.iter().map(|it| it.as_str()).collect::<Vec<_>>(),
        "checks": checks.collect::<Vec<_>>(),
        "title": review::title(promotion),
        "closed": change.closed.iter().map(pull).collect::<Vec<_>>(),
        "warnings": warnings(change),
    });
    let (outcome, more) = match &change.outcome {
        Outcome::Planned => (
            "planned",
            json!({ "body": review::body(promotion, review) }),
        ),
        Outcome::Refused => ("refused", json!({})),
        Outcome::Done => ("done", json!({})),
        Outcome::Committed { commit } => ("committed", json!({ "commit": commit })),
        Outcome::Open {
            pull: it,
            is_new: true,
        } => ("opened", json!({ "pullRequest": pull(it) })),
        Outcome::Open { pull: it, .. } => ("updated", json!({ "pullRequest": pull(it) })),
        Outcome::Declined { pull: it } => ("declined", json!({ "pullRequest": pull(it) })),
    };
    value["outcome"] = outcome.into();
    if let Value::Object(more) = more {
        for (key, it) in more {
            value[key] = it;
        }
    }
    value
}

fn pull(pull: &PullRequestRef) -> Value {
    json!({ "number": pull.number, "url": pull.url })
}

#[cfg(test)]
mod tests;
