//! Platforms as Dockerfiles write them: `os/architecture[/variant]`, with the aliases that are in use.

use std::fmt::{self, Display, Formatter};

use serde::{Deserialize, Serialize};

/// An operating system on a processor architecture, in the names of the OCI image specification (`linux`, `amd64`, `v7`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Platform {
    /// Operating system, `linux`.
    pub os: String,
    /// Architecture, such as `amd64` or `arm64`.
    pub arch: String,
    /// Variant of the architecture, such as `v7` of `arm`.
    pub variant: Option<String>,
}

impl Platform {
    /// A platform of these parts, with aliases (`x86_64`, `aarch64`, `armhf`, …) replaced by the names of the specification.
    pub fn new(os: &str, arch: &str, variant: Option<&str>) -> Self {
        let os = match os.to_lowercase().as_str() {
            "macos" => "darwin".to_owned(),
            other => other.to_owned(),
        };
        let variant = variant
            .map(str::to_lowercase)
            .filter(|variant| !variant.is_empty());
        let (arch, variant) = match (arch.to_lowercase().as_str(), variant.as_deref()) {
            ("i386" | "386", _) => ("386", None),
            ("x86_64" | "x86-64" | "amd64", None | Some("v1")) => ("amd64", None),
            ("x86_64" | "x86-64" | "amd64", Some(variant)) => ("amd64", Some(variant.to_owned())),
            ("aarch64" | "arm64", None | Some("8" | "v8")) => ("arm64", None),
            ("aarch64" | "arm64", Some(variant)) => ("arm64", Some(variant.to_owned())),
            ("armhf", _) => ("arm", Some("v7".to_owned())),
            ("armel", _) => ("arm", Some("v6".to_owned())),
            ("arm", None | Some("7")) => ("arm", Some("v7".to_owned())),
            ("arm", Some(variant)) if variant.starts_with(|c: char| c.is_ascii_digit()) => {
                ("arm", Some(format!("v{variant}")))
            }
            (other, variant) => {
                return Self {
                    os,
                    arch: other.to_owned(),
                    variant: variant.map(str::to_owned),
                };
            }
        };
        Self {
            os,
            arch: arch.to_owned(),
            variant,
        }
    }

    /// Reads `os/arch[/variant]`, `arch` or `os`; what is left out is taken from `default`.
    pub fn parse(text: &str, default: &Self) -> Result<Self, String> {
        let valid = |part: &str| {
            !part.is_empty()
                && part
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
        };
        let parts: Vec<&str> = text.split('/').collect();
        if !parts.iter().all(|part| valid(part)) {
            return Err(format!(
                "{text:?} is no platform, which is written os/architecture[/variant], such as linux/arm64"
            ));
        }
        match parts.as_slice() {
            [os @ ("linux" | "windows" | "darwin" | "macos" | "freebsd")] => {
                Ok(Self::new(os, &default.arch, default.variant.as_deref()))
            }
            [arch] if known_architecture(arch) => Ok(Self::new(&default.os, arch, None)),
            [os, arch] => Ok(Self::new(os, arch, None)),
            [os, arch, variant] => Ok(Self::new(os, arch, Some(variant))),
            _ => Err(format!(
                "{text:?} is no platform, which is written os/architecture[/variant], such as linux/arm64"
            )),
        }
    }
}

impl Display for Platform {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.arch)?;
        self.variant
            .as_ref()
            .map_or(Ok(()), |variant| write!(f, "/{variant}"))
    }
}

fn known_architecture(name: &str) -> bool {
    matches!(
        name.to_lowercase().as_str(),
        "386"
            | "i386"
            | "amd64"
            | "x86_64"
            | "x86-64"
            | "arm"
            | "armhf"
            | "armel"
            | "arm64"
            | "aarch64"
            | "loong64"
            | "mips64le"
            | "ppc64le"
            | "riscv64"
            | "s390x"
    )
}
