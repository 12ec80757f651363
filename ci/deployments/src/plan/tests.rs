//! Plans: what moves, what is refused, what a reviewer is told.

use std::collections::HashMap;

use insta::assert_snapshot;

use super::*;
use crate::{Entry, Source};

const KUSTOMIZATION: &str = "overlays/production/web/kustomization.yaml";

pub(super) fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn declaration(toml: &str) -> Declaration {
    let text = format!("repository = \"https://git.example.com/acme/deployments\"\n{toml}");
    toml::from_str(&text).unwrap()
}

pub(super) fn kustomize() -> Declaration {
    declaration(r#"places = [{ kustomize = "overlays/{env}/{service}/kustomization.yaml" }]"#)
}

/// The release of commit `number`, made in minute `number`.
pub(super) fn candidate(service: &str, number: u8) -> Candidate {
    let commit = format!("{number:02x}").repeat(20);
    Candidate {
        service: service.into(),
        image: Image {
            repository: format!("ghcr.io/acme/{service}").parse().unwrap(),
            digest: Digest::of([number]),
            tag: Some(format!("prod-{number}")),
            commit: Some(commit.clone()),
        },
        tags: vec![format!("prod-{number}")],
        source: Source {
            repository: Some("https://git.example.com/acme/shop".into()),
            commit,
            commit_time: Some(format!("2026-01-02T03:{number:02}:00Z")),
            reference: Some("refs/heads/main".into()),
        },
    }
}

pub(super) fn request<'a>(declaration: &'a Declaration, candidates: &[Candidate]) -> Request<'a> {
    Request {
        environment: name("production"),
        declaration,
        unit: candidates.iter().map(|it| name(&it.service)).collect(),
        candidates: candidates.to_vec(),
        force: false,
    }
}

pub(super) fn overlay(text: &str) -> Contents {
    [(KUSTOMIZATION, Entry::file(text))].into_iter().collect()
}

/// The files after a promotion.
pub(super) fn after(contents: &Contents, promotion: &Promotion) -> Contents {
    let mut contents = contents.clone();
    for (path, change) in &promotion.files {
        contents.insert(path, Entry::file(change.after.clone()));
    }
    contents
}

/// The production of a release, with the history that `history` knows.
fn promoted(number: u8) -> (Declaration, Contents) {
    let declaration = kustomize();
    let contents = overlay("images:\n- name: ghcr.io/acme/web\n  newTag: v0\n");
    let promotion = plan(
        &request(&declaration, &[candidate("web", number)]),
        &contents,
        &(),
    )
    .unwrap();
    let contents = after(&contents, &promotion);
    (declaration, contents)
}

impl History for HashMap<(&str, &str), Relation> {
    fn relation(&self, commit: &str, other: &str) -> Relation {
        *self
            .get(&(&commit[..2], &other[..2]))
            .unwrap_or(&Relation::Unknown)
    }
}

