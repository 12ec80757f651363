//! A Sigstore instance of our own: a certificate authority, a log of certificates and a transparency log, whose keys the tests hold.
//! What it gives is what real ones give, so that every tampering begins with something that verifies.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ci_catalog::Identity;
use ci_oci::Digest;
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, SanType, SerialNumber, date_time_ymd,
};
use serde_json::{Value, json};
use sigstore_verify::types::pae;

use crate::key::KeyPair;
use crate::statement::{PAYLOAD_TYPE, predicate};
use crate::verify::{Layer, Policy, Signer, Trust, Verified};

pub(crate) const WORKFLOW: &str =
    "https://github.com/acme/shop/.github/workflows/deliver.yml@refs/heads/main";
pub(crate) const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
/// Within the day that certificates are valid.
pub(crate) const SIGNED_AT: u64 = 1_578_614_700;
const LOG: &str = "rekor.example";

pub(crate) struct Instance {
    authority: Issuer<'static, rcgen::KeyPair>,
    root: Vec<u8>,
    issuer_key: Vec<u8>,
    certificates: KeyPair,
    log: KeyPair,
}

/// A signature before it is made.
pub(crate) struct Draft {
    pub(crate) identity: &'static str,
    pub(crate) issuer: &'static str,
    pub(crate) payload_type: &'static str,
    pub(crate) payload: Vec<u8>,
    pub(crate) time: u64,
    pub(crate) transparent: bool,
    pub(crate) log: Log,
}

/// What the transparency log makes of it.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Log {
    V1,
    V2,
}

/// A certificate and its key.
struct Certified {
    key: KeyPair,
    der: Vec<u8>,
}

pub(crate) fn image() -> Digest {
    Digest::of("image")
}

pub(crate) fn identity() -> Identity {
    Identity::new(ci_catalog::GITHUB_ISSUER, WORKFLOW).unwrap()
}

pub(crate) fn policy() -> Policy {
    Signer::Identity(identity()).into()
}

/// What cosign 3 states of an image.
pub(crate) fn statement(image: Digest, predicate: &str) -> Vec<u8> {
    json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{ "digest": { "sha256": image.hex() } }],
        "predicateType": predicate,
        "predicate": {},
    })
    .to_string()
    .into_bytes()
}

impl Default for Draft {
    fn default() -> Self {
        Self {
            identity: WORKFLOW,
            issuer: ci_catalog::GITHUB_ISSUER,
            payload_type: PAYLOAD_TYPE,
            payload: statement(image(), predicate::SIGNATURE),
            time: SIGNED_AT,
            transparent: true,
            log: Log::V1,
        }
    }
}

impl Draft {
    pub(crate) fn of(payload: Vec<u8>) -> Self {
        Self {
            payload,
            ..Self::default()
        }
    }
}

impl Instance {
    pub(crate) fn new() -> Self {
        crate::crypto::install();
        let key = rcgen::KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        let issuer_key = rcgen::PublicKeyData::subject_public_key_info(&key);
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let root = params.self_signed(&key).unwrap().der().to_vec();
        Self {
            authority: Issuer::new(params, key),
            root,
            issuer_key,
            certificates: KeyPair::generate().unwrap(),
            log: KeyPair::generate().unwrap(),
        }
    }

    pub(crate) fn trust(&self) -> Trust {
        Trust::from_json(&self.trusted_root().to_string(), "the test's root").unwrap()
    }

    /// A signature that holds.
    pub(crate) fn verified(&self) -> Verified {
        let json = self.bundle(&Draft::default()).to_string();
        crate::verify::bundle(json.as_bytes(), image(), &policy(), &self.trust()).unwrap()
    }

    /// What verifiers are told of it.
    pub(crate) fn trusted_root(&self) -> Value {
        let always = json!({ "start": "2019-01-01T00:00:00Z" });
        let log = |host: &str, key: &KeyPair| {
            json!([{
                "baseUrl": format!("https://{host}"),
                "hashAlgorithm": "SHA2_256",
                "publicKey": {
                    "rawBytes": key.public().unwrap().der().to_base64(),
                    "keyDetails": "PKIX_ECDSA_P256_SHA_256",
                    "validFor": always,
                },
                "logId": { "keyId": key.public().unwrap().hint() },
            }])
        };
        json!({
            "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            "tlogs": log(LOG, &self.log),
            "ctlogs": log("ctlog.example", &self.certificates),
            "certificateAuthorities": [{
                "subject": { "organization": "example", "commonName": "example" },
                "uri": "https://fulcio.example",
                "certChain": { "certificates": [{ "rawBytes": b64(&self.root) }] },
                "validFor": always,
            }],
            "timestampAuthorities": [],
        })
    }

