//! Which folders are services: `services` of `[project]`, its patterns expanded.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};

use super::{CATALOG_FILE, SERVICE_FILE};
use crate::diagnostic::{Problems, nearest};
use crate::path::RelativePath;
use crate::source::Source;
use crate::{FileKind, Files};

/// One entry of `services` and where it stands.
pub(super) struct Pattern {
    text: String,
    span: Range<usize>,
}

/// Takes `services` from a file of which the rest may be broken, so that the services' own errors are found too.
pub(super) fn patterns(table: &DeTable<'_>) -> Vec<Pattern> {
    let project = table
        .get("project")
        .and_then(|project| project.get_ref().as_table());
    let services = project.and_then(|project| project.get("services"));
    let entries = services
        .and_then(|services| services.get_ref().as_array())
        .into_iter()
        .flatten();
    entries
        .filter_map(|entry| match entry.get_ref() {
            DeValue::String(text) => Some(Pattern {
                text: text.to_string(),
                span: entry.span(),
            }),
            _ => None,
        })
        .collect()
}

/// The folders that hold a `service.toml`, each once, with the place of the first pattern that leads there.
pub(super) fn folders(
    files: &dyn Files,
    source: &Source,
    patterns: &[Pattern],
    problems: &mut Problems,
) -> BTreeMap<PathBuf, Range<usize>> {
    let mut found = BTreeMap::new();
    for pattern in patterns {
        let resolved = match RelativePath::resolve(Path::new(""), &pattern.text) {
            Ok(path) => path,
            Err(error) => {
                let error = problems.error(source, &pattern.span, error.to_string());
                error.help(format!(
                    "paths are relative to the folder of `{CATALOG_FILE}`"
                ));
                continue;
            }
        };
        if pattern.text.contains("**") {
            let error = problems.error(source, &pattern.span, "`**` is not supported");
            error.help("`*` matches one folder: write one pattern per depth");
            continue;
        }
        let matches = expand(files, resolved.from_root());
        let before = found.len();
        let mut any = false;
        for folder in matches {
            match files.kind(&folder.join(SERVICE_FILE)) {
                Ok(FileKind::File) => {
                    any = true;
                    found.entry(folder).or_insert_with(|| pattern.span.clone());
                }
                Ok(FileKind::OutsideRoot) => {
                    any = true;
                    let message = format!(
                        "`{}` is a link that leaves the catalog root",
                        folder.display()
                    );
                    problems.error(source, &pattern.span, message);
                }
                Ok(_) => {}
                Err(error) => {
                    any = true;
                    problems.error(
                        source,
                        &pattern.span,
                        format!("`{}`: {error}", folder.display()),
                    );
                }
            }
        }
        if !any && before == found.len() {
            no_match(files, source, pattern, resolved.from_root(), problems);
        }
    }
    found
}

fn no_match(
    files: &dyn Files,
    source: &Source,
    pattern: &Pattern,
    path: &Path,
    problems: &mut Problems,
) {
    if is_glob(&pattern.text) {
        let message = format!(
            "no folder with a `{SERVICE_FILE}` matches `{}`",
            pattern.text
        );
        problems.error(source, &pattern.span, message);
        return;
    }
    let error = problems.error(
        source,
        &pattern.span,
        format!("there is no `{}`", path.join(SERVICE_FILE).display()),
    );
    let parent = path.parent().unwrap_or(Path::new(""));
    let siblings: Vec<String> = files
        .list(parent)
        .unwrap_or_default()
        .into_iter()
        .filter(|name| {
            matches!(
                files.kind(&parent.join(name).join(SERVICE_FILE)),
                Ok(FileKind::File)
            )
        })
        .collect();
    let wanted = path
        .file_name()
        .map(|name| name.to_string_lossy())
        .unwrap_or_default();
    if let Some(near) = nearest(&wanted, siblings.iter().map(String::as_str)) {
        error.help(format!("did you mean `{}`?", parent.join(near).display()));
    }
}

/// The existing folders a pattern matches, ordered by path.
fn expand(files: &dyn Files, pattern: &Path) -> Vec<PathBuf> {
    let mut folders = vec![PathBuf::new()];
    for component in pattern.iter().map(|component| component.to_string_lossy()) {
        if !is_glob(&component) {
            folders
                .iter_mut()
                .for_each(|folder| folder.push(component.as_ref()));
            continue;
        }
        let mut deeper = Vec::new();
        for folder in folders {
            // What cannot be listed matches nothing; that nothing matched is reported.
            let mut names = files.list(&folder).unwrap_or_default();
            names.retain(|name| matches(component.as_bytes(), name.as_bytes()));
            names.sort();
            deeper.extend(names.into_iter().map(|name| folder.join(name)));
        }
        folders = deeper;
    }
    folders
}

fn is_glob(text: &str) -> bool {
    text.contains(['*', '?'])
}

/// Whether `name` matches a pattern of `*` and `?`. A leading dot must be written.
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    if name.first() == Some(&b'.') && pattern.first() != Some(&b'.') {
        return false;
    }
    let (mut p, mut n) = (0, 0);
    // Where the last `*` was, and how much of the name it has taken: the only place to come back to.
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(&byte) if byte == b'?' || byte == name[n] => {
                p += 1;
                n += 1;
            }
            _ => {
                let Some((at, taken)) = star else {
                    return false;
                };
                star = Some((at, taken + 1));
                p = at + 1;
                n = taken + 1;
            }
        }
    }
    pattern[p..].iter().all(|&byte| byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn star_and_question_mark_match_within_a_name() {
        for (pattern, name, expected) in [
            ("*", "web", true),
            ("*", ".git", false),
            (".*", ".git", true),
            ("w?b", "web", true),
            ("w?b", "wb", false),
            ("*-service", "web-service", true),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-b-b", false),
            ("", "", true),
            ("*", "", true),
        ] {
            assert_eq!(
                matches(pattern.as_bytes(), name.as_bytes()),
                expected,
                "{pattern} {name}"
            );
        }
    }

    #[test]
    fn many_stars_take_no_exponential_time() {
        let pattern = "a*".repeat(200) + "b";
        assert!(!matches(pattern.as_bytes(), "a".repeat(5000).as_bytes()));
    }
}
