//! Tests of `call`: how what services say reaches people.

use super::*;

#[test]
fn what_services_say_is_told_as_people_read_it() {
    let refused = fulcio::Error::Status {
        status: 400,
        message: r#"failed to create signing certificate: {"code":3, "message":"the token is of another audience", "details":[]}"#.to_owned(),
    };
    insta::assert_snapshot!(refused.problem(), @"answers 400: failed to create signing certificate: the token is of another audience");
    let page = rekor::Error::Status {
        status: 502,
        message: "failed to create entry: <html>{}</html>".to_owned(),
    };
    insta::assert_snapshot!(page.problem(), @"answers 502: failed to create entry: <html>{}</html>");
    let down = rekor::Error::Http("error sending request for url (http://log/)".to_owned());
    insta::assert_snapshot!(down.problem(), @"cannot be reached");
    let cut = fulcio::Error::Http("error decoding response body".to_owned());
    insta::assert_snapshot!(cut.problem(), @"breaks off: error decoding response body");
    let stamp = tsa::Error::Http("TSA returned status 503 Service Unavailable".to_owned());
    insta::assert_snapshot!(stamp.problem(), @"answers 503");
}

#[test]
fn only_what_may_pass_is_tried_again() {
    let status = |status| rekor::Error::Status {
        status,
        message: String::new(),
    };
    let transient = [429, 500, 503].map(|number| status(number).is_transient());
    assert_eq!(transient, [true; 3]);
    let lasting = [400, 401, 404, 409].map(|number| status(number).is_transient());
    assert_eq!(lasting, [false; 4]);
    let stamp = |status: &str| tsa::Error::Http(format!("TSA returned status {status}"));
    assert!(stamp("503 Service Unavailable").is_transient());
    assert!(!stamp("400 Bad Request").is_transient());
    assert!(tsa::Error::Http("error sending request".to_owned()).is_transient());
}

// S4
#[test]
fn texts_of_others_are_cut_and_cleaned() {
    let text = format!("\u{1b}[2Jsaid s3cret{}", "x".repeat(1000));
    let shown = printable(&text, Some("s3cret"));
    assert!(shown.starts_with(" [2Jsaid ***x"), "{shown}");
    assert_eq!(shown.chars().count(), MAX_SAID);
}
