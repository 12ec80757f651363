//! Platforms an image can be built for (OCI image index, `platform`).

use std::fmt;
use std::str::FromStr;

/// Operating system, architecture and, for `arm`, its version. The system is always Linux.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Platform {
    architecture: &'static str,
    variant: Option<&'static str>,
}

/// A text that is no [`Platform`].
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("`{text}` is not a platform")]
pub struct InvalidPlatform {
    text: String,
    /// The platform that was probably meant.
    pub suggestion: Option<Platform>,
}

/// The platforms there are, for the JSON schema.
pub(crate) const PATTERN: &str =
    "^linux/(386|amd64|arm/v[567]|arm64|loong64|ppc64le|riscv64|s390x)$";

/// The platforms there are, with the names other systems give them.
const KNOWN: &[(Platform, &[&str])] = &[
    (platform("386", None), &["i386", "i686", "x86"]),
    (platform("amd64", None), &["x86_64", "x86-64", "x64"]),
    (platform("arm", Some("v5")), &["armel"]),
    (platform("arm", Some("v6")), &[]),
    (platform("arm", Some("v7")), &["armhf", "armv7", "arm"]),
    (platform("arm64", None), &["aarch64", "arm64/v8"]),
    (platform("loong64", None), &["loongarch64"]),
    (platform("ppc64le", None), &["powerpc64le"]),
    (platform("riscv64", None), &["riscv64gc"]),
    (platform("s390x", None), &[]),
];

const fn platform(architecture: &'static str, variant: Option<&'static str>) -> Platform {
    Platform {
        architecture,
        variant,
    }
}

impl Platform {
    /// The platform this program was compiled for, or none of the known ones.
    #[must_use]
    pub fn host() -> Option<Self> {
        find(std::env::consts::ARCH)
    }

    /// The operating system, as Go names it.
    #[must_use]
    pub fn os(&self) -> &'static str {
        "linux"
    }

    /// The architecture, as Go names it: `amd64`, `arm64`, `arm` …
    #[must_use]
    pub fn architecture(&self) -> &'static str {
        self.architecture
    }

    /// The version of the architecture, for `arm` only: `v5`, `v6` or `v7`.
    #[must_use]
    pub fn variant(&self) -> Option<&'static str> {
        self.variant
    }

    /// Every platform there is, ordered by name.
    pub fn all() -> impl Iterator<Item = Self> {
        KNOWN.iter().map(|(platform, _)| platform.clone())
    }
}

/// The platform whose architecture is called `name` here or elsewhere.
fn find(name: &str) -> Option<Platform> {
    let (platform, _) = KNOWN.iter().find(|(platform, aliases)| {
        (platform.variant.is_none() && platform.architecture == name) || aliases.contains(&name)
    })?;
    Some(platform.clone())
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.variant {
            None => f.pad(&format!("linux/{}", self.architecture)),
            Some(variant) => f.pad(&format!("linux/{}/{variant}", self.architecture)),
        }
    }
}

impl FromStr for Platform {
    type Err = InvalidPlatform;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some(platform) = Self::all().find(|platform| platform.to_string() == text) {
            return Ok(platform);
        }
        let lower = text.to_ascii_lowercase();
        let architecture = lower.strip_prefix("linux/").unwrap_or(&lower);
        let suggestion = find(architecture).or_else(|| {
            let names: Vec<String> = Self::all().map(|platform| platform.to_string()).collect();
            let near = crate::diagnostic::nearest(text, names.iter().map(String::as_str))?;
            Self::all().find(|platform| platform.to_string() == near)
        });
        Err(InvalidPlatform {
            text: text.to_owned(),
            suggestion,
        })
    }
}
