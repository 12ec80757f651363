//! `tags` and `moving-tags`, of either file.

use super::Lowering;
use crate::format::At;
use crate::tags::{is_fixed, is_latest};
use crate::{Placeholder, Template, reference};

/// A tag cannot hold the colons of `{commit_time}` or the slashes of `{registry}`.
const TAG_PLACEHOLDERS: &[Placeholder] = &[
    Placeholder::Branch,
    Placeholder::Env,
    Placeholder::Fingerprint,
    Placeholder::MajorMinor,
    Placeholder::Project,
    Placeholder::Service,
    Placeholder::Sha,
    Placeholder::ShortSha,
    Placeholder::SourceDateEpoch,
    Placeholder::Version,
];

const FIXED: &str = "add `{sha}`, `{short_sha}`, `{version}` or `{fingerprint}`";

/// Tags that never name another image; at least one.
pub(super) fn fixed(
    lowering: &mut Lowering<'_>,
    list: &At<Vec<At<String>>>,
) -> Option<Vec<Template>> {
    if list.value.is_empty() {
        lowering.error(list, "an image has at least one tag").help(
            "as in `tags = [\"{env}-{sha}-{service}\"]`; without the key it has the general ones",
        );
        return None;
    }
    let mut tags = Vec::new();
    for at in &list.value {
        let Some(template) = tag(lowering, at, &tags) else {
            continue;
        };
        if is_latest(&template) {
            lowering
                .error(at, "`latest` names another image after every push, so nobody can say what it names")
                .help("give images tags that stay; an environment that follows the newest one all the same says so: `moving-tags = [\"latest\"]`");
        } else if !is_fixed(&template) {
            // An existing tag is never moved, so a tag that does not change could be pushed only once.
            lowering
                .error(
                    at,
                    "a tag must say which commit, version or content the image is of",
                )
                .help(format!(
                    "{FIXED}; a tag that is to move is one of an environment's `moving-tags`"
                ));
        } else {
            tags.push(template);
        }
    }
    (tags.len() == list.value.len()).then_some(tags)
}

/// Tags that go over to each next image.
pub(super) fn moving(lowering: &mut Lowering<'_>, list: &[At<String>]) -> Vec<Template> {
    let mut tags = Vec::new();
    for at in list {
        let Some(template) = tag(lowering, at, &tags) else {
            continue;
        };
        if is_fixed(&template) {
            lowering
                .error(at, "a tag that says which commit, version or content the image is of does not move")
                .help("it is one of `tags`");
        } else {
            tags.push(template);
        }
    }
    tags
}

fn tag(lowering: &mut Lowering<'_>, at: &At<String>, others: &[Template]) -> Option<Template> {
    let template = lowering.template(at, TAG_PLACEHOLDERS)?;
    if let Some(fault) = reference::tag_fault(&template) {
        lowering.error(at, fault).help(
            "a tag has letters, digits, `_`, `.` and `-`, and begins with neither of the last two",
        );
        return None;
    }
    if others.contains(&template) {
        lowering.error(at, format!("`{template}` is listed twice"));
        return None;
    }
    Some(template)
}
