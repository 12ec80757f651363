//! Pull, push and attach against Debian's `docker-registry`.

use std::sync::Arc;

use crate::debian::{Registry, Wants};
use crate::fixture::{content, image, plain, read, text, user};
use crate::server::Authority;
use crate::token_server::TokenServer;
use ci_http::Bytes;
use ci_oci::manifest::media_type;
use ci_oci::{Descriptor, Digest, Reference};
use ci_registry::{
    Client, Error, Listed, Login, Manifest, Moving, Pushed, RegistryConfig, Resume, TagState,
    Tagged,
};
use sha2::{Digest as _, Sha256};
use test_support::referrers;

/// A manifest of one layer, whose blobs are pushed.
async fn pushed(client: &Client, reference: &Reference, seed: u8) -> Manifest {
    let config = Bytes::from(format!("{{\"seed\":{seed}}}"));
    let layer = content(seed, 100_000);
    let mut descriptors = Vec::new();
    for (kind, bytes) in [
        (media_type::OCI_CONFIG, config),
        (media_type::OCI_LAYER_GZIP, layer),
    ] {
        let descriptor = Descriptor::of(kind, &bytes);
        client
            .push_blob(reference, &descriptor, Arc::new(bytes), None)
            .await
            .unwrap();
        descriptors.push(descriptor);
    }
    image(&descriptors[0], &descriptors[1])
}

/// Something to attach to an image, whose blob is pushed.
async fn attachment(
    client: &Client,
    reference: &Reference,
    subject: &Manifest,
    kind: &str,
) -> Manifest {
    let bytes = Bytes::from_static(b"{}");
    let empty = Descriptor::of("application/vnd.oci.empty.v1+json", &bytes);
    client
        .push_blob(reference, &empty, Arc::new(bytes), None)
        .await
        .unwrap();
    let manifest = serde_json::json!({
        "schemaVersion": 2,
        "mediaType": media_type::OCI_MANIFEST,
        "artifactType": kind,
        "config": empty,
        "layers": [empty],
        "subject": subject.descriptor,
        "annotations": { "kind": kind },
    });
    Manifest::new(media_type::OCI_MANIFEST, manifest.to_string())
}

#[tokio::test]
async fn what_is_pushed_is_pulled_back() {
    let Some(registry) = Registry::start(&Wants::default()) else {
        return;
    };
    let (client, reference) = (registry.client(), registry.reference("acme/app:1"));
    let manifest = pushed(&client, &reference, 1).await;
    let digest = manifest.descriptor.digest;
    assert_eq!(
        client.tag_state(&reference, digest).await.unwrap(),
        TagState::Absent
    );
    assert!(client.resolve(&reference).await.unwrap_err().is_not_found());
    client.push_manifest(&reference, &manifest).await.unwrap();
    let tagged = client.push_tag(&reference, &manifest, Moving::Refuse).await;
    assert_eq!(tagged.unwrap(), Tagged::Created);

    assert_eq!(client.resolve(&reference).await.unwrap(), manifest);
    assert_eq!(
        client.digest(&reference).await.unwrap(),
        manifest.descriptor
    );
    let pinned = reference.clone().with_digest(digest);
    assert_eq!(client.resolve(&pinned).await.unwrap(), manifest);
    let layer = Descriptor::of(media_type::OCI_LAYER_GZIP, &content(1, 100_000));
    let blob = client.blob(&reference, &layer, None).await.unwrap();
    assert_eq!(read(blob).await.unwrap(), content(1, 100_000));
    let again = client.push_tag(&reference, &manifest, Moving::Refuse).await;
    assert_eq!(again.unwrap(), Tagged::Already);
}

