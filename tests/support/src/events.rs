//! What the program reports of a build with `--progress json`.

use serde_json::Value;

/// Warnings and the failure of a run.
#[derive(Debug, Default)]
pub struct Events {
    /// `Rule place: message`, in the order of the file.
    pub warnings: Vec<String>,
    /// The error and its causes, as they are shown.
    pub failure: Option<String>,
}

impl Events {
    /// Reads the events about one service; paths below its folder are shown relative to it.
    #[track_caller]
    pub fn read(stderr: &str, service: &str) -> Self {
        let folder = format!("services/{service}/");
        let mut warnings = Vec::new();
        let mut failure = None;
        for line in stderr.lines() {
            let event: Value =
                serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}\n{stderr}"));
            let text = |name: &str| event[name].as_str().unwrap_or_default().to_owned();
            match event["event"].as_str().unwrap() {
                "warning" if event["group"] == service => {
                    let file = event["source"]["file"].as_str().unwrap_or_default();
                    let file = file.strip_prefix(&folder).unwrap_or(file).to_owned();
                    let line = event["source"]["line"].as_u64().unwrap_or_default();
                    warnings.push((file, line, text("rule"), text("message")));
                }
                "error" => {
                    let list = |name: &str| event[name].as_array().unwrap().clone();
                    let causes = list("causes")
                        .into_iter()
                        .map(|cause| cause.as_str().unwrap().to_owned());
                    let hints = list("hints")
                        .into_iter()
                        .map(|hint| format!("hint: {}", hint.as_str().unwrap()));
                    let all = std::iter::once(text("message")).chain(causes).chain(hints);
                    failure = Some(all.collect::<Vec<_>>().join("\n").replace(&folder, ""));
                }
                _ => {}
            }
        }
        warnings.sort();
        let warnings = warnings
            .into_iter()
            .map(|(file, line, rule, message)| format!("{rule} {file}:{line}: {message}"));
        Self {
            warnings: warnings.collect(),
            failure,
        }
    }
}
