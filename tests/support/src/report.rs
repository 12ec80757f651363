//! What came of building a case, as the text of its `expected`.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::base::Bases;
use crate::case::Staged;
use crate::events::Events;
use crate::image::Image;
use crate::tree::{self, Tree};

/// An image as far as builders should agree, relative to the base image it stands on.
#[derive(Debug)]
pub struct Built {
    /// All its files.
    pub tree: Tree,
    /// Its files, compared with those of its base.
    pub files: Vec<String>,
    /// Members of the config's `config` that say something, and `author`.
    pub config: BTreeMap<String, Value>,
    /// What each step is recorded as; those without a layer in brackets.
    pub history: Vec<String>,
}

impl Built {
    /// Reads an image. What it stands on is one of the base images, or nothing.
    #[track_caller]
    pub fn read(image: &Image, bases: &Bases) -> Self {
        let tree = image.tree();
        let lowest = image.resolved.config.rootfs.diff_ids.first();
        let base = bases.0.iter().find_map(|(name, layout)| {
            let base = Image::open(layout, Some(name));
            (base.resolved.config.rootfs.diff_ids.first() == lowest).then(|| base.tree())
        });
        let document = image.config();
        let mut config = meaningful(&document["config"]);
        config.extend(meaningful(
            &serde_json::json!({"author": document["author"]}),
        ));
        Self {
            files: tree::difference(&base.unwrap_or_default(), &tree),
            tree,
            config,
            history: history(&document),
        }
    }
}

/// Labels by which an image says where it is from; the program sets those that the Dockerfile does not.
const ORIGIN: [&str; 5] = ["created", "revision", "source", "title", "version"];

impl Built {
    /// Without the labels that are of the program and not of the Dockerfile, whose text this is.
    #[must_use]
    pub fn as_written(mut self, dockerfile: &str) -> Self {
        let Some(Value::Object(labels)) = self.config.get_mut("Labels") else {
            return self;
        };
        for name in ORIGIN.map(|name| format!("org.opencontainers.image.{name}")) {
            if !dockerfile.contains(&name) {
                labels.remove(&name);
            }
        }
        if labels.is_empty() {
            self.config.remove("Labels");
        }
        self
    }
}

/// Nothing, whether absent, null or empty, is one thing.
pub fn meaningful(config: &Value) -> BTreeMap<String, Value> {
    let is_something = |value: &Value| match value {
        Value::Null | Value::Bool(false) => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(list) => !list.is_empty(),
        Value::Object(members) => !members.is_empty(),
        Value::Bool(true) | Value::Number(_) => true,
    };
    // Of the container that Docker once committed an image from; and a remark for Windows that BuildKit makes and buildah does
    // not.
    let of_no_meaning = [
        "Hostname",
        "Domainname",
        "Image",
        "AttachStdin",
        "AttachStdout",
        "AttachStderr",
        "Tty",
        "OpenStdin",
        "StdinOnce",
        "ArgsEscaped",
    ];
    let members = config.as_object().into_iter().flatten();
    members
        .filter(|(name, value)| is_something(value) && !of_no_meaning.contains(&name.as_str()))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

fn history(config: &Value) -> Vec<String> {
    let entries = config["history"].as_array().into_iter().flatten();
    let shown = |entry: &Value| {
        let text = entry["created_by"].as_str().unwrap_or_default();
        // On one line, as it is otherwise.
        let text: String = text
            .chars()
            .map(|c| {
                if c.is_control() {
                    c.escape_debug().to_string()
                } else {
                    c.to_string()
                }
            })
            .collect();
        if entry["empty_layer"] == true {
            format!("({text})")
        } else {
            text
        }
    };
    entries.map(shown).collect()
}

/// What came of a build.
#[derive(Debug)]
pub struct Report {
    /// How the program ended.
    pub exit: i32,
    /// What it said.
    pub events: Events,
    /// What it built.
    pub image: Option<Built>,
}

impl Report {
    /// Builds a staged case with the program, with a cache that other builds may share.
    #[track_caller]
    pub fn of(program: &Path, cache: &Path, staged: &Staged, bases: &Bases) -> Self {
        let output = Command::new(program)
            .args(["build", "--progress", "json", "--jobs", "4", "--directory"])
            .arg(&staged.project)
            .arg(&staged.name)
            .env("PIPELINE_CACHE_DIR", cache)
            .env_remove("DAGGER_SESSION_PORT")
            .env_remove("SOURCE_DATE_EPOCH")
            .current_dir(&staged.project)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let stderr = staged
            .servers
            .unnamed(&String::from_utf8(output.stderr).unwrap());
        let mut image = output.status.success().then(|| {
            let layout = staged.project.join(".pipeline/oci");
            let dockerfile = fs::read(staged.folder.join(&staged.options.file)).unwrap();
            let image = Image::open(&layout, Some(&staged.name));
            Built::read(&image, bases).as_written(&String::from_utf8_lossy(&dockerfile))
        });
        for step in image.iter_mut().flat_map(|image| &mut image.history) {
            *step = staged.servers.unnamed(step);
        }
        Self {
            exit: output.status.code().unwrap_or(-1),
            events: Events::read(&stderr, &staged.name),
            image,
        }
    }
}

impl Display for Report {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut sections = Vec::new();
        if let Some(failure) = &self.events.failure {
            let lines = failure.lines().map(str::to_owned).collect();
            sections.push((format!("exit {}", self.exit), lines));
        }
        sections.push(("warnings".to_owned(), self.events.warnings.clone()));
        if let Some(image) = &self.image {
            sections.extend(image.sections());
        }
        write(sections, f)
    }
}

impl Built {
    fn sections(&self) -> Vec<(String, Vec<String>)> {
        vec![
            ("config".to_owned(), config_lines(&self.config)),
            ("history".to_owned(), self.history.clone()),
            ("files".to_owned(), self.files.clone()),
        ]
    }
}

impl Display for Built {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write(self.sections(), f)
    }
}

/// Titles and lines; nothing of what is empty.
fn write(mut sections: Vec<(String, Vec<String>)>, f: &mut Formatter<'_>) -> fmt::Result {
    sections.retain(|(_, lines)| !lines.is_empty());
    for (at, (title, lines)) in sections.iter().enumerate() {
        if at > 0 {
            writeln!(f)?;
        }
        writeln!(f, "{title}")?;
        for line in lines {
            writeln!(f, "{}", format!("  {line}").trim_end())?;
        }
    }
    Ok(())
}

/// One line for each member; lists and tables of texts, such as the environment, have one for each element.
fn config_lines(config: &BTreeMap<String, Value>) -> Vec<String> {
    let mut lines = Vec::new();
    for (name, value) in config {
        match value {
            Value::Array(list) if name == "Env" => {
                lines.extend(list.iter().map(|value| format!("{name} {value}")))
            }
            Value::Object(members) if name == "Labels" => {
                lines.extend(
                    members
                        .iter()
                        .map(|(key, value)| format!("{name} {key:?}={value}")),
                );
            }
            value => lines.push(format!("{name} {value}")),
        }
    }
    lines
}
