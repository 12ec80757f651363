//! Promotion: which image an environment runs is a change of a digest in the deployments repository.
//!
//! What is decided here is a function of bytes: a [`Place`] in a file names one scalar, and [`edit()`] changes that scalar and
//! nothing else; [`plan()`] turns a release and the files of a repository into the files as they shall be. Writers bring a plan to the
//! branch, and make it again when the branch has moved. Files of the deployments repository are foreign and treated as hostile.
//! Building, pushing and signing what is promoted belong to other crates, and so does the command line.

mod contents;
mod declaration;
mod edit;
mod foreign;
pub mod gate;
pub mod git;
pub mod gitea;
pub mod github;
mod image;
pub mod overlay;
mod place;
mod plan;
pub mod policy;
mod pull;
pub mod receivers;
mod release;
mod rest;
pub mod review;
mod state;
pub mod status;

pub use ci_catalog::deploy::{
    Declaration, Forge, Form, MergeMethod, PlaceDeclaration, Policy, PullRequestPolicy,
    ReceiverDeclaration, WriterKind,
};
pub use contents::{Contents, Entry};
pub use declaration::{InvalidPlace, forge, state_file, targets};
pub use edit::{
    Candidate as Line, Current, InvalidYamlPath, Refusal, RefusalKind, YamlPath, edit, read,
};
pub(crate) use foreign::is_invisible;
pub use image::Image;
pub use place::{DocumentFilter, Place, Target};
pub use plan::{
    FileChange, History, Kind, LineChange, Move, NoWayBack, Promotion, Refused, Relation, Request,
    Rollback, RollbackTarget, Running, choose, plan, rollback, running,
};
pub use pull::{PullOutcome, PullRequestError, PullRequestRef};
pub use release::{Candidate, InvalidRelease, Source, candidates};
pub use state::{InvalidState, State};