    /// A bundle with an envelope.
    pub(crate) fn bundle(&self, draft: &Draft) -> Value {
        let signer = self.certify(draft);
        let signature = signer
            .key
            .sign(&pae(draft.payload_type, &draft.payload))
            .unwrap();
        let signature = signature.to_base64();
        let entry = self.logged(draft, &signer.der, &signature);
        json!({
            "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
            "verificationMaterial": {
                "certificate": { "rawBytes": b64(&signer.der) },
                "tlogEntries": [entry],
            },
            "dsseEnvelope": {
                "payloadType": draft.payload_type,
                "payload": b64(&draft.payload),
                "signatures": [{ "sig": signature }],
            },
        })
    }

    fn logged(&self, draft: &Draft, certificate: &[u8], signature: &str) -> Value {
        let verifier = b64(pem(certificate).as_bytes());
        match draft.log {
            Log::V1 => {
                let hash = |bytes: &[u8]| json!({ "algorithm": "sha256", "value": Digest::of(bytes).hex() });
                let body = json!({ "apiVersion": "0.0.1", "kind": "dsse", "spec": {
                    "envelopeHash": hash(b"as it was sent"),
                    "payloadHash": hash(&draft.payload),
                    "signatures": [{ "signature": signature, "verifier": verifier }],
                }});
                self.entry(&body, draft.time)
            }
            Log::V2 => {
                let digest = Digest::of(pae(draft.payload_type, &draft.payload));
                let body = json!({ "apiVersion": "0.0.2", "kind": "hashedrekord", "spec": { "hashedRekordV002": {
                    "data": { "algorithm": "SHA2_256", "digest": b64(digest.as_bytes()) },
                    "signature": { "content": signature, "verifier": {
                        "keyDetails": "PKIX_ECDSA_P256_SHA_256",
                        "x509Certificate": { "rawBytes": b64(certificate) },
                    }},
                }}});
                let mut entry = self.entry(&body, draft.time);
                for of_v1 in ["integratedTime", "inclusionPromise"] {
                    entry.as_object_mut().unwrap().remove(of_v1);
                }
                entry
            }
        }
    }

    /// A legacy signature.
    pub(crate) fn legacy(&self, image: Digest, draft: &Draft) -> Layer {
        let payload = simple_signing(image);
        let signer = self.certify(draft);
        let signature = signer.key.sign(&payload).unwrap().to_base64();
        let certificate = pem(&signer.der);
        let promised = self.promised(&payload, &signature, &certificate, draft.time);
        Layer {
            payload,
            annotations: annotations(&[
                ("dev.cosignproject.cosign/signature", &signature),
                ("dev.sigstore.cosign/certificate", &certificate),
                ("dev.sigstore.cosign/bundle", &promised.to_string()),
            ]),
        }
    }

    /// The annotation with the log's promise for a signature by what `verifier` holds.
    pub(crate) fn promised(
        &self,
        payload: &[u8],
        signature: &str,
        verifier: &str,
        time: u64,
    ) -> Value {
        let body = json!({ "apiVersion": "0.0.1", "kind": "hashedrekord", "spec": {
            "data": { "hash": { "algorithm": "sha256", "value": Digest::of(payload).hex() } },
            "signature": { "content": signature, "publicKey": { "content": b64(verifier.as_bytes()) } },
        }});
        let entry = self.entry(&body, time);
        json!({
            "SignedEntryTimestamp": entry["inclusionPromise"]["signedEntryTimestamp"],
            "Payload": {
                "body": entry["canonicalizedBody"],
                "integratedTime": time,
                "logIndex": 1,
                "logID": self.log_id(),
            },
        })
    }

    /// The log's second entry, with promise and proof.
    pub(crate) fn entry(&self, body: &Value, time: u64) -> Value {
        let kind = json!({ "kind": body["kind"], "version": body["apiVersion"] });
        let body = body.to_string();
        let promise = json!({
            "body": b64(body.as_bytes()),
            "integratedTime": time,
            "logID": self.log_id(),
            "logIndex": 1,
        });
        let promise = self.log.sign(promise.to_string().as_bytes()).unwrap();
        let first = Digest::of([0_u8, b'1']);
        let leaf = Digest::of([b"\0", body.as_bytes()].concat());
        let root = Digest::of([b"\x01", &first.as_bytes()[..], leaf.as_bytes()].concat());
        let head = format!("{LOG}\n2\n{}\n", b64(root.as_bytes()));
        let signed = self.log.sign(head.as_bytes()).unwrap();
        let id = STANDARD.decode(self.log.public().unwrap().hint()).unwrap();
        let signed = b64(&[&id[..4], signed.as_bytes()].concat());
        json!({
            "logIndex": "1",
            "logId": { "keyId": b64(&id) },
            "kindVersion": kind,
            "integratedTime": time.to_string(),
            "inclusionPromise": { "signedEntryTimestamp": promise.to_base64() },
            "inclusionProof": {
                "logIndex": "1",
                "rootHash": b64(root.as_bytes()),
                "treeSize": "2",
                "hashes": [b64(first.as_bytes())],
                "checkpoint": { "envelope": format!("{head}\n\u{2014} {LOG} {signed}\n") },
            },
            "canonicalizedBody": b64(body.as_bytes()),
        })
    }

