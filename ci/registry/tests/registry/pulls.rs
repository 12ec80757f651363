//! What arrives from registries that break, lie or send us elsewhere.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use ci_oci::manifest::media_type;
use ci_oci::{Descriptor, Digest, Reference};
use ci_registry::{Client, Error, Manifest, RegistryConfig, Resume};
use sha2::{Digest as _, Sha256};

use crate::clock::Hurried;
use crate::fixture::{client, content, give, manifest, plain, read, reference, text};
use crate::server::{Authority, Reply, Request, Server};

/// A registry with one answer to everything.
async fn always(reply: Reply) -> Server {
    Server::start(move |_: &Request| reply.clone()).await
}

async fn resolve(server: &Server, rest: &str) -> Result<Manifest, Error> {
    client(server).resolve(&reference(server, rest)).await
}

fn layer(bytes: &[u8]) -> Descriptor {
    Descriptor::of(media_type::OCI_LAYER, bytes)
}

async fn pull(server: &Server, blob: &Descriptor) -> Result<Vec<u8>, Error> {
    let client = client(server);
    read(client.blob(&reference(server, "a/b"), blob, None).await?).await
}

#[tokio::test]
async fn a_manifest_that_is_not_the_pinned_one_is_refused_r4_r5() {
    let server = always(give(&manifest(1))).await;
    let pinned = format!("a/b:tag@{}", manifest(2).descriptor.digest);
    let error = resolve(&server, &pinned).await.unwrap_err();
    let (expected, found) = (manifest(2).descriptor.digest, manifest(1).descriptor.digest);
    assert!(
        matches!(error, Error::Mismatch { expected: e, found: f, .. } if (e, f) == (expected, found)),
        "{error}"
    );
    let error = client(&server).digest(&reference(&server, &pinned)).await;
    assert!(matches!(error, Err(Error::Mismatch { .. })));
    // Asked by digest, so that nobody can move it.
    let path = format!("GET /v2/a/b/manifests/{expected}");
    assert_eq!(server.lines()[0], path);
}

#[tokio::test]
async fn a_registry_that_contradicts_its_own_answer_is_not_believed_r5() {
    let lie = give(&manifest(1)).body(manifest(2).bytes);
    let error = resolve(&always(lie).await, "a/b").await.unwrap_err();
    assert!(matches!(error, Error::Mismatch { .. }), "{error}");
}

#[tokio::test]
async fn documents_of_two_meanings_are_refused_l14() {
    let both = serde_json::json!({
        "schemaVersion": 2,
        "config": layer(b"x"), "layers": [], "manifests": [],
    });
    let stated = serde_json::json!({
        "schemaVersion": 2, "mediaType": media_type::OCI_INDEX, "manifests": [],
    });
    for (announced, document) in [
        (media_type::OCI_MANIFEST, &both),
        (media_type::OCI_INDEX, &both),
        (media_type::OCI_MANIFEST, &stated),
        (media_type::DOCKER_INDEX, &stated),
        ("text/html", &both),
    ] {
        let reply = give(&Manifest::new(announced, document.to_string()));
        let error = resolve(&always(reply).await, "a/b").await.unwrap_err();
        assert!(
            matches!(error, Error::Manifest { .. }),
            "{announced}: {error}"
        );
    }
}

#[tokio::test]
async fn a_manifest_is_of_the_type_and_size_its_index_says_l14() {
    let there = manifest(1);
    let server = always(give(&there)).await;
    let ask = async |descriptor: &Descriptor| {
        let reference = reference(&server, "a/b");
        client(&server).manifest(&reference, descriptor).await
    };
    assert_eq!(ask(&there.descriptor).await.unwrap(), there);
    let mut other = there.descriptor.clone();
    other.media_type = media_type::DOCKER_MANIFEST.to_owned();
    let error = ask(&other).await.unwrap_err();
    assert!(matches!(error, Error::Manifest { .. }), "{error}");
    let mut other = there.descriptor.clone();
    other.size += 1;
    let error = ask(&other).await.unwrap_err();
    assert!(matches!(error, Error::Size { .. }), "{error}");
}

