//! `[contract]` and `[[checks]]`.

use std::collections::BTreeMap;
use std::path::Path;

use super::Lowering;
use crate::format::{At, BuilderKind, CheckTable, ContractTable, KindOfContract};
use crate::path::RelativePath;
use crate::{Check, Contract, ContractKind, Name};

/// The path asked where a contract names none.
pub(crate) const LIVEZ: &str = "/livez";

pub(super) fn contract(lowering: &mut Lowering<'_>, at: &At<ContractTable>) -> Option<Contract> {
    let table = &at.value;
    let kind = match table.kind {
        KindOfContract::Http => http(lowering, at),
        KindOfContract::Job => job(lowering, table),
    };
    let env = lowering.variables(&table.env);
    let args = lowering.texts(&table.args);
    let start_timeout = lowering.duration(&table.start_timeout);
    let grace_period = lowering.duration(&table.grace_period);
    Some(Contract {
        kind: kind?,
        env,
        args,
        start_timeout: start_timeout?,
        grace_period: grace_period?,
    })
}

fn http(lowering: &mut Lowering<'_>, at: &At<ContractTable>) -> Option<ContractKind> {
    let table = &at.value;
    let default = At::default_value(LIVEZ);
    let livez = url_path(lowering, table.livez.as_ref().unwrap_or(&default));
    let readyz = optional_url_path(lowering, table.readyz.as_ref());
    let version = optional_url_path(lowering, table.version.as_ref());
    if table.port.is_none() {
        lowering
            .error(at, "a contract of `kind = \"http\"` needs a `port`")
            .help("add `port = 8080`, or what the program listens on");
    }
    let port = table.port.as_ref()?.value.get();
    Some(ContractKind::Http {
        port,
        livez: livez?,
        readyz: readyz?,
        version: version?,
    })
}

/// A job listens to nothing, so it has nothing to ask.
fn job(lowering: &mut Lowering<'_>, table: &ContractTable) -> Option<ContractKind> {
    let paths = [
        ("livez", &table.livez),
        ("readyz", &table.readyz),
        ("version", &table.version),
    ];
    let mut set: Vec<_> = paths
        .into_iter()
        .filter_map(|(key, at)| Some((key, lowering.span(at.as_ref()?))))
        .collect();
    set.extend(table.port.as_ref().map(|at| ("port", lowering.span(at))));
    for (key, span) in &set {
        let message = format!("`{key}` means nothing for a contract of `kind = \"job\"`");
        lowering
            .problems
            .error(lowering.source, span, message)
            .help("remove it, or set `kind = \"http\"`");
    }
    set.is_empty().then_some(ContractKind::Job)
}

fn optional_url_path(
    lowering: &mut Lowering<'_>,
    at: Option<&At<String>>,
) -> Option<Option<String>> {
    match at {
        None => Some(None),
        Some(at) => url_path(lowering, at).map(Some),
    }
}

/// The path of a request (RFC 9112, origin-form).
fn url_path(lowering: &mut Lowering<'_>, at: &At<String>) -> Option<String> {
    let printable = at
        .value
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && byte != b'#');
    if !at.value.starts_with('/') || !printable {
        let message = format!("`{}` is not the path of a request", at.value);
        lowering
            .error(at, message)
            .help("it begins with `/` and has neither spaces nor a host, as in `/livez`");
        return None;
    }
    Some(at.value.clone())
}

pub(super) fn checks(
    lowering: &mut Lowering<'_>,
    tables: &[CheckTable],
    builder: BuilderKind,
) -> Vec<Check> {
    let mut first: BTreeMap<Name, std::ops::Range<usize>> = BTreeMap::new();
    let mut checks = Vec::new();
    for table in tables {
        let check = check(lowering, table, builder);
        let Some(check) = check else { continue };
        let span = lowering.span(&table.name);
        if let Some(other) = first.get(&check.name) {
            let other = lowering.source.locate(other);
            let message = format!("two checks are named `{}`", check.name);
            lowering
                .error(&table.name, message)
                .related(other, "the first is here");
            continue;
        }
        first.insert(check.name.clone(), span);
        checks.push(check);
    }
    checks
}

fn check(lowering: &mut Lowering<'_>, table: &CheckTable, builder: BuilderKind) -> Option<Check> {
    let name = lowering.name(&table.name, "a check");
    let target = lowering.optional_word(table.target.as_ref(), "a target");
    if let (Some(target), BuilderKind::Cargo) = (&table.target, builder) {
        let message = "a check of a service with `builder = \"cargo\"` has no `target`";
        lowering
            .error(target, message)
            .help("it runs on the host's toolchain: remove the key");
    }
    let command = lowering.texts(&table.command.value);
    if table
        .command
        .value
        .first()
        .is_none_or(|program| program.value.is_empty())
    {
        lowering
            .error(&table.command, "the command is empty")
            .help("write the program and its arguments: `[\"cargo\", \"test\"]`");
    }
    let junit = match &table.junit {
        None => Some(None),
        Some(at) => junit(lowering, at, builder).map(Some),
    };
    Some(Check {
        name: name?,
        target: target?,
        command,
        junit: junit?,
    })
}

/// Where a check leaves its report: in the container an absolute path, on the host a relative one.
fn junit(lowering: &mut Lowering<'_>, at: &At<String>, builder: BuilderKind) -> Option<String> {
    if builder == BuilderKind::Cargo {
        lowering.path(at)?;
        return Some(at.value.clone());
    }
    let below_root = at
        .value
        .strip_prefix('/')
        .map(|path| RelativePath::resolve(Path::new(""), path));
    if !matches!(below_root, Some(Ok(_))) {
        let message = format!("`{}` is not an absolute path in the container", at.value);
        lowering
            .error(at, message)
            .help("the check runs in a container: write a path such as `/out/junit.xml`");
        return None;
    }
    Some(at.value.clone())
}
