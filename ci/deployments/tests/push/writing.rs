//! One promotion at a time.

use ci_deployments::git::{Credential, GitError, Outcome};
use ci_deployments::{Entry, Refused};

use crate::repository::{Repository, candidate, kustomization, promote};
use crate::server::Server;

fn web() -> Repository {
    let (path, content) = kustomization("web");
    Repository::new(&[
        (&path, &content),
        ("README.md", "not read\n"),
        ("bin/run", "x\n"),
    ])
}

const PATH: &str = "overlays/production/web/kustomization.yaml";

#[tokio::test]
async fn a_promotion_is_one_commit_that_changes_its_files_only() {
    let repository = web();
    let before = repository.git(&["rev-parse", "main"]);
    let outcome = promote(&repository.writer("a"), candidate("web", 7), || ())
        .await
        .unwrap();
    let Outcome::Written { commit, promotion } = outcome else {
        panic!("{outcome:?}");
    };
    assert_eq!(repository.git(&["rev-parse", "main"]).trim(), commit);
    assert_eq!(repository.git(&["rev-parse", "main^"]), before);
    let changed = repository.git(&["diff", "--name-status", "main^", "main"]);
    assert_eq!(
        changed,
        format!("A\t.promotions/production/web.toml\nM\t{PATH}\n")
    );
    let digest = promotion.moves[0].after.image.digest;
    let expected = format!("images:\n- name: ghcr.io/acme/web # pinned\n  digest: {digest}\n");
    assert_eq!(repository.file(PATH), expected);
    let log = repository.git(&["log", "-1", "--format=%an <%ae> %cn %at %ai%n%B", "main"]);
    assert!(log.starts_with("Pipeline <pipeline@example.com> Pipeline 1767323045 2026-01-02 03:04:05 +0000\nPromote web to production\n"), "{log}");
    let trailers = repository.git(&[
        "log",
        "-1",
        "--format=%(trailers:key=Promotion-Environment,valueonly)",
        "main",
    ]);
    assert_eq!(trailers.trim(), "production");
    repository.git(&["fsck", "--strict"]);

    let again = promote(&repository.writer("a"), candidate("web", 7), || ())
        .await
        .unwrap();
    assert!(matches!(again, Outcome::Done(_)));
    assert_eq!(repository.git(&["rev-parse", "main"]).trim(), commit);
}

#[tokio::test]
async fn the_same_promotion_is_the_same_commit_on_every_machine() {
    let commit = async |machine: &str| {
        let repository = web();
        let when = ["-c", "user.name=x", "log", "-1", "--format=%T", "main"];
        let outcome = promote(&repository.writer(machine), candidate("web", 7), || ()).await;
        assert!(matches!(outcome, Ok(Outcome::Written { .. })));
        (
            repository.git(&when),
            repository.git(&["cat-file", "commit", "main"]).len(),
        )
    };
    assert_eq!(commit("a").await, commit("b").await);
}

#[tokio::test]
async fn a_branch_that_moves_meanwhile_is_planned_on_anew_p4() {
    let repository = web();
    let calls = std::cell::Cell::new(0);
    let outcome = promote(&repository.writer("a"), candidate("web", 7), || {
        calls.set(calls.get() + 1);
        if calls.get() < 3 {
            repository.commit(&[("README.md", &format!("edit {}\n", calls.get()))]);
        }
    })
    .await;
    assert!(
        matches!(outcome, Ok(Outcome::Written { .. })),
        "{outcome:?}"
    );
    assert_eq!(calls.get(), 3);
    assert_eq!(repository.file("README.md"), "edit 2\n");
    assert_eq!(repository.git(&["rev-list", "--count", "main"]).trim(), "4");
}

#[tokio::test]
async fn a_branch_that_is_deleted_meanwhile_does_not_come_back_p4() {
    let repository = web();
    let outcome = promote(&repository.writer("a"), candidate("web", 7), || {
        if repository.git(&["branch"]).contains("main") {
            repository.git(&["update-ref", "-d", "refs/heads/main"]);
        }
    })
    .await;
    let error = outcome.unwrap_err();
    assert!(matches!(error, GitError::NoBranch { .. }), "{error}");
    assert_eq!(repository.git(&["branch"]), "");
}

#[tokio::test]
async fn a_server_that_says_no_is_asked_once() {
    let repository = web();
    let hook = repository.path().join("hooks/pre-receive");
    let count = repository.folder().join("count");
    let script = format!(
        "#!/bin/sh\necho x >> {}\nprintf 'only on \\033[1mMondays\\n' >&2\nexit 1\n",
        count.display()
    );
    std::fs::write(&hook, script).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&hook, mode).unwrap();
    let error = promote(&repository.writer("a"), candidate("web", 7), || ())
        .await
        .unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, GitError::Rejected { .. }), "{text}");
    assert!(
        text.contains("only on") && !text.contains('\u{1b}'),
        "{text}"
    );
    assert_eq!(std::fs::read_to_string(count).unwrap(), "x\n");
}

