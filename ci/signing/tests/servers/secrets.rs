//! S1, S4: what identifies a job is shown to those it is for, and to nobody else.

use ci_registry::Secret;
use ci_signing::{Identity, Signer};
use test_support::sigstore::{Job, Logs, REQUEST_TOKEN};

use crate::stand::{Kind, Stand, policy, services};
use crate::{Body, Verdict};

pub(crate) const TESTS: &[(&str, Body)] = &[
    (
        "secrets::a_job_of_githubs_signs_and_its_tokens_are_nowhere",
        nowhere,
    ),
    ("secrets::a_token_that_is_refused_is_not_shown", refused),
];

fn nowhere(stand: &Stand) -> Verdict {
    let sigstore = stand.sigstore()?;
    let image = stand.image(Kind::With, "secrets/nowhere")?;
    let variable = |name: &str| match name {
        "ACTIONS_ID_TOKEN_REQUEST_URL" => Some(sigstore.token_url()),
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN" => Some(REQUEST_TOKEN.to_owned()),
        _ => None,
    };
    let identity = Identity::from_environment(variable).unwrap();
    let signer = Signer::keyless(identity, services(sigstore, Logs::V1));
    let signed = image.sign(&signer);
    let judged = image.judged(&policy(sigstore, &Job::default()), sigstore);
    assert_eq!(judged.signatures().count(), 2, "{judged:#?}");
    // Every token of this issuer begins so.
    let token = sigstore.token(&Job::default());
    let (header, _) = token.split_once('.').unwrap();
    let mut seen = format!("{signed:?}{signer:?}{judged:?}{:?}", image.found());
    for bundle in image.bundles() {
        seen += &String::from_utf8(bundle).unwrap();
    }
    for secret in [REQUEST_TOKEN, header] {
        assert!(!seen.contains(secret), "{secret}");
    }
    Ok(())
}

fn refused(stand: &Stand) -> Verdict {
    let sigstore = stand.sigstore()?;
    let image = stand.image(Kind::With, "secrets/refused")?;
    let token = sigstore.token(&Job::default());
    // A signature that is not over these claims.
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let turned: String = signature.chars().rev().collect();
    let forged = format!("{signed}.{turned}");
    let identity = Identity::Token(Secret::new(&forged));
    let signer = Signer::keyless(identity, services(sigstore, Logs::V1));
    let error = image.try_sign(&signer, &ci_catalog::SignatureFormat::ALL.into());
    let error = error.unwrap_err();
    let mut said = format!("{error} {error:?}");
    let mut cause = std::error::Error::source(&error);
    while let Some(error) = cause {
        said += &format!(" {error} {error:?}");
        cause = error.source();
    }
    for part in forged.split('.') {
        assert!(!said.contains(part), "{said}");
    }
    Ok(())
}
