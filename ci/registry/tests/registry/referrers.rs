//! Lists of what is attached: kept by the registry, or under a tag by everybody who attaches (G5, R6).

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex};

use ci_oci::manifest::media_type;
use ci_oci::{Descriptor, Digest, Index};
use ci_registry::{Error, Listed, Manifest};

use crate::fixture::{client, give, reference};
use crate::server::{Reply, Request, Server};

fn subject() -> Descriptor {
    Descriptor::of(media_type::OCI_MANIFEST, b"subject")
}

/// A manifest that is attached to the subject.
fn attachment(kind: &str) -> Manifest {
    let config = Descriptor::of("application/vnd.oci.empty.v1+json", b"{}");
    let document = serde_json::json!({
        "schemaVersion": 2,
        "mediaType": media_type::OCI_MANIFEST,
        "artifactType": kind,
        "config": config,
        "layers": [config],
        "subject": subject(),
    });
    Manifest::new(media_type::OCI_MANIFEST, document.to_string())
}

/// What a list says about it.
fn entry(kind: &str) -> Descriptor {
    let mut entry = attachment(kind).descriptor;
    entry.artifact_type = Some(kind.to_owned());
    entry
}

fn index(entries: Vec<Descriptor>) -> Manifest {
    let index = serde_json::to_vec(&Index::of(entries)).unwrap();
    Manifest::new(media_type::OCI_INDEX, index)
}

async fn list(server: &Server, kind: Option<&str>) -> Result<Vec<Descriptor>, Error> {
    let reference = reference(server, "a/b");
    let client = client(server);
    client.referrers(&reference, subject().digest, kind).await
}

/// A registry that keeps a list in pages of ten.
async fn paging(count: usize) -> Server {
    Server::start(move |request: &Request| {
        let all: Vec<Descriptor> = (0..count)
            .map(|n| entry(&format!("application/{n}")))
            .collect();
        let page = request.target.split_once("page=");
        let page = page.map_or(0, |(_, page)| page.parse::<usize>().unwrap());
        let entries = all.chunks(10).nth(page).unwrap_or_default().to_vec();
        let reply = give(&index(entries));
        match (page + 1) * 10 < count {
            true => reply.header(
                "link",
                format!("<{}?page={}>; rel=\"next\"", request.path(), page + 1),
            ),
            false => reply,
        }
    })
    .await
}

#[tokio::test]
async fn lists_are_read_to_the_last_page_g5() {
    let server = paging(73).await;
    let all = list(&server, None).await.unwrap();
    assert_eq!(all.len(), 73);
    assert_eq!(server.log().len(), 8);
    let path = format!("GET /v2/a/b/referrers/{}", subject().digest);
    assert_eq!(server.lines()[0], path);
    // This registry does not filter, although it was asked to.
    let only = list(&server, Some("application/64")).await.unwrap();
    assert_eq!(only, [entry("application/64")]);
    let asked = server.log().into_iter().rev().nth(7).unwrap();
    assert!(asked.target.ends_with("?artifactType=application%2F64"));
}

#[tokio::test]
async fn lists_without_end_are_not_read() {
    let server = paging(1011).await;
    let error = list(&server, None).await.unwrap_err();
    assert!(matches!(error, Error::Protocol { .. }), "{error}");
}

#[tokio::test]
async fn the_next_page_is_the_registrys_own_r1() {
    let other = Server::start(|_: &Request| give(&index(Vec::new()))).await;
    let link = format!("<{}>; rel=\"next\"", other.url("/x"));
    let server =
        Server::start(move |_: &Request| give(&index(Vec::new())).header("link", &link)).await;
    let error = list(&server, None).await.unwrap_err();
    assert!(matches!(error, Error::Protocol { .. }), "{error}");
    assert!(other.log().is_empty());
}

#[tokio::test]
async fn a_registry_that_keeps_no_list_is_asked_for_the_tag() {
    for status in [400, 404, 405, 406, 501, 200] {
        let server =
            Server::start(
                move |request: &Request| match request.path().contains("/referrers/") {
                    true => Reply::new(status)
                        .header("content-type", "text/html")
                        .body("<p>"),
                    false => give(&index(vec![entry("application/a")])),
                },
            )
            .await;
        assert_eq!(list(&server, None).await.unwrap(), [entry("application/a")]);
        let tag = format!("GET /v2/a/b/manifests/sha256-{}", subject().digest.hex());
        assert_eq!(server.lines()[1], tag);
    }
}

#[tokio::test]
async fn a_tag_that_is_no_list_is_not_taken_for_one() {
    let server = Server::start(
        |request: &Request| match request.path().contains("/referrers/") {
            true => Reply::new(404),
            false => give(&attachment("application/a")),
        },
    )
    .await;
    let error = list(&server, None).await.unwrap_err();
    assert!(matches!(error, Error::Manifest { .. }), "{error}");
}

/// What the tag names.
type List = Mutex<Option<Manifest>>;

/// A registry of manifests that keeps no list. `meanwhile` is what another does to the tag before it is read for the first time,
/// the second, and so on.
struct Tagged {
    server: Server,
    list: Arc<List>,
}

