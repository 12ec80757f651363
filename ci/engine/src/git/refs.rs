//! What names of a remote repository stand for: branches, tags, commits.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// What of a repository is wanted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub(crate) enum Name {
    /// The branch that is checked out by default.
    Head,
    Branch(String),
    Tag(String),
    /// A full object id.
    Commit(String),
    /// A full reference such as `refs/pull/1/head`, a branch, or a tag; in this order.
    Any(String),
}

impl Name {
    /// What a Dockerfile means by the text behind `#`.
    pub(crate) fn of(text: Option<&str>) -> Self {
        match text {
            None => Self::Head,
            Some(text) if is_object_id(text) => Self::Commit(text.to_owned()),
            Some(text) => Self::Any(text.to_owned()),
        }
    }

    /// Refuses what git would not take as a name, or as more than one (P1).
    pub(super) fn check(&self) -> Result<()> {
        let (Self::Branch(name) | Self::Tag(name) | Self::Any(name)) = self else {
            return match self {
                Self::Commit(id) if !is_object_id(id) => Err(Error::new(format!(
                    "{id:?} is no commit: write all of its 40 hexadecimal digits, in lower case"
                ))),
                _ => Ok(()),
            };
        };
        let is_wrong = name.is_empty()
            || name.starts_with(['-', '/', '.'])
            || name.ends_with(['/', '.'])
            || name.ends_with(".lock")
            || ["..", "//", "@{", "/."]
                .iter()
                .any(|part| name.contains(part))
            || name == "@"
            || name
                .chars()
                .any(|c| c.is_control() || " ~^:?*[\\".contains(c));
        if is_wrong {
            Err(Error::new(format!(
                "{name:?} cannot be the name of a branch or tag"
            )))
        } else {
            Ok(())
        }
    }

    /// References that may be meant, the first that is there counts.
    fn candidates(&self) -> Vec<String> {
        let under = |place: &str, name: &str| {
            format!("{place}{}", name.strip_prefix(place).unwrap_or(name))
        };
        match self {
            Self::Head => vec!["HEAD".to_owned()],
            Self::Branch(name) => vec![under("refs/heads/", name)],
            Self::Tag(name) => vec![under("refs/tags/", name)],
            Self::Commit(_) => Vec::new(),
            Self::Any(name) => vec![
                under("refs/", name),
                under("refs/heads/", name),
                under("refs/tags/", name),
            ],
        }
    }

    /// The patterns to ask a remote for.
    pub(super) fn patterns(&self) -> Vec<String> {
        let candidates = self.candidates().into_iter();
        candidates
            .flat_map(|name| [format!("{name}^{{}}"), name])
            .collect()
    }

    /// What is meant, in what a remote has.
    pub(super) fn find(&self, listed: &Listed) -> Option<Resolved> {
        self.candidates().into_iter().find_map(|name| {
            let object = listed.objects.get(&name)?;
            let commit = listed
                .objects
                .get(&format!("{name}^{{}}"))
                .unwrap_or(object);
            Some(Resolved {
                name: match self {
                    Self::Head => listed.head.clone(),
                    _ => Some(name),
                },
                object: object.clone(),
                commit: commit.clone(),
            })
        })
    }
}

impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Head => f.write_str("HEAD"),
            Self::Branch(name) => write!(f, "branch {name}"),
            Self::Tag(name) => write!(f, "tag {name}"),
            Self::Commit(name) | Self::Any(name) => f.write_str(name),
        }
    }
}

/// What a name stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Resolved {
    /// The full reference; `None` if a commit was asked for.
    pub(crate) name: Option<String>,
    /// What the reference names: a commit, or an annotated tag.
    pub(crate) object: String,
    /// The commit.
    pub(crate) commit: String,
}

impl Resolved {
    /// A commit that nothing names.
    pub(crate) fn commit(id: String) -> Self {
        Self {
            name: None,
            object: id.clone(),
            commit: id,
        }
    }

