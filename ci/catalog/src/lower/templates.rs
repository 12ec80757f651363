//! Templates in the files: which placeholders they may use, and what to say of others.

use std::collections::BTreeMap;

use super::Lowering;
use crate::diagnostic::nearest;
use crate::format::{At, Texts};
use crate::{InvalidTemplate, Placeholder, Template};

/// What templates of builds and images may use: all but `{registry}`, which is no property of an image, `{fingerprint}`, which
/// depends on them, and `{major_minor}`, which images of several versions have in common.
pub(super) const BUILD_PLACEHOLDERS: &[Placeholder] = &[
    Placeholder::Branch,
    Placeholder::CommitTime,
    Placeholder::Env,
    Placeholder::Project,
    Placeholder::Service,
    Placeholder::Sha,
    Placeholder::ShortSha,
    Placeholder::SourceDateEpoch,
    Placeholder::Version,
];

const LITERAL_BRACE: &str = "a literal brace is written `{{` or `}}`";

impl Lowering<'_> {
    /// A template that uses only the `allowed` placeholders.
    pub(super) fn template(
        &mut self,
        at: &At<String>,
        allowed: &[Placeholder],
    ) -> Option<Template> {
        self.text(at)?;
        let (name, message) = match at.value.parse::<Template>() {
            Ok(template) => {
                let refused = template
                    .placeholders()
                    .find(|placeholder| !allowed.contains(placeholder));
                let Some(refused) = refused else {
                    return Some(template);
                };
                (
                    refused.name().to_owned(),
                    format!("`{{{}}}` cannot be used here", refused.name()),
                )
            }
            Err(InvalidTemplate::Unknown(name)) => {
                let message = format!("unknown placeholder `{{{name}}}`");
                (name, message)
            }
            Err(error) => {
                self.error(at, error.to_string()).help(LITERAL_BRACE);
                return None;
            }
        };
        let span = self.span(at);
        let word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | ' ');
        if !name.chars().all(word) {
            // More likely JSON or a shell's than one of ours.
            let message = "the text in braces is no placeholder";
            self.problems
                .error(self.source, &span, message)
                .help(LITERAL_BRACE);
            return None;
        }
        if self.source.is_masked(&span) {
            // What looks like a placeholder may be a piece of the secret (S4).
            self.problems
                .error(self.source, &span, "unknown placeholder")
                .help(LITERAL_BRACE);
            return None;
        }
        let names: Vec<&str> = allowed
            .iter()
            .map(|placeholder| placeholder.name())
            .collect();
        let help = match nearest(&name, names.iter().copied()) {
            Some(near) => format!("did you mean `{{{near}}}`?"),
            None => format!("the placeholders are `{{{}}}`", names.join("}`, `{")),
        };
        let span = self.source.narrow(&span, &format!("{{{name}}}"));
        self.problems.error(self.source, &span, message).help(help);
        None
    }

    /// Templates by environment variable name.
    pub(super) fn variables(&mut self, table: &Texts) -> BTreeMap<String, Template> {
        table
            .iter()
            .filter_map(|(key, value)| {
                let name = self.variable_name(key);
                let template = self.template(value, BUILD_PLACEHOLDERS);
                Some((name?, template?))
            })
            .collect()
    }
}
