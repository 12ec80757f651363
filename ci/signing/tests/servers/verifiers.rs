//! Those who verify, and know nothing of us. Each says why it refuses.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use ci_oci::Digest;
use test_support::peers;
use test_support::sigstore::Sigstore;

/// What a verifier says: what it prints, or why not. The outer error is that it is not installed.
pub(crate) type Said = Result<Result<String, String>, String>;

/// Whose signature it is to be.
#[derive(Clone, Copy)]
pub(crate) enum By<'a> {
    /// Issuer and identity.
    Identity(&'a str, &'a str),
    /// The file of a public key.
    Key(&'a Path),
}

impl By<'_> {
    fn arguments(self) -> Vec<String> {
        match self {
            Self::Identity(issuer, identity) => vec![
                format!("--certificate-oidc-issuer={issuer}"),
                format!("--certificate-identity={identity}"),
            ],
            Self::Key(file) => vec![format!("--key={}", file.display())],
        }
    }
}

/// cosign.
#[derive(Clone, Copy)]
pub(crate) struct Cosign<'a> {
    program: &'static str,
    sigstore: &'a Sigstore,
}

impl<'a> Cosign<'a> {
    pub(crate) fn two(sigstore: &'a Sigstore) -> Self {
        let program = "cosign2";
        Self { program, sigstore }
    }

    pub(crate) fn three(sigstore: &'a Sigstore) -> Self {
        let program = "cosign3";
        Self { program, sigstore }
    }

    /// Runs it with these arguments. What it is not told by them of the Sigstore is in the environment.
    pub(crate) fn run(self, arguments: &[String]) -> Said {
        self.run_with(arguments, self.sigstore.environment())
    }

    fn run_with(self, arguments: &[String], environment: &[(&str, PathBuf)]) -> Said {
        let home = tempfile::tempdir().unwrap();
        let mut command = isolated(&peers::need(self.program)?, home.path());
        command
            .env("COSIGN_PASSWORD", PASSWORD)
            .envs(environment.iter().cloned())
            .args(arguments);
        Ok(outcome(command.output()))
    }

    /// `cosign verify`, which is told whom to trust and which image it is.
    pub(crate) fn verify(self, by: By<'_>, more: &[&str], image: &str) -> Said {
        self.ask("verify", by, more, image)
    }

    /// `cosign verify-attestation` for attestations of this type.
    pub(crate) fn attestation(self, by: By<'_>, kind: &str, image: &str) -> Said {
        let kind = format!("--type={kind}");
        let more = ["--new-bundle-format=true", STAMPED, &kind];
        self.ask("verify-attestation", by, &more, image)
    }

    /// `cosign verify-blob-attestation`: of a bundle that says that an image is signed.
    pub(crate) fn blob(self, by: By<'_>, image: Digest, bundle: &[u8]) -> Said {
        let folder = tempfile::tempdir().unwrap();
        let files = files(folder.path(), &[bundle.to_vec()]);
        let (file, digest) = (files[0].display().to_string(), image.hex());
        let more = [
            "--type=https://sigstore.dev/cosign/sign/v1",
            "--digestAlg=sha256",
            &format!("--digest={digest}"),
            &format!("--bundle={file}"),
        ];
        self.ask("verify-blob-attestation", by, &more, "")
    }

    fn ask(self, command: &str, by: By<'_>, more: &[&str], image: &str) -> Said {
        let root = self.sigstore.trusted_root();
        let mut arguments = vec![
            command.to_owned(),
            format!("--trusted-root={}", root.display()),
        ];
        arguments.extend(by.arguments());
        arguments.extend(more.iter().map(|&it| it.to_owned()));
        arguments.extend((!image.is_empty()).then(|| image.to_owned()));
        self.run_with(&arguments, &[])
    }
}

/// Takes a timestamp for the time of a signature; cosign 2 takes the log's otherwise, and Rekor v2 tells none.
pub(crate) const STAMPED: &str = "--use-signed-timestamps=true";

/// The password of keys that cosign makes and reads.
pub(crate) const PASSWORD: &str = "correct horse";

/// Libraries that verify bundles, and that their statements are about an image.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Library {
    /// sigstore-python.
    Python,
    /// sigstore-js.
    JavaScript,
}

impl Library {
    pub(crate) fn verify(
        self,
        sigstore: &Sigstore,
        by: (&str, &str),
        image: Digest,
        bundles: &[Vec<u8>],
    ) -> Said {
        match self {
            Self::Python => python(sigstore, by, image, bundles),
            Self::JavaScript => javascript(sigstore, by, image, bundles),
        }
    }
}

fn python(sigstore: &Sigstore, by: (&str, &str), image: Digest, bundles: &[Vec<u8>]) -> Said {
    const SCRIPT: &str = include_str!("verify.py");
    let folder = tempfile::tempdir().unwrap();
    let mut command = isolated(&peers::need("python/bin/python")?, folder.path());
    command
        .args(["-c", SCRIPT])
        .arg(sigstore.client_trust_config())
        .args([by.0, by.1, &image.hex()])
        .args(files(folder.path(), bundles));
    Ok(outcome(command.output()))
}

fn javascript(sigstore: &Sigstore, by: (&str, &str), image: Digest, bundles: &[Vec<u8>]) -> Said {
    const SCRIPT: &str = include_str!("verify.js");
    let library = peers::need("javascript/package.json")?;
    let folder = tempfile::tempdir().unwrap();
    let mut command = isolated(Path::new("node"), folder.path());
    command
        .args(["-e", SCRIPT])
        .arg(library.parent().unwrap())
        .arg(sigstore.trusted_root())
        .args([by.0, by.1, &image.hex()])
        .args(files(folder.path(), bundles));
    Ok(outcome(command.output()))
}

fn files(folder: &Path, bundles: &[Vec<u8>]) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for (number, bundle) in bundles.iter().enumerate() {
        let file = folder.join(format!("{number}.json"));
        std::fs::write(&file, bundle).unwrap();
        files.push(file);
    }
    files
}

/// openssl: a signature over a message.
pub(crate) fn openssl(key: &Path, message: &[u8], signature: &[u8]) -> Said {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name);
    std::fs::write(place("message"), message).unwrap();
    std::fs::write(place("signature"), signature).unwrap();
    let mut command = Command::new("openssl");
    command.args(["dgst", "-sha256", "-verify"]).arg(key);
    command.arg("-signature").arg(place("signature"));
    Ok(outcome(command.arg(place("message")).output()))
}

/// A program with nothing of this machine's user, and with a proxy that is not there for whatever is not on this machine.
fn isolated(program: &Path, home: &Path) -> Command {
    let nowhere = "http://127.0.0.1:1";
    let mut command = Command::new(program);
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", home)
        .env("TMPDIR", home)
        .env("XDG_CACHE_HOME", home)
        .env("XDG_CONFIG_HOME", home)
        .envs([("HTTP_PROXY", nowhere), ("HTTPS_PROXY", nowhere)])
        .envs([("NO_PROXY", "127.0.0.1"), ("LC_ALL", "C.UTF-8")])
        .current_dir(home);
    command
}

fn outcome(output: std::io::Result<Output>) -> Result<String, String> {
    let output = output.unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() {
        Ok(text(&output.stdout))
    } else {
        Err(text(&output.stderr))
    }
}
