//! The base images of `tests/replicas`: written by hand, kept where they are large, and pushed to a registry.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::archive::Layer;
use crate::base::{self, Bases};
use crate::registry::{Registry, skopeo_copy};
use ci_oci::Digest;
use serde_json::json;

const ROOT: (u64, u64) = (0, 0);

/// Makes the images in a folder; what takes long is kept in another one, for further runs.
///
/// # Errors
/// What is not installed.
pub fn make(folder: &Path, kept: &Path) -> Result<Bases, String> {
    if base::busybox().is_none() {
        return Err("busybox-static is not installed".to_owned());
    }
    let path = "/usr/local/bin:/bin";
    let mut made = Vec::new();
    let mut write = |name: &str, config: serde_json::Value, layer: Layer| {
        let layout = folder.join(name.replace(':', "-"));
        base::write(&layout, name, &config, layer);
        made.push((name.to_owned(), layout));
    };
    let plain = json!({"Env": [format!("PATH={path}")], "Cmd": ["sh"]});
    write("busybox:1.37", plain.clone(), small(""));
    write(
        "alpine:3.22",
        plain,
        small("app:x:1000:1000::/app:/bin/sh\n"),
    );
    let mut golang = small("");
    golang.directory("go", 0o777, ROOT);
    tool(&mut golang, "usr/local/go/bin/go", "go");
    let path = format!("PATH=/usr/local/go/bin:{path}");
    write(
        "golang:1.26-alpine",
        json!({"Env": [path, "GOPATH=/go"]}),
        golang,
    );
    made.push(("node:22-alpine".to_owned(), node(kept)?));
    Ok(Bases(made))
}

/// Busybox and users.
fn small(users: &str) -> Layer {
    let mut layer = Layer::new();
    base::programs(&mut layer);
    let groups = users.split(':').next().unwrap_or_default();
    let group = if groups.is_empty() {
        String::new()
    } else {
        format!("{groups}:x:1000:\n")
    };
    base::users(&mut layer, users, &group);
    layer.directory("root", 0o700, ROOT);
    layer.link("usr/bin/env", "/bin/env", ROOT);
    layer
}

fn tools() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../replicas/tools")
}

/// Adds a stand-in.
fn tool(layer: &mut Layer, path: &str, name: &str) {
    layer.file(path, 0o755, ROOT, &fs::read(tools().join(name)).unwrap());
}

/// The image with node, compressed once for all runs.
fn node(kept: &Path) -> Result<PathBuf, String> {
    let mut layer = small("node:x:1000:1000::/home/node:/bin/sh\n");
    let program = which("node").ok_or("node is not installed")?;
    let mut files = vec![program.clone()];
    files.extend(libraries(&program));
    for file in &files {
        let name = file.strip_prefix("/").unwrap().to_str().unwrap();
        // Where the image's PATH has it, wherever the machine does.
        let name = if *file == program { "bin/node" } else { name };
        layer.file(name, 0o755, ROOT, &fs::read(file).unwrap());
    }
    tool(&mut layer, "usr/local/lib/pnpm.mjs", "pnpm");
    tool(&mut layer, "usr/local/bin/corepack", "corepack");
    let mut packages: Vec<_> = fs::read_dir(tools().join("npm"))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    packages.sort_by_key(fs::DirEntry::file_name);
    for package in packages {
        for file in ["package.json", "index.mjs"] {
            let name = format!("opt/npm/{}/{file}", package.file_name().display());
            layer.file(
                &name,
                0o644,
                ROOT,
                &fs::read(package.path().join(file)).unwrap(),
            );
        }
    }
    let archive = layer.finish();
    let kept = kept.join("replicas");
    let layout = kept.join(Digest::of(&archive).hex());
    if !layout.exists() {
        fs::create_dir_all(&kept).unwrap();
        let work = tempfile::tempdir_in(&kept).unwrap();
        let (plain, small) = (work.path().join("plain"), work.path().join("small"));
        let config =
            json!({"Env": ["PATH=/usr/local/bin:/bin", "NODE_VERSION=22"], "Cmd": ["node"]});
        base::write(&plain, "node:22-alpine", &config, Layer::of(archive));
        let from = format!("oci:{}:node:22-alpine", plain.display());
        skopeo_copy(&[
            "--dest-compress",
            "--dest-compress-level=1",
            &from,
            &format!("oci:{}:node:22-alpine", small.display()),
        ])?;
        // Another run may have been faster.
        let _ = fs::rename(small, &layout);
    }
    Ok(layout)
}

/// The shared libraries of a program, and what loads them, as the machine's own loader finds them.
fn libraries(program: &Path) -> Vec<PathBuf> {
    let output = Command::new("ldd").arg(program).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let paths = text.split_whitespace().filter(|word| word.starts_with('/'));
    paths.map(PathBuf::from).collect()
}

fn which(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let found = std::env::split_paths(&path)
        .map(|folder| folder.join(program))
        .find(|path| path.is_file())?;
    found.canonicalize().ok()
}

/// Pushes the images, as those of Docker's library.
///
/// # Errors
/// What is not installed.
pub fn push(bases: &Bases, registry: &Registry) -> Result<(), String> {
    for (name, layout) in &bases.0 {
        let image = format!("oci:{}:{name}", layout.display());
        registry.copy(&image, &format!("library/{name}"), &[])?;
    }
    Ok(())
}
