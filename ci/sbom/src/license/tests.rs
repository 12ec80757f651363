//! Licences as packages write them.

use proptest::prelude::*;

use super::*;

#[track_caller]
fn expression(declared: &str) -> String {
    License::parse(declared).unwrap().expression().to_owned()
}

#[test]
fn expressions_of_spdx_stay_what_they_are() {
    for declared in [
        "MIT",
        "MIT OR Apache-2.0",
        "(MIT OR Apache-2.0) AND Unicode-3.0",
        "GPL-2.0-or-later WITH Classpath-exception-2.0",
        "LicenseRef-Fedora-Public-Domain",
    ] {
        assert_eq!(expression(declared), declared);
    }
}

#[test]
fn names_of_distributions_and_languages_are_translated() {
    for (declared, translated) in [
        ("MIT/Apache-2.0", "MIT OR Apache-2.0"),
        ("apache-2.0 or mit", "Apache-2.0 OR MIT"),
        ("GPL-2.0+", "GPL-2.0-or-later"),
        ("GPL-2", "GPL-2.0-only"),
        ("GPLv2+ and LGPLv2.1", "GPL-2.0-or-later AND LGPL-2.1-only"),
        (
            "(GPLv3+ or LGPLv3) and MPLv2.0",
            "(GPL-3.0-or-later OR LGPL-3.0-only) AND MPL-2.0",
        ),
        ("GFDL-1.3+", "GFDL-1.3-or-later"),
        ("Expat", "MIT"),
        ("ASL 2.0 and MIT", "Apache-2.0 AND MIT"),
        ("Apache License, Version 2.0", "Apache-2.0"),
        ("MIT License", "MIT"),
        ("Expat, and zlib", "MIT AND Zlib"),
    ] {
        assert_eq!(expression(declared), translated, "{declared}");
    }
}

#[test]
fn what_is_ambiguous_is_not_guessed() {
    assert_eq!(expression("BSD"), "LicenseRef-BSD");
    assert_eq!(expression("GPL"), "LicenseRef-GPL");
    let mixed = License::parse("GPLv2+ and Odd_License").unwrap();
    let (reference, name) = mixed.references().iter().next().unwrap();
    assert_eq!(
        mixed.expression(),
        format!("GPL-2.0-or-later AND {reference}")
    );
    assert_eq!(name, "Odd_License");
    // What is no expression is one name, told apart from others that look alike.
    let text = License::parse("see the file LICENSE").unwrap();
    assert!(
        text.expression()
            .starts_with("LicenseRef-see-the-file-LICENSE-")
    );
    assert_ne!(text, License::parse("see the file-LICENSE").unwrap());
}

#[test]
fn nothing_and_whole_texts_are_no_licence() {
    for declared in ["", "  ", "UNKNOWN", "NOASSERTION", "none"] {
        assert_eq!(License::parse(declared), None, "{declared:?}");
    }
    assert_eq!(
        License::parse(&"Permission is hereby granted ".repeat(40)),
        None
    );
}

#[test]
fn several_licences_count_together() {
    let all = License::all(["MIT or GPL-2", "BSD-3-clause", "MIT or GPL-2", "?"]).unwrap();
    let question = reference("?");
    assert_eq!(
        all.expression(),
        format!("BSD-3-Clause AND {question} AND (MIT OR GPL-2.0-only)")
    );
    assert_eq!(
        License::all(["MIT or GPL-2"]).unwrap().expression(),
        "MIT OR GPL-2.0-only"
    );
    assert_eq!(License::all([]), None);
}

proptest! {
    #[test]
    fn whatever_is_declared_an_expression_comes_out(declared in "(MIT|GPLv2|and|or|with|[ -~]{0,8}|[ ()/,+]){0,12}") {
        if let Some(license) = License::parse(&declared) {
            prop_assert!(Expression::parse(license.expression()).is_ok(), "{}", license.expression());
            for reference in license.references().keys() {
                prop_assert!(license.expression().contains(reference.as_str()));
            }
            // It is what it says.
            let again = License::parse(license.expression()).unwrap();
            prop_assert_eq!(again.expression(), license.expression());
        }
    }
}
