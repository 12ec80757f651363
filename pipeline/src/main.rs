//! This repository's own delivery pipeline.
fn main() {}
