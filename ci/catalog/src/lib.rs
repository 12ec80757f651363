//! The catalog: projects, environments and services read from `pipeline.toml` and `service.toml`.
//!
//! This crate turns text into checked, typed values and plans over them (which services, in which order). It starts
//! nothing, writes nothing and knows no clock: everything that changes from run to run enters as [`Variables`].
//! What a service's Dockerfile says, how an image is built and where it goes belong to the crates above.
//!
//! ```no_run
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let catalog = ci_catalog::Catalog::load(std::path::Path::new("."))?;
//! for service in catalog.build_order(&catalog.select(&[])?) {
//!     let _ = service.name.as_str();
//! }
//! # Ok(())
//! # }
//! ```

pub mod affected;
pub mod deploy;
mod diagnostic;
mod files;
pub mod fingerprint;
mod format;
mod fuzz;
mod limits;
mod load;
mod lock;
mod lower;
mod model;
mod name;
mod path;
mod plan;
mod platform;
mod reference;
mod registries;
mod render;
mod schema;
mod secrets;
mod shape;
mod signing;
mod source;
mod tags;
mod template;
pub mod version;

#[cfg(test)]
mod tests;

pub use diagnostic::{CatalogErrors, Diagnostic, Location, Related, Severity};
pub use files::{Disk, FileKind, Files, MAX_FILE_BYTES, MemoryFiles, find_root};
pub use fuzz::fuzz;
pub use limits::Limits;
pub use lock::{InvalidLock, LOCK_FILE, Lock, LockChange, LockDrift};
pub use model::{
    Builder, CargoBuilder, Catalog, Check, ContextSource, Contract, ContractKind,
    DockerfileBuilder, Environment, Image, Linkage, Project, SecretSource, Service, User,
};
pub use name::{InvalidName, Name};
pub use path::RelativePath;
pub use plan::UnknownService;
pub use platform::{InvalidPlatform, Platform};
pub use registries::{
    InvalidMirror, InvalidVariable, MIRRORS_VARIABLE, Mirror, PLAIN_HTTP_VARIABLE, Registries,
    Registry,
};
pub use schema::{SchemaKind, json_schema};
pub use secrets::looks_secret;
pub use signing::{GITHUB_ISSUER, Identity, InvalidIdentity, SignatureFormat, Signer, Signing};
pub use tags::{Tag, TagConflict, TagError, distinct_tags};
pub use template::{InvalidTemplate, Placeholder, RenderError, Template, Variables};
