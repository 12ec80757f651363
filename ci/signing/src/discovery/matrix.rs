//! What each verifier makes of an image: which of its signatures it looks for, in which order, and what it asks for besides.
//!
//! Read in the sources of cosign 2.6.5 and 3.1.3, Kyverno 1.19.1 and policy-controller 0.15.1. All of them are given the policy of
//! this verification; what they do without being told otherwise is what counts.

use std::fmt;
use std::str::FromStr;

use ci_oci::Digest;
use serde::{Serialize, Serializer};

use super::Judged;
use crate::verify::{Rejection, Verified};

/// Kyverno's `type: SigstoreBundle` reads no list with more entries (G5).
const KYVERNO_REFERRERS: usize = 50;

/// Whoever admits images, or is asked about them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verifier {
    /// cosign 2.6.
    Cosign2,
    /// cosign 3.
    Cosign3,
    /// Kyverno 1.19.
    Kyverno,
    /// Sigstore's policy-controller 0.15.
    PolicyController,
}

impl Verifier {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::Cosign2,
        Self::Cosign3,
        Self::Kyverno,
        Self::PolicyController,
    ];

    /// Its name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cosign2 => "cosign2",
            Self::Cosign3 => "cosign3",
            Self::Kyverno => "kyverno",
            Self::PolicyController => "policy-controller",
        }
    }
}

impl fmt::Display for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Verifier {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|one| one.name() == text);
        known.ok_or_else(|| format!("{text:?} is no verifier that is known"))
    }
}

impl Serialize for Verifier {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// What every verifier makes of an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Matrix {
    /// The image.
    #[serde(serialize_with = "as_text")]
    pub image: Digest,
    /// The ways in which it may be asked about.
    pub rows: Vec<Row>,
}

/// One way to ask a verifier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    /// Who is asked.
    pub verifier: Verifier,
    /// How.
    pub way: &'static str,
    /// What it looks at.
    pub found: String,
    /// Whether it is content.
    pub accepted: bool,
    /// Why not.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub why: Vec<String>,
}

/// What a verifier makes of what it has found.
type Outcome = (String, Result<(), Vec<String>>);

