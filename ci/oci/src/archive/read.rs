//! From an archive into a layout. The archive may have been made by anybody.

use std::io::{self, Read};

use super::{BLOBS, Result};
use crate::layout::{INDEX_NAME, LayoutError, MARKER_NAME, parse_index, wrong_version};
use crate::manifest::MAX_DOCUMENT;
use crate::tar::{Bounds, Entry, Kind, Reader};
use crate::{ArchiveError, Descriptor, Digest, Layout};

/// Large enough for any image, and then as many images as anybody puts into one file.
const BOUNDS: Bounds = Bounds {
    entries: 1_000_000,
    name: 4095,
    extended_header: 1 << 20,
    size: 1 << 40,
};

/// Reads an archive into a layout, verifying every blob, and returns the names that its images have there. Images that have a name
/// replace those of the same name. After an error blobs may have been added, but no image.
pub fn read(archive: &mut dyn Read, layout: &Layout) -> Result<Vec<Option<String>>> {
    let mut reader = Reader::new(archive, BOUNDS);
    let (mut marker, mut index) = (None, None);
    while let Some(entry) = reader.next_entry()? {
        let path = entry.path.strip_prefix(b"./").unwrap_or(&entry.path);
        let path = std::str::from_utf8(path).unwrap_or_default();
        let document = match path {
            MARKER_NAME => &mut marker,
            INDEX_NAME => &mut index,
            path => {
                if let Some(hex) = path.strip_prefix(BLOBS).filter(|hex| !hex.is_empty()) {
                    blob(hex, &entry, &mut reader, layout)?;
                }
                // Directories, and what other programs add for their own use.
                continue;
            }
        };
        if document.is_some() || entry.kind != Kind::File || entry.size > MAX_DOCUMENT {
            return Err(LayoutError::NotAnArchive(format!(
                "`{path}` is there twice, is no file or is too large"
            )));
        }
        let mut content = Vec::new();
        Content(&mut reader)
            .read_to_end(&mut content)
            .map_err(|error| unwrap(error, path))?;
        *document = Some(content);
    }
    reader.finish()?;
    let missing = |name: &str| LayoutError::NotAnArchive(format!("it has no `{name}`"));
    if let Some(why) = wrong_version(&marker.ok_or_else(|| missing(MARKER_NAME))?) {
        return Err(LayoutError::NotAnArchive(why));
    }
    let images = parse_index(&index.ok_or_else(|| missing(INDEX_NAME))?)?.manifests;
    for blob in layout.reachable(&images)? {
        if !layout.has(&blob.digest)? {
            return Err(LayoutError::Missing(blob.digest));
        }
    }
    let images: Vec<_> = images
        .into_iter()
        .map(|image| (image.name().map(str::to_owned), image))
        .collect();
    layout.set_images(images.clone())?;
    Ok(images.into_iter().map(|(name, _)| name).collect())
}

/// Stores a blob under the name it has in the archive, which must be its digest.
fn blob(hex: &str, entry: &Entry, reader: &mut Reader<'_>, layout: &Layout) -> Result<()> {
    let not_a_blob =
        || LayoutError::NotAnArchive(format!("`{BLOBS}{}` is no blob", hex.escape_debug()));
    let digest = Digest::from_hex(hex).map_err(|_| not_a_blob())?;
    if entry.kind != Kind::File {
        return Err(not_a_blob());
    }
    layout
        .put_verified(
            &Descriptor::new("", digest, entry.size),
            &mut Content(reader),
        )
        .map_err(|error| match error {
            LayoutError::Io { source, .. }
                if source
                    .get_ref()
                    .is_some_and(|inner| inner.is::<ArchiveError>()) =>
            {
                unwrap(source, hex)
            }
            other => other,
        })
}

/// The content of the current entry.
struct Content<'a, 'b>(&'a mut Reader<'b>);

impl Read for Content<'_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read_content(buffer).map_err(io::Error::other)
    }
}

/// The archive's own error again, after its way through [`io::Error`].
fn unwrap(error: io::Error, path: &str) -> LayoutError {
    match error.downcast::<ArchiveError>() {
        Ok(error) => LayoutError::Archive(error),
        Err(error) => LayoutError::NotAnArchive(format!("`{}`: {error}", path.escape_debug())),
    }
}
