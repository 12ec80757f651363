//! What people and programs read.

use std::collections::BTreeMap;

use ci_oci::Digest;
use insta::assert_snapshot;

use super::*;
use crate::{Candidate, FileChange, Image, Move, Promotion, Source, State};

fn candidate(service: &str, number: u8) -> Candidate {
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
            repository: Some("https://github.com/acme/shop.git".into()),
            commit,
            commit_time: None,
            reference: None,
        },
    }
}

fn promotion() -> Promotion {
    let change = |service: &str, before: Option<u8>| Move {
        service: service.parse().unwrap(),
        before: before.map(|before| Digest::of([before])),
        state: before.map(|before| State::of(&candidate(service, before))),
        after: candidate(service, 7),
    };
    let file = FileChange {
        before: Some(b"APP_IMAGE=old\nX=1\n".to_vec()),
        after: b"APP_IMAGE=new\nX=1\n".to_vec(),
        executable: false,
    };
    Promotion {
        kind: crate::Kind::Promotion,
        environment: "production".parse().unwrap(),
        unit: "app".parse().unwrap(),
        moves: vec![change("app", Some(3)), change("migrator", None)],
        files: BTreeMap::from([("deploy.env".to_owned(), file)]),
        notes: vec!["The places of app did not agree.".into()],
    }
}

fn review() -> Review {
    Review {
        commits: Some(Commits {
            subjects: vec![
                (
                    "07".repeat(20),
                    "Fix the cart (#12) thanks @octocat [skip ci]".into(),
                ),
                (
                    "06".repeat(20),
                    "</details>`x` <!-- pipeline-promotion {} -->".into(),
                ),
            ],
            total: 5,
        }),
        migrating: vec!["migrator".parse().unwrap()],
        checks: vec![
            Check {
                what: "signature of app".into(),
                result: Ok(
                    "https://github.com/acme/shop/.github/workflows/ci.yml@refs/heads/main".into(),
                ),
            },
            Check {
                what: "provenance of app".into(),
                result: Err("none is attached".into()),
            },
        ],
        rendered: vec![Rendered {
            name: "overlays/production</summary>".into(),
            diff: "-image: a\n+image: b\n".into(),
        }],
        packages: vec![PackageChange {
            service: "app".parse().unwrap(),
            package: "openssl".into(),
            before: Some("3.0.1".into()),
            after: None,
        }],
        built_by: Some("https://github.com/acme/shop/actions/runs/1".into()),
    }
}

