//! Pushes to registries that break, forget, refuse or lie (R1, R3–R6).

use std::io::{self, Read};
use std::sync::Arc;

use ci_http::Bytes;
use ci_oci::Descriptor;
use ci_oci::manifest::media_type;
use ci_registry::{Client, Error, Moving, Pushed, RegistryConfig, Source, Tagged};

use crate::clock::Hurried;
use crate::fixture::{client, content, give, manifest, plain, reference, text, user};
use crate::server::{Authority, Reply, Request, Server};
use crate::uploads::{Running, Uploads, once};

fn layer(bytes: &[u8]) -> Descriptor {
    Descriptor::of(media_type::OCI_LAYER, bytes)
}

async fn push(registry: &Running, bytes: &Bytes, mount: Option<&str>) -> Result<Pushed, Error> {
    let to = reference(&registry.server, "a/b");
    client(&registry.server)
        .push_blob(&to, &layer(bytes), Arc::new(bytes.clone()), mount)
        .await
}

/// Pushes what has to arrive, and gives the steps it took.
async fn steps(registry: &Running, bytes: &Bytes) -> Vec<String> {
    assert_eq!(push(registry, bytes, None).await.unwrap(), Pushed::Uploaded);
    let there = registry.blob(layer(bytes).digest).unwrap();
    assert!(there == *bytes);
    registry.steps()
}

#[tokio::test]
async fn a_blob_takes_three_requests() {
    let registry = Uploads::new().start().await;
    let steps = steps(&registry, &content(1, 1000)).await;
    assert_eq!(steps, ["HEAD", "POST", "PUT 1000"]);
    // And none but the first when it is there.
    let again = push(&registry, &content(1, 1000), None).await;
    assert_eq!(again.unwrap(), Pushed::Existed);
    assert_eq!(registry.steps().len(), 4);
}

#[tokio::test]
async fn an_upload_goes_on_where_the_connection_broke_r6() {
    let first = once();
    let registry = Uploads::new()
        .cut(move |request| (request.method == "PUT" && first()).then_some(400))
        .start()
        .await;
    let steps = steps(&registry, &content(1, 1000)).await;
    let expected = ["HEAD", "POST", "PUT 400", "HEAD", "GET", "PATCH 600", "PUT"];
    assert_eq!(steps, expected);
    let log = registry.server.log();
    assert_eq!(log[5].header("content-range"), Some("400-999"));
}

#[tokio::test]
async fn an_upload_of_which_the_registry_knows_nothing_begins_anew_r6() {
    let first = once();
    let registry = Uploads::new()
        .cut(move |request| (request.method == "PUT" && first()).then_some(400))
        .instead(|request| (request.method == "GET").then(|| Reply::new(404)))
        .start()
        .await;
    let steps = steps(&registry, &content(1, 1000)).await;
    let expected = ["HEAD", "POST", "PUT 400", "HEAD", "GET", "POST", "PUT 1000"];
    assert_eq!(steps, expected);
}

