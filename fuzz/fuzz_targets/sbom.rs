//! Any bytes as a file that names packages; the first chooses which: package databases, manifests, programs. They are read or refused,
//! twice the same.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| ci_sbom::fuzz(data));
