//! Debian's `docker-registry` (2.8: no referrers API, no `OCI-Subject`) for one test, on a port that the kernel chooses.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::base::{Base, busybox};

/// Who may, where a registry asks.
pub const USER: (&str, &str) = ("ci", "correct horse");

/// What a registry asks for.
#[derive(Debug, Default)]
pub struct Wants<'a> {
    /// [`USER`] and password.
    pub basic: bool,
    /// A token of this server, and the certificate its tokens are checked with.
    pub token: Option<(&'a str, &'a Path)>,
    /// TLS, with this certificate and key.
    pub tls: Option<(&'a Path, &'a Path)>,
    /// A folder for its data, where it matters on which disk that is.
    pub folder: Option<&'a Path>,
}

/// A registry; it ends with the value, and its content with it.
#[derive(Debug)]
pub struct Registry {
    child: Child,
    /// Host and port.
    pub host: String,
    dir: tempfile::TempDir,
}

impl Registry {
    /// Starts one.
    ///
    /// # Errors
    /// What is not installed.
    #[track_caller]
    pub fn start(wants: &Wants<'_>) -> Result<Self, String> {
        let dir = match wants.folder {
            Some(folder) => tempfile::tempdir_in(folder).unwrap(),
            None => tempfile::tempdir().unwrap(),
        };
        let data = dir.path().join("data");
        let mut config = format!(
            "version: 0.1\nlog: {{level: info}}\nstorage: {{filesystem: {{rootdirectory: {}}}, delete: {{enabled: true}}}}\nhttp:\n  addr: 127.0.0.1:0\n",
            data.display()
        );
        if let Some((certificate, key)) = wants.tls {
            let (certificate, key) = (certificate.display(), key.display());
            config += &format!("  tls: {{certificate: {certificate}, key: {key}}}\n");
        }
        if wants.basic {
            let file = dir.path().join("htpasswd");
            fs::write(&file, htpasswd()?).unwrap();
            let file = file.display();
            config += &format!("auth: {{htpasswd: {{realm: test, path: {file}}}}}\n");
        }
        if let Some((realm, certificate)) = wants.token {
            let certificate = certificate.display();
            config += &format!(
                "auth: {{token: {{realm: {realm}, service: test, issuer: test, rootcertbundle: {certificate}}}}}\n"
            );
        }
        let file = dir.path().join("config.yml");
        fs::write(&file, config).unwrap();
        let mut child = Command::new("docker-registry")
            .arg("serve")
            .arg(&file)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|_| "docker-registry is not installed".to_owned())?;
        let port = port(&mut child);
        Ok(Self {
            child,
            host: format!("127.0.0.1:{port}"),
            dir,
        })
    }

    /// Puts a base image into it under a name with a tag, whatever is there; its digest.
    ///
    /// # Errors
    /// What is not installed.
    #[track_caller]
    pub fn push(&self, base: Base, name: &str) -> Result<String, String> {
        if busybox().is_none() {
            return Err("`busybox` is not installed (Debian: busybox-static)".to_owned());
        }
        let dir = tempfile::tempdir().unwrap();
        let layout = dir.path().join("layout");
        base.write(&layout);
        let image = format!("oci:{}:{}", layout.display(), base.name());
        self.copy(&image, name, &["--preserve-digests"])?;
        let index = fs::read(layout.join("index.json")).unwrap();
        let index: serde_json::Value = serde_json::from_slice(&index).unwrap();
        let digest = index["manifests"][0]["digest"].as_str();
        Ok(digest.unwrap().to_owned())
    }

    /// Puts an image into it under a name with a tag, whatever is there: what skopeo calls `oci:FOLDER:NAME`, `oci-archive:FILE`, …,
    /// with further options of skopeo.
    ///
    /// # Errors
    /// What is not installed.
    #[track_caller]
    pub fn copy(&self, image: &str, name: &str, options: &[&str]) -> Result<(), String> {
        let user = format!("--dest-creds={}:{}", USER.0, USER.1);
        let to = format!("docker://{}", self.reference(name));
        let arguments = ["--dest-tls-verify=false", &user, image, &to];
        skopeo_copy(&[options, &arguments].concat())
    }

    /// A reference to something in it.
    pub fn reference(&self, name: &str) -> String {
        format!("{}/{name}", self.host)
    }

    /// Where it keeps a blob, for tests that damage one.
    pub fn blob(&self, digest: &str) -> PathBuf {
        let hex = digest.strip_prefix("sha256:").unwrap();
        let blobs = self.dir.path().join("data/docker/registry/v2/blobs");
        blobs.join("sha256").join(&hex[..2]).join(hex).join("data")
    }

    /// Whether it has a blob, whole, and a repository may use it.
    pub fn has(&self, repository: &str, digest: &str) -> bool {
        let hex = digest.strip_prefix("sha256:").unwrap();
        let repositories = self.dir.path().join("data/docker/registry/v2/repositories");
        let layers = repositories.join(repository).join("_layers/sha256");
        layers.join(hex).join("link").is_file()
    }

    /// Where it keeps that a repository has a manifest, for tests that lose one.
    pub fn revision(&self, repository: &str, digest: &str) -> PathBuf {
        let hex = digest.strip_prefix("sha256:").unwrap();
        let repositories = self.dir.path().join("data/docker/registry/v2/repositories");
        let revisions = repositories.join(repository).join("_manifests/revisions");
        revisions.join("sha256").join(hex)
    }

    /// Ends it; its address answers no more.
    pub fn stop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Copies an image with skopeo.
#[track_caller]
pub(crate) fn skopeo_copy(arguments: &[&str]) -> Result<(), String> {
    let copied = Command::new("skopeo")
        .args(["--insecure-policy", "copy", "--quiet"])
        .args(arguments)
        .output()
        .map_err(|_| "skopeo is not installed".to_owned())?;
    let said = String::from_utf8_lossy(&copied.stderr);
    assert!(copied.status.success(), "{arguments:?}: {said}");
    Ok(())
}

/// The port that a registry says it listens on.
#[track_caller]
fn port(child: &mut Child) -> String {
    let mut log = BufReader::new(child.stderr.take().unwrap());
    let mut seen = String::new();
    loop {
        let mut line = String::new();
        let count = log.read_line(&mut line).unwrap();
        assert!(count > 0, "docker-registry ended: {seen}");
        if let Some((_, rest)) = line.split_once("listening on 127.0.0.1:") {
            let digits = rest.split(|c: char| !c.is_ascii_digit()).next();
            let port = digits.unwrap().to_owned();
            // It stops when nobody reads its log.
            std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
            return port;
        }
        seen += &line;
    }
}

/// A line of a password file.
fn htpasswd() -> Result<Vec<u8>, String> {
    let mut program = Command::new("htpasswd");
    let made = program.args(["-Bbn", USER.0, USER.1]);
    match made.output() {
        Ok(output) => Ok(output.stdout),
        Err(_) => Err("htpasswd is not installed (Debian: apache2-utils)".to_owned()),
    }
}
