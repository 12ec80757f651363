//! `[limits]`, of either file.

use super::Lowering;
use crate::Limits;
use crate::format::{At, LimitsTable};

/// The form of sizes, for the JSON schema.
pub(crate) const SIZE_PATTERN: &str = "^[0-9]+(KiB|MiB|GiB|TiB)$";

const UNITS: [(&str, u64); 4] = [
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
];

/// With less than this no program starts, so whoever writes it means something else.
const LEAST_MEMORY: u64 = 4 << 20;

pub(crate) fn limits(lowering: &mut Lowering<'_>, table: &LimitsTable) -> Limits {
    let memory = table.memory.as_ref().and_then(|at| memory(lowering, at));
    let time = table.time.as_ref().and_then(|at| lowering.duration(at));
    Limits {
        memory,
        pids: table.pids.as_ref().map(|at| at.value.get()),
        time,
    }
}

fn memory(lowering: &mut Lowering<'_>, at: &At<String>) -> Option<u64> {
    match parse_size(&at.value) {
        Some(bytes) if bytes < LEAST_MEMORY => {
            lowering.error(at, "no program starts with less than 4 MiB of memory");
        }
        Some(bytes) => return Some(bytes),
        None => {
            let help = match meant(&at.value) {
                Some(size) => format!("did you mean `{size}`?"),
                None => "a whole number and a unit (`KiB`, `MiB`, `GiB` or `TiB`), as in `512MiB`"
                    .to_owned(),
            };
            lowering
                .error(at, format!("`{}` is not a size", at.value))
                .help(help);
        }
    }
    None
}

fn parse_size(text: &str) -> Option<u64> {
    let (unit, factor) = UNITS.iter().find(|(unit, _)| text.ends_with(unit))?;
    let number = text.strip_suffix(unit)?;
    let digits = number.bytes().all(|byte| byte.is_ascii_digit());
    let number: u64 = number.parse().ok().filter(|_| digits)?;
    number.checked_mul(*factor)
}

/// What `4g`, `4 GB` and `4Gi` are meant to be.
fn meant(text: &str) -> Option<String> {
    let end = text.find(|c: char| !c.is_ascii_digit())?;
    let unit = text[end..].trim().to_ascii_lowercase();
    let prefix = unit.strip_suffix('b').unwrap_or(&unit);
    let prefix = prefix.strip_suffix('i').unwrap_or(prefix);
    let (unit, _) = UNITS
        .iter()
        .find(|(unit, _)| unit[..1].eq_ignore_ascii_case(prefix))?;
    let size = format!("{}{unit}", &text[..end]);
    parse_size(&size).map(|_| size)
}