#[tokio::test]
async fn reading_goes_on_behind_what_an_earlier_run_left() {
    let Some(registry) = Registry::start(&Wants::default()) else {
        return;
    };
    let (client, reference) = (registry.client(), registry.reference("acme/app:1"));
    let bytes = content(2, 3_000_000);
    let blob = Descriptor::of(media_type::OCI_LAYER, &bytes);
    client
        .push_blob(&reference, &blob, Arc::new(bytes.clone()), None)
        .await
        .unwrap();
    for offset in [0, 1, 1_234_567, bytes.len()] {
        let resume = Resume {
            offset: offset as u64,
            hash: Sha256::new().chain_update(&bytes[..offset]),
        };
        let reader = client.blob(&reference, &blob, Some(resume)).await.unwrap();
        assert_eq!(reader.position(), offset as u64);
        assert_eq!(
            read(reader).await.unwrap(),
            bytes[offset..],
            "from {offset}"
        );
    }
}

#[tokio::test]
async fn a_beginning_that_is_not_the_blobs_is_found_out_l13() {
    let Some(registry) = Registry::start(&Wants::default()) else {
        return;
    };
    let (client, reference) = (registry.client(), registry.reference("acme/app:1"));
    let bytes = content(3, 1000);
    let blob = Descriptor::of(media_type::OCI_LAYER, &bytes);
    client
        .push_blob(&reference, &blob, Arc::new(bytes), None)
        .await
        .unwrap();
    let resume = Resume {
        offset: 10,
        hash: Sha256::new().chain_update("0123456789"),
    };
    let reader = client.blob(&reference, &blob, Some(resume)).await.unwrap();
    let error = read(reader).await.unwrap_err();
    assert!(matches!(error, Error::Mismatch { .. }), "{error}");
}

#[tokio::test]
async fn blobs_that_are_there_are_neither_sent_nor_mounted_again() {
    let Some(registry) = Registry::start(&Wants::default()) else {
        return;
    };
    let client = registry.client();
    let (one, two) = (
        registry.reference("acme/one"),
        registry.reference("acme/two"),
    );
    let bytes = content(4, 500_000);
    let blob = Descriptor::of(media_type::OCI_LAYER, &bytes);
    let push = async |to, from| {
        let source = Arc::new(bytes.clone());
        client.push_blob(to, &blob, source, from).await.unwrap()
    };
    assert!(!client.has_blob(&one, &blob).await.unwrap());
    assert_eq!(push(&one, None).await, Pushed::Uploaded);
    assert_eq!(push(&one, None).await, Pushed::Existed);
    assert_eq!(push(&two, Some("acme/one")).await, Pushed::Mounted);
    assert_eq!(push(&two, Some("acme/one")).await, Pushed::Existed);
    // A repository that lacks it, or is not there: it is sent.
    let three = registry.reference("acme/three");
    assert_eq!(push(&three, Some("acme/nothing")).await, Pushed::Uploaded);
}

#[tokio::test]
async fn a_tag_is_not_moved_unless_that_is_meant() {
    let Some(registry) = Registry::start(&Wants::default()) else {
        return;
    };
    let (client, reference) = (registry.client(), registry.reference("acme/app:1"));
    let first = pushed(&client, &reference, 1).await;
    let second = pushed(&client, &reference, 2).await;
    let push = async |manifest, moving| client.push_tag(&reference, manifest, moving).await;
    assert_eq!(push(&first, Moving::Refuse).await.unwrap(), Tagged::Created);
    let error = push(&second, Moving::Refuse).await.unwrap_err();
    let (there, ours) = (first.descriptor.digest, second.descriptor.digest);
    assert!(
        matches!(error, Error::TagTaken { there: t, ours: o, .. } if (t, o) == (there, ours)),
        "{error}"
    );
    let state = client.tag_state(&reference, ours).await.unwrap();
    assert_eq!(state, TagState::Other(there));
    let moved = push(&second, Moving::Allow).await.unwrap();
    assert_eq!(moved, Tagged::Moved(there));
    assert_eq!(client.resolve(&reference).await.unwrap(), second);
}

