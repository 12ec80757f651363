//! The log: one JSON object in a line of standard output. It gives no time, because whoever collects it does.

use std::io::{self, Write};

use crate::json;

pub(crate) fn info(message: &str, fields: &[(&str, &str)]) {
    write("info", message, fields);
}

pub(crate) fn error(message: &str, fields: &[(&str, &str)]) {
    write("error", message, fields);
}

fn write(level: &str, message: &str, fields: &[(&str, &str)]) {
    let mut members = vec![("level", level), ("message", message)];
    members.extend(fields);
    // One write, so that lines of several threads do not mix. A log that cannot be written is no reason to stop serving.
    let _ = io::stdout()
        .lock()
        .write_all(format!("{}\n", json::object(&members)).as_bytes());
}
