//! OCI images: digests, deterministic layers, image assembly and the image layout