impl Matrix {
    /// What verifiers make of an image; all of them, or one.
    pub fn of(judged: &Judged, only: Option<Verifier>) -> Self {
        type Rule = fn(&Judged) -> Outcome;
        let rules: [(Verifier, &'static str, Rule); 7] = [
            (Verifier::Cosign2, "cosign verify", |it| {
                cosign(it, Time::OfTheLog)
            }),
            (Verifier::Cosign3, "cosign verify", |it| {
                cosign(it, Time::Any)
            }),
            (Verifier::Kyverno, "ImageValidatingPolicy", |it| {
                cosign(it, Time::Any)
            }),
            (Verifier::Kyverno, "ClusterPolicy, type Cosign", legacy),
            (
                Verifier::Kyverno,
                "ClusterPolicy, type SigstoreBundle",
                listed,
            ),
            (Verifier::PolicyController, "signature", legacy),
            (
                Verifier::PolicyController,
                "attestation, format bundle",
                attested,
            ),
        ];
        let rows = rules
            .into_iter()
            .filter(|(verifier, _, _)| only.is_none_or(|only| only == *verifier));
        Self {
            image: judged.image,
            rows: rows
                .map(|(verifier, way, rule)| {
                    let (found, outcome) = rule(judged);
                    Row {
                        verifier,
                        way,
                        found,
                        accepted: outcome.is_ok(),
                        why: outcome.err().unwrap_or_default(),
                    }
                })
                .collect(),
        }
    }
}

/// Whose word on the time of a signature is taken without being told to.
#[derive(Clone, Copy, PartialEq)]
enum Time {
    /// A timestamp authority's, too.
    Any,
    /// Only that of the log itself.
    OfTheLog,
}

/// Bundles if the image has a single one, whosever it is; only else the legacy signatures. A bundle counts whatever it states.
fn cosign(judged: &Judged, time: Time) -> Outcome {
    let bundles: Vec<_> = readable(judged).collect();
    if !bundles.is_empty() {
        return (count(bundles.len(), "bundle"), any(bundles, time));
    }
    let (found, mut outcome) = legacy(judged);
    if judged.legacy.is_empty()
        && let Err(why) = &mut outcome
    {
        why.insert(0, "there are no bundles".to_owned());
    }
    (found, outcome)
}

/// The legacy signatures and nothing else.
fn legacy(judged: &Judged) -> Outcome {
    if judged.legacy.is_empty() {
        let why = format!("there is no tag sha256-{}….sig", &judged.image.hex()[..12]);
        return ("nothing".to_owned(), Err(vec![why]));
    }
    let found = count(judged.legacy.len(), "legacy signature");
    (found, any(judged.legacy.iter(), Time::OfTheLog))
}

/// Bundles that the list says are bundles. One that cannot be read spoils all, and so does a list that is too long.
fn listed(judged: &Judged) -> Outcome {
    let all = judged.referrers.len();
    if all > KYVERNO_REFERRERS {
        let why = format!("it reads no list of more than {KYVERNO_REFERRERS} referrers");
        return (count(all, "referrer"), Err(vec![why]));
    }
    let mut results = Vec::new();
    for attached in judged.referrers.iter().filter(|attached| attached.listed) {
        match &attached.bundle {
            Ok(Err(Rejection::Malformed(why))) | Err(why) => {
                let why = format!("it stops at a referrer that it cannot read: {why}");
                return (count(all, "referrer"), Err(vec![why]));
            }
            Ok(result) => results.push(result),
        }
    }
    if results.is_empty() {
        let unlisted = readable(judged).count();
        let why = match unlisted {
            0 => "there are no bundles".to_owned(),
            _ => format!(
                "the list does not say what is there: {}",
                count(unlisted, "bundle")
            ),
        };
        return ("nothing".to_owned(), Err(vec![why]));
    }
    (count(results.len(), "bundle"), any(results, Time::Any))
}

/// Attestations in bundles, of identities only.
fn attested(judged: &Judged) -> Outcome {
    let bundles: Vec<_> = readable(judged).collect();
    if bundles.is_empty() {
        let why = "there are no bundles".to_owned();
        return ("nothing".to_owned(), Err(vec![why]));
    }
    let found = count(bundles.len(), "bundle");
    let by_key = |result: &&Result<Verified, Rejection>| {
        result
            .as_ref()
            .is_ok_and(|verified| verified.issuer.is_none())
    };
    if bundles.iter().any(by_key) {
        let why = "it takes bundles only from identities, not from keys".to_owned();
        return (found, Err(vec![why]));
    }
    (found, any(bundles, Time::Any))
}

/// The bundles that can be read, and what became of them.
fn readable(judged: &Judged) -> impl Iterator<Item = &Result<Verified, Rejection>> {
    let bundles = judged
        .referrers
        .iter()
        .filter_map(|one| one.bundle.as_ref().ok());
    bundles.filter(|result| !matches!(result, Err(Rejection::Malformed(_) | Rejection::Version(_))))
}

/// One that holds is enough; if none does, why, each reason once.
fn any<'a>(
    results: impl IntoIterator<Item = &'a Result<Verified, Rejection>>,
    time: Time,
) -> Result<(), Vec<String>> {
    let mut why = Vec::new();
    for result in results {
        let reason = match result {
            Ok(verified) => match missing(verified, time) {
                None => return Ok(()),
                Some(reason) => reason.to_owned(),
            },
            Err(reason) => reason.to_string(),
        };
        if !why.contains(&reason) {
            why.push(reason);
        }
    }
    Err(why)
}

/// What a signature that holds lacks for verifiers that are told nothing special.
fn missing(verified: &Verified, time: Time) -> Option<&'static str> {
    if !verified.logged {
        Some("it is in no transparency log, which has to be allowed")
    } else if time == Time::OfTheLog && verified.issuer.is_some() && !verified.log_time {
        Some(
            "its log (Rekor v2) says no time; that of a timestamp authority has to be asked for (--use-signed-timestamps)",
        )
    } else {
        None
    }
}

fn count(number: usize, what: &str) -> String {
    match number {
        1 => format!("1 {what}"),
        _ => format!("{number} {what}s"),
    }
}

fn as_text<S: Serializer>(digest: &Digest, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(digest)
}
