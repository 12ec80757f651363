//! `[image]`, and the warnings about secrets in what becomes part of an image.

use std::collections::BTreeMap;

use super::Lowering;
use super::templates::BUILD_PLACEHOLDERS;
use crate::Image;
use crate::format::{ImageTable, Texts};
use crate::secrets::looks_secret;

pub(super) fn image(lowering: &mut Lowering<'_>, table: &ImageTable) -> Image {
    warn_of_secrets(lowering, &table.env, "variable");
    warn_of_secrets(lowering, &table.labels, "label");
    let mut ports = Vec::new();
    for at in &table.ports {
        let port = at.value.get();
        if ports.contains(&port) {
            lowering.error(at, format!("port {port} is listed twice"));
        } else {
            ports.push(port);
        }
    }
    let mut labels = BTreeMap::new();
    for (key, value) in &table.labels {
        let key_ok = lowering.word(key, "the name of a label");
        if let (Some(key), Some(value)) = (key_ok, lowering.template(value, BUILD_PLACEHOLDERS)) {
            labels.insert(key, value);
        }
    }
    Image {
        env: lowering.variables(&table.env),
        labels,
        ports,
        cmd: lowering.texts(&table.cmd),
    }
}

/// Warns of settings that look like secrets: they stay readable in the image (S2).
pub(super) fn warn_of_secrets(lowering: &mut Lowering<'_>, table: &Texts, what: &str) {
    for (key, value) in table {
        if looks_secret(&key.value, &value.value) {
            let message = format!(
                "the {what} `{}` looks like a secret, and everybody who has the image can read it",
                key.value
            );
            lowering.warn(key, message).help(
                "give secrets to a build with `[dockerfile.secrets]`, and to a program when it is started",
            );
        }
    }
}
