//! Promotion: which image an environment runs is a change of a digest in the deployments repository.
//!
//! What is decided here is a function of bytes: a [`Place`] in a file names one scalar, and [`edit()`] changes that scalar and
//! nothing else. Files of the deployments repository are foreign and treated as hostile.
//! Building, pushing and signing what is promoted belong to other crates, and so does the command line.

mod edit;
mod foreign;
mod image;
mod place;

pub use edit::{Candidate, Current, InvalidYamlPath, Refusal, RefusalKind, YamlPath, edit, read};
pub(crate) use foreign::is_invisible;
pub use image::{Form, Image};
pub use place::{DocumentFilter, Place, Target};