#[test]
fn a_first_promotion_pins_the_digest_and_tells_its_source() {
    let declaration = kustomize();
    let request = request(&declaration, &[candidate("web", 7)]);
    let wanted: Vec<String> = request.paths().unwrap().into_iter().collect();
    assert_eq!(wanted, [".promotions/production/web.toml", KUSTOMIZATION]);
    let contents = overlay("images:\n- name: ghcr.io/acme/web # app\n  newTag: v0 # old\n");
    let promotion = plan(&request, &contents, &()).unwrap();
    assert_snapshot!(promotion, @r"
    production: web -> sha256:ca358758f6d27e6cf45272937977a748fd88391db679ceda7dc7bf1f005ee879 (commit 070707070707, prod-7)
      .promotions/production/web.toml (new)
      overlays/production/web/kustomization.yaml
          3 -   newTag: v0 # old
          3 +   digest: sha256:ca358758f6d27e6cf45272937977a748fd88391db679ceda7dc7bf1f005ee879 # old
    ");
    let state = &promotion.files[".promotions/production/web.toml"];
    assert_snapshot!(String::from_utf8_lossy(&state.after), @r#"
    # Which source the pinned digest was built from. Written by `pipeline promote`, in the commit that pins it.
    version = 1
    service = "web"
    repository = "ghcr.io/acme/web"
    digest = "sha256:ca358758f6d27e6cf45272937977a748fd88391db679ceda7dc7bf1f005ee879"
    tags = ["prod-7"]
    source = "https://git.example.com/acme/shop"
    commit = "0707070707070707070707070707070707070707"
    commit-time = "2026-01-02T03:07:00Z"
    ref = "refs/heads/main"
    "#);
}

#[test]
fn what_is_there_already_is_no_change_at_all() {
    let (declaration, contents) = promoted(7);
    let promotion = plan(
        &request(&declaration, &[candidate("web", 7)]),
        &contents,
        &(),
    )
    .unwrap();
    assert!(promotion.is_done());
    assert_eq!(promotion.to_string(), "production: web has it already\n");
    // A later commit that builds the same digest changes nothing that runs.
    let mut same = candidate("web", 9);
    same.image.digest = candidate("web", 7).image.digest;
    assert!(
        plan(&request(&declaration, &[same]), &contents, &())
            .unwrap()
            .is_done()
    );
}

#[test]
fn an_older_commit_is_refused_unless_forced_p5() {
    let (declaration, contents) = promoted(7);
    let mut request = request(&declaration, &[candidate("web", 6)]);
    let refused = plan(&request, &contents, &()).unwrap_err();
    assert!(refused.is_forcible());
    assert_snapshot!(refused, @"production pins web of commit 070707070707 (2026-01-02T03:07:00Z, https://git.example.com/acme/shop), which is not older than commit 060606060606 (2026-01-02T03:06:00Z, https://git.example.com/acme/shop)");
    request.force = true;
    let promotion = plan(&request, &contents, &()).unwrap();
    assert!(promotion.notes[0].starts_with("Forced, although production pins web of commit 07"));
    request.candidates = vec![candidate("web", 8)];
    assert!(plan(&request, &contents, &()).unwrap().notes.is_empty());
}

#[test]
fn history_counts_more_than_times_p5() {
    let (declaration, contents) = promoted(7);
    let plan = |number, relation| {
        let new = format!("{number:02x}");
        let history = HashMap::from([((&*new, "07"), relation)]);
        plan(
            &request(&declaration, &[candidate("web", number)]),
            &contents,
            &history,
        )
    };
    // Clocks of committers lie.
    assert!(plan(6, Relation::Descendant).is_ok());
    assert!(matches!(
        plan(8, Relation::Ancestor),
        Err(Refused::Stale { .. })
    ));
    assert!(matches!(
        plan(6, Relation::Diverged),
        Err(Refused::Stale { .. })
    ));
    let promotion = plan(8, Relation::Diverged).unwrap();
    assert_snapshot!(promotion.notes[0], @"The commits of web are of different branches: what is pinned now is not part of what comes.");
}

#[test]
fn what_cannot_be_compared_is_refused_p5() {
    let (declaration, contents) = promoted(7);
    let mut untimed = candidate("web", 9);
    untimed.source.commit_time = None;
    let mut elsewhere = candidate("web", 9);
    elsewhere.source.repository = Some("https://git.example.com/acme/other".into());
    for candidate in [untimed, elsewhere] {
        let refused = plan(&request(&declaration, &[candidate]), &contents, &()).unwrap_err();
        assert!(matches!(refused, Refused::Stale { .. }), "{refused}");
    }
}

#[test]
fn what_was_changed_by_hand_is_not_replaced_silently() {
    let (declaration, mut contents) = promoted(7);
    let by_hand = format!(
        "images:\n- name: ghcr.io/acme/web\n  digest: {}\n",
        Digest::of("hotfix")
    );
    contents.insert(KUSTOMIZATION, Entry::file(by_hand));
    let refused = plan(
        &request(&declaration, &[candidate("web", 8)]),
        &contents,
        &(),
    )
    .unwrap_err();
    assert!(refused.is_forcible());
    assert_snapshot!(refused, @"production pins sha256:eda660b86a323682a664b46a9d7d38aab31786f8499d86753b339d1890cf511c for web, and the last promotion pinned sha256:ca358758f6d27e6cf45272937977a748fd88391db679ceda7dc7bf1f005ee879 of commit 070707070707: somebody changed it by hand");
}

#[test]
fn a_unit_moves_as_a_whole_or_not_at_all() {
    let declaration =
        declaration(r#"places = [{ env = "deploy.env", variable = "{SERVICE}_IMAGE" }]"#);
    let file = "APP_IMAGE=\nMIGRATOR_IMAGE=ghcr.io/acme/migrator:v0\n";
    let contents: Contents = [("deploy.env", Entry::file(file))].into_iter().collect();
    let both = [candidate("app", 7), candidate("migrator", 7)];
    let promotion = plan(&request(&declaration, &both), &contents, &()).unwrap();
    assert_eq!(promotion.files.len(), 3);
    assert_eq!(promotion.files["deploy.env"].lines().len(), 4);

    let mut half = request(&declaration, &both);
    half.candidates.pop();
    assert_snapshot!(plan(&half, &contents, &()).unwrap_err(), @"migrator is not part of the release, and app and migrator are promoted together or not at all");
    half.candidates.push(candidate("migrator", 8));
    assert_snapshot!(plan(&half, &contents, &()).unwrap_err(), @"app and migrator are promoted together, and were built from different commits");

    let broken: Contents = [("deploy.env", Entry::file("APP_IMAGE=\n"))]
        .into_iter()
        .collect();
    assert_snapshot!(plan(&request(&declaration, &both), &broken, &()).unwrap_err(), @r"
    deploy.env, MIGRATOR_IMAGE: the file does not set `MIGRATOR_IMAGE`
      line 1: APP_IMAGE=…
      help: add a line `MIGRATOR_IMAGE=` once; promotions fill it
    ");
}

#[test]
fn the_state_of_a_unit_is_of_one_commit_also_where_a_digest_stays() {
    let declaration =
        declaration(r#"places = [{ env = "deploy.env", variable = "{SERVICE}_IMAGE" }]"#);
    let contents: Contents = [("deploy.env", Entry::file("APP_IMAGE=\nMIGRATOR_IMAGE="))]
        .into_iter()
        .collect();
    let both = [candidate("app", 7), candidate("migrator", 7)];
    let first = plan(&request(&declaration, &both), &contents, &()).unwrap();
    let contents = after(&contents, &first);
    let mut next = [candidate("app", 8), candidate("migrator", 8)];
    next[1].image.digest = both[1].image.digest;
    let second = plan(&request(&declaration, &next), &contents, &()).unwrap();
    let contents = after(&contents, &second);
    for service in ["app", "migrator"] {
        let running = running(
            &name("production"),
            &declaration,
            &name(service),
            &both[0].image.repository,
            &contents,
        );
        let state = running.unwrap().unwrap().state.unwrap();
        assert_eq!(state.commit, next[0].source.commit, "{service}");
    }
}

#[test]
fn a_digest_in_several_places_moves_in_all_and_undeclared_ones_are_told() {
    let declaration = declaration(
        r#"
        [services]
        web = [
            { kustomize = "k.yaml" },
            { yaml = "values.yaml", path = "image.digest", write = "digest" },
            { yaml = "values.yaml", path = "image.tag", write = "tag" },
        ]
        worker = []
        "#,
    );
    let old = candidate("web", 3).image.digest;
    let contents: Contents = [
        (
            "k.yaml",
            Entry::file(format!(
                "images:\n- name: ghcr.io/acme/web\n  digest: {old}\n# {old}\n"
            )),
        ),
        (
            "values.yaml",
            Entry::file(format!("image:\n  tag: v1\n  digest: {old}\n")),
        ),
    ]
    .into_iter()
    .collect();
    let both = [candidate("web", 7), candidate("worker", 7)];
    let promotion = plan(&request(&declaration, &both), &contents, &()).unwrap();
    let new = both[0].image.digest;
    assert_eq!(
        promotion.files["values.yaml"].after,
        format!("image:\n  tag: prod-7\n  digest: {new}\n").as_bytes()
    );
    assert_eq!(promotion.moves.len(), 1, "worker is not deployed there");
    assert_snapshot!(promotion.notes.join("\n"), @r"
    It is not known which commit web was pinned to: this is its first promotion.
    k.yaml still has an old digest at line 4, which no place of web declares.
    ");
}

#[test]
fn links_folders_and_missing_files_are_refused_p2() {
    let declaration = kustomize();
    let request = request(&declaration, &[candidate("web", 7)]);
    for (entry, expected) in [
        (Entry::Link, "symbolic link"),
        (Entry::Folder, "is not a file"),
        (
            Entry::Missing {
                nearby: vec!["overlays/production/api".into()],
            },
            "there are:\n  overlays/production/api",
        ),
    ] {
        let contents = [(KUSTOMIZATION, entry)].into_iter().collect();
        let refused = plan(&request, &contents, &()).unwrap_err().to_string();
        assert!(refused.contains(expected), "{refused}");
    }
    let mut contents = overlay("images: []\n");
    contents.insert(".promotions/production/web.toml", Entry::Link);
    assert!(matches!(
        plan(&request, &contents, &()),
        Err(Refused::Link { .. })
    ));
    contents.insert(
        ".promotions/production/web.toml",
        Entry::file("version = 2\nnew = 1"),
    );
    assert_snapshot!(plan(&request, &contents, &()).unwrap_err(), @".promotions/production/web.toml of the state map: it is of version 2, and this program reads 1; update the program");
}

#[test]
fn only_what_one_environment_runs_goes_to_the_next() {
    let (declaration, mut contents) = promoted(7);
    let environment = name("production");
    let web = name("web");
    let repository = candidate("web", 7).image.repository;
    let running = |contents: &Contents| {
        running(&environment, &declaration, &web, &repository, contents)
            .unwrap()
            .unwrap()
    };
    let mut expected = candidate("web", 7);
    assert_eq!(
        running(&contents).candidate(&environment),
        Ok(expected.clone())
    );
    expected.image.digest = Digest::of("hotfix");
    let by_hand = format!(
        "images:\n- name: ghcr.io/acme/web\n  digest: {}\n",
        expected.image.digest
    );
    contents.insert(KUSTOMIZATION, Entry::file(by_hand));
    assert_snapshot!(running(&contents).candidate(&environment).unwrap_err(), @"web cannot be taken from production: what is pinned was changed by hand, so its commit is not known");
    let unpinned = overlay("images: []\n");
    assert_snapshot!(running(&unpinned).candidate(&environment).unwrap_err(), @"web cannot be taken from production: no place pins a digest");
}
