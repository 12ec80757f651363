//! Who pushes.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::release::{PROGRAM, Release};

/// A way to push all images of a release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Pusher {
    /// The program of this repository.
    Ours,
    /// `skopeo copy`, image after image.
    Skopeo,
    /// `skopeo copy`, all images at once.
    SkopeoAtOnce,
}

impl Pusher {
    pub(crate) const ALL: [Self; 3] = [Self::Ours, Self::Skopeo, Self::SkopeoAtOnce];

    /// For programs and headings.
    pub(crate) fn key(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::Skopeo => "skopeo",
            Self::SkopeoAtOnce => "skopeo-at-once",
        }
    }

    /// Pushes a release to the registry at `host`. `home` is where the pusher may remember what is where.
    pub(crate) fn push(self, release: &Release, host: &str, home: &Path) -> eyre::Result<()> {
        match self {
            Self::Ours => finish(
                quietly(
                    Command::new(PROGRAM).args(["push", "--progress", "quiet"]),
                    home,
                )
                .current_dir(release.project())
                .spawn()?,
            ),
            Self::Skopeo => release
                .images()
                .try_for_each(|image| finish(skopeo(release, &image, host, home)?)),
            Self::SkopeoAtOnce => {
                let running: Vec<_> = release
                    .images()
                    .map(|image| skopeo(release, &image, host, home))
                    .collect::<eyre::Result<_>>()?;
                running.into_iter().try_for_each(finish)
            }
        }
    }
}

fn skopeo(release: &Release, image: &str, host: &str, home: &Path) -> eyre::Result<Child> {
    let mut command = Command::new("skopeo");
    command
        .args(["--insecure-policy", "copy", "--quiet", "--preserve-digests"])
        .arg("--dest-tls-verify=false")
        .arg(format!("oci:{}:{image}", release.layout().display()))
        .arg(format!("docker://{host}/bench/{image}:{}", release.tag()));
    Ok(quietly(&mut command, home).spawn()?)
}

/// In an environment of its own: skopeo remembers below its user's home which registry has which blob.
fn quietly<'a>(command: &'a mut Command, home: &Path) -> &'a mut Command {
    command
        .env("HOME", home)
        .env("XDG_DATA_HOME", home)
        .env("PIPELINE_CACHE_DIR", home.join("cache"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
}

fn finish(mut child: Child) -> eyre::Result<()> {
    let status = child.wait()?;
    eyre::ensure!(status.success(), "{status}");
    Ok(())
}
