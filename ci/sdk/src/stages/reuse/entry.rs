//! The entry that says which image was made of which inputs: an index of its own, under a tag of the fingerprint, that points at the
//! image. So the image is the same whether it can be found this way or not, and one that was made of other inputs than another and came
//! out the same has two entries.

use std::collections::BTreeMap;

use ci_catalog::fingerprint::Fingerprint;
use ci_oci::manifest::{Document, media_type};
use ci_oci::{Descriptor, Index};
use ci_registry::Manifest;

/// The annotation with the fingerprint. `internal` is a domain that nobody can own.
const FINGERPRINT: &str = "internal.pipeline.fingerprint";

/// What the tags of entries begin with.
const PREFIX: &str = "fingerprint-";

/// The tag under which a repository has the entry for a fingerprint.
pub(crate) fn reuse_tag(fingerprint: &Fingerprint) -> String {
    format!("{PREFIX}{}", fingerprint.short())
}

/// The entry for an image. `image` points at its manifest, or at the index of several.
///
/// # Errors
/// When it cannot be written as JSON.
pub(crate) fn entry(image: &Descriptor, fingerprint: &Fingerprint) -> serde_json::Result<Manifest> {
    let image = Descriptor {
        annotations: BTreeMap::new(),
        ..image.clone()
    };
    let index = Index {
        annotations: BTreeMap::from([(FINGERPRINT.to_owned(), fingerprint.to_string())]),
        ..Index::of(vec![image])
    };
    Ok(Manifest::new(
        media_type::OCI_INDEX,
        serde_json::to_vec(&index)?,
    ))
}

/// The image that the entry for a fingerprint points at; or what is wrong with it.
pub(super) fn read(found: &Manifest, fingerprint: &Fingerprint) -> Result<Descriptor, String> {
    let index = index(found)?;
    match index.annotations.get(FINGERPRINT) {
        Some(stated) if *stated == fingerprint.to_string() => image_in(index),
        Some(_) => Err("is the entry of another fingerprint".to_owned()),
        None => Err("is an image, not an entry".to_owned()),
    }
}

/// The image that an entry points at, whatever its fingerprint; or what is wrong with it.
pub(crate) fn image_of(found: &Manifest) -> Result<Descriptor, String> {
    image_in(index(found)?)
}

fn index(found: &Manifest) -> Result<Index, String> {
    match Document::parse(&found.descriptor.media_type, &found.bytes) {
        Ok(Document::Index(index)) => Ok(index),
        Ok(Document::Manifest(_)) => Err("is an image, not an entry".to_owned()),
        Err(error) => Err(format!("is no entry: {error}")),
    }
}

fn image_in(mut index: Index) -> Result<Descriptor, String> {
    match (index.manifests.pop(), index.manifests.is_empty()) {
        (Some(image), true) => Ok(image),
        _ => Err("is an entry for more than one image".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fingerprint(digit: char) -> Fingerprint {
        digit.to_string().repeat(64).parse().unwrap()
    }

    fn image() -> Descriptor {
        Descriptor::of(media_type::OCI_MANIFEST, b"image")
    }

    #[test]
    fn an_entry_points_at_its_image_and_says_what_that_was_made_of() {
        let entry = entry(&image().named("web"), &fingerprint('a')).unwrap();
        insta::assert_snapshot!(String::from_utf8_lossy(&entry.bytes), @r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:6105d6cc76af400325e94d588ce511be5bfdbb73b437dc51eca43917d7a43e3d","size":5}],"annotations":{"internal.pipeline.fingerprint":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}}"#);
        assert_eq!(read(&entry, &fingerprint('a')), Ok(image()));
        assert_eq!(
            reuse_tag(&fingerprint('a')),
            format!("fingerprint-{}", "a".repeat(32))
        );
    }

    #[test]
    fn what_is_no_entry_of_this_fingerprint_is_refused() {
        let index = |annotations: &[(&str, String)], images: Vec<Descriptor>| {
            let annotations = annotations
                .iter()
                .map(|(name, value)| ((*name).to_owned(), value.clone()));
            let index = Index {
                annotations: annotations.collect(),
                ..Index::of(images)
            };
            Manifest::new(media_type::OCI_INDEX, serde_json::to_vec(&index).unwrap())
        };
        let right = [(FINGERPRINT, fingerprint('a').to_string())];
        let wrong = [(FINGERPRINT, fingerprint('b').to_string())];
        let manifest = Manifest::new(
            media_type::OCI_MANIFEST,
            "{\"schemaVersion\":2,\"config\":{\"mediaType\":\"\",\"digest\":\"sha256:aa\",\"size\":0},\"layers\":[]}",
        );
        let problems: Vec<String> = [
            index(&wrong, vec![image()]),
            index(&[], vec![image()]),
            index(&right, vec![image(), image()]),
            index(&right, Vec::new()),
            Manifest::new(media_type::OCI_INDEX, "[]"),
            manifest,
        ]
        .iter()
        .map(|found| read(found, &fingerprint('a')).unwrap_err())
        .collect();
        insta::assert_snapshot!(problems.join("\n"), @r#"
        is the entry of another fingerprint
        is an image, not an entry
        is an entry for more than one image
        is an entry for more than one image
        is no entry: it is not an image manifest or index: invalid type: sequence, expected a map at line 1 column 0
        is no entry: it is not an image manifest or index: "sha256:aa" is not a digest: expected `sha256:` and 64 lower-case hexadecimal digits at line 1 column 64
        "#);
    }
}
