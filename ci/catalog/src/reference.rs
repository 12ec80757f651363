//! Repositories and tags as registries take them (OCI distribution specification, "Pulling manifests").

use crate::{Environment, Placeholder, RenderError, Template, Variables};

/// Longest repository with its registry that clients take.
const MAX_REPOSITORY: usize = 255;
/// Longest tag.
const MAX_TAG: usize = 128;

/// What is wrong with a registry host, an optional port and at least one path component.
pub(crate) fn repository_fault(text: &str) -> Option<&'static str> {
    if text.contains("://") {
        return Some("it must not have a scheme");
    }
    let Some((host, path)) = text.split_once('/') else {
        return Some("it must begin with a host and a `/`");
    };
    let (name, port) = host
        .split_once(':')
        .map_or((host, None), |(name, port)| (name, Some(port)));
    let label = |label: &str| {
        !label.is_empty()
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    if !name.split('.').all(label) || port.is_some_and(|port| port.parse::<u16>().is_err()) {
        return Some("its host is not valid");
    }
    // Clients take a first component without any of these for a namespace of their default registry.
    if !name.contains('.') && port.is_none() && name != "localhost" {
        return Some("it must begin with a host, which has a `.` or a port");
    }
    if !path.split('/').all(crate::name::is_component) {
        return Some(
            "its path may hold only lower-case letters, digits and single separators between them",
        );
    }
    (text.len() > MAX_REPOSITORY).then_some("it is longer than 255 characters")
}

/// What is wrong with a tag, whatever its placeholders become.
pub(crate) fn tag_fault(template: &Template) -> Option<&'static str> {
    if template.as_str().is_empty() {
        return Some("the tag is empty");
    }
    if template.as_str().starts_with(['.', '-']) {
        return Some("a tag cannot begin with this character");
    }
    let literals_ok = template
        .literals()
        .all(|literal| literal.chars().all(tag_char));
    (!literals_ok).then_some("a tag cannot hold this text")
}

fn tag_char(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '_' | '.' | '-')
}

impl Environment {
    /// The tag of an image. What a tag cannot hold (the slashes of a branch) becomes a hyphen.
    ///
    /// # Errors
    /// When a value is missing, or the tag would be longer than the 128 characters a registry takes.
    pub fn render_tag(&self, variables: &Variables) -> Result<String, RenderError> {
        let mut safe = Variables::new().with(Placeholder::Env, self.name.as_str());
        for placeholder in Placeholder::ALL {
            if let Some(value) = variables.get(placeholder) {
                let value: String = value
                    .chars()
                    .map(|c| if tag_char(c) { c } else { '-' })
                    .collect();
                safe = safe.with(placeholder, value);
            }
        }
        let tag = self.tag.render(&safe)?;
        // A branch may begin with what a tag cannot.
        let tag = tag.trim_start_matches(['.', '-']);
        if tag.len() > MAX_TAG {
            return Err(RenderError::TagTooLong);
        }
        Ok(tag.to_owned())
    }
}
