//! Any bytes as a catalog: it loads, or its errors are rendered, without a panic.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| ci_catalog::fuzz(data));
