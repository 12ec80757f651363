//! What the tests stand on: a Sigstore, registries, images in them, and what signs.

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use ci_catalog::{Identity as Who, SignatureFormat};
use ci_http::{Bytes, Http, Options, Proxies, Retry};
use ci_oci::manifest::media_type;
use ci_oci::{Descriptor, Digest, Reference};
use ci_registry::{Client, Config, Credentials, Manifest, RegistryConfig, Secret};
use ci_signing::verify::{self, Policy, Trust};
use ci_signing::{Attached, Identity, Predicate, Services, Signed, Signer, attest, sign_images};
use serde_json::json;
use test_support::sigstore::{Job, Logs, Sigstore};
use test_support::{referrers, registry};

/// What is started when it is first asked for, and why there is none.
pub(crate) struct Stand {
    sigstore: OnceLock<Result<Sigstore, String>>,
    without: OnceLock<Result<registry::Registry, String>>,
    with: OnceLock<Result<referrers::Registry, String>>,
}

/// The two kinds of registries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Without the referrers API.
    Without,
    /// With it.
    With,
}

impl Kind {
    pub(crate) const ALL: [Self; 2] = [Self::Without, Self::With];
}

impl Stand {
    pub(crate) fn new() -> Self {
        Self {
            sigstore: OnceLock::new(),
            without: OnceLock::new(),
            with: OnceLock::new(),
        }
    }

    pub(crate) fn sigstore(&self) -> Result<&Sigstore, String> {
        let sigstore = self.sigstore.get_or_init(Sigstore::start);
        sigstore.as_ref().map_err(Clone::clone)
    }

    /// An image in a repository of its own.
    pub(crate) fn image(&self, kind: Kind, repository: &str) -> Result<Image, String> {
        let host = match kind {
            Kind::Without => {
                let start = || registry::Registry::start(&registry::Wants::default());
                let registry = self.without.get_or_init(start);
                &registry.as_ref().map_err(Clone::clone)?.host
            }
            Kind::With => {
                let registry = self.with.get_or_init(referrers::Registry::start);
                &registry.as_ref().map_err(Clone::clone)?.host
            }
        };
        Ok(Image::push(host, repository))
    }
}

/// An index of one image in a registry.
pub(crate) struct Image {
    pub(crate) client: Client,
    pub(crate) reference: Reference,
    pub(crate) digest: Digest,
}

impl Image {
    #[track_caller]
    fn push(host: &str, repository: &str) -> Self {
        let client = client(host);
        let reference: Reference = format!("{host}/{repository}:1").parse().unwrap();
        let digest = wait(async {
            let blob = async |kind: &str, bytes: Bytes| {
                let descriptor = Descriptor::of(kind, &bytes);
                let pushed = client.push_blob(&reference, &descriptor, Arc::new(bytes), None);
                pushed.await.unwrap();
                descriptor
            };
            let layer = blob(
                media_type::OCI_LAYER_GZIP,
                Bytes::from(repository.to_owned()),
            );
            let layer = layer.await;
            let config = json!({
                "architecture": "amd64", "os": "linux", "config": {},
                "rootfs": { "type": "layers", "diff_ids": [layer.digest] },
            });
            let config = blob(media_type::OCI_CONFIG, Bytes::from(config.to_string())).await;
            let manifest = json!({
                "schemaVersion": 2, "mediaType": media_type::OCI_MANIFEST,
                "config": config, "layers": [layer],
            });
            let manifest = Manifest::new(media_type::OCI_MANIFEST, manifest.to_string());
            client.push_manifest(&reference, &manifest).await.unwrap();
            let index = json!({
                "schemaVersion": 2, "mediaType": media_type::OCI_INDEX,
                "manifests": [manifest.descriptor],
            });
            let index = Manifest::new(media_type::OCI_INDEX, index.to_string());
            client.push_manifest(&reference, &index).await.unwrap();
            index.descriptor.digest
        });
        Self {
            client,
            reference,
            digest,
        }
    }

    /// By its digest, as other programs are told.
    pub(crate) fn pinned(&self) -> String {
        let name = self.reference.name();
        format!("{name}@{}", self.digest)
    }

    /// Signs it in both formats.
    #[track_caller]
    pub(crate) fn sign(&self, signer: &Signer) -> Signed {
        let formats = BTreeSet::from(SignatureFormat::ALL);
        self.try_sign(signer, &formats).unwrap()
    }

