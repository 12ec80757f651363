//! The images that `.env` files name, for hosts that run Compose.

use std::collections::BTreeMap;

use crate::edit::{Assignment, Refusal, assignments};
use crate::foreign::printable;

use super::{Found, Unpinned, nothing, pinned};

/// Variables by their names.
pub type Variables = BTreeMap<String, String>;

/// The variables of an `.env` file; of one that is set twice the last value counts, as to its readers.
///
/// # Errors
/// When the text cannot be read.
pub fn variables(text: &str) -> Result<Variables, Refusal> {
    let pair = |it: Assignment<'_>| (it.name.to_owned(), it.value.to_owned());
    Ok(assignments(text)?.into_iter().map(pair).collect())
}

/// The images of an `.env` file: the values of `IMAGE` and of all variables that end in `_IMAGE`. A value that is no image is not shown, for
/// it may be a secret (S1).
///
/// # Errors
/// When the text cannot be read, and when it names no image.
pub fn env_images(text: &str) -> Result<Vec<Found>, Refusal> {
    let is_image = |it: &Assignment<'_>| it.name == "IMAGE" || it.name.ends_with("_IMAGE");
    let found = |it: Assignment<'_>| {
        let image = pinned(it.value);
        let is_shown = !matches!(image, Err(Unpinned::NotAnImage));
        Found {
            owner: String::new(),
            container: Some(printable(it.name)),
            line: it.line(text),
            text: if is_shown {
                printable(it.value)
            } else {
                String::new()
            },
            image,
        }
    };
    let all = assignments(text)?.into_iter().filter(is_image).map(found);
    let all: Vec<Found> = all.collect();
    match all.is_empty() {
        true => Err(nothing(
            "it sets neither IMAGE nor a variable that ends in _IMAGE, so there is nothing to check",
        )),
        false => Ok(all),
    }
}
