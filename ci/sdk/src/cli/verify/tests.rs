//! Who is asked for, by the command line and the catalog.

use std::path::Path;

use ci_catalog::{Catalog, GITHUB_ISSUER, Identity, MemoryFiles};
use clap::Parser;

use super::*;
use crate::stages::verify::Who;

#[derive(Debug, Parser)]
struct Line {
    #[command(flatten)]
    verify: Verify,
}

const WORKFLOW: &str = "https://github.com/acme/shop/.github/workflows/deliver.yml@refs/heads/main";

fn parse(args: &[&str]) -> Result<Verify, clap::Error> {
    let args = ["verify", "ghcr.io/acme/shop:1"].iter().chain(args);
    Ok(Line::try_parse_from(args)?.verify)
}

fn catalog(signing: &str) -> Catalog {
    let text = format!(
        "[project]\nname = \"shop\"\nregistry = \"ghcr.io/acme\"\nservices = []\n{signing}"
    );
    let files = MemoryFiles::new()
        .with("pipeline.toml", text)
        .with("cosign.pub", "")
        .with("root.json", "{}");
    Catalog::from_files(Path::new("/shop"), &files).unwrap()
}

fn identity(issuer: &str, identity: &str) -> Who {
    Who::Identity(Identity::new(issuer, identity).unwrap())
}

#[test]
fn the_catalog_names_the_signer_and_the_command_line_has_its_way() {
    let declared = catalog("[signing]\nkey = \"cosign.pub\"\ntrusted-root = \"root.json\"\n");
    let demand = parse(&[]).unwrap().demand(Some(&declared)).unwrap();
    assert_eq!(demand.who, Who::Key("/shop/cosign.pub".into()));
    assert_eq!(demand.trusted_root, Some("/shop/root.json".into()));
    let verify = parse(&[
        "--identity",
        WORKFLOW,
        "--commit",
        "0123",
        "--trusted-root",
        "other.json",
    ]);
    let demand = verify.unwrap().demand(Some(&declared)).unwrap();
    assert_eq!(demand.who, identity(GITHUB_ISSUER, WORKFLOW));
    assert_eq!(demand.commit.as_deref(), Some("0123"));
    assert_eq!(demand.trusted_root, Some("other.json".into()));
    let verify = parse(&[
        "--identity",
        "ci@acme.example",
        "--issuer",
        "https://accounts.acme.example",
    ]);
    let demand = verify.unwrap().demand(None).unwrap();
    assert_eq!(
        demand.who,
        identity("https://accounts.acme.example", "ci@acme.example")
    );
}

/// G6: neither nobody nor everybody is a signer.
#[test]
fn g6_somebody_has_to_be_named() {
    let error = |args: &[&str], catalog| {
        let error = parse(args).unwrap().demand(catalog).unwrap_err();
        eyre::Report::from(error).to_string()
    };
    assert_eq!(error(&[], None), "nobody is named whose signatures count");
    let silent = catalog("");
    assert_eq!(
        error(&[], Some(&silent)),
        "nobody is named whose signatures count"
    );
    insta::assert_snapshot!(error(&["--identity", ".*"], None), @"--identity with its issuer: it is a pattern, and somebody else could match it");
}

#[test]
fn what_contradicts_itself_is_refused() {
    for args in [
        &["--identity", WORKFLOW, "--key", "cosign.pub"][..],
        &["--issuer", "https://accounts.acme.example"],
        &["--key", "cosign.pub", "--commit", "0123"],
        &["--matrix", "--as", "cosign3"],
        &["--as", "cosign"],
    ] {
        assert!(parse(args).is_err(), "{args:?}");
    }
    assert!(Line::try_parse_from(["verify"]).is_err());
}
