//! Platforms (`linux/arm64`, `linux/arm/v7`): parsing, normal form and the choice among what an index offers.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Operating system, architecture and variant, in Go's names and in normal form (`arm64/v8` is `arm64`, `x86_64` is `amd64`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Platform {
    /// GOARCH, for instance `amd64`.
    pub architecture: String,
    /// GOOS, for instance `linux`.
    pub os: String,
    /// For instance `v7` of `arm`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
}

/// Why a text is not a platform.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not a platform: expected OS/ARCHITECTURE or OS/ARCHITECTURE/VARIANT, for instance linux/amd64"
)]
pub struct PlatformError(pub String);

impl Platform {
    /// A platform in normal form.
    pub fn new(os: &str, architecture: &str, variant: Option<&str>) -> Self {
        let variant = variant.filter(|v| !v.is_empty());
        let (architecture, variant) = match (architecture, variant) {
            ("x86_64" | "x86-64" | "amd64", None | Some("v1")) => ("amd64", None),
            ("x86_64" | "x86-64", other) => ("amd64", other),
            ("aarch64" | "arm64", None | Some("v8" | "8")) => ("arm64", None),
            ("aarch64", other) => ("arm64", other),
            ("i386" | "i686" | "x86", _) => ("386", None),
            ("armhf", _) => ("arm", Some("v7")),
            ("armel", _) => ("arm", Some("v6")),
            ("arm", None | Some("7")) => ("arm", Some("v7")),
            ("arm", Some("5")) => ("arm", Some("v5")),
            ("arm", Some("6")) => ("arm", Some("v6")),
            (architecture, variant) => (architecture, variant),
        };
        Self {
            os: os.to_owned(),
            architecture: architecture.to_owned(),
            variant: variant.map(str::to_owned),
        }
    }

    /// The platform this program was compiled for.
    pub fn host() -> Self {
        let architecture = match std::env::consts::ARCH {
            "powerpc64" if cfg!(target_endian = "little") => "ppc64le",
            "loongarch64" => "loong64",
            other => other,
        };
        Self::new(std::env::consts::OS, architecture, None)
    }

    /// How well an image for `offered` runs here: 0 is the very platform, more is less fit, `None` is not at all.
    ///
    /// A later variant of `arm`, `arm64` and `amd64` runs what was built for an earlier one; every other variant must be the same.
    /// That a 64-bit processor may run its 32-bit predecessor's programs does not count: nobody who asked for one wants the other.
    pub fn accepts(&self, offered: &Platform) -> Option<u32> {
        let normal = |p: &Platform| Platform::new(&p.os, &p.architecture, p.variant.as_deref());
        let (wanted, offered) = (normal(self), normal(offered));
        if wanted.os != offered.os || wanted.architecture != offered.architecture {
            return None;
        }
        if wanted.variant == offered.variant {
            return Some(0);
        }
        let level = |p: &Platform| match p.variant.as_deref() {
            None if p.architecture == "arm64" => Some(8),
            None => Some(1),
            Some(v) => v.strip_prefix('v').and_then(|v| v.parse::<u32>().ok()),
        };
        match wanted.architecture.as_str() {
            "arm" | "arm64" | "amd64" => level(&wanted)?
                .checked_sub(level(&offered)?)
                .filter(|distance| *distance > 0),
            _ => None,
        }
    }

    /// The position of the best offer, the first of equals; an offer without a platform fits anything, but last.
    pub fn choose<'a>(
        &self,
        offers: impl IntoIterator<Item = Option<&'a Platform>>,
    ) -> Option<usize> {
        let fit = |offer: Option<&Platform>| {
            offer.map_or(Some(u32::MAX), |platform| self.accepts(platform))
        };
        let ranked = offers
            .into_iter()
            .enumerate()
            .filter_map(|(at, offer)| Some((fit(offer)?, at)));
        ranked.min().map(|(_, at)| at)
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        self.variant
            .iter()
            .try_for_each(|variant| write!(f, "/{variant}"))
    }
}

