//! Who signs the images of a catalog, and how: the values of `[signing]`. Signing and verifying belong to the crates above.

use std::collections::BTreeSet;
use std::fmt;

use crate::RelativePath;

/// Who vouches for identities where nothing else is said: GitHub, for the jobs of its Actions.
pub const GITHUB_ISSUER: &str = "https://token.actions.githubusercontent.com";

/// The `[signing]` table.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Signing {
    /// Whose signatures count; absent: nobody is named, so that nothing can be verified against the catalog.
    pub signer: Option<Signer>,
    /// Whether each platform's manifest is signed, too, beside the index.
    pub platforms: bool,
    /// The forms that signatures are attached in; never empty.
    pub formats: BTreeSet<SignatureFormat>,
    /// What is trusted in place of the public Sigstore: a `trusted_root.json`; exists.
    pub trusted_root: Option<RelativePath>,
    /// Where its services are: a `signing_config.json`; exists.
    pub signing_config: Option<RelativePath>,
}

impl Default for Signing {
    fn default() -> Self {
        Self {
            signer: None,
            platforms: false,
            formats: SignatureFormat::ALL.into(),
            trusted_root: None,
            signing_config: None,
        }
    }
}

/// Whose signatures count.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Signer {
    /// Whoever somebody else vouches for, without a key that is kept.
    Identity(Identity),
    /// Whoever has the private half of this public key, a PEM file; exists.
    Key(RelativePath),
}

/// The form in which a signature is attached to an image.
#[derive(
    Clone,
    Copy,
    Debug,
    Eq,
    Ord,
    PartialEq,
    PartialOrd,
    serde::Deserialize,
    serde::Serialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum SignatureFormat {
    /// A Sigstore bundle that refers to the image: cosign 3, Kyverno's `SigstoreBundle`.
    Bundle,
    /// Under a tag made of the image's digest: cosign 2, Kyverno's `Cosign`, policy-controller.
    Legacy,
}

impl SignatureFormat {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Bundle, Self::Legacy];
}

/// One signer exactly: who it is, and who says so. There is no form for "one of these": what a pattern leaves open, somebody
/// else can be (G6).
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd, serde::Serialize)]
pub struct Identity {
    issuer: String,
    identity: String,
}

/// Why two texts are not an [`Identity`].
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvalidIdentity {
    /// Either is empty.
    #[error("it is empty, and whoever can sign would do")]
    Empty,
    /// Either looks like a regular expression or a glob.
    #[error("it is a pattern, and somebody else could match it")]
    Pattern,
    /// The issuer is no address.
    #[error(
        "it is not the address of an issuer, as in `https://token.actions.githubusercontent.com`"
    )]
    Issuer,
    /// The identity is neither an address of the web nor of mail.
    #[error("it is neither a URL nor an e-mail address")]
    Identity,
    /// The identity is not that of a workflow of GitHub, whose issuer gives no other.
    #[error(
        "GitHub vouches for workflows: `https://github.com/OWNER/REPOSITORY/.github/workflows/FILE@refs/heads/BRANCH`"
    )]
    Workflow,
}

impl Identity {
    /// The identity that `issuer` vouches for.
    ///
    /// # Errors
    /// Either is empty, a pattern, or cannot be what it is meant to be. [`Self::issuer_fault`] tells which.
    pub fn new(issuer: &str, identity: &str) -> Result<Self, InvalidIdentity> {
        match Self::issuer_fault(issuer).or_else(|| identity_fault(issuer, identity)) {
            Some(fault) => Err(fault),
            None => Ok(Self {
                issuer: issuer.to_owned(),
                identity: identity.to_owned(),
            }),
        }
    }

    /// What is wrong with an issuer, whatever the identity.
    #[must_use]
    pub fn issuer_fault(issuer: &str) -> Option<InvalidIdentity> {
        any_fault(issuer).or_else(|| host(issuer).is_none().then_some(InvalidIdentity::Issuer))
    }

    /// Who vouches for the identity: the address of an OpenID Connect provider.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Who signs, as the certificate has it (its subject alternative name).
    #[must_use]
    pub fn identity(&self) -> &str {
        &self.identity
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (says {})", self.identity, self.issuer)
    }
}

/// What is wrong with any of the two. Neither URLs (RFC 3986) nor e-mail addresses as they are in use hold these characters, and
/// names of git references neither; those that do are patterns (G6).
fn any_fault(text: &str) -> Option<InvalidIdentity> {
    let odd = |c: char| c.is_whitespace() || c.is_control() || r#"*?[]{}|\^<>"`"#.contains(c);
    if text.is_empty() {
        Some(InvalidIdentity::Empty)
    } else if text.contains(odd) || text.contains(".+") || text.ends_with('$') {
        Some(InvalidIdentity::Pattern)
    } else {
        None
    }
}

fn identity_fault(issuer: &str, identity: &str) -> Option<InvalidIdentity> {
    if let Some(fault) = any_fault(identity) {
        return Some(fault);
    }
    if issuer == GITHUB_ISSUER {
        let workflow = identity
            .strip_prefix("https://github.com/")
            .and_then(|rest| rest.split_once("/.github/workflows/"));
        let whole = workflow.is_some_and(|(repository, file)| {
            repository
                .split('/')
                .filter(|part| !part.is_empty())
                .count()
                == 2
                && file
                    .split_once('@')
                    .is_some_and(|(file, at)| !file.is_empty() && !at.is_empty())
        });
        return (!whole).then_some(InvalidIdentity::Workflow);
    }
    let mail = identity.split_once('@').is_some_and(|(user, host)| {
        !user.is_empty() && host.contains('.') && !host.contains(['@', '/'])
    });
    (!mail && host(identity).is_none()).then_some(InvalidIdentity::Identity)
}

/// The host of `SCHEME://HOST…`.
fn host(text: &str) -> Option<&str> {
    let (scheme, rest) = text.split_once("://")?;
    let host = rest.split('/').next()?;
    let word = !scheme.is_empty() && scheme.bytes().all(|b| b.is_ascii_alphanumeric());
    (word && !host.is_empty()).then_some(host)
}
