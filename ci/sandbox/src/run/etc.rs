//! `/etc/resolv.conf` and `/etc/hosts`: mounted over those of the image, so that a build can resolve names and leaves none behind.

use std::fmt::Write;
use std::fs;

use crate::spec::{Network, Spec};

/// Path inside and contents.
pub(crate) fn files(spec: &Spec) -> [(&'static str, Vec<u8>); 2] {
    let shares_network = matches!(spec.network, Network::Host);
    // The host's may be a link, and may change under us: its contents count, once.
    let resolv = if shares_network {
        fs::read("/etc/resolv.conf").unwrap_or_default()
    } else {
        Vec::new()
    };
    let host = if shares_network {
        fs::read("/etc/hosts").ok()
    } else {
        None
    };
    [
        ("/etc/resolv.conf", resolv),
        ("/etc/hosts", hosts(host, spec)),
    ]
}

fn hosts(host: Option<Vec<u8>>, spec: &Spec) -> Vec<u8> {
    let mut own = String::new();
    if host.is_none() {
        own.push_str("127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n");
    }
    let _ = writeln!(own, "127.0.0.1\t{}", spec.hostname);
    for (name, address) in &spec.hosts {
        let _ = writeln!(own, "{address}\t{name}");
    }
    let mut lines = host.unwrap_or_default();
    if lines.last().is_some_and(|&last| last != b'\n') {
        lines.push(b'\n');
    }
    lines.extend_from_slice(own.as_bytes());
    lines
}
