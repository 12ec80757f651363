//! A place on the first line, any file below: an edit that is made reads back, is made only once, and leaves what is around its value.

#![no_main]

use ci_deployments::{DocumentFilter, Form, Image, Place, edit, read};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let (place, file) = text.split_once('\n').unwrap_or((text, ""));
    let form = Form::Reference;
    let place = match place.split_once(' ').unwrap_or((place, "")) {
        ("kustomize", "") => Place::Kustomize { image: None },
        ("kustomize", name) => Place::Kustomize { image: Some(name.into()) },
        ("compose", service) => Place::Compose { service: service.into(), form },
        ("env", variable) => Place::Env { variable: variable.into(), form },
        ("json", pointer) => Place::Json { pointer: pointer.into(), form },
        (shared, path) => {
            let Ok(path) = path.parse() else { return };
            let document = DocumentFilter::default();
            Place::Yaml { path, document, shared: shared == "shared", form }
        }
    };
    let image = Image {
        repository: "a/b".parse().expect("a reference"),
        digest: ci_oci::Digest::of("new"),
        tag: Some("t".into()),
        commit: None,
    };
    let Ok(edited) = edit(file.as_bytes(), &place, &image) else { return };
    assert_eq!(edit(&edited, &place, &image).as_ref(), Ok(&edited));
    let current = read(&edited, &place, &image.repository).expect("reads").expect("is there");
    assert_eq!(current.digest, Some(image.digest));
    // What is added is at most an entry with its name and a digest, indented as the file is.
    let indent = file.lines().map(str::len).max().unwrap_or(0);
    assert!(edited.len() < file.len() + 300 + text.len() + 4 * indent);
    let before: Vec<&str> = file.lines().collect();
    let after = String::from_utf8(edited).expect("is text");
    let kept = after.lines().filter(|line| before.contains(line)).count();
    assert!(kept + 3 >= before.len(), "{after:?}");
});