#[tokio::test]
async fn a_refused_plan_writes_nothing_p5() {
    let repository = web();
    promote(&repository.writer("a"), candidate("web", 7), || ())
        .await
        .unwrap();
    let before = repository.git(&["rev-parse", "main"]);
    let error = promote(&repository.writer("b"), candidate("web", 6), || ())
        .await
        .unwrap_err();
    assert!(
        matches!(error, GitError::Refused(Refused::Stale { .. })),
        "{error}"
    );
    let error = promote(&repository.writer("b"), candidate("api", 8), || ())
        .await
        .unwrap_err();
    let text = error.to_string();
    assert!(
        text.ends_with("there are:\n  overlays/production/web"),
        "{text}"
    );
    assert_eq!(repository.git(&["rev-parse", "main"]), before);
}

#[tokio::test]
async fn a_cache_that_a_kill_left_behind_is_used_again() {
    let repository = web();
    let writer = repository.writer("a");
    promote(&writer, candidate("web", 7), || ()).await.unwrap();
    let cache = std::fs::read_dir(&writer.cache)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.is_dir())
        .unwrap();
    for lock in ["shallow.lock", "config.lock", "refs/pipeline/main.lock"] {
        std::fs::write(cache.join(lock), "").unwrap();
    }
    promote(&writer, candidate("web", 8), || ()).await.unwrap();
    // An unfinished one, and one whose objects are gone.
    std::fs::remove_file(cache.join("pipeline")).unwrap();
    std::fs::remove_file(cache.join("HEAD")).unwrap();
    promote(&writer, candidate("web", 9), || ()).await.unwrap();
    std::fs::write(cache.join("HEAD"), "").unwrap();
    promote(&writer, candidate("web", 10), || ()).await.unwrap();
    assert_eq!(repository.git(&["rev-list", "--count", "main"]).trim(), "5");
}

#[tokio::test]
async fn a_password_goes_to_the_server_and_into_no_message_s1() {
    let repository = web();
    let server = Server::start(repository.folder(), Some("Basic dTpodW50ZXIy"));
    let address = format!("{}/deployments.git", server.address);
    let credential = |secret: &str| Credential {
        user: "u".into(),
        secret: secret.into(),
    };
    let writer = repository.writer_to(&address, Some(credential("wrong3")), "a");
    let error = promote(&writer, candidate("web", 7), || ())
        .await
        .unwrap_err();
    let text = format!("{error} {error:?} {writer:?}");
    assert!(
        !text.contains("wrong3") && !text.contains("Basic"),
        "{text}"
    );
    assert!(
        text.contains("Authentication failed") || text.contains("could not read"),
        "{text}"
    );

    let writer = repository.writer_to(&address, Some(credential("hunter2")), "a");
    let outcome = promote(&writer, candidate("web", 7), || ()).await;
    assert!(
        matches!(outcome, Ok(Outcome::Written { .. })),
        "{outcome:?}"
    );
    // Nothing of it stays on the disk.
    let found = std::process::Command::new("grep")
        .args(["-r", "-l", "-e", "hunter2", "-e", "dTpodW50ZXIy"])
        .arg(repository.folder().join("cache"))
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&found.stdout), "");
}

#[tokio::test]
async fn names_that_are_no_branches_never_reach_git_p1() {
    let repository = web();
    for branch in ["--all", "-d", "a..b", ""] {
        let mut writer = repository.writer("a");
        writer.branch = branch.into();
        let error = promote(&writer, candidate("web", 7), || ())
            .await
            .unwrap_err();
        assert!(matches!(error, GitError::Branch(_)), "{error}");
    }
}

#[tokio::test]
async fn many_files_are_read_at_once_and_as_they_are() {
    let name = |number: usize| format!("files/{number}");
    // Of every length, with line ends at every place; the empty one and two that are the same among them.
    let content = |number: usize| "\nx".repeat(number / 2 * 37);
    let files: Vec<(String, String)> = (0..40).map(|it| (name(it), content(it))).collect();
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(it, content)| (&**it, &**content))
        .collect();
    let repository = Repository::new(&files);
    let writer = repository.writer("a");
    let missing = ["files/x", "files/y", "nowhere/x"].map(str::to_owned);
    // The second time some of them are there.
    for count in [7, 40] {
        let paths = (0..count).map(name).chain(missing.clone()).collect();
        let (_, contents) = writer.read(&paths).await.unwrap();
        for number in 0..count {
            let expected = Entry::file(content(number));
            assert_eq!(*contents.get(&name(number)), expected, "{number}");
        }
        let Entry::Missing { nearby } = contents.get("files/y") else {
            panic!("{contents:?}");
        };
        assert_eq!(nearby.len(), 12);
    }
}
