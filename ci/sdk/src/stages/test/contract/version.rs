//! What a service says about itself, compared with what was built: the point of `/version` is that a running service can be
//! traced to its commit and its image.

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::Point;
use super::http::Response;
use crate::text;

/// The name of this part of the contract.
const NAME: &str = "version";

/// Longest value of a service that is repeated in a message, in characters.
const SHOWN: usize = 100;

/// What was built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Expected {
    /// The commit.
    pub(crate) sha: String,
    /// Name of the service.
    pub(crate) service: String,
    /// Time of the commit, RFC 3339.
    pub(crate) build_ts: String,
    /// Digest of the image, which it was given in [`super::IMAGE_DIGEST`].
    pub(crate) image_digest: String,
}

/// One point if everything is right, else one for each thing that is wrong.
pub(crate) fn check(response: &Response, expected: &Expected) -> Vec<Point> {
    if response.status != 200 {
        return vec![Point::failed(
            NAME,
            format!("answered {}, not 200", response.status),
        )];
    }
    let Ok(found) = serde_json::from_slice::<Map<String, Value>>(&response.body) else {
        let body = String::from_utf8_lossy(&response.body);
        let message = format!("answered no JSON object but `{}`", shown(&body));
        return vec![Point::failed(NAME, message)];
    };
    let problems = [
        same(&found, "sha", &expected.sha),
        same(&found, "service", &expected.service),
        same_time(&found, "buildTs", &expected.build_ts),
        same(&found, "imageDigest", &expected.image_digest),
    ];
    let wrong: Vec<Point> = problems.into_iter().flatten().collect();
    if wrong.is_empty() {
        return vec![Point::passed(
            NAME,
            "sha, service, buildTs and imageDigest are those of this build",
        )];
    }
    wrong
}

fn same(found: &Map<String, Value>, field: &str, expected: &str) -> Option<Point> {
    let is_same = found.get(field).and_then(Value::as_str) == Some(expected);
    (!is_same).then(|| different(found, field, expected))
}

/// The same moment, however it is written.
fn same_time(found: &Map<String, Value>, field: &str, expected: &str) -> Option<Point> {
    let text = found.get(field).and_then(Value::as_str);
    let time = text.and_then(rfc3339);
    if let (Some(text), None) = (text, time) {
        let message = format!(
            "expected {expected}, found `{}`, which is no RFC 3339 time",
            shown(text)
        );
        return Some(Point::failed(format!("{NAME}.{field}"), message));
    }
    let is_same = time.is_some() && time == rfc3339(expected);
    (!is_same).then(|| different(found, field, expected))
}

fn different(found: &Map<String, Value>, field: &str, expected: &str) -> Point {
    let found = match found.get(field) {
        None => "nothing".to_owned(),
        Some(Value::String(text)) => format!("`{}`", shown(text)),
        Some(other) => format!("{}, which is no text", shown(&other.to_string())),
    };
    Point::failed(
        format!("{NAME}.{field}"),
        format!("expected `{expected}`, found {found}"),
    )
}

/// A time of RFC 3339, which allows less than the parser of `jiff` does: date, time with seconds, and offset are all there.
fn rfc3339(text: &str) -> Option<Timestamp> {
    const SHAPE: &[u8] = b"0000-00-00T00:00:00";
    let (time, offset) = text.split_at_checked(SHAPE.len())?;
    let fits = time.bytes().zip(SHAPE).all(|(byte, shape)| match shape {
        b'0' => byte.is_ascii_digit(),
        b'T' => matches!(byte, b'T' | b't' | b' '),
        other => byte == *other,
    });
    let is_offset = |c: char| c.is_ascii_digit() || "+-.:Zz".contains(c);
    (fits && !offset.is_empty() && offset.chars().all(is_offset)).then(|| text.parse().ok())?
}

/// What a service said, fit for one line.
fn shown(text: &str) -> String {
    text::truncate(&text::one_line(text), SHOWN)
}

#[cfg(test)]
mod tests;
