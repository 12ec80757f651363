//! `login` and `logout`: credentials for registries, without Docker.

use ci_registry::{Client, Credential, Error, Login as Checked, Secret};

use super::{Answer, Globals};
use crate::error::{Exit, UserError};
use crate::login::{self, Registry, Store};
use crate::registries;

/// Check credentials for a registry and store them
///
/// The registry is asked first whether it takes them. They are stored as `docker login` does: with the credential helper that Docker's
/// config.json names, else in that file, which only its owner can read then. Docker and this program find them there.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Login {
    /// Host, and port where there is one: ghcr.io, registry.example.com:5000
    registry: String,

    /// The user; asked for on a terminal if it is not given
    #[arg(short, long, value_name = "USER")]
    user: Option<String>,

    /// Read the password, or an access token, from standard input instead of asking for it
    #[arg(long, requires = "user")]
    password_stdin: bool,
}

/// Remove the stored credentials for a registry
#[derive(Debug, clap::Args)]
#[command(after_help = LOGOUT_EXAMPLES)]
pub(crate) struct Logout {
    /// Host, and port where there is one
    registry: String,
}

const EXAMPLES: &str = "\
Examples:
  {bin} login registry.example.com                  asks for user and password
  {bin} login ghcr.io -u ada --password-stdin <token
  {bin} logout ghcr.io";

const LOGOUT_EXAMPLES: &str = "\
Examples:
  {bin} logout ghcr.io";

pub(crate) async fn run(args: &Login, globals: &Globals) -> eyre::Result<Answer> {
    let registry = Registry::parse(&args.registry)?;
    let host = registry.host();
    let variable = |name: &str| std::env::var(name).ok();
    let store = Store::open(variable)?;
    let config = registries::anywhere(globals.directory(), variable)?;
    let user = match &args.user {
        Some(user) => user.clone(),
        None => login::line(&format!("User of {host}: ")).await?,
    };
    check_user(&user)?;
    let secret = if args.password_stdin {
        login::piped()?
    } else {
        login::hidden(&format!("Password of {user} at {host}: ")).await?
    };
    if secret.reveal().is_empty() {
        return Err(UserError::new(Exit::Usage, "the password is empty").into());
    }
    let note = check(config, host, &user, &secret).await?;
    let place = store.store(&registry, &user, &secret)?;
    Ok(format!("logged in to {host} as {user}{note}; stored {place}\n").into())
}

/// What has to be known about the check beyond that it went well.
async fn check(
    config: ci_registry::Config,
    host: &str,
    user: &str,
    secret: &Secret,
) -> Result<&'static str, UserError> {
    let credential = Credential::Password {
        username: user.to_owned(),
        password: secret.clone(),
    };
    let config = ci_registry::Config {
        credentials: config.credentials.with(host, credential),
        ..config
    };
    let client = Client::new(config).map_err(registries::failure)?;
    match client.login_check(host).await {
        Ok(Checked::Accepted) => Ok(""),
        Ok(Checked::NotAsked) => {
            Ok(" (it asks nobody who they are, so the password is not checked)")
        }
        Err(Error::Denied(_) | Error::Login { .. }) => {
            let message =
                format!("{host} does not take this password of {user}; nothing was stored");
            Err(UserError::new(Exit::Failed, message)
                .hint("many registries want an access token in place of the password"))
        }
        Err(error) => Err(registries::failure(error)),
    }
}

fn check_user(user: &str) -> Result<(), UserError> {
    // Basic authentication (RFC 7617) ends the user at the first colon.
    if user.is_empty() || user.contains([':', '\0', '\n', '\r']) {
        let message = format!("{user:?} cannot be a user of a registry");
        return Err(UserError::new(Exit::Usage, message));
    }
    Ok(())
}

pub(crate) fn logout(args: &Logout) -> eyre::Result<Answer> {
    let registry = Registry::parse(&args.registry)?;
    let store = Store::open(|name| std::env::var(name).ok())?;
    let host = registry.host();
    Ok(if store.remove(&registry)? {
        format!("logged out of {host}\n").into()
    } else {
        format!("nothing was stored for {host}\n").into()
    })
}
