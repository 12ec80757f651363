//! What clients are told of the stand: whom to trust, and where its services are.

use serde_json::{Value, json};

use super::keys::{base64, pem, sha256};

/// Before everything that is made here.
const START: &str = "2024-01-01T00:00:00Z";

/// Public keys and certificates, in DER, the certificates in base64.
pub(super) struct Trusted<'a> {
    pub(super) ca: (&'a str, &'a str),
    pub(super) certificate_log: &'a [u8],
    pub(super) rekor: (&'a str, &'a [u8]),
    /// And the identifier that its checkpoints have.
    pub(super) tiles: (&'a str, &'a [u8], &'a [u8]),
    pub(super) timestamps: (&'a str, &'a [String]),
}

impl Trusted<'_> {
    /// What cosign 2 is told of in files: environment variables, names of files, and what is in them.
    pub(super) fn pems(&self) -> [(&'static str, &'static str, String); 3] {
        let public = |key| pem("PUBLIC KEY", &base64(key));
        [
            (
                "SIGSTORE_ROOT_FILE",
                "ca.pem",
                pem("CERTIFICATE", self.ca.1),
            ),
            (
                "SIGSTORE_CT_LOG_PUBLIC_KEY_FILE",
                "certificate-log.pub",
                public(self.certificate_log),
            ),
            (
                "SIGSTORE_REKOR_PUBLIC_KEY",
                "rekor.pub",
                public(self.rekor.1),
            ),
        ]
    }

    /// `trusted_root.json`.
    pub(super) fn root(&self) -> Value {
        let (ca, root) = self.ca;
        let (timestamps, chain) = self.timestamps;
        let log = |url: &str, details: &str, key: &[u8], id: &[u8]| {
            json!({
                "baseUrl": url,
                "hashAlgorithm": "SHA2_256",
                "publicKey": { "rawBytes": base64(key), "keyDetails": details, "validFor": { "start": START } },
                "logId": { "keyId": base64(id) },
            })
        };
        let authority = |url: &str, organization: &str, name: &str, chain: &[String]| {
            let certificates: Vec<_> = chain.iter().map(|it| json!({ "rawBytes": it })).collect();
            json!({
                "subject": { "organization": organization, "commonName": name },
                "uri": url,
                "certChain": { "certificates": certificates },
                "validFor": { "start": START },
            })
        };
        let p256 = "PKIX_ECDSA_P256_SHA_256";
        json!({
            "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            "tlogs": [
                log(self.rekor.0, p256, self.rekor.1, &sha256(self.rekor.1)),
                log(self.tiles.0, "PKIX_ED25519", self.tiles.1, self.tiles.2),
            ],
            "certificateAuthorities": [authority(ca, "sigstore", "sigstore", &[root.to_owned()])],
            "ctlogs": [log(ca, p256, self.certificate_log, &sha256(self.certificate_log))],
            "timestampAuthorities": [authority(timestamps, "local", "Test TSA", chain)],
        })
    }
}

/// Which transparency logs a client is to write to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Logs {
    /// Rekor v1.
    V1,
    /// Rekor v2.
    V2,
    /// Either, of which a client takes the newest that it knows.
    Both,
}

impl Logs {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::V1, Self::V2, Self::Both];

    /// The name of the signing config that says so.
    pub(super) fn file(self) -> &'static str {
        match self {
            Self::V1 => "signing_config-v1.json",
            Self::V2 => "signing_config-v2.json",
            Self::Both => "signing_config.json",
        }
    }
}

/// Where the services are.
pub(super) struct Addresses<'a> {
    pub(super) issuer: &'a str,
    pub(super) ca: &'a str,
    pub(super) rekor: &'a str,
    pub(super) tiles: &'a str,
    pub(super) timestamps: &'a str,
}

impl Addresses<'_> {
    /// `signing_config.json`.
    pub(super) fn config(&self, logs: Logs) -> Value {
        let service = |url: &str, version: u32| {
            json!({
                "url": url, "majorApiVersion": version, "validFor": { "start": START }, "operator": "local",
            })
        };
        let v1 = (logs != Logs::V2).then(|| service(self.rekor, 1));
        let v2 = (logs != Logs::V1).then(|| service(self.tiles, 2));
        json!({
            "mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json",
            "caUrls": [service(self.ca, 1)],
            "oidcUrls": [service(self.issuer, 1)],
            "rekorTlogUrls": v2.into_iter().chain(v1).collect::<Vec<_>>(),
            "rekorTlogConfig": { "selector": "ANY" },
            "tsaUrls": [service(&format!("{}/api/v1/timestamp", self.timestamps), 1)],
            "tsaConfig": { "selector": "ANY" },
        })
    }
}

/// `client_trust_config.json`.
pub(super) fn client(root: &Value, config: &Value) -> Value {
    json!({
        "mediaType": "application/vnd.dev.sigstore.clienttrustconfig.v0.1+json",
        "trustedRoot": root,
        "signingConfig": config,
    })
}
