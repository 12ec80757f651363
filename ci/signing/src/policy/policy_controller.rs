//! For Sigstore's policy-controller 0.15: `ClusterImagePolicy`s, one for each demand, as the authorities of one policy are alternatives;
//! and the `TrustRoot` of a private Sigstore.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sigstore_verify::trust_root::{CertificateAuthority, TrustedRoot};

use super::repositories::in_full;
use super::yaml::{block, items, quoted};
use super::{Demand, Signer};
use crate::error::Error;

/// Where the public Sigstore is.
const FULCIO: &str = "https://fulcio.sigstore.dev";
const REKOR: &str = "https://rekor.sigstore.dev";

/// Writes the policies: the legacy signature, which is the only form of it that this controller reads, and every attestation, which it
/// reads from bundles.
///
/// # Errors
/// The trusted root is none; attestations of a key are asked for, whose bundles it does not read.
pub fn policy_controller(demand: &Demand) -> Result<String, Error> {
    let private = demand.trusted_root.as_deref().map(trust).transpose()?;
    let mut documents: Vec<String> = Vec::new();
    if let Some(root) = &private {
        documents.push(trust_root(&demand.name, root));
    }
    documents.push(policy(
        demand,
        &format!("{}-signed", demand.name),
        "",
        private.as_ref(),
    ));
    if let (Signer::Key { .. }, [kind, ..]) = (&demand.signer, demand.attestations.as_slice()) {
        return Err(Error::Key {
            what: "public",
            problem: format!(
                "cannot vouch for {kind}: policy-controller takes attestations in bundles only of identities"
            ),
        });
    }
    for (at, kind) in demand.attestations.iter().enumerate() {
        let attested = format!(
            "      signatureFormat: bundle\n      attestations:\n        - name: attestation\n          predicateType: {}\n",
            quoted(kind)
        );
        let name = format!("{}-attested-{at}", demand.name);
        documents.push(policy(demand, &name, &attested, private.as_ref()));
    }
    Ok(documents.join("---\n"))
}

fn policy(demand: &Demand, name: &str, attested: &str, root: Option<&TrustedRoot>) -> String {
    let images = items(in_full(&demand.repositories), 4, |glob| {
        format!("glob: {}", quoted(&glob))
    });
    let reference = match root {
        Some(_) => format!("trustRootRef: {}\n", quoted(&demand.name)),
        None => String::new(),
    };
    let deeper = |text: &str| match text {
        "" => String::new(),
        text => format!("        {text}"),
    };
    let log = root.map_or(REKOR, |root| {
        root.tlogs
            .first()
            .map_or(REKOR, |log| log.base_url.as_str())
    });
    let log = format!(
        "      ctlog:\n        url: {}\n{}",
        quoted(log),
        deeper(&reference)
    );
    let authority = match &demand.signer {
        Signer::Identity(identity) => {
            let authority = root.and_then(|root| root.certificate_authorities.first());
            let fulcio = authority.map_or(FULCIO, |authority| authority.uri.as_str());
            format!(
                "      keyless:\n        url: {}\n{}        identities:\n          - issuer: {}\n            subject: {}\n{log}",
                quoted(fulcio),
                deeper(&reference),
                quoted(identity.issuer()),
                quoted(identity.identity()),
            )
        }
        Signer::Key { pem, logged } => {
            let log = if *logged { log.as_str() } else { "" };
            format!("      key:\n        data: {}\n{log}", block(pem, 10))
        }
    };
    format!(
        "\
apiVersion: policy.sigstore.dev/v1beta1
kind: ClusterImagePolicy
metadata:
  name: {}
spec:
  mode: enforce
  images:
{images}  authorities:
    - name: signer
{authority}{attested}",
        quoted(name)
    )
}

fn trust(json: &str) -> Result<TrustedRoot, Error> {
    TrustedRoot::from_json(json).map_err(|error| Error::Trust {
        what: "the trusted root".to_owned(),
        problem: error.to_string(),
    })
}

/// A trusted root in the controller's own form: PEM in base64.
fn trust_root(name: &str, root: &TrustedRoot) -> String {
    let authorities = items(
        &root.certificate_authorities,
        6,
        |one: &CertificateAuthority| {
            let certificates = one.cert_chain.certificates.iter();
            chain(
                one.subject.organization.as_deref(),
                one.subject.common_name.as_deref(),
                Some(&one.uri),
                certificates.map(|one| one.raw_bytes.to_pem()).collect(),
            )
        },
    );
    let timestamps = items(&root.timestamp_authorities, 6, |one| {
        let certificates = one.cert_chain.certificates.iter();
        chain(
            one.subject.organization.as_deref(),
            one.subject.common_name.as_deref(),
            one.uri.as_deref(),
            certificates.map(|one| one.raw_bytes.to_pem()).collect(),
        )
    });
    let certificates = items(&root.ctlogs, 6, |one| {
        log(&one.base_url, &one.public_key.raw_bytes.to_pem())
    });
    let logs = items(&root.tlogs, 6, |one| {
        log(&one.base_url, &one.public_key.raw_bytes.to_pem())
    });
    let list = |key: &str, items: String| match items.is_empty() {
        true => String::new(),
        false => format!("    {key}:\n{items}"),
    };
    format!(
        "\
apiVersion: policy.sigstore.dev/v1alpha1
kind: TrustRoot
metadata:
  name: {}
spec:
  sigstoreKeys:
{}{}{}{}",
        quoted(name),
        list("certificateAuthorities", authorities),
        list("ctLogs", certificates),
        list("tLogs", logs),
        list("timestampAuthorities", timestamps),
    )
}

fn chain(
    organization: Option<&str>,
    name: Option<&str>,
    uri: Option<&str>,
    certificates: Vec<String>,
) -> String {
    format!(
        "subject:\n          organization: {}\n          commonName: {}\n        uri: {}\n        certChain: {}",
        quoted(organization.unwrap_or_default()),
        quoted(name.unwrap_or_default()),
        quoted(uri.unwrap_or_default()),
        STANDARD.encode(certificates.concat()),
    )
}

fn log(url: &str, key: &str) -> String {
    format!(
        "baseURL: {}\n        hashAlgorithm: sha-256\n        publicKey: {}",
        quoted(url),
        STANDARD.encode(key)
    )
}
