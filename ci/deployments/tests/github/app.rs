//! Apps: a signed claim, and a token for one repository and two rights.

use std::path::Path;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ci_deployments::github::{Auth, Repository};
use ci_deployments::{MergeMethod, PullRequestError};
use serde_json::{Value, json};

use crate::world::{assert_promotes, github, opened, promote, writer};

/// What openssl prints; nothing where it is not installed.
fn openssl(dir: &Path, arguments: &[&str]) -> Option<String> {
    let output = Command::new("openssl")
        .args(arguments)
        .current_dir(dir)
        .output();
    let Ok(output) = output else {
        eprintln!("skipped: there is no openssl");
        return None;
    };
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[tokio::test]
async fn an_app_proves_itself_and_asks_for_no_more_than_it_needs() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path();
    let Some(pkcs1) = openssl(dir, &["genrsa", "-traditional", "2048"]) else {
        return;
    };
    std::fs::write(dir.join("key.pem"), &pkcs1).unwrap();
    let pkcs8 = openssl(dir, &["pkcs8", "-topk8", "-nocrypt", "-in", "key.pem"]).unwrap();
    openssl(
        dir,
        &["rsa", "-in", "key.pem", "-pubout", "-out", "public.pem"],
    )
    .unwrap();
    for key in [pkcs1, pkcs8] {
        let github = github();
        let mut writer = writer(&github);
        writer.auth = Auth::App {
            id: "Iv23abc".into(),
            key,
        };
        opened(promote(&writer, 7).await);
        assert_promotes(&github, 7);
        let app = github.state().app.clone();
        let token = app[0].as_str().unwrap().strip_prefix("Bearer ").unwrap();
        let (signed, signature) = token.rsplit_once('.').unwrap();
        std::fs::write(dir.join("signed"), signed).unwrap();
        std::fs::write(
            dir.join("signature"),
            URL_SAFE_NO_PAD.decode(signature).unwrap(),
        )
        .unwrap();
        let verified = openssl(
            dir,
            &[
                "dgst",
                "-sha256",
                "-verify",
                "public.pem",
                "-signature",
                "signature",
                "signed",
            ],
        );
        assert_eq!(verified.unwrap().trim(), "Verified OK");
        let claims = URL_SAFE_NO_PAD
            .decode(signed.split('.').nth(1).unwrap())
            .unwrap();
        let claims: Value = serde_json::from_slice(&claims).unwrap();
        assert_eq!(
            claims,
            json!({ "iat": 1_767_322_985, "exp": 1_767_323_585, "iss": "Iv23abc" })
        );
        assert_eq!(
            app[1],
            json!({ "repositories": ["deployments"], "permissions": { "contents": "write", "pull_requests": "write" } })
        );
    }
}

#[tokio::test]
async fn what_is_no_key_is_refused_without_showing_it_s1() {
    let github = github();
    for key in [
        "hunter2",
        "-----BEGIN PRIVATE KEY-----\nhunter2",
        "-----BEGIN PRIVATE KEY-----\nhunter2!\n-----END PRIVATE KEY-----",
        "-----BEGIN RSA PRIVATE KEY-----\naHVudGVyMg==\n-----END RSA PRIVATE KEY-----",
    ] {
        let mut writer = writer(&github);
        writer.auth = Auth::App {
            id: "1".into(),
            key: key.into(),
        };
        let error = promote(&writer, 7).await.unwrap_err();
        assert!(matches!(error, PullRequestError::Key(_)), "{error}");
        let text = format!("{error:?} {writer:?}");
        assert!(
            !text.contains("hunter2") && !text.contains("aHVu"),
            "{text}"
        );
    }
}

#[tokio::test]
async fn an_enterprise_server_is_asked_below_its_folders() {
    let github = github();
    let mut writer = writer(&github);
    let (rest, graphql) = (
        format!("{}/api/v3", github.address),
        format!("{}/api/graphql", github.address),
    );
    writer.repository = Repository::with_interface("acme", "deployments", &rest, &graphql).unwrap();
    writer.policy.auto_merge = Some(MergeMethod::Merge);
    let (.., warnings) = opened(promote(&writer, 7).await);
    assert_eq!(warnings, [""; 0]);
    assert_promotes(&github, 7);
}