impl Tagged {
    async fn start(meanwhile: impl Fn(usize, &List) + Send + Sync + 'static) -> Self {
        let list: Arc<List> = Arc::default();
        let kept = list.clone();
        let reads = AtomicUsize::new(0);
        let server = Server::start(move |request: &Request| {
            let tag = request.path().contains("/manifests/sha256-");
            let put = |manifest: &Manifest| {
                Reply::new(201).header("docker-content-digest", manifest.descriptor.digest)
            };
            let sent = || {
                let kind = request.header("content-type").unwrap();
                Manifest::new(kind, request.body.clone())
            };
            match request.method.as_str() {
                "PUT" if tag => {
                    *kept.lock().unwrap() = Some(sent());
                    put(&sent())
                }
                "PUT" => put(&sent()),
                _ if tag => {
                    meanwhile(reads.fetch_add(1, Ordering::Relaxed), &kept);
                    kept.lock().unwrap().as_ref().map_or(Reply::new(404), give)
                }
                _ => Reply::new(404),
            }
        })
        .await;
        Self { server, list }
    }

    fn kinds(&self) -> Vec<String> {
        let list = self.list.lock().unwrap().clone().unwrap();
        let index: Index = serde_json::from_slice(&list.bytes).unwrap();
        let kinds = index
            .manifests
            .into_iter()
            .map(|one| one.artifact_type.unwrap());
        let mut kinds: Vec<String> = kinds.collect();
        kinds.sort();
        kinds
    }

    async fn attach(&self, kinds: &[&str]) -> Result<Listed, Error> {
        let manifests: Vec<Manifest> = kinds.iter().map(|kind| attachment(kind)).collect();
        let reference = reference(&self.server, "a/b");
        let client = client(&self.server);
        client
            .attach(&reference, subject().digest, &manifests)
            .await
    }
}

#[tokio::test]
async fn several_are_attached_by_one_write_of_the_tag_and_again_by_none() {
    let registry = Tagged::start(|_, _| {}).await;
    assert_eq!(
        registry.attach(&["a/1", "a/2"]).await.unwrap(),
        Listed::ByTag
    );
    assert_eq!(registry.kinds(), ["a/1", "a/2"]);
    let writes = |registry: &Tagged| {
        let lines = registry.server.lines();
        lines
            .iter()
            .filter(|line| line.starts_with("PUT /v2/a/b/manifests/sha256-"))
            .count()
    };
    assert_eq!(writes(&registry), 1);
    registry.attach(&["a/2"]).await.unwrap();
    assert_eq!(writes(&registry), 1);
}

#[tokio::test]
async fn an_entry_that_another_writer_loses_is_put_back_g5() {
    // At once after our write, and later, when it had been there for a while.
    for read in [1, 2] {
        let registry = Tagged::start(move |number, list| {
            if number == read {
                *list.lock().unwrap() = Some(index(vec![entry("other/1")]));
            }
        })
        .await;
        registry.attach(&["a/1"]).await.unwrap();
        assert_eq!(registry.kinds(), ["a/1", "other/1"], "read {read}");
    }
}

#[tokio::test]
async fn entries_of_others_that_were_seen_are_put_back_too_g5() {
    let registry = Tagged::start(|number, list| {
        *list.lock().unwrap() = match number {
            0 => Some(index(vec![entry("other/1")])),
            1 => Some(index(vec![entry("other/2")])),
            _ => return,
        };
    })
    .await;
    registry.attach(&["a/1"]).await.unwrap();
    assert_eq!(registry.kinds(), ["a/1", "other/1", "other/2"]);
}

#[tokio::test]
async fn writers_without_end_are_told_of() {
    let registry = Tagged::start(|_, list| {
        *list.lock().unwrap() = Some(index(vec![entry("other/1")]));
    })
    .await;
    let error = registry.attach(&["a/1"]).await.unwrap_err();
    assert!(matches!(error, Error::Contended { .. }), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_writers_at_once_lose_nothing_g5() {
    // Both read before either has written, and both have written before either reads again.
    let both = Barrier::new(2);
    let registry = Tagged::start(move |number, _| {
        if number < 4 {
            // Whoever waits so that others can go on must not keep a thread from their tasks.
            tokio::task::block_in_place(|| both.wait());
        }
    })
    .await;
    let (one, two) = tokio::join!(registry.attach(&["a/1"]), registry.attach(&["a/2"]));
    assert_eq!(one.unwrap(), Listed::ByTag);
    assert_eq!(two.unwrap(), Listed::ByTag);
    assert_eq!(registry.kinds(), ["a/1", "a/2"]);
}

#[tokio::test]
async fn a_registry_that_keeps_a_list_needs_no_tag_r6() {
    let server = Server::start(|request: &Request| {
        Reply::new(201)
            .header("docker-content-digest", Digest::of(&request.body))
            .header("oci-subject", subject().digest)
    })
    .await;
    let client = client(&server);
    let listed = client
        .attach(
            &reference(&server, "a/b"),
            subject().digest,
            &[attachment("a/1")],
        )
        .await;
    assert_eq!(listed.unwrap(), Listed::ByRegistry);
    let path = format!(
        "PUT /v2/a/b/manifests/{}",
        attachment("a/1").descriptor.digest
    );
    assert_eq!(server.lines(), [path]);
}

#[tokio::test]
async fn only_what_has_the_subject_is_attached_to_it() {
    let server = Server::start(|_: &Request| Reply::new(500)).await;
    let client = client(&server);
    for other in [Digest::of("other"), attachment("a/1").descriptor.digest] {
        let attached = client
            .attach(&reference(&server, "a/b"), other, &[attachment("a/1")])
            .await;
        assert!(matches!(attached, Err(Error::Subject { .. })));
    }
    assert!(server.log().is_empty());
}