#[tokio::test]
async fn a_manifest_without_end_is_not_read_l13() {
    let endless = Reply::new(200)
        .header("content-type", media_type::OCI_MANIFEST)
        .header("transfer-encoding", "chunked")
        .body(vec![b' '; (4 << 20) + 1]);
    let error = resolve(&always(endless).await, "a/b").await.unwrap_err();
    assert!(
        error.to_string().contains("more than 4194304 bytes"),
        "{error}"
    );
}

#[tokio::test]
async fn a_digest_is_read_from_the_head_where_it_is_there() {
    let there = manifest(1);
    let server = always(give(&there)).await;
    let ask = async |server: &Server| client(server).digest(&reference(server, "a/b")).await;
    assert_eq!(ask(&server).await.unwrap(), there.descriptor);
    assert_eq!(server.lines(), ["HEAD /v2/a/b/manifests/latest"]);
    let bare = Reply::new(200)
        .header("content-type", media_type::OCI_MANIFEST)
        .body(there.bytes.clone());
    let server = always(bare).await;
    assert_eq!(ask(&server).await.unwrap(), there.descriptor);
    assert_eq!(server.lines().len(), 2);
}

#[tokio::test]
async fn a_manifest_that_broke_off_is_read_again() {
    let count = AtomicUsize::new(0);
    let server = Server::start(
        move |_: &Request| match count.fetch_add(1, Ordering::Relaxed) {
            0 | 1 => give(&manifest(1)).cut(10),
            _ => give(&manifest(1)),
        },
    )
    .await;
    assert_eq!(resolve(&server, "a/b").await.unwrap(), manifest(1));
}

#[tokio::test]
async fn a_corrupted_blob_is_found_out_l13() {
    let mut bytes = content(1, 5000).to_vec();
    let blob = layer(&bytes);
    bytes[2500] ^= 1;
    let error = pull(&always(Reply::new(200).body(bytes)).await, &blob)
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Mismatch { .. }), "{error}");
}

#[tokio::test]
async fn a_blob_has_the_announced_size_l13() {
    let bytes = content(1, 5000);
    for wrong in [4999, 5001] {
        let mut blob = layer(&bytes);
        blob.size = wrong;
        for encoding in ["identity", "chunked"] {
            let reply = Reply::new(200).body(bytes.clone());
            let reply = match encoding {
                "chunked" => reply.header("transfer-encoding", "chunked"),
                _ => reply,
            };
            let error = pull(&always(reply).await, &blob).await.unwrap_err();
            assert!(
                matches!(error, Error::Size { .. }),
                "{wrong} {encoding}: {error}"
            );
        }
    }
}

#[tokio::test]
async fn more_after_the_end_is_found_out_l13() {
    // The excess comes by itself, when everything that was announced is there already.
    let server = always(
        Reply::new(200)
            .header("transfer-encoding", "chunked")
            .body(content(1, 5001)),
    )
    .await;
    let blob = layer(&content(1, 5000));
    let resume = Resume {
        offset: 4999,
        hash: Sha256::new().chain_update(&content(1, 5000)[..4999]),
    };
    let client = client(&server);
    let reading = client
        .blob(&reference(&server, "a/b"), &blob, Some(resume))
        .await;
    let error = read(reading.unwrap()).await.unwrap_err();
    assert!(matches!(error, Error::Size { .. }), "{error}");
}

/// A registry that breaks off after `step` bytes of each answer, and which knows ranges or does not.
async fn fragile(bytes: ci_http::Bytes, step: usize, ranges: bool) -> Server {
    Server::start(move |request: &Request| {
        let range = request.header("range").filter(|_| ranges);
        let Some(range) = range else {
            return Reply::new(200)
                .body(bytes.clone())
                .cut(step.min(bytes.len()));
        };
        let (from, to) = range["bytes=".len()..].split_once('-').unwrap();
        assert_eq!(to, (bytes.len() - 1).to_string());
        let from: usize = from.parse().unwrap();
        let range = format!("bytes {from}-{}/{}", bytes.len() - 1, bytes.len());
        let rest = bytes.slice(from..);
        let sent = step.min(rest.len());
        Reply::new(206)
            .header("content-range", range)
            .body(rest)
            .cut(sent)
    })
    .await
}

