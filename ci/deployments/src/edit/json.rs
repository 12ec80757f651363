//! JSON: a string by pointer (RFC 6901).

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::refusal::{Candidate, Refusal, RefusalKind, line_of};
use super::splice::{self, Splice};
use super::{Current, value};
use crate::{Form, Image};

pub(super) fn read(text: &str, pointer: &str) -> Result<Current, Refusal> {
    let (range, value) = find(text, pointer)?;
    Ok(Current::of(line_of(text, range.start), &value))
}

pub(super) fn edit(
    text: &str,
    pointer: &str,
    form: Form,
    image: &Image,
) -> Result<String, Refusal> {
    let (range, before) = find(text, pointer)?;
    let value = value(form, image, &before, line_of(text, range.start))?;
    if value == before {
        return Ok(text.to_owned());
    }
    // Values need no escapes: see `image::write`.
    let edited = splice::apply(text, vec![Splice::new(range, format!("\"{value}\""))]);
    match find(&edited, pointer) {
        Ok((_, after)) if after == value => Ok(edited),
        _ => Err(Refusal::new(
            RefusalKind::Unfaithful,
            "the edited file would not read as expected; the file is left as it is",
        )),
    }
}

/// The bytes of the string at `pointer`, quotes included, and its value.
fn find(text: &str, pointer: &str) -> Result<(Range<usize>, String), Refusal> {
    let body = text.strip_prefix('\u{feff}').unwrap_or(text);
    let place = |raw: &RawValue| {
        let start = raw.get().as_ptr() as usize - text.as_ptr() as usize;
        start..start + raw.get().len()
    };
    let mut raw: &RawValue = serde_json::from_str(body).map_err(|error| {
        let line = text.lines().nth(error.line().saturating_sub(1));
        let offset = line.map_or(0, |line| line.as_ptr() as usize - text.as_ptr() as usize);
        Refusal::new(
            RefusalKind::Unreadable,
            format!("the file is not JSON: {error}"),
        )
        .candidate(Candidate::note(
            line_of(text, offset),
            "the parser stopped here",
        ))
    })?;
    if !pointer.starts_with('/') {
        let message = "a JSON pointer begins with `/`, as in `/images/web` (RFC 6901)";
        return Err(Refusal::new(RefusalKind::Absent, message));
    }
    for step in pointer.split('/').skip(1) {
        let step = step.replace("~1", "/").replace("~0", "~");
        raw = child(text, raw, &step, place)?;
    }
    let range = place(raw);
    let string = serde_json::from_str::<String>(raw.get()).map_err(|_| {
        Refusal::new(
            RefusalKind::Unsuitable,
            "the pointer leads to something that is not a string",
        )
        .candidate(Candidate::at(text, range.start))
    })?;
    Ok((range, string))
}

fn child<'a>(
    text: &str,
    raw: &'a RawValue,
    step: &str,
    place: impl Fn(&RawValue) -> Range<usize>,
) -> Result<&'a RawValue, Refusal> {
    let unexpected = || {
        let message = format!("the pointer expects `{step}` in something that holds nothing");
        Refusal::new(RefusalKind::Absent, message).candidate(Candidate::at(text, place(raw).start))
    };
    if raw.get().starts_with('[') {
        let items: Vec<&RawValue> = serde_json::from_str(raw.get()).map_err(|_| unexpected())?;
        // "01" and "+1" are no array indices.
        let is_index = |at: &usize| at.to_string() == step;
        return match step.parse().ok().filter(is_index) {
            Some(at) if at < items.len() => Ok(items[at]),
            _ => {
                let message = format!("the list has {} items, none is `{step}`", items.len());
                Err(Refusal::new(RefusalKind::Absent, message)
                    .candidate(Candidate::at(text, place(raw).start)))
            }
        };
    }
    let Entries(entries) = serde_json::from_str(raw.get()).map_err(|_| unexpected())?;
    let shown = |(key, value): &(Cow<'_, str>, &RawValue)| {
        Candidate::note(line_of(text, place(value).start), &format!("{key:?}"))
    };
    let mut matching = entries.iter().filter(|(key, _)| key == step);
    match (matching.next(), matching.next()) {
        (Some((_, value)), None) => Ok(value),
        (None, _) => Err(Refusal::new(
            RefusalKind::Absent,
            format!("there is no key `{step}` where the pointer expects it"),
        )
        .candidates(entries.iter().map(shown))),
        _ => Err(Refusal::new(
            RefusalKind::Ambiguous,
            format!("the key `{step}` stands more than once in one object"),
        )
        .candidates(entries.iter().filter(|(key, _)| key == step).map(shown))),
    }
}

/// An object with all its entries, those of equal keys, too.
struct Entries<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de> Deserialize<'de> for Entries<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Entries<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Entries(entries))
            }
        }
        deserializer.deserialize_map(Collect)
    }
}
