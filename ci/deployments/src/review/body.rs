//! The description of a pull request.

use std::fmt::Write as _;

use super::{Commits, Review, Trailer};
use crate::foreign::{block, code};
use crate::plan::short;
use crate::{Kind, Move, Promotion};

/// Most bytes of a description. GitHub takes 65,536 characters; a forge that adds a line of its own shall fit, too.
pub const MAX_BODY: usize = 64_000;
/// What is kept for the parts that come last.
const RESERVE: usize = 2_000;

/// The description of a pull request, in GitHub's Markdown.
pub fn body(promotion: &Promotion, review: &Review) -> String {
    let trailer = Trailer::of(promotion).write();
    let mut body = Body {
        text: String::new(),
        most: MAX_BODY.saturating_sub(trailer.len()),
    };
    body.services(promotion);
    body.notes(promotion, review);
    if let Some(commits) = &review.commits {
        body.commits(promotion, commits);
    }
    body.checks(review);
    body.lines(promotion);
    for rendered in &review.rendered {
        let summary = format!("Rendered: {}", plain(&rendered.name));
        body.fold(&summary, "diff", rendered.diff.lines());
    }
    body.packages(review);
    body.end(promotion, review);
    body.text + &trailer
}

struct Body {
    text: String,
    most: usize,
}

impl Body {
    /// Adds a part if it fits, and leaves room for those that have to.
    fn add(&mut self, part: &str) -> bool {
        let fits = self.text.len() + part.len() + RESERVE <= self.most;
        if fits {
            self.text += part;
        }
        fits
    }

    /// Adds parts until one does not fit, and says how many were left out.
    fn add_all(&mut self, parts: &[String]) {
        let added = parts.iter().take_while(|part| self.add(part)).count();
        if added < parts.len() {
            let omitted = parts.len() - added;
            let _ = writeln!(self.text, "\n… and {omitted} more, left out here\n");
        }
    }

    fn services(&mut self, promotion: &Promotion) {
        self.add("| service | was | will be | tags | source |\n|---|---|---|---|---|\n");
        let rows: Vec<String> = promotion.moves.iter().map(row).collect();
        self.add_all(&rows);
        self.add("\n");
        let full: Vec<String> = promotion
            .moves
            .iter()
            .map(|it| {
                let image = it.after.image.repository.clone().without_tag_and_digest();
                format!("- `{}`\n", image.with_digest(it.after.image.digest))
            })
            .collect();
        self.add_all(&full);
    }

    fn notes(&mut self, promotion: &Promotion, review: &Review) {
        for service in &review.migrating {
            self.add(&format!(
                "\n> [!WARNING]\n> `{service}` migrates the database. Reverting this brings the old images back, not the old schema.\n"
            ));
        }
        if !promotion.notes.is_empty() {
            let notes: String = promotion
                .notes
                .iter()
                .map(|note| format!("> - {}\n", code(note, 500)))
                .collect();
            self.add(&format!("\n> [!IMPORTANT]\n{notes}"));
        }
    }

    fn commits(&mut self, promotion: &Promotion, commits: &Commits) {
        let Some(change) = promotion.moves.first() else {
            return;
        };
        let total = commits.total.max(commits.subjects.len());
        let old = change.state.as_ref().map(|state| state.commit.as_str());
        let new = change.after.source.commit.as_str();
        let range = old.map(|old| match web(change) {
            Some(web) => format!(" ([compare]({web}/compare/{old}...{new}))"),
            None => format!(" (`{}..{}`)", short(old), short(new)),
        });
        self.add(&format!(
            "\n**Commits: {total}**{}\n\n",
            range.unwrap_or_default()
        ));
        // Half of the space at most: what follows matters, too.
        let all = self.most;
        self.most = self.text.len() + (all - self.text.len()) / 2;
        let lines: Vec<String> = commits
            .subjects
            .iter()
            .map(|(id, subject)| format!("- {} {}\n", code(short(id), 12), code(subject, 200)))
            .collect();
        self.add_all(&lines);
        if lines.len() < total {
            self.add(&format!("- {} more\n", total - lines.len()));
        }
        self.most = all;
    }

    fn checks(&mut self, review: &Review) {
        if review.checks.is_empty() {
            return;
        }
        self.add("\n**Checked**\n\n");
        let lines: Vec<String> = review
            .checks
            .iter()
            .map(|check| {
                let (mark, result) = match &check.result {
                    Ok(result) => ("✅", result),
                    Err(result) => ("❌", result),
                };
                format!(
                    "- {mark} {}: {}\n",
                    code(&check.what, 200),
                    code(result, 500)
                )
            })
            .collect();
        self.add_all(&lines);
    }

