//! What holds of every edit: bytes outside the value stay, and reading gives the new value and everything else as it was.

use proptest::prelude::*;

use super::*;
use crate::YamlPath;

/// A value beside the one that is edited, as YAML writes it on one line.
fn bystander() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z]{1,8}",
        "[0-9]{1,4}",
        "'[a-z #:é]{0,8}'",
        "\"[a-z #:{}é]{0,8}\"",
        Just("\"\\u00e9\\\"\"".to_owned()),
        Just("[a, {b: c}, 'd']".to_owned()),
        Just("{x: 1, \"y\": [2]}".to_owned()),
        Just("&anchor v".to_owned()),
        Just("!!str 1".to_owned()),
        Just("".to_owned()),
        Just("|\n        text # no comment\n        a: b".to_owned()),
    ]
}

fn comment() -> impl Strategy<Value = String> {
    prop_oneof![Just(String::new()), " {1,3}# [a-z:'\"é]{0,9}"]
}

/// The value that is edited, in any quotes.
fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("ghcr.io/acme/web:v1".to_owned()),
        Just("'ghcr.io/acme/web'".to_owned()),
        Just("\"ghcr.io/acme/web:v1\"".to_owned()),
        Just("&it ghcr.io/acme/web:v1".to_owned()),
        Just("!!str 'ghcr.io/acme/web:v1'".to_owned()),
    ]
}

prop_compose! {
    /// A file, with the value that is edited and the byte where it stands.
    fn file()(
        entries in prop::collection::vec((bystander(), comment()), 1..6),
        at in any::<prop::sample::Index>(),
        value in value(),
        after in comment(),
        list in any::<bool>(),
        crlf in any::<bool>(),
        bom in any::<bool>(),
        end in any::<bool>(),
    ) -> (String, String) {
        let at = at.index(entries.len());
        let mut text = String::from(if bom { "\u{feff}" } else { "" });
        text += "# head\n";
        for (number, (bystander, comment)) in entries.iter().enumerate() {
            if number == at {
                text += &match list {
                    true => format!("wanted:\n  - name: a\n    image: {value}{after}\n  - name: b\n"),
                    false => format!("wanted: {{image: {value}, other: x}}{after}\n"),
                };
            }
            let comment = if bystander.starts_with('|') { "" } else { comment };
            text += &format!("k{number}: {bystander}{comment}\n");
        }
        if !end {
            text.pop();
        }
        if crlf {
            text = text.replace('\n', "\r\n");
        }
        (text, if list { "wanted[name=a].image".into() } else { "wanted.image".into() })
    }
}

proptest! {
    #[test]
    fn one_scalar_changes_and_every_other_byte_stays((text, path) in file()) {
        let place = scalar(&path);
        let edited = edit(text.as_bytes(), &place, &image()).unwrap();
        let edited = String::from_utf8(edited).unwrap();
        // The value is the only place of the file that names the image.
        let start = text.find("ghcr.io/acme/web").unwrap();
        let old = if text[start..].starts_with("ghcr.io/acme/web:v1") { "ghcr.io/acme/web:v1" } else { "ghcr.io/acme/web" };
        let new = format!("ghcr.io/acme/web@{NEW}");
        prop_assert_eq!(&edited, &text.replacen(old, &new, 1));
        let current = read(edited.as_bytes(), &place, &image().repository).unwrap().unwrap();
        prop_assert_eq!(current.value, new);
    }

    #[test]
    fn no_file_makes_an_edit_panic_or_change_twice(text in "[-a-z:#{}\\[\\]&*!|>'\"\\\\,? \n\r\té]{0,60}") {
        for place in [
            scalar("a"),
            Place::Kustomize { image: None },
            Place::Compose { service: "a".into(), form: Form::Reference },
            Place::Env { variable: "a".into(), form: Form::Reference },
            Place::Json { pointer: "/a".into(), form: Form::Reference },
        ] {
            if let Ok(edited) = edit(text.as_bytes(), &place, &image()) {
                prop_assert_eq!(edit(&edited, &place, &image()).unwrap(), edited);
            }
        }
    }

    #[test]
    fn a_path_reads_as_it_is_written(
        names in prop::collection::vec(("\\PC{0,6}", "\\PC{0,6}", 0usize..3), 1..5)
    ) {
        let steps = names.into_iter().map(|(name, value, kind)| match kind {
            0 => yaml::Step::Key(name),
            1 => yaml::Step::ItemWith(name, value),
            _ => yaml::Step::Item(value.len()),
        });
        let path: YamlPath = steps.collect();
        prop_assert_eq!(path.to_string().parse::<YamlPath>().unwrap(), path);
    }
}
