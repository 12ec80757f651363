//! What a certificate has to say besides who it is of.

use super::instance::{COMMIT, Draft, Instance, WORKFLOW, image, policy};
use crate::verify::{Claims, Policy};

fn verify(claims: Claims) -> Result<(), String> {
    let instance = Instance::new();
    let bundle = instance.bundle(&Draft::default()).to_string();
    let policy = Policy { claims, ..policy() };
    let verified = crate::verify::bundle(bundle.as_bytes(), image(), &policy, &instance.trust());
    verified.map(drop).map_err(|error| error.to_string())
}

#[test]
fn what_the_certificate_says_is_enough_word_for_word() {
    let all = Claims {
        repository: Some("https://github.com/acme/shop".to_owned()),
        reference: Some("refs/heads/main".to_owned()),
        commit: Some(COMMIT.to_owned()),
        workflow: Some(WORKFLOW.to_owned()),
        trigger: Some("push".to_owned()),
    };
    assert_eq!(verify(all), Ok(()));
}

#[test]
fn anything_else_is_not() {
    let none = Claims::default;
    let repository = Claims {
        repository: Some("https://github.com/acme/shop2".to_owned()),
        ..none()
    };
    insta::assert_snapshot!(verify(repository).unwrap_err(), @"the certificate's repository is https://github.com/acme/shop, not https://github.com/acme/shop2");
    let reference = Claims {
        reference: Some("main".to_owned()),
        ..none()
    };
    insta::assert_snapshot!(verify(reference).unwrap_err(), @"the certificate's ref is refs/heads/main, not main");
    let commit = Claims {
        commit: Some(COMMIT[..12].to_owned()),
        ..none()
    };
    insta::assert_snapshot!(verify(commit).unwrap_err(), @"the certificate's commit is 0123456789abcdef0123456789abcdef01234567, not 0123456789ab");
    let workflow = Claims {
        workflow: Some(WORKFLOW.replace("main", "dev")),
        ..none()
    };
    insta::assert_snapshot!(verify(workflow).unwrap_err(), @"the certificate's workflow is https://github.com/acme/shop/.github/workflows/deliver.yml@refs/heads/main, not https://github.com/acme/shop/.github/workflows/deliver.yml@refs/heads/dev");
    let trigger = Claims {
        trigger: Some("pull_request".to_owned()),
        ..none()
    };
    insta::assert_snapshot!(verify(trigger).unwrap_err(), @"the certificate's trigger is push, not pull_request");
}

/// A key says nothing of a build, so that what is asked for is missing.
#[test]
fn a_key_makes_no_claims() {
    let key = crate::key::KeyPair::generate().unwrap();
    let policy = Policy {
        signer: crate::verify::Signer::Key(key.public().unwrap()),
        claims: Claims {
            commit: Some(COMMIT.to_owned()),
            ..Claims::default()
        },
    };
    let bundle = super::keys::bundle(&key).to_string();
    let trust = Instance::new().trust();
    let error = crate::verify::bundle(bundle.as_bytes(), image(), &policy, &trust).unwrap_err();
    insta::assert_snapshot!(error, @"the certificate's commit is missing, not 0123456789abcdef0123456789abcdef01234567");
}
