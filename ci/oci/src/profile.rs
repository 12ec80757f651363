//! The assembly profile: every constant that decides the bytes of an image, with its reason.
//!
//! Two builds under one profile give the same digests. Changing any of these, or the output of the crates behind them, changes
//! digests everywhere: then [`PROFILE`] gets a new version. The golden digests in `tests/golden` notice.

/// Name of the profile. Belongs into every cache key whose value depends on the bytes of an image.
pub const PROFILE: &str = "v1";

/// Modification time of every entry, in seconds after the epoch. Not 0, which some programs take for "absent"; nix and Jib chose 1
/// for the same reason.
pub const MTIME: u64 = 1;
