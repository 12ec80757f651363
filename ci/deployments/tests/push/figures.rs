//! A large deployments repository: what is read, and how long it takes.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::Instant;

use ci_deployments::Entry;
use ci_deployments::git::Outcome;

use crate::repository::{Repository, candidate, kustomization, promote};

/// Adds 1,000 services with 100 files each in one commit, without a work tree.
fn fill(repository: &Repository) {
    let mut stream = String::from(
        "commit refs/heads/main\ncommitter T <t@example.com> 1 +0000\ndata 1\nx\nfrom refs/heads/main^0\n",
    );
    for service in 0..1_000 {
        let (path, content) = kustomization(&format!("service-{service}"));
        writeln!(
            stream,
            "M 100644 inline {path}\ndata {}\n{content}",
            content.len()
        )
        .unwrap();
        for file in 0..99 {
            let content = format!("service: {service}\nfile: {file}\n");
            writeln!(
                stream,
                "M 100644 inline base/service-{service}/{file}.yaml\ndata {}\n{content}",
                content.len()
            )
            .unwrap();
        }
    }
    let mut child = Command::new("git")
        .args(["fast-import", "--quiet"])
        .current_dir(repository.path())
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(stream.as_bytes())
        .unwrap();
    assert!(child.wait().unwrap().success());
}

#[tokio::test]
#[ignore = "a measurement"]
async fn of_100_000_files_only_what_is_needed_is_read() {
    let repository = Repository::new(&[("README.md", "x\n")]);
    fill(&repository);
    let writer = repository.writer("a");
    for (what, number) in [("cold", 7), ("warm", 8), ("warm again", 9)] {
        let start = Instant::now();
        let outcome = promote(&writer, candidate("service-500", number), || ()).await;
        assert!(
            matches!(outcome, Ok(Outcome::Written { .. })),
            "{outcome:?}"
        );
        eprintln!("{what}: {} ms", start.elapsed().as_millis());
    }
    let (paths, states) = paths(["service-500".to_owned()]);
    let start = Instant::now();
    writer.read(&paths).await.unwrap();
    eprintln!("plan of one service: {} ms", start.elapsed().as_millis());
    let cache = std::fs::read_dir(&writer.cache).unwrap();
    let cache = cache
        .map(|it| it.unwrap().path())
        .find(|it| it.is_dir())
        .unwrap();
    let objects = crate::repository::git(
        &cache,
        &[
            "cat-file",
            "--batch-all-objects",
            "--batch-check=%(objecttype) %(objectsize:disk)",
        ],
    );
    let (mut blobs, mut bytes) = (0, 0_u64);
    for line in objects.lines() {
        let (kind, size) = line.split_once(' ').unwrap();
        blobs += usize::from(kind == "blob");
        bytes += size.parse::<u64>().unwrap();
    }
    eprintln!("{blobs} files and {} kB in the cache", bytes / 1_000);
    assert!(blobs < 20, "{blobs}");
    assert_eq!(writer.last_changes(&states).await.unwrap().len(), 1);

    let (paths, states) = self::paths((0..1_000).map(|number| format!("service-{number}")));
    let start = Instant::now();
    let (_, contents) = repository.writer("b").read(&paths).await.unwrap();
    eprintln!("status of all services: {} ms", start.elapsed().as_millis());
    let is_there = |path: &&String| matches!(contents.get(path), Entry::File { .. });
    assert_eq!(paths.iter().filter(is_there).count(), 1_001);
    let start = Instant::now();
    let changes = writer.last_changes(&states).await.unwrap();
    eprintln!("since when, of all: {} ms", start.elapsed().as_millis());
    assert_eq!(changes.len(), 1);
}

/// The files that say what is pinned of services, and those of the state map among them.
fn paths(services: impl IntoIterator<Item = String>) -> (BTreeSet<String>, BTreeSet<String>) {
    let states = services.into_iter().map(|service| {
        (
            format!(".promotions/production/{service}.toml"),
            kustomization(&service).0,
        )
    });
    let (states, places): (BTreeSet<_>, BTreeSet<_>) = states.unzip();
    (states.union(&places).cloned().collect(), states)
}
