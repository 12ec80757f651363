//! `[signing]`.

use insta::assert_snapshot;

use super::{DOCKERFILE_SERVICE, PIPELINE, files, load, report};
use crate::{Catalog, Identity, InvalidIdentity, MemoryFiles, SignatureFormat, Signer, Signing};

const WORKFLOW: &str = "https://github.com/acme/shop/.github/workflows/deliver.yml@refs/heads/main";

fn with(table: &str) -> MemoryFiles {
    files(&[("web", DOCKERFILE_SERVICE)])
        .with("cosign.pub", "")
        .with("sigstore/trusted_root.json", "{}")
        .with("sigstore/signing_config.json", "{}")
        .with("pipeline.toml", format!("{PIPELINE}[signing]\n{table}"))
}

fn signing(table: &str) -> Signing {
    let catalog: Catalog = load(&with(table));
    catalog.signing().clone()
}

fn fault(table: &str) -> String {
    report(&with(table))
}

#[test]
fn without_the_table_both_formats_are_made_and_nobody_is_named() {
    let catalog = load(&files(&[("web", DOCKERFILE_SERVICE)]));
    assert_eq!(catalog.signing(), &Signing::default());
    assert_eq!(catalog.signing().formats, SignatureFormat::ALL.into());
    assert_eq!(catalog.signing().signer, None);
}

#[test]
fn an_identity_is_that_of_github_unless_another_issuer_is_named() {
    let github = signing(&format!("identity = \"{WORKFLOW}\"\n"));
    let Some(Signer::Identity(identity)) = github.signer else {
        panic!("{github:?}");
    };
    assert_eq!(
        (identity.issuer(), identity.identity()),
        ("https://token.actions.githubusercontent.com", WORKFLOW)
    );
    let other = signing(
        "identity = \"ci+main@acme.example\"\nissuer = \"https://accounts.acme.example\"\n",
    );
    let expected = Identity::new("https://accounts.acme.example", "ci+main@acme.example").unwrap();
    assert_eq!(other.signer, Some(Signer::Identity(expected)));
}

#[test]
fn every_key_arrives() {
    let signing = signing(
        "key = \"cosign.pub\"\nplatforms = true\nformats = [\"legacy\"]\n\
         trusted-root = \"sigstore/trusted_root.json\"\nsigning-config = \"sigstore/signing_config.json\"\n",
    );
    let Some(Signer::Key(key)) = &signing.signer else {
        panic!("{signing:?}");
    };
    assert_eq!(key.written(), "cosign.pub");
    assert!(signing.platforms);
    assert_eq!(signing.formats, [SignatureFormat::Legacy].into());
    let root = signing.trusted_root.unwrap();
    assert_eq!(root.written(), "sigstore/trusted_root.json");
    let config = signing.signing_config.unwrap();
    assert_eq!(config.written(), "sigstore/signing_config.json");
}

