//! Why a layer could not be packed or unpacked.

/// Why a layer could not be packed or unpacked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LayerError {
    /// Not there yet.
    #[error("not implemented yet")]
    Unfinished,
}
