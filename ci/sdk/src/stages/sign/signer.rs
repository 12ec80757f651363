//! Who signs: a key, the job's identity, or a person in a browser; and the Sigstore that it is done with.

use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ci_catalog::{Catalog, Signer as Declared};
use ci_http::Http;
use ci_registry::Secret;
use ci_signing::verify::Signer as By;
use ci_signing::{Identity, KeyPair, Person, PublicKey, Services, Signer};

use crate::error::{Exit, UserError};
use crate::login::prompt;
use crate::project::Project;
use crate::report;
use crate::stages::verify::failure;

/// Opens and closes encrypted keys; the name is cosign's.
const PASSWORD: &str = "COSIGN_PASSWORD";

/// Where a private key is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum KeySource {
    File(PathBuf),
    /// The variable of the environment that holds the key itself.
    Variable(String),
}

impl From<String> for KeySource {
    fn from(text: String) -> Self {
        match text.strip_prefix("env:") {
            Some(name) => Self::Variable(name.to_owned()),
            None => Self::File(text.into()),
        }
    }
}

/// The signer that the catalog asks for.
///
/// # Errors
/// When there is none, or it is another one than the catalog says counts: nobody would accept its signatures.
pub(super) async fn of(
    project: &Project,
    key: Option<&KeySource>,
    is_logged: bool,
) -> eyre::Result<Signer> {
    let catalog = project.catalog();
    let http = Http::new(&project.registries().http)
        .map_err(|error| UserError::new(Exit::Usage, error.to_string()))?;
    let signer = match key {
        Some(key) => {
            let pair = read(key).await?;
            let services = match is_logged {
                true => Some(services(catalog, &http).await?),
                false => None,
            };
            Signer::key(pair, services).map_err(failure)?
        }
        None => {
            if let Some(Declared::Key(path)) = &catalog.signing().signer {
                let message = format!("the catalog says that the key of {path} signs");
                return Err(UserError::new(Exit::Usage, message)
                    .hint("name its private half: `--key FILE`, or `--key env:NAME` in CI")
                    .into());
            }
            let identity = identity()?;
            Signer::keyless(identity, services(catalog, &http).await?)
        }
    };
    let by = signer.signed_by().await.map_err(failure)?;
    declared(catalog, &by)?;
    Ok(signer)
}

/// The Sigstore of the catalog: a private one by its two files, else the public one.
async fn services(catalog: &Catalog, http: &Http) -> eyre::Result<Services> {
    let signing = catalog.signing();
    let services = match (&signing.trusted_root, &signing.signing_config) {
        (Some(root), Some(config)) => {
            let below = |path: &ci_catalog::RelativePath| path.under(catalog.root());
            Services::from_files(http, &below(root), &below(config))
        }
        (None, None) => Services::public(http, None).await,
        _ => {
            let message = "a private Sigstore is one of `trusted-root` and `signing-config`: one of them is missing";
            return Err(UserError::new(Exit::Usage, message)
                .hint("both belong to `[signing]` in pipeline.toml")
                .into());
        }
    };
    Ok(services.map_err(failure)?)
}

/// Of the environment, else of a person at a terminal.
fn identity() -> Result<Identity, UserError> {
    let variable = |name: &str| std::env::var(name).ok();
    if let Some(identity) = Identity::from_environment(variable) {
        return Ok(identity);
    }
    if io::stdin().is_terminal() && io::stderr().is_terminal() {
        return Ok(Identity::Person(Arc::new(AtTerminal)));
    }
    let message = "nobody is here to sign: neither a job's identity nor a person at a terminal";
    Err(UserError::new(Exit::Usage, message).hint(
        "in GitHub Actions give the job `permissions: id-token: write`; elsewhere set SIGSTORE_ID_TOKEN, or sign with `--key`",
    ))
}

async fn read(key: &KeySource) -> eyre::Result<KeyPair> {
    let text = match key {
        KeySource::File(path) => Secret::new(read_file(path)?),
        KeySource::Variable(name) => Secret::new(std::env::var(name).map_err(|_| {
            UserError::new(Exit::Usage, format!("the variable {name} holds no key"))
        })?),
    };
    let password = match password() {
        None if text.reveal().contains("ENCRYPTED") && io::stdin().is_terminal() => {
            Some(prompt::hidden("Password of the key: ").await?)
        }
        password => password,
    };
    let pair = KeyPair::from_pem(text.reveal().as_bytes(), password.as_ref());
    Ok(pair.map_err(failure)?)
}

/// What the environment has to open and close keys with.
pub(crate) fn password() -> Option<Secret> {
    std::env::var(PASSWORD).ok().map(Secret::new)
}

fn read_file(path: &Path) -> Result<String, UserError> {
    std::fs::read_to_string(path).map_err(|error| {
        let message = format!("cannot read the key {}", path.display());
        UserError::new(Exit::Usage, message)
            .hint("`keys generate` makes one")
            .because(error)
    })
}

/// Holds a signer to what the catalog says.
fn declared(catalog: &Catalog, by: &By) -> eyre::Result<()> {
    let expected = match (&catalog.signing().signer, by) {
        (None, _) => return Ok(()),
        (Some(Declared::Identity(identity)), By::Identity(by)) if identity == by => return Ok(()),
        (Some(Declared::Identity(identity)), _) => {
            format!("{} ({})", identity.identity(), identity.issuer())
        }
        (Some(Declared::Key(path)), by) => {
            if let By::Key(by) = by {
                let text = read_file(&path.under(catalog.root()))?;
                if PublicKey::from_pem(text.as_bytes()).map_err(failure)? == *by {
                    return Ok(());
                }
            }
            format!("the key of {path}")
        }
    };
    let message = format!(
        "the catalog says that {expected} signs, and this would be {}",
        name(by)
    );
    Err(UserError::new(Exit::Usage, message)
        .hint("nobody would accept it; `[signing]` in pipeline.toml says who counts")
        .into())
}

/// A signer in words.
pub(super) fn name(by: &By) -> String {
    match by {
        By::Identity(identity) => format!("{} ({})", identity.identity(), identity.issuer()),
        By::Key(key) => format!("the key {}", key.hint()),
    }
}

/// The person who started this program.
struct AtTerminal;

impl Person for AtTerminal {
    fn visit(&self, address: &str, opened: bool) {
        let text = match opened {
            true => format!("Sign in with the browser that opened, or at {address}\n"),
            false => format!("Sign in at {address}\n"),
        };
        // Without standard error there is nobody to sign in.
        let _ = report::write(io::stderr(), &text);
    }

    fn code(&self) -> io::Result<Secret> {
        report::write(io::stderr(), "Code: ")?;
        let mut line = String::new();
        io::stdin().read_line(&mut line)?;
        Ok(Secret::new(line.trim()))
    }
}
