//! An image layout as one tar file: what `skopeo copy oci-archive:` reads and writes.

use std::io::{self, Read, Write};

use crate::layout::{
    INDEX_NAME, LayoutError, MARKER, MARKER_NAME, parse_index, sort_images, wrong_version,
};
use crate::manifest::MAX_DOCUMENT;
use crate::tar::{self, Bounds, Entry, Kind, Reader};
use crate::{Descriptor, Digest, Index, Layout};

type Result<T> = std::result::Result<T, LayoutError>;

const BLOBS: &str = "blobs/sha256/";

/// Large enough for any image, and then as many images as anybody puts into one file.
const BOUNDS: Bounds = Bounds {
    entries: 1_000_000,
    name: 4095,
    extended_header: 1 << 20,
    size: 1 << 40,
};

/// Writes the named images of a layout (all of them, where `names` is empty) and every blob they refer to. Equal images give equal
/// bytes.
pub fn write(layout: &Layout, names: &[&str], out: &mut dyn Write) -> Result<()> {
    let mut images: Vec<Descriptor> = layout
        .images()?
        .into_iter()
        .map(|(_, image)| image)
        .collect();
    for name in names {
        if !images.iter().any(|image| image.name() == Some(name)) {
            let names = images
                .iter()
                .filter_map(|image| image.name().map(str::to_owned))
                .collect();
            return Err(LayoutError::NoSuchImage {
                name: (*name).to_owned(),
                names,
            });
        }
    }
    images
        .retain(|image| names.is_empty() || image.name().is_some_and(|name| names.contains(&name)));
    sort_images(&mut images);
    let mut blobs = layout.reachable(&images)?;
    blobs.sort_by_key(|blob| blob.digest);
    put(out, MARKER_NAME, MARKER.len() as u64, &mut &*MARKER)?;
    let index = serde_json::to_vec(&Index::of(images))?;
    put(out, INDEX_NAME, index.len() as u64, &mut index.as_slice())?;
    // Some readers, without root, fail to make directories that are only implied.
    directory(out, "blobs")?;
    directory(out, "blobs/sha256")?;
    for blob in blobs {
        put(
            out,
            &format!("{BLOBS}{}", blob.digest.hex()),
            blob.size,
            &mut layout.open_blob(&blob)?,
        )?;
    }
    out.write_all(&tar::END)
        .and_then(|()| out.flush())
        .map_err(LayoutError::Write)
}

fn put(out: &mut dyn Write, path: &str, size: u64, content: &mut dyn Read) -> Result<()> {
    header(
        out,
        Entry {
            path: path.into(),
            mode: 0o644,
            size,
            ..Entry::new(Kind::File)
        },
    )?;
    io::copy(content, out).map_err(LayoutError::Write)?;
    out.write_all(&vec![0; tar::padding(size)])
        .map_err(LayoutError::Write)
}

fn directory(out: &mut dyn Write, path: &str) -> Result<()> {
    header(
        out,
        Entry {
            path: path.into(),
            mode: 0o755,
            ..Entry::new(Kind::Directory)
        },
    )
}

fn header(out: &mut dyn Write, entry: Entry) -> Result<()> {
    let mut header = Vec::new();
    tar::put_header(
        &mut header,
        &Entry {
            mtime: tar::MTIME,
            ..entry
        },
    );
    out.write_all(&header).map_err(LayoutError::Write)
}

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
                    .is_some_and(|inner| inner.is::<crate::ArchiveError>()) =>
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
    match error.downcast::<crate::ArchiveError>() {
        Ok(error) => LayoutError::Archive(error),
        Err(error) => LayoutError::NotAnArchive(format!("`{}`: {error}", path.escape_debug())),
    }
}

#[cfg(test)]
mod tests;
