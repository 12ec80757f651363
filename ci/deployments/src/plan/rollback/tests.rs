//! Going back.

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
    let chosen = choose(&history, &Target::Previous).unwrap();
    let promotion = rollback(&back(&declaration, vec![chosen]), &contents).unwrap();
    assert_eq!(after(&contents, &promotion), before);
    assert!(promotion.notes.is_empty());
    assert_snapshot!(crate::review::title(&promotion), @"Roll back web in production");
}

#[test]
fn a_newer_promotion_is_not_taken_back_with_it() {
    let (declaration, contents, history) = promoted(&[7, 8, 9]);
    let chosen = choose(&history[1..], &Target::Previous).unwrap();
    let refused = rollback(&back(&declaration, vec![chosen]), &contents).unwrap_err();
    assert_snapshot!(refused, @"production pins another image for web than the one to be taken back: a promotion came after it");
}

#[test]
fn a_rollback_that_is_done_is_done() {
    let (declaration, contents, history) = promoted(&[7, 8]);
    let chosen = choose(&history, &Target::Previous).unwrap();
    let request = back(&declaration, vec![chosen]);
    let contents = after(&contents, &rollback(&request, &contents).unwrap());
    assert!(rollback(&request, &contents).unwrap().is_done());
}

#[test]
fn the_target_is_the_one_before_or_a_named_one() {
    let (.., history) = promoted(&[5, 6, 7, 8, 8]);
    let chosen = |target| choose(&history, &target).map(|(_, to)| to.commit[..2].to_owned());
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
        choose(&history[..2], &Target::Previous),
        Err(NoWayBack::Nothing)
    );
    assert_eq!(choose(&[], &Target::Previous), Err(NoWayBack::Nothing));
}
