//! The operations that turn layers into archives, and archives into layers.

use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write};
use std::os::fd::AsFd;
use std::path::Path;

use ci_oci::compression::{GzipWriter, decompress};
use ci_oci::layer::{self, Limits, Ownership, PackOptions};
use ci_oci::{DigestWriter, Owners};
use rustix::fs::{self, Mode, OFlags};

use super::Reply;
use crate::LayerDir;
use crate::ahead::read_ahead;
use crate::error::{Context, Error, Result};

fn open_layer(layer: &LayerDir) -> Result<(impl AsFd + use<>, Owners)> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let dir = fs::open(&layer.dir, flags, Mode::empty()).context("open", &layer.dir)?;
    Ok((dir, Owners::load(&layer.owners)?))
}

/// Names a layer by its content.
pub(super) fn hash(layer: &LayerDir) -> Result<Reply> {
    let (dir, owners) = open_layer(layer)?;
    let packed = layer::pack(
        dir.as_fd(),
        &owners,
        &PackOptions::default(),
        &mut std::io::sink(),
    )?;
    Ok(Reply::Layer {
        diff_id: packed.diff_id,
        size: packed.size,
    })
}

/// Writes a layer's compressed archive.
pub(super) fn pack(layer: &LayerDir, out: &Path) -> Result<Reply> {
    let (dir, owners) = open_layer(layer)?;
    let file = File::create(out).context("create", out)?;
    let mut gzip = GzipWriter::new(DigestWriter::new(BufWriter::with_capacity(1 << 18, file)));
    let packed = layer::pack(dir.as_fd(), &owners, &PackOptions::default(), &mut gzip)?;
    let (mut file, digest, size) = gzip.finish().context("write", out)?.finish();
    file.flush().context("write", out)?;
    Ok(Reply::Blob {
        diff_id: packed.diff_id,
        digest,
        size,
    })
}

/// Opens an archive without waiting for whoever writes to a pipe: one who has given up never comes.
fn open(path: &Path) -> Result<File> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = fs::open(path, flags, Mode::empty()).context("open", path)?;
    fs::fcntl_setfl(&file, OFlags::empty()).context("open", path)?;
    Ok(File::from(file))
}

/// Unpacks an archive of `size` bytes into an empty layer.
pub(super) fn unpack(
    archive: &Path,
    size: u64,
    into: &LayerDir,
    ownership: Ownership,
) -> Result<Reply> {
    let (dir, _) = open_layer(into)?;
    let mut content = BufReader::with_capacity(1 << 18, open(archive)?.take(size));
    let tar = decompress(&mut content).context("read", archive)?;
    // Decompressing takes as long as writing files does.
    let unpacked = read_ahead(tar, |mut tar| {
        layer::unpack(&mut tar, dir.as_fd(), &Limits::default(), ownership)
    })?;
    // Of an archive that is not compressed, a beginning is an archive, too.
    let missing = content.get_ref().limit();
    if missing > 0 {
        return Err(Error::unsuitable(
            archive.display().to_string(),
            format!("ends {missing} bytes too early"),
        ));
    }
    unpacked.owners.save(&into.owners)?;
    let canonical = layer::pack(
        dir.as_fd(),
        &unpacked.owners,
        &PackOptions::default(),
        &mut std::io::sink(),
    )?;
    Ok(Reply::Unpacked {
        diff_id: unpacked.diff_id,
        content: canonical.diff_id,
        size: canonical.size,
        implied: unpacked.implied,
        covers: unpacked.opaque_root,
    })
}
