//! Tests of `services`: what trust roots and signing configs are taken to say.

use ci_http::{Options, Proxies};
use serde_json::{Value, json};

use super::*;

fn services(config: &Value) -> Result<Services, Error> {
    let options = Options {
        proxies: Proxies::default(),
        ..Options::default()
    };
    let root = json!({ "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1" });
    let http = Http::new(&options).unwrap();
    Services::from_json(&http, &root.to_string(), &config.to_string())
}

fn endpoint(url: &str, version: u32, operator: Option<&str>, until: &str) -> Value {
    json!({
        "url": url,
        "majorApiVersion": version,
        "operator": operator,
        "validFor": { "start": "2020-01-01T00:00:00Z", "end": until },
    })
}

fn config(rekor: &[Value], selection: &Value) -> Value {
    json!({
        "mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json",
        "rekorTlogUrls": rekor,
        "rekorTlogConfig": selection,
        "tsaConfig": { "selector": "ANY" },
    })
}

#[test]
fn services_whose_time_is_over_or_whose_version_is_not_spoken_are_not_used() {
    let (past, later) = ("2021-01-01T00:00:00Z", "2999-01-01T00:00:00Z");
    let rekor = [
        endpoint("https://old.example", 1, None, past),
        endpoint("https://new.example", 3, None, later),
        endpoint("https://two.example", 2, None, later),
        endpoint("https://one.example", 1, None, later),
    ];
    let services = services(&config(&rekor, &json!({ "selector": "ANY" }))).unwrap();
    assert_eq!(services.rekor.v1.as_deref(), Some("https://one.example"));
    assert_eq!(services.rekor.v2.as_deref(), Some("https://two.example"));
    assert_eq!(services.fulcio, None);
}

#[test]
fn an_instance_that_wants_more_than_one_is_not_served_with_less() {
    let later = "2999-01-01T00:00:00Z";
    let of = |operators: [&str; 2]| {
        operators.map(|name| endpoint(&format!("https://{name}.example"), 1, Some(name), later))
    };
    let (one, two) = (of(["a", "a"]), of(["a", "b"]));
    for (rekor, selection, served) in [
        (&two, json!({ "selector": "ANY" }), true),
        (&two, json!({ "selector": "EXACT", "count": 1 }), true),
        (&two, json!({ "selector": "EXACT", "count": 2 }), false),
        (&two, json!({ "selector": "ALL" }), false),
        (&one, json!({ "selector": "ALL" }), true),
        (
            &two,
            json!({ "selector": "SERVICE_SELECTOR_UNDEFINED" }),
            false,
        ),
        (
            &one,
            json!({ "selector": "SERVICE_SELECTOR_UNDEFINED" }),
            true,
        ),
    ] {
        let services = services(&config(rekor, &selection));
        assert_eq!(services.is_ok(), served, "{selection}");
        if let Err(error) = services {
            insta::allow_duplicates! {
                insta::assert_snapshot!(error, @"the signing config: it asks for 2 of the transparency log (Rekor), and one is used");
            }
        }
    }
}

#[test]
fn files_that_are_something_else_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let (root, other) = (folder.path().join("root.json"), folder.path().join("other"));
    std::fs::write(&root, "{}").unwrap();
    let http = Http::new(&Options::default()).unwrap();
    let missing = Services::from_files(&http, &root, &other)
        .unwrap_err()
        .to_string();
    assert!(missing.contains("other: No such file"), "{missing}");
    let wrong = Services::from_files(&http, &root, &root)
        .unwrap_err()
        .to_string();
    assert!(wrong.contains("root.json: "), "{wrong}");
}

#[tokio::test]
async fn the_public_sigstore_is_told_of_when_it_cannot_be_reached() {
    // Everything goes through a proxy that nobody is at.
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", nobody.local_addr().unwrap());
    drop(nobody);
    let proxies = Proxies {
        http: Some(address.clone()),
        https: Some(address),
        except: String::new(),
    };
    let options = Options {
        proxies,
        ..Options::default()
    };
    let http = Http::new(&options).unwrap();
    let error = Services::public(&http, None).await.unwrap_err();
    let text = error.to_string();
    let (begins, ends) = (
        "the public Sigstore's trust root: TUF error: ",
        "Connection refused (os error 111)",
    );
    assert!(text.starts_with(begins) && text.ends_with(ends), "{text}");
}
