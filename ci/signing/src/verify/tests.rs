//! Signatures that hold, and every way in which they may not. The signatures are made by an instance whose keys the tests have, and
//! changed afterwards, or made wrong to begin with: what is refused would have counted but for the one thing.

mod bundles;
mod claims;
pub(crate) mod instance;
pub(crate) mod keys;
mod legacy;
