//! What is pushed: 20 images of 10 layers, built once by the program.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Built by cargo for this run, optimised.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_pipeline");

/// Images of the release.
pub(crate) const IMAGES: usize = 20;
/// Bytes of the layers that all images have in common, as what they stand on.
const COMMON: [usize; 2] = [16 << 20, 4 << 20];
/// Bytes of the layers of an image's own.
const OWN: [usize; 8] = [
    8 << 10,
    32 << 10,
    64 << 10,
    128 << 10,
    256 << 10,
    512 << 10,
    1 << 20,
    3 << 19,
];

/// A release that was built.
#[derive(Debug)]
pub(crate) struct Release {
    folder: PathBuf,
    /// The tag that each image gets.
    tag: String,
}

impl Release {
    /// Writes the project into a folder and builds it.
    pub(crate) fn build(folder: &Path) -> eyre::Result<Self> {
        let mut release = Self {
            folder: folder.to_owned(),
            tag: String::new(),
        };
        fs::create_dir(release.project())?;
        release.name_registry("registry.example.com")?;
        let mut random = Random(1);
        let common: Vec<_> = COMMON.iter().map(|length| random.bytes(*length)).collect();
        for image in release.images() {
            let service = release.project().join(image);
            fs::create_dir(&service)?;
            let own = OWN.iter().map(|length| random.bytes(*length));
            let mut dockerfile = "FROM scratch\n".to_owned();
            for (number, content) in common.iter().cloned().chain(own).enumerate() {
                fs::write(service.join(number.to_string()), content)?;
                dockerfile += &format!("COPY {number} /\n");
            }
            fs::write(service.join("Dockerfile"), dockerfile)?;
            fs::write(service.join("service.toml"), "builder = \"dockerfile\"\n")?;
        }
        release.git(&["init", "--quiet"])?;
        release.git(&["add", "--all"])?;
        let who = ["-c", "user.name=A", "-c", "user.email=a@example.com"];
        let commit = ["commit", "--quiet", "--message=feat: everything"];
        release.git(&[&who[..], &commit[..]].concat())?;
        release.tag = release.git(&["rev-parse", "HEAD"])?.trim().to_owned();
        let built = Command::new(PROGRAM)
            .args(["build", "--engine", "embedded", "--progress", "quiet"])
            .current_dir(release.project())
            .env("PIPELINE_CACHE_DIR", folder.join("cache"))
            .stdout(std::process::Stdio::null())
            .status()?;
        eyre::ensure!(built.success(), "the build: {built}");
        Ok(release)
    }

    fn git(&self, arguments: &[&str]) -> eyre::Result<String> {
        let output = Command::new("git")
            .args(arguments)
            .current_dir(self.project())
            .output()?;
        eyre::ensure!(
            output.status.success(),
            "git {arguments:?}: {}",
            output.status
        );
        Ok(String::from_utf8(output.stdout)?)
    }

    /// The tag that each image gets.
    pub(crate) fn tag(&self) -> &str {
        &self.tag
    }

    /// Where everything is.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The project.
    pub(crate) fn project(&self) -> PathBuf {
        self.folder.join("project")
    }

    /// The layout with its images.
    pub(crate) fn layout(&self) -> PathBuf {
        self.project().join(".pipeline/oci")
    }

    /// The names of its images.
    pub(crate) fn images(&self) -> impl Iterator<Item = String> {
        (1..=IMAGES).map(|number| format!("service-{number:02}"))
    }

    /// Says in the catalog which registry images go to.
    pub(crate) fn name_registry(&self, host: &str) -> eyre::Result<()> {
        let catalog = format!(
            "[project]\nname = \"bench\"\nregistry = \"{host}\"\nrepository = \"{{registry}}/bench/{{service}}\"\nservices = [\"service-*\"]\ntags = [\"{{sha}}\"]\n\n[registries.\"{host}\"]\nplain-http = true\n"
        );
        Ok(fs::write(self.project().join("pipeline.toml"), catalog)?)
    }
}

/// A linear congruential generator (Knuth's MMIX): the same bytes every time, which do not compress.
struct Random(u64);

impl Random {
    fn bytes(&mut self, length: usize) -> Vec<u8> {
        let next = || {
            self.0 = self
                .0
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 33).to_le_bytes()[0]
        };
        std::iter::repeat_with(next).take(length).collect()
    }
}