#[tokio::test]
async fn a_blob_is_taken_up_where_the_connection_broke() {
    let bytes = content(1, 5 << 20);
    let server = fragile(bytes.clone(), 2 << 20, true).await;
    assert_eq!(pull(&server, &layer(&bytes)).await.unwrap(), bytes);
    let ranges: Vec<Option<String>> = server
        .log()
        .iter()
        .map(|request| request.header("range").map(str::to_owned))
        .collect();
    let expected = [None, Some(2 << 20), Some(4 << 20)];
    assert_eq!(
        ranges,
        expected.map(|from| from.map(|from| format!("bytes={from}-{}", bytes.len() - 1)))
    );
}

#[tokio::test]
async fn a_blob_is_taken_up_where_the_connection_fell_silent() {
    let bytes = content(1, 5000);
    let count = AtomicUsize::new(0);
    let whole = bytes.clone();
    let server = Server::start(move |_: &Request| {
        let reply = Reply::new(200).body(whole.clone());
        match count.fetch_add(1, Ordering::Relaxed) {
            0 => reply.stall(1000),
            _ => reply,
        }
    })
    .await;
    let mut config = plain([server.host().as_str()]);
    config.http.idle = Duration::from_millis(100);
    let client = Client::new(config).unwrap();
    let blob = client
        .blob(&reference(&server, "a/b"), &layer(&bytes), None)
        .await;
    assert_eq!(read(blob.unwrap()).await.unwrap(), bytes);
    assert_eq!(server.log()[1].header("range"), Some("bytes=1000-4999"));
}

#[tokio::test]
async fn progress_counts_attempts_anew_and_standstill_ends_them() {
    // Far more breaks than attempts, with 1 MiB between them.
    let bytes = content(1, 9 << 20);
    let server = fragile(bytes.clone(), 1 << 20, true).await;
    assert_eq!(pull(&server, &layer(&bytes)).await.unwrap(), bytes);
    assert_eq!(server.log().len(), 9);
    // A byte at a time is no progress.
    let bytes = content(1, 100);
    let server = fragile(bytes.clone(), 1, true).await;
    let error = pull(&server, &layer(&bytes)).await.unwrap_err();
    assert!(matches!(error, Error::Http(_)), "{error}");
    assert_eq!(server.log().len(), 5);
}

#[tokio::test]
async fn a_registry_without_ranges_begins_again_and_what_is_there_is_passed_over() {
    let bytes = content(1, 3000);
    let count = AtomicUsize::new(0);
    let whole = bytes.clone();
    let server = Server::start(move |_: &Request| {
        let reply = Reply::new(200).body(whole.clone());
        match count.fetch_add(1, Ordering::Relaxed) {
            0 => reply.cut(1000),
            _ => reply,
        }
    })
    .await;
    assert_eq!(pull(&server, &layer(&bytes)).await.unwrap(), bytes);
}

#[tokio::test]
async fn a_registry_that_does_not_like_our_range_is_asked_for_the_whole() {
    let bytes = content(1, 3000);
    let whole = bytes.clone();
    let server = Server::start(move |request: &Request| match request.header("range") {
        Some(_) => Reply::new(416),
        None => Reply::new(200).body(whole.clone()),
    })
    .await;
    let resume = Resume {
        offset: 1000,
        hash: Sha256::new().chain_update(&bytes[..1000]),
    };
    let client = client(&server);
    let blob = client
        .blob(&reference(&server, "a/b"), &layer(&bytes), Some(resume))
        .await;
    assert_eq!(read(blob.unwrap()).await.unwrap(), bytes[1000..]);
}

