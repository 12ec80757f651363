//! Images in registries: the OCI distribution specification 1.1 and Docker's registry API v2, from the client's side.
//!
//! Everything that arrives is checked against its digest and has a bound; everything that is sent goes to the host it was meant
//! for and to no other. What an image consists of is `ci-oci`'s business; where its parts are kept, and in which order they are
//! pushed, is left to the callers.

mod auth;
mod blob;
mod challenge;
mod client;
mod config;
mod contended;
mod credentials;
mod endpoint;
mod error;
mod login;
mod manifest;
mod publish;
mod referrers;
mod session;
mod source;
mod token;
mod upload;

pub use blob::{Blob, Resume};
pub use client::Client;
pub use config::{Config, Mirror, MirrorError, RegistryConfig};
pub use contended::Change;
pub use credentials::{Credential, Credentials, Secret};
pub use error::{Denied, Error};
pub use login::Login;
pub use manifest::Manifest;
pub use publish::{Listed, Moving, TagState, Tagged};
pub use source::Source;
pub use upload::Pushed;
