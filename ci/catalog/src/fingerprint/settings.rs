//! The catalog's settings of a cargo build as texts, and the comparison of two descriptions.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::{CargoBuilder, Linkage, User};

/// Every setting that decides what is built, by its key in the catalog. What a path names is part of the sources.
pub(super) fn of(builder: &CargoBuilder) -> BTreeMap<String, String> {
    // Taken apart, so that a new setting cannot be forgotten here.
    let CargoBuilder {
        package,
        bin,
        manifest,
        profile,
        features,
        default_features,
        linkage,
        certificates,
        user: User { uid, gid },
    } = builder;
    let linkage = match linkage {
        Linkage::Auto => "auto",
        Linkage::Static => "static",
        Linkage::Dynamic => "dynamic",
    };
    let features: BTreeSet<&str> = features.iter().map(String::as_str).collect();
    let features: Vec<&str> = features.into_iter().collect();
    let mut settings = BTreeMap::from([
        ("manifest", manifest.to_string()),
        ("profile", profile.clone()),
        ("features", features.join(" ")),
        ("default-features", default_features.to_string()),
        ("linkage", linkage.to_owned()),
        ("certificates", certificates.to_string()),
        ("user", format!("{uid}:{gid}")),
    ]);
    settings.extend(package.clone().map(|package| ("package", package)));
    settings.extend(bin.clone().map(|bin| ("bin", bin)));
    let settings = settings.into_iter();
    settings
        .map(|(key, value)| (key.to_owned(), value))
        .collect()
}

/// The names of the members in which two descriptions differ.
pub(super) fn differences(ours: &Value, theirs: &Value, path: &str, names: &mut Vec<String>) {
    // As deep as the types of the description: four levels.
    match (ours, theirs) {
        _ if ours == theirs => {}
        (Value::Object(ours), Value::Object(theirs)) => {
            let keys: BTreeSet<&String> = ours.keys().chain(theirs.keys()).collect();
            for key in keys {
                let path = match path {
                    "" => key.clone(),
                    path => format!("{path}.{key}"),
                };
                let of = |object: &serde_json::Map<String, Value>| {
                    object.get(key).cloned().unwrap_or_default()
                };
                differences(&of(ours), &of(theirs), &path, names);
            }
        }
        _ => names.push(path.to_owned()),
    }
}