#[tokio::test]
async fn what_is_attached_is_found_by_the_tag_where_the_registry_keeps_no_list() {
    let Some(registry) = Registry::start(&Wants::default()) else {
        return;
    };
    let (client, reference) = (registry.client(), registry.reference("acme/app"));
    let subject = pushed(&client, &reference, 1).await;
    client.push_manifest(&reference, &subject).await.unwrap();
    let a = attachment(&client, &reference, &subject, "application/a").await;
    let b = attachment(&client, &reference, &subject, "application/b").await;
    let digest = subject.descriptor.digest;
    for attached in [&a, &b, &a] {
        let listed = client
            .attach(&reference, digest, std::slice::from_ref(attached))
            .await;
        assert_eq!(listed.unwrap(), Listed::ByTag);
    }
    let all = client.referrers(&reference, digest, None).await.unwrap();
    assert_eq!(all.len(), 2);
    let only = client
        .referrers(&reference, digest, Some("application/b"))
        .await;
    let [only] = only.unwrap().try_into().unwrap();
    assert_eq!(only.digest, b.descriptor.digest);
    assert_eq!(only.artifact_type.as_deref(), Some("application/b"));
    assert_eq!(only.annotations["kind"], "application/b");
    let none = client
        .referrers(&reference, Digest::of("other"), None)
        .await;
    assert_eq!(none.unwrap(), []);
}

#[tokio::test]
async fn users_are_told_which_scope_is_missing() {
    let Some(registry) = Registry::start(&Wants {
        basic: true,
        ..Wants::default()
    }) else {
        return;
    };
    let reference = registry.reference("acme/app:1");
    let anonymous = registry.client();
    let error = anonymous.resolve(&reference).await.unwrap_err();
    let text = text(error, &[(&registry.host, "HOST")]);
    insta::assert_snapshot!(text, @"not allowed to pull from HOST/acme/app, or there is no such repository: missing scope repository:acme/app:pull; credentials: none for HOST; the registry says: UNAUTHORIZED authentication required");
    let mut config = registry.plain();
    config.credentials = config.credentials.with(&registry.host, user());
    let client = Client::new(config).unwrap();
    assert_eq!(
        client.login_check(&registry.host).await.unwrap(),
        Login::Accepted
    );
    let manifest = pushed(&client, &reference, 1).await;
    let tagged = client.push_tag(&reference, &manifest, Moving::Refuse).await;
    assert_eq!(tagged.unwrap(), Tagged::Created);
    assert_eq!(client.resolve(&reference).await.unwrap(), manifest);
}

#[tokio::test]
async fn a_registry_with_an_authority_of_its_own_is_reached_by_tls() {
    let authority = Authority::new("127.0.0.1");
    let (certificate, key) = (
        authority.dir().join("server.pem"),
        authority.dir().join("key.pem"),
    );
    let Some(registry) = Registry::start(&Wants {
        basic: true,
        tls: Some((&certificate, &key)),
        ..Wants::default()
    }) else {
        return;
    };
    let mut config = crate::fixture::config();
    config.credentials = config.credentials.with(&registry.host, user());
    let reference = registry.reference("acme/app:1");
    let stranger = Client::new(config.clone()).unwrap();
    let error = stranger.resolve(&reference).await.unwrap_err();
    assert!(
        error.to_string().contains("signed by nobody we trust"),
        "{error}"
    );

    let declared = RegistryConfig {
        ca: Some(authority.file()),
        ..RegistryConfig::default()
    };
    config.registries.insert(registry.host.clone(), declared);
    let client = Client::new(config).unwrap();
    let manifest = pushed(&client, &reference, 1).await;
    client
        .push_tag(&reference, &manifest, Moving::Refuse)
        .await
        .unwrap();
    assert_eq!(client.resolve(&reference).await.unwrap(), manifest);
}