    /// Holds it against a checksum: the beginning of the commit's id, or of the tag's.
    ///
    /// # Errors
    /// With both, when they differ.
    pub(crate) fn check(&self, checksum: &str) -> Result<()> {
        let wanted = checksum.to_ascii_lowercase();
        if [&self.commit, &self.object]
            .iter()
            .any(|id| id.starts_with(&wanted))
        {
            return Ok(());
        }
        let found = if self.object == self.commit {
            self.commit.clone()
        } else {
            format!("{} (tag {})", self.commit, self.object)
        };
        Err(Error::new(format!(
            "the repository is at commit {found}, but the checksum says {checksum}"
        )))
    }
}

/// What a remote says it has.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Listed {
    /// Objects by reference; `REFERENCE^{}` is the commit of an annotated tag.
    pub(super) objects: BTreeMap<String, String>,
    /// The branch that HEAD is.
    head: Option<String>,
}

impl Listed {
    /// Reads the answer of `ls-remote --symref`.
    pub(super) fn parse(answer: &[u8]) -> Self {
        let mut listed = Self::default();
        for line in String::from_utf8_lossy(answer).lines() {
            let Some((value, name)) = line.split_once('\t') else {
                continue;
            };
            if let Some(target) = value.strip_prefix("ref: ") {
                if name == "HEAD" {
                    listed.head = Some(target.to_owned());
                }
            } else if is_object_id(value) {
                listed.objects.insert(name.to_owned(), value.to_owned());
            }
        }
        listed
    }
}

/// Whether a text is a full object id, of SHA-1 or SHA-256.
pub(crate) fn is_object_id(text: &str) -> bool {
    matches!(text.len(), 40 | 64)
        && text
            .bytes()
            .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    const B: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

    fn listed() -> Listed {
        let answer = format!(
            "ref: refs/heads/main\tHEAD\n{A}\tHEAD\n{A}\trefs/heads/main\n{B}\trefs/heads/both\n{A}\trefs/tags/both\n{B}\trefs/tags/v1\n{A}\trefs/tags/v1^{{}}\n{B}\trefs/pull/1/head\nnot a line\n"
        );
        Listed::parse(answer.as_bytes())
    }

    #[test]
    fn a_name_is_a_reference_then_a_branch_then_a_tag() {
        let find = |name: &str| Name::of(Some(name)).find(&listed()).unwrap();
        assert_eq!(find("both").name.unwrap(), "refs/heads/both");
        assert_eq!(find("refs/tags/both").commit, A);
        assert_eq!(find("tags/both").commit, A);
        assert_eq!(find("pull/1/head").commit, B);
        assert_eq!(Name::Tag("both".into()).find(&listed()).unwrap().commit, A);
        assert_eq!(Name::of(Some("missing")).find(&listed()), None);
    }

    #[test]
    fn the_default_branch_is_known_by_name() {
        let head = Name::Head.find(&listed()).unwrap();
        assert_eq!(
            (head.name.as_deref(), head.commit.as_str()),
            (Some("refs/heads/main"), A)
        );
    }

    #[test]
    fn an_annotated_tag_stands_for_its_commit_and_both_are_good_checksums() {
        let tag = Name::Any("v1".into()).find(&listed()).unwrap();
        assert_eq!((tag.object.as_str(), tag.commit.as_str()), (B, A));
        assert!(tag.check(A).is_ok() && tag.check(&B[..7]).is_ok() && tag.check("AAAAAAA").is_ok());
        let message = tag.check("ccccccc").unwrap_err().to_string();
        assert!(
            message.contains(A) && message.contains(B) && message.contains("ccccccc"),
            "{message}"
        );
    }

    /// P1
    #[test]
    fn names_that_git_would_read_otherwise_are_refused_p1() {
        for name in [
            "-x",
            "--upload-pack=id",
            "a b",
            "a*",
            "a..b",
            "a:b",
            "a^{}",
            "@",
            "x.lock",
            "/a",
            "a/",
            "",
        ] {
            assert!(Name::Any(name.into()).check().is_err(), "{name}");
        }
        assert!(Name::Any("feature/a-b_c.1".into()).check().is_ok());
        assert!(Name::Commit("abc1234".into()).check().is_err());
    }
}