    fn log_id(&self) -> String {
        hex::encode(STANDARD.decode(self.log.public().unwrap().hint()).unwrap())
    }

    /// A certificate of one day, in the log of certificates if that is wanted.
    fn certify(&self, draft: &Draft) -> Certified {
        let key = rcgen::KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        let mut params = CertificateParams::default();
        params.not_before = date_time_ymd(2020, 1, 10);
        params.not_after = date_time_ymd(2020, 1, 11);
        params.serial_number = Some(SerialNumber::from(7));
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::CodeSigning];
        let name = draft.identity.to_owned().try_into().unwrap();
        params.subject_alt_names = vec![match draft.identity.contains("://") {
            true => SanType::URI(name),
            false => SanType::Rfc822Name(name),
        }];
        params.custom_extensions = [
            (8, draft.issuer),
            (12, "https://github.com/acme/shop"),
            (13, COMMIT),
            (14, "refs/heads/main"),
            (18, WORKFLOW),
            (20, "push"),
        ]
        .map(|(number, value)| {
            let value = tlv(0x0c, value.as_bytes());
            CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 57264, 1, number], value)
        })
        .to_vec();
        let mut der = params
            .signed_by(&key, &self.authority)
            .unwrap()
            .der()
            .to_vec();
        if draft.transparent {
            let timestamp = self.timestamp(content(content_of(&der)));
            let oid = [1, 3, 6, 1, 4, 1, 11129, 2, 4, 2];
            let extension = CustomExtension::from_oid_content(&oid, tlv(0x04, &timestamp));
            params.custom_extensions.push(extension);
            der = params
                .signed_by(&key, &self.authority)
                .unwrap()
                .der()
                .to_vec();
        }
        let key = pem::encode(&pem::Pem::new("PRIVATE KEY", key.serialize_der()));
        Certified {
            key: KeyPair::from_pem(key.as_bytes(), None).unwrap(),
            der,
        }
    }

    /// The list with one signed certificate timestamp (RFC 6962, 3.2 and 3.3).
    fn timestamp(&self, certificate: &[u8]) -> Vec<u8> {
        let time = (SIGNED_AT * 1000).to_be_bytes();
        let length = u32::try_from(certificate.len()).unwrap().to_be_bytes();
        let issuer = Digest::of(&self.issuer_key);
        let mut signed = vec![0, 0];
        signed.extend(time);
        signed.extend([0, 1]);
        signed.extend(issuer.as_bytes());
        signed.extend(&length[1..]);
        signed.extend(certificate);
        signed.extend([0, 0]);
        let signature = self.certificates.sign(&signed).unwrap();
        let mut timestamp = vec![0];
        timestamp.extend(
            STANDARD
                .decode(self.certificates.public().unwrap().hint())
                .unwrap(),
        );
        timestamp.extend(time);
        timestamp.extend([0, 0, 4, 3]);
        timestamp.extend(sized(signature.as_bytes()));
        sized(&sized(&timestamp))
    }
}

/// What cosign signed before bundles.
pub(crate) fn simple_signing(image: Digest) -> Vec<u8> {
    json!({
        "critical": {
            "identity": { "docker-reference": "registry.example/acme/shop" },
            "image": { "docker-manifest-digest": image.to_string() },
            "type": "cosign container image signature",
        },
        "optional": {},
    })
    .to_string()
    .into_bytes()
}

pub(crate) fn annotations(pairs: &[(&str, &str)]) -> std::collections::BTreeMap<String, String> {
    let pairs = pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    pairs.collect()
}

pub(crate) fn b64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

fn pem(certificate: &[u8]) -> String {
    pem::encode(&pem::Pem::new("CERTIFICATE", certificate))
}

fn sized(bytes: &[u8]) -> Vec<u8> {
    [&u16::try_from(bytes.len()).unwrap().to_be_bytes(), bytes].concat()
}

fn tlv(tag: u8, value: &[u8]) -> Vec<u8> {
    let length = match u8::try_from(value.len()) {
        Ok(length) if length < 128 => vec![length],
        Ok(length) => vec![0x81, length],
        Err(_) => [
            &[0x82][..],
            &u16::try_from(value.len()).unwrap().to_be_bytes(),
        ]
        .concat(),
    };
    [&[tag][..], &length, value].concat()
}

/// The content of a DER element.
fn content_of(der: &[u8]) -> &[u8] {
    &der[header(der)..]
}

/// The first element of some, whole.
fn content(der: &[u8]) -> &[u8] {
    let start = header(der);
    let length = match der[1] {
        short if short < 128 => usize::from(short),
        long => der[2..2 + usize::from(long & 0x7f)]
            .iter()
            .fold(0, |length, byte| length << 8 | usize::from(*byte)),
    };
    &der[..start + length]
}

fn header(der: &[u8]) -> usize {
    match der[1] {
        short if short < 128 => 2,
        long => 2 + usize::from(long & 0x7f),
    }
}
