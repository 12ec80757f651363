//! The base image: what `debootstrap` makes of Debian's packages, in one layer. Made once, and kept for later runs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::process::run;
use crate::work;

/// Its name in the registry that all builders pull it from.
pub(crate) const NAME: &str = "base:bookworm";

/// The OCI layout with the image `base`.
pub(crate) fn layout() -> eyre::Result<PathBuf> {
    let cache = work::cache()?;
    let layout = cache.join("base");
    if !layout.exists() {
        let work = work::root()?;
        let root = work.join("debootstrap");
        let log = work.join("base.log");
        eprintln!("making the base image, which takes a minute or two");
        run(
            Command::new("debootstrap")
                .args(["--variant=minbase", "bookworm"])
                .arg(&root),
            &log,
        )?;
        // Packages and their lists are no part of an image.
        for dir in ["var/cache/apt/archives", "var/lib/apt/lists"] {
            fs::remove_dir_all(root.join(dir))?;
            fs::create_dir(root.join(dir))?;
        }
        let made = work.join("base");
        pack(&root, &made, &log)?;
        fs::rename(&made, &layout)?;
    }
    Ok(layout)
}

/// Makes a directory the only layer of an image.
fn pack(root: &Path, layout: &Path, log: &Path) -> eyre::Result<()> {
    let image = format!("{}:base", layout.display());
    let umoci = |arguments: &[&str]| run(Command::new("umoci").args(arguments), log);
    umoci(&["init", "--layout", &layout.display().to_string()])?;
    umoci(&["new", "--image", &image])?;
    umoci(&[
        "insert",
        "--image",
        &image,
        &root.display().to_string(),
        "/",
    ])?;
    let path = "--config.env=PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    umoci(&["config", "--image", &image, path])?;
    umoci(&["gc", "--layout", &layout.display().to_string()])
}
