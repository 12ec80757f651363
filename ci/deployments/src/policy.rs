//! Whether what one environment runs may go to the next: what was asked for against what is known. Nothing known is a no.

use std::collections::BTreeMap;

use ci_oci::Digest;

use crate::review::Check;
use crate::{Policy, State};

/// A state that an environment had, and since when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastState {
    /// The commit of the deployments repository.
    pub commit: String,
    /// Its time, in seconds since 1970.
    pub seconds: i64,
    /// What it said.
    pub state: State,
}

/// What is known of a digest.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    /// Seconds that the environment it comes from has pinned it.
    pub soaked: Option<u64>,
    /// Who signed it, or why that is not good enough.
    pub signature: Option<Result<String, String>>,
    /// By type: who attested it, or why that is not good enough.
    pub attestations: BTreeMap<String, Result<String, String>>,
    /// By name: what became of the checks on its source commit.
    pub checks: BTreeMap<String, Result<String, String>>,
}

/// Seconds that `digest` has been pinned without a break. `history` is newest first.
pub fn soaked(history: &[PastState], digest: Digest, now: i64) -> Option<u64> {
    let since = history
        .iter()
        .take_while(|past| past.state.digest == digest)
        .last()?;
    u64::try_from(now.saturating_sub(since.seconds)).ok()
}

/// Everything that the policy asks for, with its answer. The digest may go where all of them are good.
pub fn checks(policy: &Policy, service: &str, evidence: &Evidence) -> Vec<Check> {
    let unknown = || Err("it was not checked".to_owned());
    let mut checks = Vec::new();
    let mut add = |what: String, result| checks.push(Check { what, result });
    if policy.soak_minutes > 0 {
        let wanted = u64::from(policy.soak_minutes);
        let result = match evidence.soaked.map(|seconds| seconds / 60) {
            Some(minutes) if minutes >= wanted => Ok(format!("{minutes} minutes")),
            Some(minutes) => Err(format!("{minutes} of {wanted} minutes")),
            None => unknown(),
        };
        add(format!("time {service} was tried"), result);
    }
    if policy.signature {
        let result = evidence.signature.clone().unwrap_or_else(unknown);
        add(format!("signature of {service}"), result);
    }
    for kind in &policy.attestations {
        let result = evidence.attestations.get(kind).cloned();
        add(
            format!("{kind} of {service}"),
            result.unwrap_or_else(unknown),
        );
    }
    for name in &policy.checks {
        let result = evidence.checks.get(name).cloned();
        add(
            format!("{name} for {service}"),
            result.unwrap_or_else(unknown),
        );
    }
    checks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Candidate;

    fn past(number: u8, seconds: i64) -> PastState {
        let commit = format!("{number:02x}").repeat(20);
        let candidate = Candidate {
            service: "web".into(),
            image: crate::Image {
                repository: "ghcr.io/acme/web".parse().unwrap(),
                digest: Digest::of([number]),
                tag: None,
                commit: None,
            },
            tags: Vec::new(),
            source: crate::Source {
                repository: None,
                commit: commit.clone(),
                commit_time: None,
                reference: None,
            },
        };
        PastState {
            commit,
            seconds,
            state: State::of(&candidate),
        }
    }

    #[test]
    fn time_counts_from_when_the_digest_came_for_the_last_time() {
        let history = [past(7, 500), past(7, 400), past(6, 300), past(7, 100)];
        assert_eq!(soaked(&history, Digest::of([7]), 1_000), Some(600));
        assert_eq!(soaked(&history, Digest::of([6]), 1_000), None);
        assert_eq!(soaked(&[], Digest::of([7]), 1_000), None);
        // A commit from the future has not been there at all.
        assert_eq!(soaked(&history, Digest::of([7]), 300), None);
    }

    #[test]
    fn what_is_asked_for_and_not_known_is_a_no() {
        let policy: Policy = toml::from_str(
            "soak-minutes = 60\nsignature = true\nattestations = ['https://slsa.dev/provenance/v1']\nchecks = ['e2e']",
        )
        .unwrap();
        let nothing = checks(&policy, "web", &Evidence::default());
        assert_eq!(nothing.len(), 4);
        assert!(nothing.iter().all(|check| check.result.is_err()));
        let good = |text: &str| Ok(text.to_owned());
        let mut evidence = Evidence {
            soaked: Some(3_600),
            signature: Some(good("ci")),
            attestations: [("https://slsa.dev/provenance/v1".into(), good("ci"))].into(),
            checks: [
                ("e2e".into(), good("passed")),
                ("lint".into(), Err("failed".into())),
            ]
            .into(),
        };
        assert!(
            checks(&policy, "web", &evidence)
                .iter()
                .all(|check| check.result.is_ok())
        );
        evidence.soaked = Some(3_599);
        let short = checks(&policy, "web", &evidence);
        assert_eq!(short[0].result, Err("59 of 60 minutes".into()));
        assert!(checks(&Policy::default(), "web", &Evidence::default()).is_empty());
    }
}