#[tokio::test]
async fn an_expired_upload_begins_anew_r6() {
    let first = once();
    let registry = Uploads::new()
        .instead(move |request| {
            let expired = request.method == "PUT" && first();
            expired.then(|| Reply::new(404).body(r#"{"errors":[{"code":"BLOB_UPLOAD_UNKNOWN"}]}"#))
        })
        .start()
        .await;
    let steps = steps(&registry, &content(1, 1000)).await;
    let expected = [
        "HEAD", "POST", "PUT 1000", "HEAD", "GET", "POST", "PUT 1000",
    ];
    assert_eq!(steps, expected);
}

#[tokio::test]
async fn an_answer_that_was_lost_is_asked_for_and_nothing_sent_twice() {
    let first = once();
    let registry = Uploads::new()
        .cut(move |request| (request.method == "PUT" && first()).then_some(1000))
        .start()
        .await;
    let steps = steps(&registry, &content(1, 1000)).await;
    assert_eq!(steps, ["HEAD", "POST", "PUT 1000", "HEAD"]);
}

#[tokio::test]
async fn errors_within_a_part_are_waited_out_as_the_registry_asks_r6() {
    let (first, second) = (once(), once());
    let registry = Uploads::new()
        .instead(move |request| match request.method.as_str() {
            "PUT" if first() => Some(Reply::new(500)),
            "PUT" if second() => Some(Reply::new(429).header("retry-after", 7)),
            _ => None,
        })
        .start()
        .await;
    let clock = Arc::new(Hurried::default());
    let mut config = plain([registry.server.host().as_str()]);
    config.http.clock = clock.clone();
    let client = Client::new(config).unwrap();
    let bytes = content(1, 1000);
    let to = reference(&registry.server, "a/b");
    let pushed = client
        .push_blob(&to, &layer(&bytes), Arc::new(bytes.clone()), None)
        .await;
    assert_eq!(pushed.unwrap(), Pushed::Uploaded);
    assert_eq!(clock.waited(), [0.5, 7.25]);
}

#[tokio::test]
async fn a_registry_that_never_takes_it_is_given_up() {
    let registry = Uploads::new()
        .instead(|request| (request.method == "PUT").then(|| Reply::new(502)))
        .start()
        .await;
    let error = push(&registry, &content(1, 10), None).await.unwrap_err();
    assert!(matches!(error, Error::Status { .. }), "{error}");
    let puts = registry
        .steps()
        .iter()
        .filter(|step| *step == "PUT 10")
        .count();
    assert_eq!(puts, 5);
}

#[tokio::test]
async fn what_is_too_large_at_once_goes_in_parts_of_the_size_the_registry_wants() {
    const MIB: usize = 1 << 20;
    let bytes = Bytes::from(vec![7; 36 * MIB]);
    for (least, parts) in [(0, [32, 4]), (34 * MIB, [34, 2])] {
        let registry = Uploads::new()
            .instead(|request| {
                let large = request.body.len() > 35 * MIB;
                large.then(|| Reply::new(413))
            })
            .least_part(least)
            .start()
            .await;
        let steps = steps(&registry, &bytes).await;
        let mut expected = vec!["HEAD".to_owned(), "POST".to_owned()];
        expected.push(format!("PUT {}", bytes.len()));
        expected.push("POST".to_owned());
        expected.extend(parts.iter().map(|part| format!("PATCH {}", part * MIB)));
        expected.push("PUT".to_owned());
        assert_eq!(steps, expected);
    }
}

#[tokio::test]
async fn what_fails_as_a_whole_again_and_again_goes_in_parts() {
    const MIB: usize = 1 << 20;
    let registry = Uploads::new()
        .cut(|request| (request.header("content-length") == Some("37748736")).then_some(0))
        .start()
        .await;
    let steps = steps(&registry, &Bytes::from(vec![7; 36 * MIB])).await;
    let parts = [32 * MIB, 4 * MIB].map(|part| format!("PATCH {part}"));
    assert_eq!(steps[steps.len() - 3..steps.len() - 1], parts);
    assert_eq!(steps.iter().filter(|step| *step == "PUT").count(), 3);
}

#[tokio::test]
async fn an_upload_without_an_address_is_an_error_r6() {
    for (location, sign) in [
        (None, "does not say where"),
        (Some("http://"), "no address"),
        (Some("ftp://127.0.0.1/x"), "plain"),
    ] {
        let registry = Uploads::new()
            .instead(move |request| {
                let reply = Reply::new(202);
                let reply = location
                    .into_iter()
                    .fold(reply, |reply, at| reply.header("location", at));
                (request.method == "POST").then_some(reply)
            })
            .start()
            .await;
        let error = push(&registry, &content(1, 10), None).await.unwrap_err();
        assert!(matches!(error, Error::Protocol { .. }), "{error}");
        assert!(error.to_string().contains(sign), "{error}");
    }
}

#[tokio::test]
async fn an_upload_that_does_not_advance_ends_r6() {
    let first = once();
    let registry = Uploads::new()
        .cut(move |request| (request.method == "PUT" && first()).then_some(400))
        .instead(|request| {
            let stuck = request.method == "PATCH";
            stuck.then(|| {
                Reply::new(202)
                    .header("location", "/x")
                    .header("range", "0-399")
            })
        })
        .start()
        .await;
    let error = push(&registry, &content(1, 1000), None).await.unwrap_err();
    assert!(matches!(error, Error::Protocol { .. }), "{error}");
}

#[tokio::test]
async fn uploads_elsewhere_get_no_credentials_r1() {
    let storage = Server::start(|_: &Request| Reply::new(201)).await;
    let elsewhere = storage.url("/storage/1");
    let registry = Uploads::new()
        .instead(move |request| match request.method.as_str() {
            _ if request.header("authorization").is_none() => {
                Some(Reply::new(401).header("www-authenticate", "Basic realm=x"))
            }
            "POST" => Some(Reply::new(202).header("location", &elsewhere)),
            _ => None,
        })
        .start()
        .await;
    let host = registry.server.host();
    let mut config = plain([host.as_str()]);
    config.credentials = config.credentials.with(&host, user());
    let client = Client::new(config).unwrap();
    let bytes = content(1, 100);
    let to = reference(&registry.server, "a/b");
    let pushed = client
        .push_blob(&to, &layer(&bytes), Arc::new(bytes.clone()), None)
        .await;
    assert_eq!(pushed.unwrap(), Pushed::Uploaded);
    let seen = storage.log().pop().unwrap();
    assert_eq!(seen.line(), "PUT /storage/1");
    assert_eq!(seen.body, bytes);
    assert_eq!(seen.header("authorization"), None);
    let asked = registry.server.log().pop().unwrap();
    assert!(asked.header("authorization").is_some());
}

#[tokio::test]
async fn uploads_do_not_leave_tls_r3() {
    let authority = Authority::new("127.0.0.1");
    for (to, upgraded) in [
        ("http://HOST/v2/a/b/blobs/uploads/1", true),
        ("http://127.0.0.1:9/x", false),
    ] {
        let registry = Server::start_tls(
            move |request: &Request| {
                let host = request.header("host").unwrap();
                match request.method.as_str() {
                    "HEAD" => Reply::new(404),
                    "POST" => Reply::new(202).header("location", to.replace("HOST", host)),
                    _ => Reply::new(201),
                }
            },
            &authority,
        )
        .await;
        let mut config = crate::fixture::config();
        let declared = RegistryConfig {
            ca: Some(authority.file()),
            ..RegistryConfig::default()
        };
        config.registries.insert(registry.host(), declared);
        let client = Client::new(config).unwrap();
        let to = reference(&registry, "a/b");
        let bytes = content(1, 100);
        let pushed = client
            .push_blob(&to, &layer(&bytes), Arc::new(bytes.clone()), None)
            .await;
        // A registry behind a proxy does not know that it is reached by TLS: the same host is.
        match upgraded {
            true => assert_eq!(pushed.unwrap(), Pushed::Uploaded),
            false => assert!(matches!(pushed, Err(Error::Protocol { .. }))),
        }
    }
}

#[tokio::test]
async fn a_refused_mount_is_an_upload_r6() {
    let registry = Uploads::new().start().await;
    let bytes = content(1, 100);
    let pushed = push(&registry, &bytes, Some("a/c")).await.unwrap();
    assert_eq!(pushed, Pushed::Uploaded);
    assert_eq!(registry.steps(), ["HEAD", "POST", "PUT 100"]);
    let asked = &registry.server.log()[1].target;
    let expected = format!("?mount=sha256%3A{}&from=a%2Fc", layer(&bytes).digest.hex());
    assert!(asked.ends_with(&expected), "{asked}");

    let registry = Uploads::new()
        .instead(|request| request.target.contains("mount=").then(|| Reply::new(405)))
        .start()
        .await;
    let pushed = push(&registry, &bytes, Some("a/c")).await.unwrap();
    assert_eq!(pushed, Pushed::Uploaded);
    assert_eq!(registry.steps(), ["HEAD", "POST", "POST", "PUT 100"]);
    // From itself there is nothing to mount.
    let registry = Uploads::new().start().await;
    push(&registry, &bytes, Some("a/b")).await.unwrap();
    assert!(!registry.server.log()[1].target.contains("mount="));
}

#[tokio::test]
async fn a_registry_that_says_another_digest_is_not_believed_r5() {
    let registry = Uploads::new()
        .instead(|request| {
            let lie = layer(b"other").digest;
            (request.method == "PUT").then(|| Reply::new(201).header("docker-content-digest", lie))
        })
        .start()
        .await;
    let error = push(&registry, &content(1, 100), None).await.unwrap_err();
    assert!(matches!(error, Error::Mismatch { .. }), "{error}");
}

/// A file that ends too soon, or cannot be read.
struct Broken(bool);

impl Source for Broken {
    fn open(&self, _: u64) -> io::Result<Box<dyn Read + Send>> {
        match self.0 {
            true => Err(io::Error::other("bad disk")),
            false => Ok(Box::new(io::empty())),
        }
    }
}

#[tokio::test]
async fn a_source_that_fails_is_not_the_registrys_fault() {
    let registry = Uploads::new().start().await;
    let to = reference(&registry.server, "a/b");
    for (source, sign) in [(Broken(true), "bad disk"), (Broken(false), "fewer bytes")] {
        let blob = layer(&content(1, 100));
        let client = client(&registry.server);
        let pushed = client.push_blob(&to, &blob, Arc::new(source), None).await;
        let error = pushed.unwrap_err();
        assert!(error.to_string().contains(sign), "{error}");
    }
    assert!(!registry.steps().contains(&"GET".to_owned()));
}

/// A registry of manifests: what it answers to a PUT, and to each question for the tag after another.
async fn manifests(put: Reply, tag: Vec<Reply>) -> Server {
    let asked = std::sync::atomic::AtomicUsize::new(0);
    Server::start(move |request: &Request| match request.line() {
        line if line == "HEAD /v2/a/b/manifests/1" => {
            let next = asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            tag[next.min(tag.len() - 1)].clone()
        }
        line if line.starts_with("PUT") => put.clone(),
        _ => give(&manifest(1)),
    })
    .await
}

async fn tag(server: &Server) -> Result<Tagged, Error> {
    let reference = reference(server, "a/b:1");
    let client = client(server);
    client
        .push_tag(&reference, &manifest(1), Moving::Refuse)
        .await
}

fn stored(seed: u8) -> Reply {
    Reply::new(201).header("docker-content-digest", manifest(seed).descriptor.digest)
}

#[tokio::test]
async fn a_manifest_is_there_under_the_digest_we_know_r5() {
    let push = async |server: &Server| {
        let reference = reference(server, "a/b");
        client(server).push_manifest(&reference, &manifest(1)).await
    };
    push(&manifests(stored(1), Vec::new()).await).await.unwrap();
    let error = push(&manifests(stored(2), Vec::new()).await)
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Mismatch { .. }), "{error}");
    // A registry that does not say is asked.
    let silent = manifests(Reply::new(201), Vec::new()).await;
    push(&silent).await.unwrap();
    assert_eq!(silent.log().len(), 2);
}