#[tokio::test]
async fn rights_come_from_a_token_server() {
    let tokens = TokenServer::start().await;
    let (realm, certificate) = (tokens.realm(), tokens.certificate());
    let Some(registry) = Registry::start(&Wants {
        token: Some((&realm, &certificate)),
        ..Wants::default()
    }) else {
        return;
    };
    let mut config = plain([registry.host.as_str(), tokens.server.host().as_str()]);
    let anonymous = Client::new(config.clone()).unwrap();
    config.credentials = config.credentials.with(&registry.host, user());
    let client = Client::new(config).unwrap();
    let reference = registry.reference("acme/app:1");
    let login = client.login_check(&registry.host).await;
    assert_eq!(login.unwrap(), Login::Accepted);
    let manifest = pushed(&client, &reference, 1).await;
    client
        .push_tag(&reference, &manifest, Moving::Refuse)
        .await
        .unwrap();

    // Everybody may pull.
    assert_eq!(anonymous.resolve(&reference).await.unwrap(), manifest);
    let push = anonymous.push_manifest(&reference, &manifest);
    let error = push.await.unwrap_err();
    let hosts = [(registry.host.as_str(), "HOST")];
    insta::assert_snapshot!(text(error, &hosts), @"not allowed to push to HOST/acme/app: missing scope repository:acme/app:pull,push; credentials: none for HOST; the registry says: UNAUTHORIZED authentication required");
    // A mount needs the right to both.
    let layer = Descriptor::of(media_type::OCI_LAYER_GZIP, &content(1, 100_000));
    let mount = async |to: &str| {
        let (to, source) = (registry.reference(to), Arc::new(content(1, 100_000)));
        client
            .push_blob(&to, &layer, source, Some("acme/app"))
            .await
    };
    assert_eq!(mount("acme/other").await.unwrap(), Pushed::Mounted);
    let error = mount("others/app").await.unwrap_err();
    insta::assert_snapshot!(text(error, &hosts), @r#"not allowed to push to HOST/others/app: missing scope repository:others/app:pull,push; credentials: user "ci"; the registry says: UNAUTHORIZED authentication required"#);
}

/// One that lists referrers by itself, or any other that somebody has at hand, by plain HTTP and without rights:
/// `CI_TEST_REGISTRY=127.0.0.1:5000`.
#[tokio::test]
async fn another_registry_is_served_as_well() {
    let mut installed = None;
    let host = match std::env::var("CI_TEST_REGISTRY") {
        Ok(host) => host,
        Err(_) => match referrers::Registry::start() {
            Ok(registry) => installed.insert(registry).host.clone(),
            Err(missing) => {
                eprintln!("skipped: {missing}");
                return;
            }
        },
    };
    let client = Client::new(plain([host.as_str()])).unwrap();
    let reference: Reference = format!("{host}/acme/app:1").parse().unwrap();
    let manifest = pushed(&client, &reference, 1).await;
    client.push_manifest(&reference, &manifest).await.unwrap();
    client
        .push_tag(&reference, &manifest, Moving::Refuse)
        .await
        .unwrap();
    assert_eq!(client.resolve(&reference).await.unwrap(), manifest);
    let layer = Descriptor::of(media_type::OCI_LAYER_GZIP, &content(1, 100_000));
    let resume = Resume {
        offset: 50_000,
        hash: Sha256::new().chain_update(&content(1, 100_000)[..50_000]),
    };
    let blob = client.blob(&reference, &layer, Some(resume)).await.unwrap();
    assert_eq!(read(blob).await.unwrap(), content(1, 100_000)[50_000..]);
    let other: Reference = format!("{host}/acme/other").parse().unwrap();
    let source = Arc::new(content(1, 100_000));
    let mounted = client.push_blob(&other, &layer, source, Some("acme/app"));
    mounted.await.unwrap();
    assert!(client.has_blob(&other, &layer).await.unwrap());

    let subject = manifest.descriptor.digest;
    let attached = attachment(&client, &reference, &manifest, "application/a").await;
    let listed = client
        .attach(&reference, subject, std::slice::from_ref(&attached))
        .await;
    listed.unwrap();
    // Unfiltered: go-containerregistry's registry has its own idea of types.
    let found = client.referrers(&reference, subject, None).await.unwrap();
    let found: Vec<Digest> = found.iter().map(|one| one.digest).collect();
    assert_eq!(found, [attached.descriptor.digest]);
    if installed.is_some() {
        // By itself: nobody keeps a tag.
        let tag = reference.with_tag(&subject.to_string().replace(':', "-"));
        let asked = client.resolve(&tag.unwrap()).await;
        assert!(asked.unwrap_err().is_not_found());
    }
}