    pub(crate) fn try_sign(
        &self,
        signer: &Signer,
        formats: &BTreeSet<SignatureFormat>,
    ) -> Result<Signed, ci_signing::Error> {
        let signed = wait(sign_images(
            &self.client,
            &self.reference,
            &[self.digest],
            signer,
            formats,
        ))?;
        let [signed] = <[Signed; 1]>::try_from(signed).unwrap();
        Ok(signed)
    }

    /// States something of these types about it.
    #[track_caller]
    pub(crate) fn attest(&self, signer: &Signer, kinds: &[&str]) -> Vec<Attached> {
        let of = |kind: &&str| Predicate {
            kind: (*kind).to_owned(),
            content: json!({ "of": kind }),
        };
        let predicates = kinds.iter().map(of).collect();
        let attested = attest(
            &self.client,
            &self.reference,
            self.digest,
            signer,
            predicates,
        );
        wait(attested).unwrap()
    }

    /// What is attached to it, verified.
    #[track_caller]
    pub(crate) fn judged(
        &self,
        policy: &Policy,
        sigstore: &Sigstore,
    ) -> ci_signing::discovery::Judged {
        let found = self.found();
        ci_signing::discovery::judge(&found, policy, &trust(sigstore))
    }

    #[track_caller]
    pub(crate) fn found(&self) -> ci_signing::discovery::Found {
        let found = ci_signing::discovery::find(&self.client, &self.reference, self.digest);
        wait(found).unwrap()
    }

    /// The bundles that are attached to it.
    #[track_caller]
    pub(crate) fn bundles(&self) -> Vec<Vec<u8>> {
        let referrers = self.found().referrers.into_iter();
        referrers
            .map(|referrer| match referrer.content {
                ci_signing::discovery::Content::Bundle(bytes) => bytes,
                ci_signing::discovery::Content::Other(why) => panic!("{why}"),
            })
            .collect()
    }
}

/// What is trusted of a Sigstore.
#[track_caller]
pub(crate) fn trust(sigstore: &Sigstore) -> Trust {
    let root = std::fs::read_to_string(sigstore.trusted_root()).unwrap();
    Trust::from_json(&root, "the test's").unwrap()
}

/// That a workflow has signed, and what its certificate says besides.
pub(crate) fn policy(sigstore: &Sigstore, job: &Job) -> Policy {
    let who = Who::new(&sigstore.issuer(), &job.identity()).unwrap();
    let mut policy = Policy::from(verify::Signer::Identity(who));
    let claims = &mut policy.claims;
    claims.repository = Some(format!("https://github.com/{}", job.repository));
    claims.reference = Some(job.reference.clone());
    claims.commit = Some(job.sha.clone());
    claims.workflow = Some(job.identity());
    claims.trigger = Some(job.event.clone());
    policy
}

/// Signs as a job of GitHub's whose token is at hand.
#[track_caller]
pub(crate) fn signer(sigstore: &Sigstore, job: &Job, logs: Logs) -> Signer {
    let identity = Identity::Token(Secret::new(sigstore.token(job)));
    Signer::keyless(identity, services(sigstore, logs))
}

/// The services of a Sigstore.
#[track_caller]
pub(crate) fn services(sigstore: &Sigstore, logs: Logs) -> Services {
    let config = sigstore.signing_config(logs);
    Services::from_files(&http(), &sigstore.trusted_root(), &config).unwrap()
}

/// A client that the environment has no part in.
#[track_caller]
pub(crate) fn http() -> Http {
    Http::new(&options()).unwrap()
}

fn options() -> Options {
    Options {
        proxies: Proxies::default(),
        // Tried again as often as always, and sooner: what is away in these tests stays away, and who is in the way is quick.
        retry: Retry {
            first: Duration::from_millis(20),
            ..Retry::default()
        },
        ..Options::default()
    }
}

#[track_caller]
fn client(host: &str) -> Client {
    let plain = RegistryConfig {
        plain_http: true,
        ..RegistryConfig::default()
    };
    let config = Config {
        http: options(),
        credentials: Credentials::none(),
        registries: [(host.to_owned(), plain)].into(),
    };
    Client::new(config).unwrap()
}

/// Waits for a future, in a runtime that all share: connections belong to one.
pub(crate) fn wait<F: Future>(future: F) -> F::Output {
    static RUNTIME: OnceLock<tokio::runtime::Runtime> = OnceLock::new();
    let runtime = RUNTIME.get_or_init(|| tokio::runtime::Runtime::new().unwrap());
    runtime.block_on(future)
}