#[tokio::test]
async fn a_tag_that_names_it_already_is_one_request() {
    let server = manifests(stored(1), vec![give(&manifest(1))]).await;
    assert_eq!(tag(&server).await.unwrap(), Tagged::Already);
    assert_eq!(server.lines(), ["HEAD /v2/a/b/manifests/1"]);
}

#[tokio::test]
async fn a_tag_that_another_moves_meanwhile_is_an_error_r4() {
    let server = manifests(stored(1), vec![Reply::new(404), give(&manifest(2))]).await;
    let error = tag(&server).await.unwrap_err();
    insta::assert_snapshot!(text(error, &[(&server.host(), "HOST")]), @"the tag HOST/a/b:1 names sha256:89045fcceae79d96744e00c1cb915239b924bd5f11443e7996bf127863b96b3e; it is not moved to sha256:05eb16e7d9c511d868b31e9e479493bfdc0d23aa760cbc44fb7125de4e03ca19");
    let server = manifests(stored(1), vec![Reply::new(404)]).await;
    let error = tag(&server).await.unwrap_err();
    assert!(matches!(error, Error::Protocol { .. }), "{error}");
}

#[tokio::test]
async fn what_the_registry_has_against_a_manifest_is_repeated() {
    let refusal = Reply::new(400).body(
        r#"{"errors":[{"code":"MANIFEST_BLOB_UNKNOWN","message":"blob unknown to registry","detail":{}}]}"#,
    );
    let server = manifests(refusal, vec![Reply::new(404)]).await;
    let error = tag(&server).await.unwrap_err();
    insta::assert_snapshot!(text(error, &[(&server.host(), "HOST")]), @"HOST answers 400 Bad Request for the push of manifest sha256:05eb16e7d9c511d868b31e9e479493bfdc0d23aa760cbc44fb7125de4e03ca19; the registry says: MANIFEST_BLOB_UNKNOWN blob unknown to registry");
}
