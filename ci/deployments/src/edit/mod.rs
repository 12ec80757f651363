//! Exact edits: one value in a file changes, every other byte stays.
//!
//! Every format is handled the same way: find the bytes of the one value, replace them, read the result again and compare. An edit
//! whose result does not read as "the same, but for this value" is refused, whatever the reason, so that a gap in what we know of a
//! format can stop a promotion but never spoil a file.

mod compose;
mod dotenv;
mod json;
mod kustomize;
mod refusal;
mod splice;
mod yaml;

use ci_oci::{Digest, Reference};

pub(crate) use dotenv::{Assignment, parse as assignments};
pub use refusal::{Candidate, Refusal, RefusalKind};
pub use yaml::{InvalidYamlPath, YamlPath};
pub(crate) use yaml::{Kind, Node, Yaml, parse};

use crate::image::{self, Image};
use crate::{Form, Place};
use refusal::Refusal as No;

/// More bytes than this are not a file that people review.
pub(crate) const MAX_FILE_BYTES: usize = 8 << 20;

/// What a place holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Current {
    /// Line of the value, from 1.
    pub line: usize,
    /// The value as the format's readers see it; of a Kustomize entry what it makes of the image.
    pub value: String,
    /// Registry and repository, where the place holds them.
    pub repository: Option<String>,
    /// Where the place holds it.
    pub tag: Option<String>,
    /// Where the place holds it.
    pub digest: Option<Digest>,
}

impl Current {
    /// Reads a value that is a reference, a digest or something else.
    fn of(line: usize, value: &str) -> Self {
        let bare = value.parse::<Digest>().ok();
        let reference = match bare {
            Some(_) => None,
            None => value.parse::<Reference>().ok(),
        };
        Self {
            line,
            value: value.to_owned(),
            repository: reference.as_ref().map(Reference::name),
            tag: reference
                .as_ref()
                .and_then(|it| it.tag().map(str::to_owned)),
            digest: bare.or_else(|| reference.and_then(|it| it.digest())),
        }
    }
}

/// What `place` holds of an image of `repository`; nothing where an edit would make it.
///
/// # Errors
/// When the file cannot be read, or the place is missing or not unique.
pub fn read(
    content: &[u8],
    place: &Place,
    repository: &Reference,
) -> Result<Option<Current>, Refusal> {
    let text = text(content)?;
    match place {
        Place::Kustomize { image } => kustomize::read(text, image.as_deref(), repository),
        Place::Compose { service, .. } => compose::read(text, service).map(Some),
        Place::Yaml {
            path,
            document,
            shared,
            ..
        } => yaml::read(text, path, document, *shared).map(Some),
        Place::Env { variable, .. } => dotenv::read(text, variable).map(Some),
        Place::Json { pointer, .. } => json::read(text, pointer).map(Some),
    }
}

/// The content with `place` naming `image`; the same content when it does already.
///
/// # Errors
/// When [`read`] fails, or what is there is not what this place should hold.
pub fn edit(content: &[u8], place: &Place, image: &Image) -> Result<Vec<u8>, Refusal> {
    let text = text(content)?;
    let edited = match place {
        Place::Kustomize { image: name } => kustomize::edit(text, name.as_deref(), image),
        Place::Compose { service, form } => compose::edit(text, service, *form, image),
        Place::Yaml {
            path,
            document,
            shared,
            form,
        } => yaml::edit(text, path, document, *shared, *form, image),
        Place::Env { variable, form } => dotenv::edit(text, variable, *form, image),
        Place::Json { pointer, form } => json::edit(text, pointer, *form, image),
    };
    edited.map(String::into_bytes)
}

fn text(content: &[u8]) -> Result<&str, Refusal> {
    if content.len() > MAX_FILE_BYTES {
        return Err(No::new(
            RefusalKind::Unreadable,
            "the file is larger than 8 MiB",
        ));
    }
    let text = std::str::from_utf8(content)
        .map_err(|_| No::new(RefusalKind::Unreadable, "the file is not UTF-8"))?;
    match text.contains('\0') {
        true => Err(No::new(
            RefusalKind::Unreadable,
            "the file holds a NUL character",
        )),
        false => Ok(text),
    }
}

/// What a place in `form` shall hold instead of `before`, or the refusal at its line.
fn value(form: Form, image: &Image, before: &str, line: usize) -> Result<String, Refusal> {
    image::write(form, image, before).map_err(|problem| {
        let message = format!("the value is not replaced: {problem}");
        // A place that was declared wrongly may hold a password, and what is said here goes to logs.
        let is_image = before
            .parse::<Reference>()
            .is_ok_and(|found| before.starts_with(found.registry()));
        let shown = match is_image {
            true => before,
            false => "(the value is not shown)",
        };
        Refusal::new(RefusalKind::Unsuitable, message).candidate(Candidate::note(line, shown))
    })
}

#[cfg(test)]
mod tests;
