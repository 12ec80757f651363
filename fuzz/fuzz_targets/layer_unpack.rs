//! Any entries with any content as a layer (L1–L13): nothing is made outside the layer's directory, and what is accepted is, once
//! packed, the same layer for ever. The entries are framed here, so that no run is spent on finding checksums.

#![no_main]

use std::fs::{self, File};
use std::os::fd::AsFd;
use std::path::Path;

use ci_oci::Owners;
use ci_oci::layer::{DiskIds, Limits, Ownership, PackOptions, Unpacked, pack, unpack};
use libfuzzer_sys::fuzz_target;

const LIMITS: Limits = Limits { entries: 200, name: 4095, extended_header: 1 << 16, size: 1 << 22 };

fuzz_target!(|data: &[u8]| {
    let outside = tempfile::tempdir_in("/dev/shm").unwrap();
    let Some((dir, unpacked)) = unpack_into(outside.path(), "layer", &archive(data)) else {
        assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 1);
        return;
    };
    let packed = packed(&dir, &unpacked.owners);
    let (dir, again) = unpack_into(outside.path(), "again", &packed).expect("we read what we write");
    assert_eq!(again.owners, unpacked.owners);
    assert!(self::packed(&dir, &again.owners) == packed);
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 2);
});

fn unpack_into(parent: &Path, name: &str, tar: &[u8]) -> Option<(File, Unpacked)> {
    fs::create_dir(parent.join(name)).unwrap();
    let dir = File::open(parent.join(name)).unwrap();
    let unpacked = unpack(&mut &*tar, dir.as_fd(), &LIMITS, Ownership::Record).ok()?;
    Some((dir, unpacked))
}

fn packed(dir: &File, owners: &Owners) -> Vec<u8> {
    let mut tar = Vec::new();
    let options = PackOptions { disk_ids: DiskIds::Root, ..PackOptions::default() };
    pack(dir.as_fd(), owners, &options, &mut tar).expect("what was unpacked can be packed");
    tar
}

/// Entries of the form: type, length and bytes of the name, of the link, mode, length and bytes of the content.
fn archive(mut data: &[u8]) -> Vec<u8> {
    let mut tar = Vec::new();
    while let Some((flag, rest)) = data.split_first() {
        data = rest;
        let (name, link, mode, content) = (string(&mut data), string(&mut data), string(&mut data), string(&mut data));
        let mut header = [0; 512];
        put(&mut header[..100], name);
        put(&mut header[157..257], link);
        let mode = mode.iter().fold(0u16, |mode, byte| mode << 8 | u16::from(*byte)) & 0o7777;
        put(&mut header[100..108], format!("{mode:07o}").as_bytes());
        put(&mut header[124..136], format!("{:011o}", content.len()).as_bytes());
        header[156] = *flag;
        header[257..265].copy_from_slice(b"ustar\x0000");
        header[148..156].fill(b' ');
        let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
        put(&mut header[148..156], format!("{sum:06o}\0").as_bytes());
        tar.extend_from_slice(&header);
        tar.extend_from_slice(content);
        tar.resize(tar.len().next_multiple_of(512), 0);
    }
    tar.resize(tar.len() + 1024, 0);
    tar
}

fn string<'a>(data: &mut &'a [u8]) -> &'a [u8] {
    let Some((length, rest)) = data.split_first() else { return &[] };
    let (string, rest) = rest.split_at(rest.len().min(usize::from(*length)));
    *data = rest;
    string
}

fn put(field: &mut [u8], bytes: &[u8]) {
    let length = bytes.len().min(field.len());
    field[..length].copy_from_slice(&bytes[..length]);
}
