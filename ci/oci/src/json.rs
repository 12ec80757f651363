//! What JSON by Go programs needs: `null` for an empty list or map, and maps in one order whatever reads them.

use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// For `deserialize_with`: Go writes a nil slice or map as `null`.
pub(crate) fn null_is_empty<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// Sorts the members of all objects. `serde_json` does so itself, unless some other crate of the build asks it for the order of
/// insertion; digests must not depend on that.
pub(crate) fn sort(value: &mut Value) {
    match value {
        Value::Array(values) => values.iter_mut().for_each(sort),
        Value::Object(members) => {
            let mut sorted: Vec<_> = std::mem::take(members).into_iter().collect();
            sorted.sort_by(|(a, _), (b, _)| a.cmp(b));
            sorted.iter_mut().for_each(|(_, value)| sort(value));
            members.extend(sorted);
        }
        _ => {}
    }
}