impl FromStr for Platform {
    type Err = PlatformError;

    fn from_str(text: &str) -> Result<Self, PlatformError> {
        let parts: Vec<&str> = text.split('/').collect();
        let word = |part: &&str| {
            part.starts_with(|first: char| first.is_ascii_lowercase() || first.is_ascii_digit())
                && part
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_-.".contains(&b))
        };
        match parts.as_slice() {
            parts if !parts.iter().all(word) => Err(PlatformError(text.to_owned())),
            [os, architecture] => Ok(Self::new(os, architecture, None)),
            [os, architecture, variant] => Ok(Self::new(os, architecture, Some(variant))),
            _ => Err(PlatformError(text.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn platform(text: &str) -> Platform {
        text.parse().unwrap()
    }

    #[test]
    fn names_are_brought_to_normal_form() {
        for (text, normal) in [
            ("linux/amd64", "linux/amd64"),
            ("linux/x86_64", "linux/amd64"),
            ("linux/amd64/v1", "linux/amd64"),
            ("linux/amd64/v3", "linux/amd64/v3"),
            ("linux/aarch64", "linux/arm64"),
            ("linux/arm64/v8", "linux/arm64"),
            ("linux/arm", "linux/arm/v7"),
            ("linux/armhf", "linux/arm/v7"),
            ("linux/i386", "linux/386"),
            ("linux/riscv64", "linux/riscv64"),
        ] {
            assert_eq!(platform(text).to_string(), normal);
        }
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "",
            "linux",
            "linux/",
            "/amd64",
            "linux/amd64/v1/x",
            "Linux/amd64",
            "linux/../x",
            "linux/amd 64",
        ] {
            assert!(text.parse::<Platform>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_later_variant_runs_an_earlier_one_but_not_the_reverse() {
        assert_eq!(
            platform("linux/arm/v7").accepts(&platform("linux/arm/v6")),
            Some(1)
        );
        assert_eq!(
            platform("linux/arm/v6").accepts(&platform("linux/arm/v7")),
            None
        );
        assert_eq!(
            platform("linux/amd64/v3").accepts(&platform("linux/amd64")),
            Some(2)
        );
        assert_eq!(
            platform("linux/amd64").accepts(&platform("linux/amd64/v2")),
            None
        );
        assert_eq!(
            platform("linux/arm64/v9").accepts(&platform("linux/arm64/v8")),
            Some(1)
        );
        assert_eq!(
            platform("linux/arm64").accepts(&platform("linux/arm64/v9")),
            None
        );
        assert_eq!(
            platform("linux/arm64").accepts(&platform("linux/arm/v7")),
            None
        );
        assert_eq!(
            platform("linux/amd64").accepts(&platform("linux/arm64")),
            None
        );
        assert_eq!(
            platform("linux/amd64").accepts(&platform("windows/amd64")),
            None
        );
    }

    #[test]
    fn the_best_offer_is_chosen_and_an_unmarked_one_last() {
        let (v6, v7, arm64) = (
            platform("linux/arm/v6"),
            platform("linux/arm/v7"),
            platform("linux/arm64"),
        );
        let wanted = platform("linux/arm/v7");
        assert_eq!(
            wanted.choose([None, Some(&v6), Some(&v7), Some(&v7)]),
            Some(2)
        );
        assert_eq!(wanted.choose([None, Some(&v6)]), Some(1));
        assert_eq!(wanted.choose([Some(&arm64), None]), Some(1));
        assert_eq!(wanted.choose([Some(&arm64)]), None);
    }

    #[test]
    fn unknown_members_of_a_platform_object_are_ignored() {
        let read: Platform = serde_json::from_str(
            r#"{"os":"linux","architecture":"arm64","variant":"v8","os.version":"1"}"#,
        )
        .unwrap();
        assert_eq!(platform("linux/arm64").accepts(&read), Some(0));
        assert_eq!(
            serde_json::to_string(&platform("linux/arm64")).unwrap(),
            r#"{"architecture":"arm64","os":"linux"}"#
        );
    }
}
