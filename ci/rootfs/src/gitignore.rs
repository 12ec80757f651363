//! `.gitignore` files: what git leaves out of a directory, as gitignore(5) says it.
//!
//! Only the files in the directory itself count: a user's own lists and `.git/info/exclude` would make the result another one elsewhere.

use ci_dockerfile::glob::Glob;

/// Name of the files.
pub(crate) const NAME: &str = ".gitignore";

/// Largest file that is read, in bytes; what comes after does not count.
pub(crate) const LIMIT: u64 = 4 << 20;

/// The rules of one file.
#[derive(Debug, Default)]
pub(crate) struct Rules(Vec<Rule>);

#[derive(Debug)]
struct Rule {
    /// What matches is taken after all.
    negated: bool,
    /// Only directories match.
    directories: bool,
    parts: Vec<Part>,
}

#[derive(Debug)]
enum Part {
    /// `**`: any number of directories.
    Directories,
    Name(Glob),
}

/// The rules that hold in a directory: those of its own file, and of the directories above.
pub(crate) struct Level<'a> {
    rules: Rules,
    /// How many components the directory's own path has.
    depth: usize,
    above: Option<&'a Self>,
}

impl<'a> Level<'a> {
    /// The rules of the file in a directory with `depth` components in its path.
    pub(crate) fn new(file: &[u8], depth: usize, above: Option<&'a Self>) -> Self {
        Self {
            rules: Rules::parse(file),
            depth,
            above,
        }
    }

    /// Whether a path (its components from the root) is left out. What is in a directory that is left out is never asked for.
    pub(crate) fn ignores(&self, path: &[&str], is_directory: bool) -> bool {
        let mut level = Some(self);
        while let Some(this) = level {
            let below = path.get(this.depth..).unwrap_or_default();
            if let Some(verdict) = this.rules.verdict(below, is_directory) {
                return verdict;
            }
            level = this.above;
        }
        false
    }
}

impl Rules {
    /// Reads a file. Lines that are no patterns match nothing, as in git.
    fn parse(text: &[u8]) -> Self {
        let text = String::from_utf8_lossy(text);
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        Self(text.lines().filter_map(Rule::parse).collect())
    }

    /// What the last rule that matches says: whether to leave out; `None` if none does.
    fn verdict(&self, path: &[&str], is_directory: bool) -> Option<bool> {
        let rule = self
            .0
            .iter()
            .rev()
            .find(|rule| (is_directory || !rule.directories) && matches(&rule.parts, path))?;
        Some(!rule.negated)
    }
}

impl Rule {
    fn parse(line: &str) -> Option<Self> {
        let line = without_trailing_spaces(line);
        if line.is_empty() || line.starts_with('#') {
            return None;
        }
        let (negated, line) = match line.strip_prefix('!') {
            Some(rest) => (true, rest),
            None => (false, line),
        };
        let (directories, line) = match line.strip_suffix('/') {
            Some(rest) => (true, rest),
            None => (false, line),
        };
        let is_anchored = line.contains('/');
        let line = line.strip_prefix('/').unwrap_or(line);
        if line.is_empty() {
            return None;
        }
        let mut parts = Vec::new();
        if !is_anchored {
            parts.push(Part::Directories);
        }
        let mut names = line.split('/').peekable();
        while let Some(name) = names.next() {
            match name {
                "" => return None,
                "**" => {
                    parts.push(Part::Directories);
                    // At the end it is everything inside, but not the directory itself.
                    if names.peek().is_none() {
                        parts.push(Part::Name(Glob::parse("*").ok()?));
                    }
                }
                // Git knows both marks of a class of what does not match; `**` inside a name is `*`.
                name => parts.push(Part::Name(Glob::parse(&name.replace("[!", "[^")).ok()?)),
            }
        }
        Some(Self {
            negated,
            directories,
            parts,
        })
    }
}

/// A line without spaces at its end, unless a backslash keeps one.
fn without_trailing_spaces(line: &str) -> &str {
    let line = line.strip_suffix('\r').unwrap_or(line);
    let trimmed = line.trim_end_matches(' ');
    let backslashes = trimmed
        .bytes()
        .rev()
        .take_while(|byte| *byte == b'\\')
        .count();
    if backslashes % 2 == 1 && trimmed.len() < line.len() {
        &line[..=trimmed.len()]
    } else {
        trimmed
    }
}

/// Whether all of a path matches. Keeps in mind how much of the path each beginning of the pattern can have matched, so that no
/// pattern takes long.
fn matches(parts: &[Part], path: &[&str]) -> bool {
    let mut matched = vec![false; path.len() + 1];
    matched[0] = true;
    for part in parts {
        match part {
            Part::Directories => {
                let first = matched.iter().position(|matched| *matched);
                matched[first.unwrap_or(path.len() + 1)..].fill(true);
            }
            Part::Name(glob) => {
                for at in (0..path.len()).rev() {
                    matched[at + 1] = matched[at] && glob.matches(path[at]);
                }
                matched[0] = false;
            }
        }
        if !matched.contains(&true) {
            return false;
        }
    }
    matched[path.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ignored(text: &str, path: &str) -> bool {
        let level = Level::new(text.as_bytes(), 0, None);
        let is_directory = path.ends_with('/');
        let path: Vec<&str> = path.trim_end_matches('/').split('/').collect();
        level.ignores(&path, is_directory)
    }

    #[test]
    fn a_name_matches_at_any_depth_and_a_path_only_from_the_file() {
        assert!(ignored("target\n", "a/b/target"));
        assert!(ignored("/target\n", "target"));
        assert!(!ignored("/target\n", "a/target"));
        assert!(ignored("a/*.o\n", "a/x.o") && !ignored("a/*.o\n", "b/a/x.o"));
        assert!(ignored("a/**/z\n", "a/z") && ignored("a/**/z\n", "a/b/c/z"));
        assert!(ignored("a/**\n", "a/b/c") && !ignored("a/**\n", "a/"));
        assert!(ignored("**/x/y\n", "q/x/y"));
    }

    #[test]
    fn the_last_rule_counts_and_deeper_files_come_first() {
        assert!(!ignored("*.log\n!keep.log\n", "keep.log"));
        assert!(ignored("!keep.log\n*.log\n", "keep.log"));
        let above = Level::new(b"*.log\n", 0, None);
        let below = Level::new(b"!/a.log\n", 1, Some(&above));
        assert!(!below.ignores(&["d", "a.log"], false));
        assert!(below.ignores(&["d", "b.log"], false));
        assert!(below.ignores(&["d", "e", "a.log"], false));
    }

    #[test]
    fn a_slash_at_the_end_means_directories_only() {
        assert!(ignored("build/\n", "build/") && !ignored("build/\n", "build"));
    }

    #[test]
    fn what_is_no_pattern_matches_nothing() {
        for text in ["# x\n", "\n", "/\n", "[\n", "a//b\n", "\\\n"] {
            for path in ["x", "# x", "a", "[", "a/b", "\\"] {
                assert!(!ignored(text, path), "{text:?} {path}");
            }
        }
        assert!(ignored("\\#x\n", "#x") && ignored("\\!x\n", "!x"));
        assert!(ignored("x \r\n", "x") && ignored("x\\ \n", "x "));
    }

    #[test]
    fn a_hostile_pattern_takes_no_time() {
        let pattern = format!("{}x\n", "**/a/".repeat(12));
        let path = vec!["a"; 60];
        assert!(!Level::new(pattern.as_bytes(), 0, None).ignores(&path, false));
    }
}
