//! Advice about Dockerfiles that do build: the rules of BuildKit's build checks, by their names, and which of them a file switches off.
//!
//! The rules are applied where what they are about is known: [`mod@crate::parse`], [`crate::plan`] and [`crate::lower`].

use std::collections::BTreeSet;
use std::fmt::{self, Display, Formatter};

use crate::error::{nearest, shortened};
use crate::expand::Budget;
use crate::span::{Span, Spanned};

/// More warnings than this nobody reads.
const MOST_WARNINGS: usize = 1000;

/// The rules, under BuildKit's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(
    missing_docs,
    reason = "the names are the rules' own; what each says is in the warnings"
)]
pub enum Rule {
    ConsistentInstructionCasing,
    CopyIgnoredFile,
    DuplicateStageName,
    ExposeInvalidFormat,
    ExposeProtoCasing,
    FromAsCasing,
    FromPlatformFlagConstDisallowed,
    InvalidBaseImagePlatform,
    InvalidDefaultArgInFrom,
    InvalidDefinitionDescription,
    JSONArgsRecommended,
    LegacyKeyValueFormat,
    MaintainerDeprecated,
    MultipleInstructionsDisallowed,
    NoEmptyContinuation,
    RedundantTargetPlatform,
    ReservedStageName,
    SecretsUsedInArgOrEnv,
    StageNameCasing,
    UndefinedArgInFrom,
    UndefinedVar,
    WorkdirRelativePath,
}

impl Rule {
    /// Every rule.
    pub const ALL: [Self; 22] = [
        Self::ConsistentInstructionCasing,
        Self::CopyIgnoredFile,
        Self::DuplicateStageName,
        Self::ExposeInvalidFormat,
        Self::ExposeProtoCasing,
        Self::FromAsCasing,
        Self::FromPlatformFlagConstDisallowed,
        Self::InvalidBaseImagePlatform,
        Self::InvalidDefaultArgInFrom,
        Self::InvalidDefinitionDescription,
        Self::JSONArgsRecommended,
        Self::LegacyKeyValueFormat,
        Self::MaintainerDeprecated,
        Self::MultipleInstructionsDisallowed,
        Self::NoEmptyContinuation,
        Self::RedundantTargetPlatform,
        Self::ReservedStageName,
        Self::SecretsUsedInArgOrEnv,
        Self::StageNameCasing,
        Self::UndefinedArgInFrom,
        Self::UndefinedVar,
        Self::WorkdirRelativePath,
    ];

    /// The rules in a list of names: all for `all`, none for names that are no rule's.
    fn listed(list: &str) -> impl Iterator<Item = Self> {
        let names: Vec<&str> = list.split(',').map(str::trim).collect();
        let named = move |rule: &Self| names == ["all"] || names.contains(&&*rule.to_string());
        Self::ALL.into_iter().filter(named)
    }

    /// Whether the rule is applied only where it is asked for.
    fn is_experimental(self) -> bool {
        self == Self::InvalidDefinitionDescription
    }
}

impl Display for Rule {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// One piece of advice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// The rule that gives it.
    pub rule: Rule,
    /// What it says.
    pub message: String,
    /// Where.
    pub span: Span,
}

/// What a `# check=` directive (or such a comment before an instruction) asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Check {
    /// Rules that are not applied.
    pub skip: BTreeSet<Rule>,
    /// Experimental rules that are applied.
    pub experimental: BTreeSet<Rule>,
    /// Warnings are to fail the build.
    pub error: bool,
}

impl Check {
    /// Reads `skip=RULE,RULE;error=true`.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut check = Self::default();
        for option in text
            .split(';')
            .map(str::trim)
            .filter(|option| !option.is_empty())
        {
            match option
                .split_once('=')
                .map(|(key, value)| (key.trim(), value.trim()))
            {
                Some(("skip", rules)) => check.skip = Rule::listed(rules).collect(),
                Some(("experimental", rules)) => {
                    check.experimental = Rule::listed(rules)
                        .filter(|rule| rule.is_experimental())
                        .collect();
                }
                Some(("error", value)) if value.eq_ignore_ascii_case("true") => check.error = true,
                Some(("error", value)) if value.eq_ignore_ascii_case("false") => {
                    check.error = false
                }
                _ => {
                    return Err(format!(
                        "{option:?} is no check option: there are skip=RULE,…, error=true and experimental=RULE,…"
                    ));
                }
            }
        }
        Ok(check)
    }

    /// This and what the comments before an instruction ask for.
    pub(crate) fn merged(&self, comments: &[String]) -> Self {
        let mut check = self.clone();
        let asked = comments
            .iter()
            .filter_map(|comment| comment.strip_prefix("check="));
        for more in asked.filter_map(|text| Self::parse(text).ok()) {
            check.skip.extend(more.skip);
            check.experimental.extend(more.experimental);
        }
        check
    }

    /// Whether a rule applies.
    pub fn applies(&self, rule: Rule) -> bool {
        !self.skip.contains(&rule) && (!rule.is_experimental() || self.experimental.contains(&rule))
    }
}

/// Collects warnings, leaving out what is switched off.
#[derive(Debug, Clone, Default)]
pub(crate) struct Warnings {
    pub(crate) check: Check,
    pub(crate) list: Vec<Warning>,
}

impl Warnings {
    pub(crate) fn new(check: &Check) -> Self {
        Self {
            check: check.clone(),
            list: Vec::new(),
        }
    }

    /// A hint at the name that was probably meant, to stand in brackets behind a message; empty if there is none. Comparing with
    /// many names costs, so it is not done without end.
    pub(crate) fn similar<'a>(
        &self,
        name: &str,
        known: usize,
        names: impl Iterator<Item = &'a str>,
        budget: &Budget,
    ) -> String {
        const COMPARISON: usize = 64;
        const MANY: usize = 500;
        if self.list.len() >= MOST_WARNINGS
            || known > MANY
            || budget.spend(known.saturating_mul(COMPARISON)).is_err()
        {
            return String::new();
        }
        nearest(name, names)
            .map(|known| format!(" (is {known} meant?)"))
            .unwrap_or_default()
    }

    pub(crate) fn add(&mut self, rule: Rule, span: Span, message: impl Into<String>) {
        if self.list.len() < MOST_WARNINGS && self.check.applies(rule) {
            let message = shortened(message.into());
            self.list.push(Warning {
                rule,
                message,
                span,
            });
        }
    }
}

/// The `check` directive, which came with its place.
pub(crate) type CheckDirective = Option<Spanned<Check>>;

/// Whether a name (of an ARG or ENV) says that the value is a secret: one of its words, between underscores, is a word for secrets,
/// and none says that it is a public thing, a file or a version (S2).
pub(crate) fn names_a_secret(name: &str) -> bool {
    const SECRET: [&str; 10] = [
        "apikey",
        "auth",
        "credential",
        "credentials",
        "key",
        "password",
        "pword",
        "passwd",
        "secret",
        "token",
    ];
    const HARMLESS: [&str; 3] = ["public", "file", "version"];
    let has = |words: &[&str]| {
        name.split('_')
            .any(|part| words.iter().any(|word| part.eq_ignore_ascii_case(word)))
    };
    has(&SECRET) && !has(&HARMLESS)
}
