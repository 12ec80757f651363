//! Tests of `identity`: where tokens come from, and that they are nowhere else (S1).

use super::*;

fn environment<'a>(set: &'a [(&'a str, &'a str)]) -> impl Fn(&str) -> Option<String> + 'a {
    |name| {
        let found = set.iter().find(|(key, _)| *key == name)?;
        Some(found.1.to_owned())
    }
}

#[test]
fn a_token_that_is_set_comes_before_that_of_github() {
    let github = [
        (
            "ACTIONS_ID_TOKEN_REQUEST_URL",
            "https://example.com/token?api-version=2.0",
        ),
        ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "s3cret"),
    ];
    let both = [github[0], github[1], ("SIGSTORE_ID_TOKEN", "a.b.c\n")];
    let token = Identity::from_environment(environment(&both));
    assert!(matches!(token, Some(Identity::Token(token)) if token.reveal() == "a.b.c"));
    let service = Identity::from_environment(environment(&github));
    assert!(matches!(service, Some(Identity::GitHub { .. })));
    assert!(Identity::from_environment(environment(&github[..1])).is_none());
    let empty = [("SIGSTORE_ID_TOKEN", " ")];
    assert!(Identity::from_environment(environment(&empty)).is_none());
}

// S1
#[test]
fn tokens_are_not_shown() {
    let all = [
        Identity::Token(Secret::new("s3cret")),
        Identity::GitHub {
            url: "https://example.com/?sig=s3cret".to_owned(),
            token: Secret::new("s3cret"),
        },
    ];
    assert_eq!(format!("{all:?}"), "[Token(***), GitHub(***)]");
}

// S4
#[test]
fn what_is_wrong_with_a_token_is_told_without_it() {
    for token in ["s3cret", "s3cret.s3cret.s3cret", "e30.e30.e30"] {
        let error = parse(token).unwrap_err();
        insta::allow_duplicates! {
            insta::assert_snapshot!(error, @"no identity to sign with: the token is no OIDC identity token (a JWT)");
        }
    }
}
