//! What people read.

use super::*;
use crate::stages::status::{Instance, Since};

fn service(name: &str, digests: &[&str], instances: Option<Vec<Instance>>) -> Service {
    Service {
        name: name.into(),
        pinned: Pinned {
            digests: digests.iter().map(Digest::of).collect(),
            commit: None,
            by_hand: false,
        },
        since: None,
        instances,
    }
}

fn environments() -> Vec<Environment> {
    let instance = |number: u8, answer: Result<String, &str>| Instance {
        address: format!("https://web-{number}.example.com/"),
        good: answer.is_ok(),
        answer: answer.unwrap_or_else(str::to_owned),
    };
    let mut web = service(
        "web",
        &["new"],
        Some(vec![
            instance(1, Ok(Digest::of("new").to_string())),
            instance(2, Ok("commit 0123456".into())),
            instance(3, Err("not ready: status 503")),
        ]),
    );
    web.pinned.commit = Some("0123456789".repeat(4));
    web.since = Some(Since {
        commit: "fedcba9876".repeat(4),
        time: "2026-01-02T03:04:05Z".into(),
    });
    let mut by_hand = service("worker", &["new", "old"], None);
    by_hand.pinned.by_hand = true;
    let environment = |name: &str, services| Environment {
        name: name.into(),
        repository: "https://github.com/acme/deployments".into(),
        branch: "main".into(),
        services,
    };
    vec![
        environment(
            "production",
            vec![
                service("migrator", &["new"], Some(Vec::new())),
                web,
                by_hand,
            ],
        ),
        environment("staging", vec![service("web", &[], None)]),
    ]
}

#[test]
fn every_instance_has_a_line() {
    insta::assert_snapshot!(human(&environments(), Paint::new(false)), @r"
    ENVIRONMENT  SERVICE   PINNED                                       COMMIT           SINCE                           INSTANCE                    ANSWER
    production   migrator  sha256:11507a0e2f5e                          not known
                 web       sha256:11507a0e2f5e                          012345678901     2026-01-02T03:04:05Z (fedcba9)  https://web-1.example.com/  runs sha256:11507a0e2f5e
                                                                                                                         https://web-2.example.com/  runs commit 0123456
                                                                                                                         https://web-3.example.com/  not ready: status 503
                 worker    sha256:11507a0e2f5e and sha256:cba06b5736fa  changed by hand                                                              not asked
    staging      web       nothing                                                                                                                   not asked
    ");
}
