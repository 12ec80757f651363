//! in-toto statements: what is said about an image (in-toto attestation framework, Statement v1).

use ci_oci::Digest;
use serde::Serialize;
use serde_json::Value;

use crate::error::Error;

/// Type of the DSSE payload that a statement is.
pub const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";
/// Type of a statement.
const STATEMENT: &str = "https://in-toto.io/Statement/v1";

/// Types of predicates.
pub mod predicate {
    /// An image's signature, as cosign 3 makes it; its predicate is empty.
    pub const SIGNATURE: &str = "https://sigstore.dev/cosign/sign/v1";
    /// SLSA provenance.
    pub const PROVENANCE: &str = "https://slsa.dev/provenance/v1";
    /// An SBOM in SPDX.
    pub const SPDX: &str = "https://spdx.dev/Document";
    /// An SBOM in CycloneDX.
    pub const CYCLONEDX: &str = "https://cyclonedx.org/bom";
    /// Test results.
    pub const TEST_RESULT: &str = "https://in-toto.io/attestation/test-result/v0.1";
}

/// What is said, of whatever it is said.
#[derive(Debug, Clone, PartialEq)]
pub struct Predicate {
    /// Its type, a URI (see [`predicate`]).
    pub kind: String,
    /// Its content.
    pub content: Value,
}

/// Something said about one image. The same statement has the same bytes on every machine: members are in a fixed order, those of
/// predicates in that of their names.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Statement {
    #[serde(rename = "_type")]
    kind: String,
    subject: [Subject; 1],
    predicate_type: String,
    predicate: Value,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct Subject {
    digest: Digests,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct Digests {
    sha256: String,
}

impl Statement {
    /// A predicate about an image.
    pub fn new(image: Digest, predicate: Predicate) -> Self {
        Self {
            kind: STATEMENT.to_owned(),
            subject: [Subject {
                digest: Digests {
                    sha256: image.hex(),
                },
            }],
            predicate_type: predicate.kind,
            predicate: predicate.content,
        }
    }

    /// That an image is signed.
    pub fn signature(image: Digest) -> Self {
        let kind = predicate::SIGNATURE.to_owned();
        let content = Value::Object(serde_json::Map::new());
        Self::new(image, Predicate { kind, content })
    }

    /// The type of its predicate.
    pub fn predicate_type(&self) -> &str {
        &self.predicate_type
    }

    /// What is said.
    pub fn predicate(&self) -> &Value {
        &self.predicate
    }

    /// The image that it is about.
    ///
    /// # Errors
    /// It names none by a SHA-256.
    pub fn image(&self) -> Result<Digest, Error> {
        let [subject] = &self.subject;
        Digest::from_hex(&subject.digest.sha256)
            .map_err(|error| Error::Statement(error.to_string()))
    }

    /// Its bytes, as they are signed.
    ///
    /// # Errors
    /// None in practice; JSON could not be written.
    pub fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        let what = "the statement";
        serde_json::to_vec(self).map_err(|source| Error::Json { what, source })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_what_cosign_3_signs() {
        let statement = Statement::signature(Digest::of("image"));
        let text = String::from_utf8(statement.to_bytes().unwrap()).unwrap();
        insta::assert_snapshot!(text, @r#"{"_type":"https://in-toto.io/Statement/v1","subject":[{"digest":{"sha256":"6105d6cc76af400325e94d588ce511be5bfdbb73b437dc51eca43917d7a43e3d"}}],"predicateType":"https://sigstore.dev/cosign/sign/v1","predicate":{}}"#);
    }

    #[test]
    fn the_order_that_a_predicate_was_written_in_does_not_show() {
        let of = |text| {
            let content = serde_json::from_str(text).unwrap();
            let kind = predicate::SPDX.to_owned();
            Statement::new(Digest::of("image"), Predicate { kind, content })
                .to_bytes()
                .unwrap()
        };
        assert_eq!(
            of(r#"{"b":1,"a":{"d":1,"c":2}}"#),
            of(r#"{"a":{"c":2,"d":1},"b":1}"#)
        );
    }
}
