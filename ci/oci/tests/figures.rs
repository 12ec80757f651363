//! Measures what every RUN and COPY pays. Not a check: `cargo test -p ci-oci --test figures -- --ignored --nocapture`.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::io::{self, Write};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};
use std::{fs, path::Path};

use ci_oci::compression::GzipWriter;
use ci_oci::layer::{self, Limits, Ownership, PackOptions};
use ci_oci::{DigestWriter, Owners};

/// The median of several runs.
fn median(mut run: impl FnMut()) -> Duration {
    let mut times: Vec<_> = (0..15)
        .map(|_| {
            let start = Instant::now();
            run();
            start.elapsed()
        })
        .collect();
    times.sort();
    times[times.len() / 2]
}

/// Text that compresses about as source code does.
fn text(length: usize, seed: usize) -> Vec<u8> {
    let words = [
        "fn ", "let ", "result", "(self)", " -> ", "{\n    ", "}\n", "match ", "value", ".map(",
        "error", ";\n",
    ];
    let mut state = seed as u64 + 1;
    let mut text = Vec::new();
    while text.len() < length {
        state = state
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        text.extend_from_slice(words[(state >> 40) as usize % words.len()].as_bytes());
    }
    text.truncate(length);
    text
}

fn pack(dir: &Path, out: &mut (dyn Write + Send)) -> u64 {
    let dir = fs::File::open(dir).unwrap();
    layer::pack(dir.as_fd(), &Owners::new(), &PackOptions::default(), out)
        .unwrap()
        .size
}

#[test]
#[ignore = "a measurement"]
fn small_files() {
    let dir = tempfile::tempdir().unwrap();
    for n in 0..2000 {
        let sub = dir.path().join(format!("dir{}", n / 50));
        fs::create_dir_all(&sub).unwrap();
        fs::write(sub.join(format!("file{n}.rs")), text(1000 + n, n)).unwrap();
    }
    let size = pack(dir.path(), &mut io::sink());
    println!(
        "pack 2,000 files, {size} bytes: {:?}",
        median(|| {
            pack(dir.path(), &mut io::sink());
        })
    );
    let mut tar = Vec::new();
    pack(dir.path(), &mut tar);
    let times = median(|| {
        let target = tempfile::tempdir().unwrap();
        let file = fs::File::open(target.path()).unwrap();
        layer::unpack(
            &mut tar.as_slice(),
            file.as_fd(),
            &Limits::default(),
            Ownership::Record,
        )
        .unwrap();
        std::mem::forget(target.keep());
    });
    println!("unpack 2,000 files: {times:?}");
    println!(
        "gzip: {:?}",
        median(|| drop(GzipWriter::new(io::sink()).write_all(&tar)))
    );
}

#[test]
#[ignore = "a measurement"]
fn one_large_file() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("large"), text(200 << 20, 1)).unwrap();
    println!(
        "pack 200 MiB: {:?}",
        median(|| {
            pack(dir.path(), &mut io::sink());
        })
    );
    let data = text(200 << 20, 1);
    println!(
        "hash 200 MiB: {:?}",
        median(|| DigestWriter::new(io::sink()).write_all(&data).unwrap())
    );
}
