//! What people and programs read.

use ci_oci::Digest;

use super::*;
use crate::error::Failure;
use crate::stages::gate::Place;

fn checked() -> Vec<Checked> {
    let place = |by: &str, line| Place {
        source: "overlays/production".into(),
        line,
        by: by.into(),
    };
    let one = |image: String, places, verdict| Checked {
        image,
        places,
        verdict,
    };
    let bad = |error: UserError| Verdict::Bad(error.into());
    let signer = "https://github.com/acme/shop/.github/workflows/deliver.yml@refs/heads/main";
    vec![
        one(
            "busybox".into(),
            vec![place("Job tidy", 40)],
            Verdict::Excepted,
        ),
        one(
            format!("ghcr.io/acme/shop-web@{}", Digest::of("web")),
            vec![
                place("Deployment web web", 12),
                place("CronJob report web", 30),
            ],
            Verdict::Good {
                signer: Some(signer.into()),
            },
        ),
        one(
            "postgres:16".into(),
            vec![place("StatefulSet db db", 60), place("Job dump", 80)],
            bad(UserError::new(Exit::Failed, "it has no digest").hint("pin it")),
        ),
        one(
            String::new(),
            vec![Place {
                source: "deploy.env".into(),
                line: 3,
                by: "APP_IMAGE".into(),
            }],
            bad(UserError::new(Exit::Failed, "it is not an image")),
        ),
    ]
}

#[test]
fn every_image_has_a_line_for_each_that_runs_it() {
    insta::assert_snapshot!(human(&checked(), Paint::new(false)), @r"
    IMAGE                  DIGEST               CHECKED                                                                               RUN BY
    busybox                                     excepted                                                                              Job tidy, overlays/production:40
    ghcr.io/acme/shop-web  sha256:4b5e57f6eb2f  signed by https://github.com/acme/shop/.github/workflows/deliver.yml@refs/heads/main  Deployment web web, overlays/production:12
                                                                                                                                      CronJob report web, overlays/production:30
    postgres:16                                 it has no digest                                                                      StatefulSet db db, overlays/production:60
                                                                                                                                      Job dump, overlays/production:80
    (not shown)                                 it is not an image                                                                    APP_IMAGE, deploy.env:3
    ");
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    let failures = checked().into_iter().filter_map(failure);
    let text: String = failures
        .map(|it| Failure::of(&it).render(Paint::new(false)))
        .collect();
    insta::assert_snapshot!(text, @r"
    error: postgres:16 (StatefulSet db db, overlays/production:60 and 1 more)
      caused by: it has no digest
    hint: pin it
    error: an image (APP_IMAGE, deploy.env:3)
      caused by: it is not an image
    ");
}

#[test]
fn programs_read_the_same() {
    let json = json(&checked());
    assert_eq!(json["good"], false);
    let results: Vec<_> = json["images"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["result"].as_str().unwrap())
        .collect();
    assert_eq!(results, ["excepted", "good", "bad", "bad"]);
    assert_eq!(json["images"][1]["places"][0]["by"], "Deployment web web");
    assert_eq!(json["images"][2]["problem"], "it has no digest");
}
