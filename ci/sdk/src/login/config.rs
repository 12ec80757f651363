//! The text of Docker's `config.json`, and changes of one entry of its `auths` that leave every other byte as it is.

use std::fmt;
use std::ops::Range;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// What a new file looks like.
const EMPTY: &str = "{}\n";

/// A file that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Config {
    text: String,
    creds_store: Option<String>,
    cred_helpers: Vec<(String, String)>,
    /// Names in `auths`.
    known: Vec<String>,
}

impl Config {
    /// Reads a file; an empty one is like none.
    pub(super) fn parse(text: String) -> Result<Self, String> {
        let text = match text.trim() {
            "" => EMPTY.to_owned(),
            _ => text,
        };
        let top = Object::parse(&text)?;
        let string = |member: Option<&Member<'_>>| -> Option<String> {
            let value: String = serde_json::from_str(member?.raw.get()).ok()?;
            Some(value).filter(|value| !value.is_empty())
        };
        let creds_store = string(top.get("credsStore"));
        let mut cred_helpers = Vec::new();
        if let Some(helpers) = top.object("credHelpers", &text)? {
            for member in &helpers.members {
                let helper = string(Some(member));
                cred_helpers.extend(helper.map(|helper| (member.key.clone(), helper)));
            }
        }
        let known = match top.object("auths", &text)? {
            Some(auths) => auths.members.into_iter().map(|it| it.key).collect(),
            None => Vec::new(),
        };
        Ok(Self {
            creds_store,
            cred_helpers,
            known,
            text,
        })
    }

    /// The helper that keeps the credential of a registry, without the beginning that all of them have.
    pub(super) fn helper(&self, key: &str) -> Option<&str> {
        let own = self.cred_helpers.iter().find(|(name, _)| name == key);
        own.map(|(_, helper)| helper)
            .or(self.creds_store.as_ref())
            .map(String::as_str)
    }

    /// Whether there is an entry for a registry.
    pub(super) fn has(&self, key: &str) -> bool {
        self.known.iter().any(|known| known == key)
    }

    /// The text with an entry for a registry, `auth` in it if there is any.
    pub(super) fn with(&self, key: &str, auth: Option<&str>) -> Result<String, String> {
        let top = Object::parse(&self.text)?;
        let text = match (top.get("auths"), top.object("auths", &self.text)?) {
            (_, Some(auths)) => {
                let indent = auths.indent(&self.text, 2);
                let entry = entry(auth, &indent);
                match auths.get(key) {
                    Some(member) => splice(&self.text, member.place.clone(), &entry),
                    None => auths.insert(&self.text, key, &entry, 2),
                }
            }
            (member, None) => {
                let indent = top.indent(&self.text, 1);
                let inner = deeper(&indent);
                let entry = entry(auth, &inner);
                let auths = format!("{{\n{inner}{}: {entry}\n{indent}}}", quoted(key));
                match member {
                    // `null`.
                    Some(member) => splice(&self.text, member.place.clone(), &auths),
                    None => top.insert(&self.text, "auths", &auths, 1),
                }
            }
        };
        self.faithful(text, |known| known.iter().any(|known| known == key))
    }

    /// The text without the entry for a registry.
    pub(super) fn without(&self, key: &str) -> Result<String, String> {
        let top = Object::parse(&self.text)?;
        let text = match top.object("auths", &self.text)? {
            Some(auths) => auths.remove(&self.text, key),
            None => self.text.clone(),
        };
        self.faithful(text, |known| known.iter().all(|known| known != key))
    }

    /// Refuses a text that does not read as it should.
    fn faithful(&self, text: String, holds: impl Fn(&[String]) -> bool) -> Result<String, String> {
        let after = Self::parse(text)?;
        let same = after.creds_store == self.creds_store && after.cred_helpers == self.cred_helpers;
        if same && holds(&after.known) {
            Ok(after.text)
        } else {
            Err("the edited file would not read as expected; it is left as it is".to_owned())
        }
    }
}

/// An object of the text, its members in the order written.
struct Object<'a> {
    members: Vec<Member<'a>>,
    /// From brace to brace.
    place: Range<usize>,
}