#[test]
fn the_description_says_all_that_a_reviewer_asks() {
    let text = body(&promotion(), &review()).replace('\u{200b}', "␣");
    assert_snapshot!(text, @r#"
    | service | was | will be | tags | source |
    |---|---|---|---|---|
    | `app` | `sha256:084fed08b978` | `sha256:ca358758f6d2` | `prod-7` | [`070707070707`](https://github.com/acme/shop/commit/0707070707070707070707070707070707070707) |
    | `migrator` | - | `sha256:ca358758f6d2` | `prod-7` | [`070707070707`](https://github.com/acme/shop/commit/0707070707070707070707070707070707070707) |

    - `ghcr.io/acme/app@sha256:ca358758f6d27e6cf45272937977a748fd88391db679ceda7dc7bf1f005ee879`
    - `ghcr.io/acme/migrator@sha256:ca358758f6d27e6cf45272937977a748fd88391db679ceda7dc7bf1f005ee879`

    > [!WARNING]
    > `migrator` migrates the database. Reverting this brings the old images back, not the old schema.

    > [!IMPORTANT]
    > - `The places of app did not agree.`

    **Commits: 5** ([compare](https://github.com/acme/shop/compare/0303030303030303030303030303030303030303...0707070707070707070707070707070707070707))

    - `070707070707` `Fix the cart (#␣12) thanks @␣octocat [␣skip ci]`
    - `060606060606` ``</details>`x` <␣!-- pipeline-promotion {} -->``
    - 3 more

    **Checked**

    - ✅ `signature of app`: `https://github.com/acme/shop/.github/workflows/ci.yml@refs/heads/main`
    - ❌ `provenance of app`: `none is attached`

    <details><summary>Lines that change</summary>

    ```diff
    deploy.env
    -     1  APP_IMAGE=old
    +     1  APP_IMAGE=new
    ```

    </details>

    <details><summary>Rendered: overlays/production/summary</summary>

    ```diff
    -image: a
    +image: b
    ```

    </details>

    <details><summary>Packages that differ: 1</summary>

    ```
    app: openssl 3.0.1 -> -
    ```

    </details>

    To go back after the merge: `pipeline rollback --env production --service app --of sha256:ca358758f6d2`, or revert the merge.

    Built by [this run](https://github.com/acme/shop/actions/runs/1).

    <!-- pipeline-promotion {"version":1,"environment":"production","unit":"app","services":[{"name":"app","image":"ghcr.io/acme/app@sha256:ca358758f6d27e6cf45272937977a748fd88391db679ceda7dc7bf1f005ee879","before":"sha256:084fed08b978af4d7d196a7446a86b58009e636b611db16211b65a9aadff29c5","commit":"0707070707070707070707070707070707070707"},{"name":"migrator","image":"ghcr.io/acme/migrator@sha256:ca358758f6d27e6cf45272937977a748fd88391db679ceda7dc7bf1f005ee879","commit":"0707070707070707070707070707070707070707"}]} -->
    "#);
}

#[test]
fn the_commit_message_holds_nothing_that_others_wrote_p6() {
    assert_snapshot!(message(&promotion()), @r"
    Promote app and migrator to production

    app sha256:084fed08b978af4d7d196a7446a86b58009e636b611db16211b65a9aadff29c5
      -> sha256:ca358758f6d27e6cf45272937977a748fd88391db679ceda7dc7bf1f005ee879
      built from commit 070707070707
    migrator -> sha256:ca358758f6d27e6cf45272937977a748fd88391db679ceda7dc7bf1f005ee879
      built from commit 070707070707

    Promotion-Environment: production
    Promotion-Image: app=ghcr.io/acme/app@sha256:ca358758f6d27e6cf45272937977a748fd88391db679ceda7dc7bf1f005ee879
    Promotion-Image: migrator=ghcr.io/acme/migrator@sha256:ca358758f6d27e6cf45272937977a748fd88391db679ceda7dc7bf1f005ee879
    Promotion-Commit: 0707070707070707070707070707070707070707
    ");
}

#[test]
fn the_trailer_reads_back_and_cannot_be_forged_from_above_p6() {
    let promotion = promotion();
    let text = body(&promotion, &review());
    let trailer = Trailer::parse(&text).unwrap();
    assert_eq!(trailer, Trailer::of(&promotion));
    assert_eq!(Trailer::parse(&Trailer::removed(&text)), None);
    assert_eq!(text.matches("<!--").count(), 1);
    assert_eq!(text.matches("-->").count(), 2, "one of them in code");
    assert!(Trailer::parse("no trailer").is_none());
    assert!(Trailer::parse("<!-- pipeline-promotion {} -->").is_none());
}

#[test]
fn descriptions_stay_below_the_limit_p6() {
    let mut review = review();
    review.commits = Some(Commits {
        subjects: (0..1_000)
            .map(|_| ("07".repeat(20), "é".repeat(500)))
            .collect(),
        total: 5_000,
    });
    review.rendered[0].diff = format!("{}\n", "+ x".repeat(300)).repeat(1_000);
    let mut promotion = promotion();
    promotion.notes = vec!["x".repeat(400); 1_000];
    let text = body(&promotion, &review);
    assert!(text.len() <= MAX_BODY, "{}", text.len());
    assert!(text.contains("left out here"));
    assert!(text.contains("pipeline rollback --env production --service app"));
    assert_eq!(Trailer::parse(&text), Some(Trailer::of(&promotion)));
    // Fences and folds are closed, so that the rest is read as what it is.
    assert_eq!(
        text.matches("<details>").count(),
        text.matches("</details>\n").count()
    );

    promotion.moves = vec![promotion.moves[0].clone(); 2_000];
    let text = body(&promotion, &review);
    assert!(text.len() <= MAX_BODY, "{}", text.len());
    assert!(Trailer::parse(&text).is_some());
}

#[test]
fn titles_of_large_units_are_short() {
    let mut promotion = promotion();
    assert_eq!(title(&promotion), "Promote app and migrator to production");
    promotion.moves = vec![promotion.moves[0].clone(); 30];
    assert_eq!(title(&promotion), "Promote app and 29 more to production");
}
