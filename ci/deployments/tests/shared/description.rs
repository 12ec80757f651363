//! A forge's own description of its interface, cut down to what is used of it, and what it says of a request or an answer.

use serde_json::Value;

/// An operation of the interface, with the values of its path.
pub(crate) struct Operation {
    pub(crate) path: &'static str,
    pub(crate) method: String,
    pub(crate) values: Vec<(&'static str, String)>,
    entry: &'static Value,
}

impl Operation {
    /// The operation of a request, in a description.
    pub(crate) fn find(description: &'static Value, method: &str, path: &str) -> Option<Self> {
        let method = method.to_lowercase();
        let paths = description["paths"].as_object().unwrap();
        paths.iter().find_map(|(template, operations)| {
            Some(Self {
                path: template,
                values: matched(template, path)?,
                entry: operations.get(&method)?,
                method: method.clone(),
            })
        })
    }

    pub(crate) fn value(&self, name: &str) -> &str {
        &self.values.iter().find(|(key, _)| *key == name).unwrap().1
    }

    /// What is wrong with a request.
    pub(crate) fn check_request(
        &self,
        query: &[(String, String)],
        body: Option<&Value>,
    ) -> Vec<String> {
        let mut faults = Vec::new();
        let parameters = self.entry["parameters"].as_array().unwrap();
        for (name, value) in query {
            let known = parameters
                .iter()
                .find(|it| it["in"] == "query" && it["name"] == **name);
            match known {
                None => faults.push(format!("there is no parameter {name}")),
                Some(known) => {
                    let value = match value.parse::<i64>() {
                        Ok(number) if known["schema"]["type"] == "integer" => number.into(),
                        _ => Value::from(value.clone()),
                    };
                    check(&known["schema"], &value, name, true, &mut faults);
                }
            }
        }
        match (body, &self.entry["body"]) {
            (None, _) if self.entry["required"] == true => faults.push("a body is missing".into()),
            (None, _) => {}
            (Some(_), Value::Null) => faults.push("a body is not expected".into()),
            (Some(body), schema) => check(schema, body, "body", true, &mut faults),
        }
        faults
    }

    /// What is wrong with an answer of the stand-in: a status or a field that GitHub does not have, or of another type.
    pub(crate) fn check_answer(&self, status: u16, body: &Value) -> Vec<String> {
        let mut faults = Vec::new();
        match self.entry["answers"].get(status.to_string()) {
            // The description leaves out some refusals of every operation.
            None if matches!(status, 403 | 404 | 422 | 429 | 500..=599) => {}
            None => faults.push(format!("the status {status} is not described")),
            Some(_) if status >= 300 || body.is_null() => {}
            Some(schema) => check(schema, body, "answer", true, &mut faults),
        }
        faults
    }
}

/// The values of a path's parameters; the last one may have slashes, as forges take them though OpenAPI cannot say it.
fn matched(template: &'static str, path: &str) -> Option<Vec<(&'static str, String)>> {
    let (templates, mut parts): (Vec<&str>, Vec<&str>) =
        (template.split('/').collect(), path.split('/').collect());
    let joined;
    let takes_slashes = ["{ref}", "{path}", "{branch}"]
        .iter()
        .any(|it| template.ends_with(it));
    if takes_slashes && parts.len() > templates.len() {
        joined = parts.split_off(templates.len() - 1).join("/");
        parts.push(&joined);
    }
    if templates.len() != parts.len() {
        return None;
    }
    let mut values = Vec::new();
    for (template, part) in templates.into_iter().zip(parts) {
        match template
            .strip_prefix('{')
            .and_then(|it| it.strip_suffix('}'))
        {
            Some(name) => values.push((name, percent_decoded(part))),
            None if template == part => {}
            None => return None,
        }
    }
    Some(values)
}

pub(crate) fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let hex = (*first == b'%').then(|| std::str::from_utf8(&after[..2]).unwrap());
        match hex {
            Some(hex) => {
                bytes.push(u8::from_str_radix(hex, 16).unwrap());
                rest = &after[2..];
            }
            None => {
                bytes.push(if *first == b'+' { b' ' } else { *first });
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).unwrap()
}

/// JSON Schema, as far as these descriptions use it. `strict`: a property that is not described is a fault, too.
fn check(schema: &Value, value: &Value, at: &str, strict: bool, faults: &mut Vec<String>) {
    for (key, all) in [("oneOf", false), ("anyOf", false), ("allOf", true)] {
        let Some(schemas) = schema[key].as_array() else {
            continue;
        };
        let results: Vec<Vec<String>> = schemas
            .iter()
            .map(|schema| {
                let mut faults = Vec::new();
                // Parts of `allOf` describe some of the properties each.
                check(schema, value, at, strict && !all, &mut faults);
                faults
            })
            .collect();
        let good = results.iter().filter(|it| it.is_empty()).count();
        if all && good < schemas.len() || good == 0 {
            faults.push(format!("{at}: {results:?}"));
        }
    }
    if value.is_null() && schema["nullable"] == true {
        return;
    }
    let is_type = match schema["type"].as_str() {
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("integer") => value.is_i64() || value.is_u64(),
        Some("number") => value.is_number(),
        Some("boolean") => value.is_boolean(),
        _ => true,
    };
    if !is_type {
        faults.push(format!("{at}: {value} is no {}", schema["type"]));
        return;
    }
    if schema["enum"]
        .as_array()
        .is_some_and(|it| !it.contains(value))
    {
        faults.push(format!("{at}: {value} is none of {}", schema["enum"]));
    }
    if let Some(text) = value.as_str() {
        let length = text.chars().count() as u64;
        let is_short = schema["minLength"]
            .as_u64()
            .is_some_and(|least| length < least);
        let is_long = schema["maxLength"]
            .as_u64()
            .is_some_and(|most| length > most);
        if is_short || is_long {
            faults.push(format!("{at}: the length of {text:?}"));
        }
    }
    for (number, item) in value.as_array().into_iter().flatten().enumerate() {
        check(
            &schema["items"],
            item,
            &format!("{at}[{number}]"),
            strict,
            faults,
        );
    }
    if value
        .as_array()
        .is_some_and(|it| (it.len() as u64) < schema["minItems"].as_u64().unwrap_or(0))
    {
        faults.push(format!("{at}: too few items"));
    }
    let Some(object) = value.as_object() else {
        return;
    };
    for name in schema["required"].as_array().into_iter().flatten() {
        if !object.contains_key(name.as_str().unwrap()) {
            faults.push(format!("{at}: {name} is missing"));
        }
    }
    for (name, value) in object {
        match schema["properties"].get(name) {
            Some(schema) => check(schema, value, &format!("{at}.{name}"), strict, faults),
            None if strict && schema["properties"].is_object() => {
                faults.push(format!("{at}: there is no property {name}"));
            }
            None => {}
        }
    }
}
