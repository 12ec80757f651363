//! The images of Compose files, with the variables that they are computed from.

use crate::edit::{Kind, Node, Refusal};
use crate::foreign::printable;

use super::tree::Tree;
use super::{Finds, Unpinned, Variables, pinned};

/// The services, if the document is a Compose file.
pub(super) fn services<'a>(tree: &Tree<'a>) -> Option<&'a [(Node, Node)]> {
    let services = tree.resolve(tree.get(tree.root, "services")?);
    match (&services.kind, tree.get(tree.root, "kind")) {
        (Kind::Mapping(services), None) => Some(services),
        _ => None,
    }
}

/// Adds the images of the services.
pub(super) fn find<'a>(
    tree: &Tree<'a>,
    services: &'a [(Node, Node)],
    variables: &Variables,
    finds: &mut Finds<'_>,
) -> Result<(), Refusal> {
    const WHOLE: &str = "give what `docker compose config` makes of it";
    if let Some(include) = tree.get(tree.root, "include") {
        let refusal = tree.refused(
            include,
            "other files are included, which may run images, too",
        );
        return Err(refusal.help(WHOLE));
    }
    for (name, service) in services {
        let owner = format!("services.{}", name.scalar().unwrap_or_default());
        let owner = printable(&owner);
        let mut add = |node: &Node, text: &str| {
            let (text, image) = computed(text, variables);
            finds.add(node, &owner, None, &text, image);
        };
        if let Some(image) = tree.get(service, "image") {
            add(image, tree.resolve(image).scalar().unwrap_or_default());
        } else if tree.get(service, "extends").is_some() {
            let refusal = tree.refused(name, "a service has its image from another one");
            return Err(refusal.help(WHOLE));
        }
        for volume in tree
            .get(service, "volumes")
            .map_or(&[][..], |it| tree.items(it))
        {
            if tree.text(volume, "type") == Some("image")
                && let Some(image) = tree.get(volume, "source")
            {
                add(image, tree.resolve(image).scalar().unwrap_or_default());
            }
        }
        if tree.get(service, "image").is_none()
            && let Some(build) = tree.get(service, "build")
        {
            finds.add(build, &owner, None, "(build)", Err(Unpinned::Built));
        }
    }
    Ok(())
}

/// The image that a text names once its variables are filled in; what cannot be is shown as it stands.
fn computed(text: &str, variables: &Variables) -> (String, Result<ci_oci::Reference, Unpinned>) {
    match interpolated(text, variables) {
        Some(image) => {
            let pinned = pinned(&image);
            // A variable that is no image may be a secret.
            match pinned {
                Err(Unpinned::NotAnImage) => (text.to_owned(), pinned),
                pinned => (image, pinned),
            }
        }
        None => (text.to_owned(), Err(Unpinned::Computed)),
    }
}

/// Compose's interpolation: `$NAME`, `${NAME}`, the same with a default behind `:-` or `-` or a complaint behind `:?` or `?`, and `$$`.
fn interpolated(text: &str, variables: &Variables) -> Option<String> {
    let mut done = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        done += before;
        if let Some(after) = after.strip_prefix('$') {
            done.push('$');
            rest = after;
            continue;
        }
        let (expression, behind) = match after.strip_prefix('{') {
            Some(inside) => inside.split_once('}')?,
            None => after.split_at(name_length(after)),
        };
        let (name, otherwise) = expression.split_at(name_length(expression));
        if name.is_empty() {
            return None;
        }
        let value = variables.get(name);
        let is_set = value.is_some_and(|it| !it.is_empty());
        done += match (value, otherwise) {
            (Some(value), _) if is_set => value,
            (_, default) if default.starts_with(":-") => &default[2..],
            (Some(value), _) => value,
            (None, default) => default.strip_prefix('-')?,
        };
        rest = behind;
    }
    Some(done + rest)
}

fn name_length(text: &str) -> usize {
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    text.bytes().take_while(|byte| is_name(*byte)).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_filled_in_as_compose_does() {
        let variables = Variables::from([
            ("APP".to_owned(), "a".to_owned()),
            ("EMPTY".to_owned(), String::new()),
        ]);
        for (text, expected) in [
            ("x", Some("x")),
            ("$APP/${APP}", Some("a/a")),
            ("${APP:?must be set}@${APP?}", Some("a@a")),
            ("${NONE:-b}${NONE-c}${EMPTY:-d}${EMPTY-e}", Some("bcd")),
            ("$$APP", Some("$APP")),
            ("${NONE}", None),
            ("$NONE", None),
            ("${NONE:?say}", None),
            ("${NONE:+x}", None),
            ("${APP", None),
            ("$", None),
            ("${}", None),
        ] {
            assert_eq!(
                interpolated(text, &variables).as_deref(),
                expected,
                "{text}"
            );
        }
    }
}
