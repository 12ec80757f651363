//! From images to an archive: the same bytes for the same images, wherever their blobs come from.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::path::Path;

use super::{BLOBS, Result};
use crate::layout::{
    BlobReader, INDEX_NAME, LayoutError, MARKER, MARKER_NAME, open_blob, sort_images,
};
use crate::tar::{self, Entry, Kind};
use crate::{Descriptor, Digest, Index, Layout};

/// Where the content of a blob is.
#[derive(Debug, Clone, Copy)]
pub enum Content<'a> {
    /// In memory.
    Bytes(&'a [u8]),
    /// In a file.
    File(&'a Path),
}

/// Writes the named images of a layout (all of them, where `names` is empty) and every blob they refer to.
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
    let blobs = layout.reachable(&images)?;
    let paths: Vec<_> = blobs
        .iter()
        .map(|blob| layout.blob_path(&blob.digest))
        .collect();
    let contents = blobs
        .into_iter()
        .zip(&paths)
        .map(|(blob, path)| (blob, Content::File(path)));
    write_blobs(images, contents, out)
}

/// Writes images (named as [`Descriptor::named`] does) whose blobs are not in a layout. The blobs must be all that the images refer
/// to, each at least once; their content is verified on the way.
pub fn write_blobs<'a>(
    mut images: Vec<Descriptor>,
    blobs: impl IntoIterator<Item = (Descriptor, Content<'a>)>,
    out: &mut dyn Write,
) -> Result<()> {
    sort_images(&mut images);
    let blobs: BTreeMap<Digest, _> = blobs
        .into_iter()
        .map(|(blob, content)| (blob.digest, (blob, content)))
        .collect();
    let index = serde_json::to_vec(&Index::of(images))?;
    put(out, MARKER_NAME, MARKER.len() as u64, &mut &*MARKER)?;
    put(out, INDEX_NAME, index.len() as u64, &mut index.as_slice())?;
    // Some readers, without root, fail to make directories that are only implied.
    directory(out, "blobs")?;
    directory(out, "blobs/sha256")?;
    for (digest, (blob, content)) in blobs {
        let path = format!("{BLOBS}{}", digest.hex());
        let size = blob.size;
        match content {
            Content::Bytes(bytes) => put(out, &path, size, &mut BlobReader::new(bytes, blob))?,
            Content::File(file) => put(
                out,
                &path,
                size,
                &mut BlobReader::new(open_blob(file, digest)?, blob),
            )?,
        }
    }
    out.write_all(&tar::END)
        .and_then(|()| out.flush())
        .map_err(LayoutError::Write)
}

pub(super) fn put(
    out: &mut dyn Write,
    path: &str,
    size: u64,
    content: &mut dyn Read,
) -> Result<()> {
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
