//! A whole `service.toml`.

use std::collections::BTreeSet;
use std::ops::Range;

use super::{Lowering, builder, contract, image, limits, tags};
use crate::format::{At, ServiceFile};
use crate::{Name, Platform, Service};

/// A service whose image another one's build reads, and where that is said.
#[derive(Debug)]
pub(crate) struct Edge {
    pub(crate) to: Name,
    pub(crate) span: Range<usize>,
}

/// The name of a service: as written, or else its folder's.
pub(crate) fn service_name(
    lowering: &mut Lowering<'_>,
    name: &str,
    span: Option<&Range<usize>>,
) -> Option<Name> {
    let at = At {
        value: name.to_owned(),
        span: span.cloned(),
    };
    if span.is_some() {
        return lowering.name(&at, "a service");
    }
    match name.parse() {
        Ok(name) => Some(name),
        Err(error) => {
            let error: crate::InvalidName = error;
            let message = format!("the folder's name, `{name}`, cannot be the name of a service");
            let example = error
                .suggestion
                .as_ref()
                .map_or("…", Name::as_str)
                .to_owned();
            lowering
                .error(&at, message)
                .help(format!("{error}; give it one with `name = \"{example}\"`"));
            None
        }
    }
}

/// The service of a file, with the services its build needs. `known` are the names of all services.
pub(crate) fn service(
    lowering: &mut Lowering<'_>,
    file: &ServiceFile,
    name: Option<Name>,
    known: &BTreeSet<&str>,
) -> Option<(Service, Vec<Edge>)> {
    let mut edges = Vec::new();
    let description = file
        .description
        .as_ref()
        .map_or(Some(String::new()), |at| one_line(lowering, at));
    let platforms = platforms(lowering, &file.platforms);
    let tags = match &file.tags {
        None => Some(None),
        Some(list) => tags::fixed(lowering, list).map(Some),
    };
    let coupled_with = coupled(lowering, &file.coupled_with, name.as_ref(), known);
    let builder = builder::builder(lowering, file, known, &mut edges);
    let image = image::image(lowering, &file.image);
    let contract = match &file.contract {
        None => Some(None),
        Some(table) => contract::contract(lowering, table).map(Some),
    };
    let limits = limits::limits(lowering, &file.limits);
    let checks = contract::checks(lowering, &file.checks, file.builder.value);
    let service = Service {
        name: name?,
        description: description?,
        folder: lowering.folder.to_path_buf(),
        manifest: lowering.source.path.clone(),
        // Known only together with `pipeline.toml`; the loader fills it in.
        repository: String::new(),
        tags: tags?,
        default: file.default,
        platforms,
        coupled_with,
        builder: builder?,
        image,
        limits,
        contract: contract?,
        checks,
    };
    Some((service, edges))
}

fn one_line(lowering: &mut Lowering<'_>, at: &At<String>) -> Option<String> {
    if at.value.contains(char::is_control) {
        lowering.error(at, "a description is one line of text");
        return None;
    }
    Some(at.value.clone())
}

fn platforms(lowering: &mut Lowering<'_>, list: &[At<String>]) -> Vec<Platform> {
    let mut platforms = Vec::new();
    for at in list {
        match at.value.parse::<Platform>() {
            Ok(platform) if platforms.contains(&platform) => {
                lowering.error(at, format!("`{platform}` is listed twice"));
            }
            Ok(platform) => platforms.push(platform),
            Err(error) => {
                let help = match &error.suggestion {
                    Some(platform) => format!("did you mean `{platform}`?"),
                    None => {
                        let all: Vec<String> = Platform::all()
                            .map(|platform| platform.to_string())
                            .collect();
                        format!("there are `{}`", all.join("`, `"))
                    }
                };
                lowering.error(at, error.to_string()).help(help);
            }
        }
    }
    platforms
}

fn coupled(
    lowering: &mut Lowering<'_>,
    list: &[At<String>],
    own: Option<&Name>,
    known: &BTreeSet<&str>,
) -> BTreeSet<Name> {
    let mut names = BTreeSet::new();
    for at in list {
        if own.is_some_and(|own| *own == *at.value) {
            lowering.error(at, "a service cannot be coupled with itself");
        } else if !known.contains(at.value.as_str()) {
            lowering.unknown_service(at, &at.value, known);
        } else {
            // A known name that is not valid is reported where it is given.
            names.extend(at.value.parse::<Name>());
        }
    }
    names
}
