//! Declared receivers.

use ci_http::{Http, Options, Proxies};

use super::*;
use crate::ReceiverDeclaration;

fn receiver(text: &str) -> Result<Receiver, String> {
    let options = Options {
        proxies: Proxies::default(),
        ..Options::default()
    };
    let http = Http::new(&options).unwrap();
    let declared: ReceiverDeclaration = toml::from_str(text).unwrap();
    secret_variable(&declared).map_err(|error| error.to_string())?;
    Receiver::new(&declared, "hunter2".into(), &http).map_err(|error| error.to_string())
}

#[test]
fn a_receiver_has_one_kind_and_its_keys() {
    const KEY: &str = "secret-variable = 'KEY'\n";
    for (text, expected) in [
        ("", "exactly one of"),
        (
            "dokploy = 'https://a'\nwebhook = 'https://b'",
            "exactly one of",
        ),
        ("dokploy = 'https://a'", "`dokploy` needs `compose`"),
        (
            "dokploy = 'http://a'\ncompose = 'x'",
            "begins with `https://`",
        ),
        ("dokploy = 'a'\ncompose = 'x'", "begins with `https://`"),
        ("webhook = 'ftp://localhost'", "begins with `https://`"),
        (
            "webhook = 'https://a'\nwrite = 'digest'",
            "`webhook` has no `write`",
        ),
        (
            "dokploy = 'https://a'\ncompose = 'x'\nvariable = '{SERVCE}'",
            "unknown placeholder",
        ),
    ] {
        let error = receiver(&format!("{KEY}{text}")).unwrap_err();
        assert!(error.contains(expected), "{text}: {error}");
    }
    assert!(receiver(&format!("{KEY}webhook = 'http://127.0.0.1:7/x'")).is_ok());
}

#[test]
fn secrets_are_in_the_environment_and_never_shown_s1() {
    let error = receiver("webhook = 'https://a'").unwrap_err();
    assert!(error.contains("needs `secret-variable`"), "{error}");
    for pasted in ["", "dk_live_0123", "0KEY", "A-B"] {
        let text = format!("webhook = 'https://a'\nsecret-variable = '{pasted}'");
        let error = receiver(&text).unwrap_err();
        assert!(pasted.is_empty() || !error.contains(pasted), "{error}");
    }
    let key = "secret-variable = 'DOKPLOY_KEY'\n";
    for (text, shown) in [
        (
            "dokploy = 'https://ada:pw@dokploy.example.com/'\ncompose = 'shop'",
            "shop at dokploy.example.com",
        ),
        (
            "webhook = 'https://hooks.example.com/x?token=pw'",
            "webhook of hooks.example.com",
        ),
    ] {
        let receiver = receiver(&format!("{key}{text}")).unwrap();
        assert_eq!(receiver.to_string(), shown);
        let all = format!("{receiver:?}");
        assert!(!all.contains("hunter2") && !all.contains("pw"), "{all}");
    }
}
