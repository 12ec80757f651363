//! `[registries]`.

use std::collections::BTreeMap;
use std::ops::Range;

use super::Lowering;
use crate::format::{At, RegistryTable};
use crate::reference;
use crate::registries::{InvalidMirror, registry_name};
use crate::{FileKind, Mirror, Registries, Registry};

pub(super) fn registries(
    lowering: &mut Lowering<'_>,
    tables: &BTreeMap<At<String>, RegistryTable>,
) -> Registries {
    let mut registries = Registries::default();
    let mut places: BTreeMap<String, Range<usize>> = BTreeMap::new();
    let mut tables: Vec<_> = tables.iter().collect();
    // Of two tables the second in the file is the one too many.
    tables.sort_by_key(|(at, _)| lowering.span(at).start);
    for (at, table) in tables {
        let registry = registry(lowering, table);
        let name = match registry_name(&at.value) {
            Ok(name) => name,
            Err(reason) => {
                let message = format!("`{}` cannot be a registry: {reason}", at.value);
                lowering.error(at, message).help(
                    "write `[registries.\"docker.io\"]` or `[registries.\"127.0.0.1:5000\"]`",
                );
                continue;
            }
        };
        if let Some(itself) = table
            .mirrors
            .iter()
            .find(|mirror| mirror.value.eq_ignore_ascii_case(&name))
        {
            lowering
                .error(itself, format!("`{name}` cannot be its own mirror"))
                .help("after its mirrors a registry is asked in any case");
        }
        let span = lowering.span(at);
        if let Some(first) = places.get(&name) {
            let first = lowering.source.locate(first);
            lowering
                .error(at, format!("the registry `{name}` has two tables"))
                .related(first, "the first is here");
            continue;
        }
        places.insert(name.clone(), span);
        registries.0.insert(name, registry);
    }
    registries
}

fn registry(lowering: &mut Lowering<'_>, table: &RegistryTable) -> Registry {
    let mut mirrors = Vec::new();
    for at in &table.mirrors {
        let parsed: Result<Mirror, InvalidMirror> = at.value.parse();
        match parsed {
            Ok(mirror) if mirrors.contains(&mirror) => {
                lowering.error(at, format!("`{mirror}` is listed twice"));
            }
            Ok(mirror) => mirrors.push(mirror),
            Err(error) => {
                let message = format!("`{}` cannot be a mirror: {error}", at.value);
                lowering
                    .error(at, message)
                    .help("write HOST[:PORT][/PREFIX], as in `mirror.example.com/dockerhub`");
            }
        }
    }
    let ca = table.ca.as_ref().and_then(|at| {
        if table.plain_http {
            lowering
                .error(at, "`ca` means nothing with `plain-http = true`")
                .help("plain HTTP has no certificates: remove one of the two");
        }
        let path = lowering.path(at)?;
        lowering.must_exist(at, &path, FileKind::File, "ca");
        Some(path)
    });
    let login_server = table.login_server.as_ref().and_then(|at| {
        let host = reference::host(&at.value);
        if host.is_none() {
            lowering
                .error(at, format!("`{}` cannot be a token server", at.value))
                .help("write HOST[:PORT], as in `auth.example.com`");
        }
        host
    });
    Registry {
        mirrors,
        plain_http: table.plain_http,
        ca,
        login_server,
    }
}
