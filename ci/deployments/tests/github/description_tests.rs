//! The check of requests and answers is one.

use crate::DESCRIPTION;
use crate::description::Operation;

#[test]
fn the_description_tells_right_from_wrong() {
    let operation = Operation::find(&DESCRIPTION, "POST", "/repos/a/b/pulls").unwrap();
    let right = serde_json::json!({ "title": "x", "head": "a", "base": "b", "draft": true });
    assert_eq!(operation.check_request(&[], Some(&right)), [""; 0]);
    for wrong in [
        serde_json::json!({ "head": "a" }),
        serde_json::json!({ "head": "a", "base": 1 }),
        serde_json::json!({ "head": "a", "base": "b", "labels": [] }),
    ] {
        assert!(
            !operation.check_request(&[], Some(&wrong)).is_empty(),
            "{wrong}"
        );
    }
    assert!(!operation.check_request(&[], None).is_empty());
    let query = |name: &str, value: &str| vec![(name.to_owned(), value.to_owned())];
    let operation = Operation::find(&DESCRIPTION, "GET", "/repos/a/b/pulls").unwrap();
    assert_eq!(
        operation.check_request(&query("state", "all"), None),
        [""; 0]
    );
    assert!(
        !operation
            .check_request(&query("state", "merged"), None)
            .is_empty()
    );
    assert!(
        !operation
            .check_request(&query("filter", "all"), None)
            .is_empty()
    );
    let operation =
        Operation::find(&DESCRIPTION, "GET", "/repos/a/b/git/ref/heads/promote/x/y").unwrap();
    assert_eq!(operation.value("ref"), "heads/promote/x/y");
    assert!(Operation::find(&DESCRIPTION, "GET", "/repos/a/b/unknown").is_none());
}