struct Member<'a> {
    key: String,
    raw: &'a RawValue,
    /// Of the value.
    place: Range<usize>,
}

impl<'a> Object<'a> {
    fn parse(text: &'a str) -> Result<Self, String> {
        let raw: &RawValue = serde_json::from_str(text).map_err(|error| error.to_string())?;
        Self::of(raw, text)
    }

    fn of(raw: &'a RawValue, text: &str) -> Result<Self, String> {
        let Members(members) =
            serde_json::from_str(raw.get()).map_err(|error| error.to_string())?;
        let place = |raw: &RawValue| {
            let start = raw.get().as_ptr() as usize - text.as_ptr() as usize;
            start..start + raw.get().len()
        };
        let member = |(key, raw)| Member {
            key,
            raw,
            place: place(raw),
        };
        Ok(Self {
            members: members.into_iter().map(member).collect(),
            place: place(raw),
        })
    }

    /// The member of a name. Of several the last counts, as for those who read the file.
    fn get(&self, key: &str) -> Option<&Member<'a>> {
        self.members.iter().rev().find(|member| member.key == key)
    }

    /// The object that is the member of a name; nothing if there is none, or `null`.
    fn object(&self, key: &str, text: &str) -> Result<Option<Self>, String> {
        match self.get(key) {
            Some(member) if member.raw.get() != "null" => Self::of(member.raw, text)
                .map(Some)
                .map_err(|_| format!("`{key}` is no object")),
            _ => Ok(None),
        }
    }

    /// What stands before each member: the rest of its line, and the line's indentation.
    fn before(&self, text: &str) -> Option<String> {
        self.members.first()?;
        let inside = &text[self.place.start + 1..];
        let end = inside.find('"')?;
        Some(inside[..end].to_owned())
    }

    /// The indentation of members; `depth` counts where there are none.
    fn indent(&self, text: &str, depth: usize) -> String {
        match self.before(text) {
            Some(before) => before.rsplit('\n').next().unwrap_or_default().to_owned(),
            None => "\t".repeat(depth),
        }
    }

    fn insert(&self, text: &str, key: &str, value: &str, depth: usize) -> String {
        let member = format!("{}: {value}", quoted(key));
        match (self.before(text), self.members.last()) {
            (Some(before), Some(last)) => {
                let end = last.place.end;
                splice(text, end..end, &format!(",{before}{member}"))
            }
            _ => {
                let (inner, outer) = ("\t".repeat(depth), "\t".repeat(depth - 1));
                let object = format!("{{\n{inner}{member}\n{outer}}}");
                splice(text, self.place.clone(), &object)
            }
        }
    }

    /// Without all members of a name.
    fn remove(&self, text: &str, key: &str) -> String {
        let kept: Vec<&Member<'_>> = self.members.iter().filter(|it| it.key != key).collect();
        if kept.is_empty() {
            return splice(text, self.place.clone(), "{}");
        }
        let mut text = text.to_owned();
        // From the last on, so that places before stay what they are.
        for (at, member) in self.members.iter().enumerate().rev() {
            if member.key != key {
                continue;
            }
            let gone = match at.checked_sub(1) {
                Some(before) => self.members[before].place.end..member.place.end,
                // With the comma behind it, which is there: something is kept.
                None => {
                    let rest = &text[member.place.end..];
                    let comma = rest.find(',').map_or(0, |comma| comma + 1);
                    self.place.start + 1..member.place.end + comma
                }
            };
            text = splice(&text, gone, "");
        }
        text
    }
}

/// The members of an object, as they are written.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}

fn entry(auth: Option<&str>, indent: &str) -> String {
    match auth {
        Some(auth) => format!(
            "{{\n{}\"auth\": {}\n{indent}}}",
            deeper(indent),
            quoted(auth)
        ),
        None => "{}".to_owned(),
    }
}

/// One step further in, by what the text indents with.
fn deeper(indent: &str) -> String {
    match indent.strip_prefix("  ") {
        Some(_) => format!("{indent}  "),
        None => format!("{indent}\t"),
    }
}

/// A text as JSON.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn splice(text: &str, place: Range<usize>, new: &str) -> String {
    format!("{}{new}{}", &text[..place.start], &text[place.end..])
}

#[cfg(test)]
mod tests;
