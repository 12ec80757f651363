//! Who a commit is by, and when. Both are given: neither this machine's user nor its clock decides what is written.

/// Author and committer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    name: String,
    email: String,
    seconds: i64,
}

/// Why an identity is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a commit is by a name and an address, without `<`, `>` and control characters")]
pub struct InvalidIdentity;

impl Identity {
    /// An identity, and the time in seconds since 1970.
    ///
    /// # Errors
    /// When a part is empty or would end the line of the commit.
    pub fn new(name: &str, email: &str, seconds: i64) -> Result<Self, InvalidIdentity> {
        let is_clean = |text: &str| {
            !text.trim().is_empty() && !text.chars().any(|it| it.is_control() || "<>".contains(it))
        };
        match is_clean(name) && is_clean(email) && seconds >= 0 {
            true => Ok(Self {
                name: name.trim().to_owned(),
                email: email.trim().to_owned(),
                seconds,
            }),
            false => Err(InvalidIdentity),
        }
    }

    /// As it stands in a commit.
    pub(super) fn line(&self) -> String {
        format!("{} <{}> {} +0000", self.name, self.email, self.seconds)
    }
}
