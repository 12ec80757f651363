//! The content-addressed store: blobs, layers and results, crash-safe and shared between processes
