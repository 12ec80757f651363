//! Compose: the image of a service.

use super::yaml::{self, Step, YamlPath};
use super::{Current, Refusal};
use crate::{DocumentFilter, Form, Image};

fn path(service: &str) -> YamlPath {
    ["services", service, "image"]
        .map(|key| Step::Key(key.to_owned()))
        .into_iter()
        .collect()
}

pub(super) fn read(text: &str, service: &str) -> Result<Current, Refusal> {
    yaml::read(text, &path(service), &DocumentFilter::default(), false)
}

pub(super) fn edit(
    text: &str,
    service: &str,
    form: Form,
    image: &Image,
) -> Result<String, Refusal> {
    let filter = DocumentFilter::default();
    yaml::edit(text, &path(service), &filter, false, form, image)
}
