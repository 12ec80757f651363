//! Going back.

use ci_oci::Digest;
use insta::assert_snapshot;

use super::super::tests::{after, candidate, kustomize, name, overlay, request};
use super::*;

/// Production after these releases, and its history, newest first.
fn promoted(numbers: &[u8]) -> (Declaration, Contents, Vec<PastState>) {
    let declaration = kustomize();
    let mut contents = overlay("images:\n- name: ghcr.io/acme/web # app\n  newTag: v0\n");
    let mut history = Vec::new();
    for number in numbers {
        let candidate = candidate("web", *number);
        let mut request = request(&declaration, std::slice::from_ref(&candidate));
        request.force = true;
        let promotion = plan(&request, &contents, &()).unwrap();
        contents = after(&contents, &promotion);
        let past = PastState {
            commit: format!("{number:02x}d").repeat(14)[..40].to_owned(),
            seconds: i64::from(*number),
            state: State::of(&candidate),
        };
        history.insert(0, past);
    }
    (declaration, contents, history)
}

fn back(declaration: &Declaration, services: Vec<(State, State)>) -> Rollback<'_> {
    Rollback {
        environment: name("production"),
        declaration,
        services,
    }
}

#[test]
fn the_bytes_before_the_promotion_come_back() {
    let (_, before, _) = promoted(&[7]);
    let (declaration, contents, history) = promoted(&[7, 8]);
    let chosen = choose(&[history], &Target::Previous).unwrap();
    let promotion = rollback(&back(&declaration, chosen), &contents).unwrap();
    assert_eq!(after(&contents, &promotion), before);
    assert!(promotion.notes.is_empty());
    assert_snapshot!(crate::review::title(&promotion), @"Roll back web in production");
}

#[test]
fn a_newer_promotion_is_not_taken_back_with_it() {
    let (declaration, contents, history) = promoted(&[7, 8, 9]);
    let chosen = choose(&[history[1..].to_vec()], &Target::Previous).unwrap();
    let refused = rollback(&back(&declaration, chosen), &contents).unwrap_err();
    assert_snapshot!(refused, @"production pins another image for web than the one to be taken back: a promotion came after it");
}

#[test]
fn a_rollback_that_is_done_is_done() {
    let (declaration, contents, history) = promoted(&[7, 8]);
    let chosen = choose(&[history], &Target::Previous).unwrap();
    let request = back(&declaration, chosen);
    let contents = after(&contents, &rollback(&request, &contents).unwrap());
    assert!(rollback(&request, &contents).unwrap().is_done());
}

#[test]
fn the_target_is_the_one_before_or_a_named_one() {
    let (.., history) = promoted(&[5, 6, 7, 8, 8]);
    let histories = [history.clone()];
    let chosen = |target| choose(&histories, &target).map(|it| it[0].1.commit[..2].to_owned());
    let named = |text: &str| Target::Named(text.into());
    assert_eq!(chosen(Target::Previous), Ok("07".into()));
    assert_eq!(chosen(named("0606060606")), Ok("06".into()));
    assert_eq!(chosen(named("05d05d05")), Ok("05".into()));
    let digest = candidate("web", 6).image.digest.to_string();
    assert_eq!(chosen(named(&digest)), Ok("06".into()));
    assert_eq!(chosen(named(&digest[7..19])), Ok("06".into()));
    assert_eq!(
        chosen(named("0404040404")),
        Err(NoWayBack::Unknown("0404040404".into()))
    );
    assert_eq!(
        chosen(named("0808080808")),
        Err(NoWayBack::Unknown("0808080808".into()))
    );
    assert_eq!(chosen(named("06")), Err(NoWayBack::Short("06".into())));
    assert_eq!(
        chosen(named("sha256:")),
        Err(NoWayBack::Ambiguous("sha256:".into()))
    );
    assert_eq!(
        choose(&[history[..2].to_vec()], &Target::Previous),
        Err(NoWayBack::Nothing)
    );
    for none in [&[][..], &[vec![]]] {
        assert_eq!(choose(none, &Target::Previous), Err(NoWayBack::Nothing));
    }
}

/// A state of `service` with the digest `digest`, of the source commit `number`, pinned at the time `number`.
fn pinned(service: &str, digest: u8, number: u8) -> PastState {
    let mut candidate = candidate(service, digest);
    candidate.source = super::super::tests::candidate(service, number).source;
    PastState {
        commit: format!("{number:02x}d").repeat(14)[..40].to_owned(),
        seconds: i64::from(number),
        state: State::of(&candidate),
    }
}

#[test]
fn a_unit_goes_back_to_what_all_of_it_pinned_at_one_time() {
    // The migrator changed in the second promotion only.
    let app = vec![
        pinned("app", 9, 3),
        pinned("app", 8, 2),
        pinned("app", 7, 1),
    ];
    let migrator = vec![
        pinned("migrator", 2, 3),
        pinned("migrator", 2, 2),
        pinned("migrator", 1, 1),
    ];
    let digests = |target: Target| {
        let chosen = choose(&[app.clone(), migrator.clone()], &target)?;
        Ok::<_, NoWayBack>(chosen.iter().map(|(_, to)| to.digest).collect::<Vec<_>>())
    };
    let both = |app: u8, migrator: u8| Ok(vec![Digest::of([app]), Digest::of([migrator])]);
    assert_eq!(digests(Target::Previous), both(8, 2));
    let named = |number: u8| Target::Named(Digest::of([number]).to_string());
    assert_eq!(digests(named(7)), both(7, 1));
    assert_eq!(digests(named(1)), both(7, 1));
    // With the digest that it has now it was there once before.
    assert_eq!(digests(named(2)), both(8, 2));
    // Before they were coupled, they were of different commits.
    let alone = vec![pinned("migrator", 2, 3), pinned("migrator", 5, 2)];
    let apart = choose(
        &[vec![pinned("app", 9, 3), pinned("app", 8, 1)], alone],
        &Target::Previous,
    );
    assert_eq!(apart, Err(NoWayBack::Nothing));
}