/// G6.
#[test]
fn g6_patterns_and_nothing_are_no_identity() {
    assert_snapshot!(fault("identity = \".*\"\n"), @r#"
    error: `.*` cannot be the `identity` of the signer
     --> pipeline.toml:8:12
      |
    8 | identity = ".*"
      |            ^^^^
      = help: it is a pattern, and somebody else could match it

    the catalog has 1 error
    "#);
    assert_snapshot!(fault("identity = \"\"\n"), @r#"
    error: `` cannot be the `identity` of the signer
     --> pipeline.toml:8:12
      |
    8 | identity = ""
      |            ^^
      = help: it is empty, and whoever can sign would do

    the catalog has 1 error
    "#);
    assert_snapshot!(fault(&format!("issuer = \"https://.+\"\nidentity = \"{WORKFLOW}\"\n")), @r#"
    error: `https://.+` cannot be the `issuer` of the signer
     --> pipeline.toml:8:10
      |
    8 | issuer = "https://.+"
      |          ^^^^^^^^^^^^
      = help: it is a pattern, and somebody else could match it

    the catalog has 1 error
    "#);
}

/// G6: every usual way to write "whoever".
#[test]
fn g6_no_pattern_is_taken_for_a_signer() {
    let issuer = "https://accounts.acme.example";
    for pattern in [
        ".*",
        "*",
        "^https://github.com/acme/.*$",
        "https://github.com/acme/shop/.+",
        "https://github.com/acme/?",
        "https://github.com/acme/(shop|cart)",
        "https://github.com/[a-z]",
        "https://github.com/acme/shop$",
        "https://github\\.com/acme",
        "a@acme.example|b@acme.example",
        "https://github.com/acme/{shop}",
        " ",
    ] {
        assert_eq!(
            Identity::new(issuer, pattern),
            Err(InvalidIdentity::Pattern),
            "{pattern}"
        );
        assert_eq!(
            Identity::new(pattern, "ci@acme.example"),
            Err(InvalidIdentity::Pattern),
            "{pattern}"
        );
    }
    assert_eq!(
        Identity::new("", "ci@acme.example"),
        Err(InvalidIdentity::Empty)
    );
    assert_eq!(
        Identity::new("acme.example", "ci@acme.example"),
        Err(InvalidIdentity::Issuer)
    );
    for odd in [
        "acme",
        "a@b",
        "a@b.example/c",
        "@acme.example",
        "://x",
        "https://",
    ] {
        assert_eq!(
            Identity::new(issuer, odd),
            Err(InvalidIdentity::Identity),
            "{odd}"
        );
    }
}

#[test]
fn github_vouches_for_workflows_of_one_reference() {
    assert_snapshot!(fault("identity = \"https://github.com/acme/shop/.github/workflows/deliver.yml\"\n"), @r#"
    error: `https://github.com/acme/shop/.github/workflows/deliver.yml` cannot be the `identity` of the signer
     --> pipeline.toml:8:12
      |
    8 | identity = "https://github.com/acme/shop/.github/workflows/deliver.yml"
      |            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      = help: GitHub vouches for workflows: `https://github.com/OWNER/REPOSITORY/.github/workflows/FILE@refs/heads/BRANCH`

    the catalog has 1 error
    "#);
    for odd in [
        "ci@acme.example",
        "https://github.com/acme",
        "https://github.com/shop/.github/workflows/deliver.yml@refs/heads/main",
        "https://github.com/acme/shop/.github/workflows/deliver.yml@",
        "https://github.com/acme/shop/.github/workflows/@refs/heads/main",
        "https://gitlab.com/acme/shop/.github/workflows/deliver.yml@refs/heads/main",
    ] {
        let fault = Identity::new(crate::GITHUB_ISSUER, odd);
        assert_eq!(fault, Err(InvalidIdentity::Workflow), "{odd}");
    }
}

#[test]
fn either_a_key_or_an_identity_verifies() {
    assert_snapshot!(fault(&format!("key = \"cosign.pub\"\nidentity = \"{WORKFLOW}\"\n")), @r#"
    error: `identity` means nothing with `key`
     --> pipeline.toml:9:12
      |
    9 | identity = "https://github.com/acme/shop/.github/workflows/deliver.yml@refs/heads/main"
      |            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      = help: either a key verifies, or the identity that a certificate names

    the catalog has 1 error
    "#);
}

#[test]
fn files_exist_and_formats_are_some() {
    assert_snapshot!(fault("key = \"cosign.pup\"\nformats = []\ntrusted-root = \"../root.json\"\n"), @r#"
    error: there is no file `cosign.pup`
     --> pipeline.toml:8:7
      |
    8 | key = "cosign.pup"
      |       ^^^^^^^^^^^^
      = help: there is `cosign.pub`

    error: `formats` must not be empty
     --> pipeline.toml:9:11
      |
    9 | formats = []
      |           ^^
      = help: leave it out for both, `bundle` and `legacy`

    error: the path leaves the catalog root
      --> pipeline.toml:10:16
       |
    10 | trusted-root = "../root.json"
       |                ^^^^^^^^^^^^^^
       = help: the catalog root is the folder of `pipeline.toml`; what a build reads is inside

    the catalog has 3 errors
    "#);
    assert_snapshot!(fault("formats = [\"bundle\", \"bundel\"]\n"), @r#"
    error: `signing.formats` cannot be `bundel`
     --> pipeline.toml:8:22
      |
    8 | formats = ["bundle", "bundel"]
      |                      ^^^^^^^^
      = help: did you mean `bundle`?

    the catalog has 1 error
    "#);
    assert_snapshot!(fault("formats = [\"bundle\", \"bundle\"]\n"), @r#"
    error: the format is listed twice
     --> pipeline.toml:8:22
      |
    8 | formats = ["bundle", "bundle"]
      |                      ^^^^^^^^

    the catalog has 1 error
    "#);
}
