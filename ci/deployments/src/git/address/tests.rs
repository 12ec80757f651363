//! P1: names that git would take for commands.

use super::*;

fn parsed(text: &str) -> Result<&'static str, InvalidAddress> {
    text.parse::<Address>().map(|address| address.protocol())
}

#[test]
fn the_usual_addresses_are_understood() {
    for (text, protocol) in [
        ("https://github.com/acme/deployments.git", "https"),
        ("https://git.example.com:8443/acme/deployments", "https"),
        ("http://127.0.0.1:3000/acme/deployments", "http"),
        ("http://[::1]:3000/acme/deployments", "http"),
        ("ssh://git@git.example.com:2222/acme/deployments", "ssh"),
        ("git@github.com:acme/deployments.git", "ssh"),
        ("/srv/git/deployments.git", "file"),
        ("file:///srv/git/deployments.git", "file"),
    ] {
        assert_eq!(parsed(text), Ok(protocol), "{text}");
    }
    let address: Address = "https://git.example.com:8443/a/b".parse().unwrap();
    assert_eq!(address.origin(), Some("https://git.example.com:8443"));
}

#[test]
fn commands_options_and_secrets_are_refused_p1() {
    for (text, expected) in [
        ("ext::sh -c id", InvalidAddress::Unsafe),
        ("ext::sh", InvalidAddress::Unsafe),
        ("fd::17", InvalidAddress::Unsafe),
        ("--upload-pack=id", InvalidAddress::Unsafe),
        ("-oProxyCommand=id:x", InvalidAddress::Unsafe),
        ("ssh://-oProxyCommand=id/x", InvalidAddress::Unsafe),
        ("ssh://git@-oProxyCommand=id/x", InvalidAddress::Unsafe),
        ("git@-oProxyCommand=id:x", InvalidAddress::Unsafe),
        ("git@host:-x", InvalidAddress::Unsafe),
        ("https://host/a\nb", InvalidAddress::Unsafe),
        ("https://host/a b", InvalidAddress::Unsafe),
        ("https://u:hunter2@host/a", InvalidAddress::Secret),
        ("https://ghp_token@host/a", InvalidAddress::Secret),
        ("ssh://u:hunter2@host/a", InvalidAddress::Secret),
        ("http://git.example.com/a", InvalidAddress::Plain),
        ("http://127.0.0.1.example.com/a", InvalidAddress::Plain),
        ("git://git.example.com/a", InvalidAddress::Plain),
        ("file://host/a", InvalidAddress::Kind),
        ("ftp://host/a", InvalidAddress::Kind),
        ("https://host", InvalidAddress::Kind),
        ("../deployments", InvalidAddress::Kind),
        ("./a:b", InvalidAddress::Kind),
        ("deployments", InvalidAddress::Kind),
        ("", InvalidAddress::Kind),
    ] {
        assert_eq!(parsed(text), Err(expected), "{text}");
    }
}

#[test]
fn branches_are_names_and_no_options_p1() {
    for name in ["main", "release/1.0", "promote/production/web", "a@b", "ü"] {
        assert!(is_branch(name), "{name}");
    }
    for name in [
        "", "-d", "--all", "a..b", "a b", "a~1", "a^", "a:b", "a?", "a*", "a[", "a\\", "/a", "a/",
        "a//b", ".a", "a/.b", "a.", "a.lock", "a.lock/b", "@", "a@{1}", "a\n",
    ] {
        assert!(!is_branch(name), "{name}");
    }
}
