//! What tests with registries share.

use std::sync::Arc;

use ci_http::Bytes;
use ci_oci::manifest::media_type;
use ci_oci::{Descriptor, Reference};
use ci_registry::{
    Blob, Client, Config, Credential, Credentials, Manifest, RegistryConfig, Secret,
};

use crate::clock::Hurried;
use crate::server::{Reply, Server};

/// The user the registries know, and the password.
pub(crate) use test_support::registry::USER;

/// A configuration that the environment of the tests has no part in.
pub(crate) fn config() -> Config {
    let http = ci_http::Options {
        proxies: ci_http::Proxies::default(),
        clock: Arc::new(Hurried::default()),
        ..ci_http::Options::default()
    };
    Config {
        http,
        credentials: Credentials::none(),
        ..Config::default()
    }
}

/// The same, with plain HTTP for these hosts.
pub(crate) fn plain<'a>(hosts: impl IntoIterator<Item = &'a str>) -> Config {
    let mut config = config();
    for host in hosts {
        let declared = RegistryConfig {
            plain_http: true,
            ..RegistryConfig::default()
        };
        config.registries.insert(host.to_owned(), declared);
    }
    config
}

/// A client for a server without TLS and credentials.
pub(crate) fn client(server: &Server) -> Client {
    Client::new(plain([server.host().as_str()])).unwrap()
}

/// A reference to something in a server.
pub(crate) fn reference(server: &Server, rest: &str) -> Reference {
    format!("{}/{rest}", server.host()).parse().unwrap()
}

/// The credential of [`USER`].
pub(crate) fn user() -> Credential {
    Credential::Password {
        username: USER.0.to_owned(),
        password: Secret::new(USER.1),
    }
}

/// Bytes that are no others.
pub(crate) fn content(seed: u8, length: usize) -> Bytes {
    let mut state = u32::from(seed) + 1;
    let next = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    (0..length).map(next).collect()
}

/// A manifest of a config and a layer that are nowhere.
pub(crate) fn manifest(seed: u8) -> Manifest {
    let config = Descriptor::of(media_type::OCI_CONFIG, &content(seed, 10));
    let layer = Descriptor::of(media_type::OCI_LAYER, &content(seed, 20));
    image(&config, &layer)
}

/// A manifest of these.
pub(crate) fn image(config: &Descriptor, layer: &Descriptor) -> Manifest {
    let document = serde_json::json!({
        "schemaVersion": 2,
        "mediaType": media_type::OCI_MANIFEST,
        "config": config,
        "layers": [layer],
    });
    Manifest::new(media_type::OCI_MANIFEST, document.to_string())
}

/// How a registry gives a manifest.
pub(crate) fn give(manifest: &Manifest) -> Reply {
    Reply::new(200)
        .header("content-type", &manifest.descriptor.media_type)
        .header("docker-content-digest", manifest.descriptor.digest)
        .body(manifest.bytes.clone())
}

/// All of a blob.
pub(crate) async fn read(mut blob: Blob) -> Result<Vec<u8>, ci_registry::Error> {
    let mut all = Vec::new();
    while let Some(piece) = blob.chunk().await? {
        all.extend_from_slice(&piece);
    }
    Ok(all)
}

/// What an error says, without the ports that chance gave.
pub(crate) fn text(error: impl std::fmt::Display, servers: &[(&str, &str)]) -> String {
    let mut text = error.to_string();
    for (host, name) in servers {
        text = text.replace(host, name);
    }
    text
}
