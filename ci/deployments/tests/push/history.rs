//! What was pinned before, going back, and the source's own history.

use ci_deployments::git::{GitError, Outcome, SourceHistory};
use ci_deployments::{
    History, Refused, Relation, Rollback, RollbackTarget, choose, policy, rollback,
};
use ci_oci::Digest;

use crate::repository::{Repository, candidate, declaration, git, kustomization, promote};

const STATE: &str = ".promotions/production/web.toml";

async fn promoted(numbers: &[u8]) -> Repository {
    let (path, content) = kustomization("web");
    let repository = Repository::new(&[(&path, &content)]);
    for number in numbers {
        promote(&repository.writer("a"), candidate("web", *number), || ())
            .await
            .unwrap();
    }
    repository
}

#[tokio::test]
async fn the_history_is_what_was_pinned_newest_first() {
    let repository = promoted(&[7, 8, 9]).await;
    repository.commit(&[(STATE, "not a state\n"), ("README.md", "x\n")]);
    let history = repository.writer("b").history(STATE).await.unwrap();
    let digests: Vec<Digest> = history.iter().map(|past| past.state.digest).collect();
    assert_eq!(digests, [9, 8, 7].map(|number| Digest::of([number])));
    assert_eq!(
        history[0].commit,
        repository.git(&["rev-parse", "main^"]).trim()
    );
    assert_eq!(
        policy::soaked(&history, Digest::of([9]), history[0].seconds + 60),
        Some(60)
    );
    assert!(
        repository
            .writer("b")
            .history("nothing")
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn time_counts_from_the_merge_not_from_the_proposal() {
    let repository = promoted(&[7]).await;
    // The promotion of 8 is merged later than it was made.
    promote(&repository.writer("a"), candidate("web", 8), || ())
        .await
        .unwrap();
    let tree = repository.git(&["rev-parse", "main^{tree}"]);
    let merge = repository.git(&[
        "commit-tree",
        tree.trim(),
        "-p",
        "main^",
        "-p",
        "main",
        "-m",
        "Merge",
    ]);
    repository.git(&["update-ref", "refs/heads/main", merge.trim()]);
    let history = repository.writer("a").history(STATE).await.unwrap();
    assert_eq!(history[0].commit, merge.trim());
    assert!(history[0].seconds > history[1].seconds);
}

#[tokio::test]
async fn a_rollback_brings_the_old_bytes_back() {
    let repository = promoted(&[7]).await;
    let before = repository.git(&["rev-parse", "main^{tree}"]);
    promote(&repository.writer("a"), candidate("web", 8), || ())
        .await
        .unwrap();
    let writer = repository.writer("a");
    let declaration = declaration();
    let history = writer.history(STATE).await.unwrap();
    let chosen = choose(&[history], &RollbackTarget::Previous).unwrap();
    let request = Rollback {
        environment: "production".parse().unwrap(),
        declaration: &declaration,
        services: chosen,
    };
    let paths = [STATE.to_owned(), kustomization("web").0].into();
    let outcome = writer
        .write(&paths, |contents| rollback(&request, contents))
        .await
        .unwrap();
    assert!(matches!(outcome, Outcome::Written { .. }));
    assert_eq!(repository.git(&["rev-parse", "main^{tree}"]), before);
    assert_eq!(
        repository.git(&["log", "-1", "--format=%s", "main"]).trim(),
        "Roll back web in production"
    );
    let outcome = writer
        .write(&paths, |contents| rollback(&request, contents))
        .await
        .unwrap();
    assert!(matches!(outcome, Outcome::Done(_)));

    // A promotion that came after the decision is not taken back with it.
    promote(&writer, candidate("web", 9), || ()).await.unwrap();
    let error = writer
        .write(&paths, |contents| rollback(&request, contents))
        .await
        .unwrap_err();
    assert!(
        matches!(error, GitError::Refused(Refused::Overtaken { .. })),
        "{error}"
    );
}

#[test]
fn a_checkout_knows_which_commits_follow_which() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("source");
    std::fs::create_dir(&dir).unwrap();
    let commit = |message: &str| {
        git(&dir, &["commit", "--quiet", "--allow-empty", "-m", message]);
        git(&dir, &["rev-parse", "HEAD"]).trim().to_owned()
    };
    git(&dir, &["init", "--quiet", "--initial-branch=main"]);
    let (first, second, third) = (
        commit("first"),
        commit("second\n\nbody"),
        commit("third\tx"),
    );
    git(&dir, &["checkout", "--quiet", "-b", "side", &first]);
    let side = commit("side");
    let history = SourceHistory::new(&dir);
    assert_eq!(history.relation(&third, &first), Relation::Descendant);
    assert_eq!(history.relation(&first, &third), Relation::Ancestor);
    assert_eq!(history.relation(&side, &third), Relation::Diverged);
    assert_eq!(history.relation(&"0".repeat(40), &third), Relation::Unknown);
    assert_eq!(history.relation("--all", &third), Relation::Unknown);
    let commits = history.commits(&first, &third).unwrap();
    assert_eq!(commits.total, 2);
    let expected = [
        (third.clone(), "third\tx".to_owned()),
        (second, "second".to_owned()),
    ];
    assert_eq!(commits.subjects, expected);
    assert!(history.commits(&first, &"0".repeat(40)).is_none());

    // A shallow checkout does not guess.
    let shallow = folder.path().join("shallow");
    let from = format!("file://{}", dir.display());
    git(
        folder.path(),
        &[
            "clone",
            "--quiet",
            "--depth=1",
            "--branch=main",
            &from,
            "shallow",
        ],
    );
    let shallow = SourceHistory::new(shallow);
    assert_eq!(shallow.relation(&third, &first), Relation::Unknown);
    assert!(shallow.commits(&first, &third).is_none());
}

#[tokio::test]
async fn the_last_change_of_each_file_is_found_at_once() {
    let repository = promoted(&[7, 8]).await;
    repository.commit(&[("README.md", "x\n"), ("web.toml", "x\n")]);
    let writer = repository.writer("b");
    let paths = [STATE, "README.md", "nothing", "-n1"].map(str::to_owned);
    let changes = writer.last_changes(&paths.into()).await.unwrap();
    let commit = |name: &str| repository.git(&["rev-parse", name]).trim().to_owned();
    let found: Vec<(&str, &str)> = changes
        .iter()
        .map(|(path, (commit, _))| (path.as_str(), commit.as_str()))
        .collect();
    let (newest, promotion) = (commit("main"), commit("main^"));
    assert_eq!(found, [(STATE, &*promotion), ("README.md", &*newest)]);
    assert!(changes.values().all(|(_, seconds)| *seconds > 0));
}