#[tokio::test]
async fn a_part_that_was_not_asked_for_is_refused_r6() {
    let bytes = content(1, 100);
    for range in [Some("bytes 60-99/100"), Some("nonsense"), None] {
        let reply = Reply::new(206).body(content(1, 40));
        let reply = range
            .into_iter()
            .fold(reply, |reply, range| reply.header("content-range", range));
        let server = always(reply).await;
        let resume = Resume {
            offset: 50,
            hash: Sha256::new().chain_update(&bytes[..50]),
        };
        let client = client(&server);
        let error = client
            .blob(&reference(&server, "a/b"), &layer(&bytes), Some(resume))
            .await;
        assert!(matches!(error, Err(Error::Protocol { .. })), "{range:?}");
    }
}

#[tokio::test]
async fn addresses_that_an_image_names_for_a_layer_are_not_followed_r2() {
    let elsewhere = always(Reply::new(401)).await;
    let server = always(Reply::new(404)).await;
    let mut blob = layer(b"x");
    blob.urls = vec![elsewhere.url("/layer")];
    let error = pull(&server, &blob).await.unwrap_err();
    assert!(matches!(error, Error::Foreign { .. }), "{error}");
    assert!(elsewhere.log().is_empty());
}

#[tokio::test]
async fn mirrors_are_asked_in_order_and_the_registry_at_last() {
    let there = manifest(1);
    let busy = always(Reply::new(503)).await;
    let empty = always(Reply::new(404)).await;
    let registry = always(give(&there)).await;
    let hosts = [busy.host(), empty.host(), registry.host()];
    let mut config = plain(hosts.iter().map(String::as_str));
    let mirrors = [busy.host(), format!("{}/hub/cache", empty.host())];
    let declared = config.registries.get_mut(&registry.host()).unwrap();
    declared.mirrors = mirrors
        .iter()
        .map(|mirror| mirror.parse().unwrap())
        .collect();
    let client = Client::new(config).unwrap();
    let found = client.resolve(&reference(&registry, "a/b:1")).await;
    assert_eq!(found.unwrap(), there);
    assert!(
        busy.lines()
            .iter()
            .all(|line| line == "GET /v2/a/b/manifests/1")
    );
    assert_eq!(empty.lines(), ["GET /v2/hub/cache/a/b/manifests/1"]);
    assert_eq!(registry.lines(), ["GET /v2/a/b/manifests/1"]);
    // Nothing is asked of mirrors that is about to be written.
    let state = client
        .tag_state(&reference(&registry, "a/b:1"), there.descriptor.digest)
        .await;
    assert_eq!(state.unwrap(), ci_registry::TagState::Equal);
    assert_eq!(empty.log().len(), 1);
}

#[tokio::test]
async fn a_mirror_that_is_not_there_is_asked_once() {
    let gone = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().to_string()
    };
    let registry = always(give(&manifest(1))).await;
    let mut config = plain([gone.as_str(), registry.host().as_str()]);
    let declared = config.registries.get_mut(&registry.host()).unwrap();
    declared.mirrors = vec![gone.parse().unwrap()];
    let clock = Arc::new(Hurried::default());
    config.http.clock = clock.clone();
    let client = Client::new(config).unwrap();
    for _ in 0..3 {
        let found = client.resolve(&reference(&registry, "a/b:1")).await;
        assert_eq!(found.unwrap(), manifest(1));
    }
    assert_eq!(clock.waited().len(), 1);
}

#[tokio::test]
async fn a_mirror_can_break_within_a_blob_and_the_registry_goes_on() {
    let bytes = content(1, 5000);
    let mirror = fragile(bytes.clone(), 1000, false).await;
    let registry = fragile(bytes.clone(), usize::MAX, true).await;
    let mut config = plain([mirror.host().as_str(), registry.host().as_str()]);
    let declared = config.registries.get_mut(&registry.host()).unwrap();
    declared.mirrors = vec![mirror.host().parse().unwrap()];
    let client = Client::new(config).unwrap();
    let blob = client
        .blob(&reference(&registry, "a/b"), &layer(&bytes), None)
        .await;
    assert_eq!(read(blob.unwrap()).await.unwrap(), bytes);
    assert_eq!(registry.log()[0].header("range"), Some("bytes=1000-4999"));
}

