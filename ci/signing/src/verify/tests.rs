//! Signatures that hold, and every way in which they may not. The signatures are made by an instance whose keys the tests have, and
//! changed afterwards, or made wrong to begin with.

pub(crate) mod instance;

use ci_oci::Digest;
use serde_json::{Value, json};

use self::instance::{COMMIT, Draft, Instance, Log, SIGNED_AT, WORKFLOW, image, policy, statement};
use super::{Policy, Rejection, Signer, Verified};
use crate::key::KeyPair;
use crate::statement::predicate;

fn verify(instance: &Instance, bundle: &Value) -> Result<Verified, Rejection> {
    super::bundle(
        bundle.to_string().as_bytes(),
        image(),
        &policy(),
        &instance.trust(),
    )
}

/// What people read of a bundle that does not count.
fn refused(instance: &Instance, bundle: &Value) -> String {
    verify(instance, bundle).unwrap_err().to_string()
}

#[test]
fn a_bundle_of_the_identity_counts() {
    let instance = Instance::new();
    let verified = verify(&instance, &instance.bundle(&Draft::default())).unwrap();
    insta::assert_snapshot!(serde_json::to_string_pretty(&verified).unwrap(), @"");
}