    fn lines(&mut self, promotion: &Promotion) {
        let mut lines = Vec::new();
        for (path, change) in &promotion.files {
            // A new file is the state map's, and says what stands above.
            if change.before.is_none() {
                continue;
            }
            lines.push(path.clone());
            for line in change.lines() {
                let mark = if line.is_new { '+' } else { '-' };
                lines.push(format!("{mark} {:>5}  {}", line.line, line.text));
            }
        }
        self.fold(
            "Lines that change",
            "diff",
            lines.iter().map(String::as_str),
        );
    }

    fn packages(&mut self, review: &Review) {
        let lines: Vec<String> = review
            .packages
            .iter()
            .map(|change| {
                let version = |it: &Option<String>| it.clone().unwrap_or_else(|| "-".into());
                let (before, after) = (version(&change.before), version(&change.after));
                format!("{}: {} {before} -> {after}", change.service, change.package)
            })
            .collect();
        let summary = format!("Packages that differ: {}", lines.len());
        self.fold(&summary, "", lines.iter().map(String::as_str));
    }

    /// Lines that are shown on demand, as many as fit.
    fn fold<'a>(&mut self, summary: &str, language: &str, lines: impl Iterator<Item = &'a str>) {
        let lines: Vec<&str> = lines.collect();
        if lines.is_empty() {
            return;
        }
        let fold = |count: usize| {
            let omitted = match lines.len() - count {
                0 => String::new(),
                omitted => format!("\n… and {omitted} more lines, left out here\n"),
            };
            let block = block(language, lines.iter().take(count).copied());
            format!("\n<details><summary>{summary}</summary>\n\n{block}{omitted}\n</details>\n")
        };
        let mut count = lines.len();
        while count > 0 && !self.add(&fold(count)) {
            count /= 2;
        }
        if count == 0 {
            let _ = writeln!(self.text, "\n{summary}: too much to show here");
        }
    }

    /// What always has its place.
    fn end(&mut self, promotion: &Promotion, review: &Review) {
        let environment = &promotion.environment;
        // Of a rollback, the way back is the next promotion.
        if promotion.kind == Kind::Promotion
            && let Some(change) = promotion
                .moves
                .iter()
                .find(|it| it.before != Some(it.after.image.digest))
        {
            // Named, so that a promotion that comes after this one is not taken back instead.
            let _ = writeln!(
                self.text,
                "\nTo go back after the merge: `pipeline rollback --env {environment} --service {} --of {}`, or revert the merge.",
                change.service,
                &change.after.image.digest.to_string()[..19]
            );
        }
        if let Some(run) = review.built_by.as_deref().filter(|it| is_address(it)) {
            let _ = writeln!(self.text, "\nBuilt by [this run]({run}).");
        }
        self.text.push('\n');
    }
}

/// A row of the table.
fn row(change: &Move) -> String {
    let digest = |digest: &ci_oci::Digest| format!("`{}`", &digest.to_string()[..19]);
    let before = change.before.as_ref().map_or_else(|| "-".into(), digest);
    let tags: Vec<String> = change
        .after
        .tags
        .iter()
        .take(4)
        .map(|tag| cell(tag))
        .collect();
    let commit = &change.after.source.commit;
    let source = match web(change) {
        Some(web) => format!("[`{}`]({web}/commit/{commit})", short(commit)),
        None => format!("`{}`", short(commit)),
    };
    format!(
        "| `{}` | {before} | {} | {} | {source} |\n",
        change.service,
        digest(&change.after.image.digest),
        tags.join(" "),
    )
}

/// Code in a table: a bar would end its cell.
fn cell(text: &str) -> String {
    code(&text.replace('|', "¦"), 128)
}

/// Text of a summary, which is HTML.
fn plain(text: &str) -> String {
    let text: String = text
        .chars()
        .filter(|it| it.is_alphanumeric() || "._-/ ".contains(*it))
        .take(200)
        .collect();
    text
}

/// The address of the source repository's pages.
fn web(change: &Move) -> Option<&str> {
    let address = change.after.source.repository.as_deref()?;
    let address = address.strip_suffix(".git").unwrap_or(address);
    let address = address.trim_end_matches('/');
    is_address(address).then_some(address)
}

/// An address that can stand in a link without ending it.
fn is_address(text: &str) -> bool {
    let is_safe = |it: u8| it.is_ascii_alphanumeric() || b"-._~:/?=&%+".contains(&it);
    text.len() <= 2_000 && text.starts_with("https://") && text.bytes().all(is_safe)
}