#[tokio::test]
async fn when_nobody_has_it_everybody_is_named() {
    let mirror = always(Reply::new(500).body("out of\u{1b}[31m order")).await;
    let registry = always(
        Reply::new(404)
            .body(r#"{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}"#),
    )
    .await;
    let mut config = plain([mirror.host().as_str(), registry.host().as_str()]);
    let declared = config.registries.get_mut(&registry.host()).unwrap();
    declared.mirrors = vec![mirror.host().parse().unwrap()];
    let client = Client::new(config).unwrap();
    let error = client
        .resolve(&reference(&registry, "a/b:1"))
        .await
        .unwrap_err();
    assert!(error.is_not_found());
    let names = [(mirror.host(), "MIRROR"), (registry.host(), "REGISTRY")];
    let names = names.each_ref().map(|(host, name)| (host.as_str(), *name));
    insta::assert_snapshot!(text(error, &names), @r#"MIRROR answers 500 Internal Server Error for the tag "1"; the registry says: out of[31m order; REGISTRY/a/b does not have the tag "1"; the registry says: MANIFEST_UNKNOWN manifest unknown"#);
}

#[tokio::test]
async fn requests_beyond_the_limit_are_told_as_such() {
    let limit = Reply::new(429)
        .header("retry-after", 21_600)
        .body(r#"{"errors":[{"code":"TOOMANYREQUESTS","message":"You have reached your pull rate limit."}]}"#);
    let server = always(limit).await;
    let error = resolve(&server, "a/b").await.unwrap_err();
    assert_eq!(server.log().len(), 1);
    insta::assert_snapshot!(text(error, &[(&server.host(), "HOST")]), @"HOST takes no more requests for now and asks to wait 360 min; the registry says: TOOMANYREQUESTS You have reached your pull rate limit.");
}

#[tokio::test]
async fn plain_http_is_spoken_only_where_it_is_declared_r3() {
    let server = always(give(&manifest(1))).await;
    let client = Client::new(crate::fixture::config()).unwrap();
    let error = client
        .resolve(&reference(&server, "a/b"))
        .await
        .unwrap_err();
    assert!(server.log().is_empty());
    insta::assert_snapshot!(text(error, &[(&server.host(), "HOST")]), @"https://HOST/v2/a/b/manifests/latest: it does not speak TLS (a registry without TLS has to be declared: `plain-http = true` in pipeline.toml, or PIPELINE_PLAIN_HTTP)");
}

#[tokio::test]
async fn an_authority_counts_for_the_registry_it_is_declared_for() {
    let authority = Authority::new("127.0.0.1");
    let handler = |_: &Request| give(&manifest(1));
    let (one, two) = (
        Server::start_tls(handler, &authority).await,
        Server::start_tls(handler, &authority).await,
    );
    let mut config = crate::fixture::config();
    let declared = RegistryConfig {
        ca: Some(authority.file()),
        ..RegistryConfig::default()
    };
    config.registries.insert(one.host(), declared);
    let client = Client::new(config).unwrap();
    assert_eq!(
        client.resolve(&reference(&one, "a/b")).await.unwrap(),
        manifest(1)
    );
    let error = client.resolve(&reference(&two, "a/b")).await.unwrap_err();
    assert!(
        error.to_string().contains("signed by nobody we trust"),
        "{error}"
    );
}

#[tokio::test]
async fn docker_hub_is_asked_under_its_own_name() {
    // Nobody answers for Docker Hub here but a proxy.
    let proxy = always(Reply::new(403)).await;
    let mut config = crate::fixture::config();
    config.http.proxies.https = Some(proxy.url(""));
    let client = Client::new(config).unwrap();
    let alpine: Reference = "alpine".parse().unwrap();
    client.resolve(&alpine).await.unwrap_err();
    assert_eq!(proxy.lines()[0], "CONNECT registry-1.docker.io:443");
}

#[tokio::test]
async fn an_empty_blob_needs_no_request() {
    let server = always(Reply::new(500)).await;
    let empty = layer(b"");
    assert_eq!(empty.digest, Digest::of(b""));
    assert_eq!(pull(&server, &empty).await.unwrap(), b"");
    assert!(server.log().is_empty());
}
