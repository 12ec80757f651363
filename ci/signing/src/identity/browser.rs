//! Signing in with a browser: the authorization code flow with PKCE (RFC 7636) and a redirect to this machine, by the Sigstore crate.

use std::io;

use ci_http::{Http, Method, StatusCode, Url};
use ci_registry::Secret;
use serde::Deserialize;
use sigstore_sign::oidc::{
    AuthCallback, AuthMode, AuthOptions, HtmlTemplates, IdentityToken, OAuthClient, OAuthConfig,
    SecretString,
};

use crate::call::printable;
use crate::error::{Error, Service};

/// No description of a provider is longer, in bytes.
const MAX_DESCRIPTION: u64 = 256 << 10;

/// The person who signs.
pub trait Person: Send + Sync {
    /// Whether a browser on this machine is of use: not to somebody who is here over the network.
    fn has_browser(&self) -> bool {
        true
    }

    /// Shows the address to sign in at. `opened` says that a browser shows it already.
    fn visit(&self, address: &str, opened: bool);

    /// Asks for the code that the page shows, where no browser could be opened on this machine. May block.
    ///
    /// # Errors
    /// There is nobody to ask.
    fn code(&self) -> io::Result<Secret>;
}

/// What a provider says of itself (OpenID Connect Discovery 1.0).
#[derive(Deserialize)]
struct Provider {
    authorization_endpoint: String,
    token_endpoint: String,
}

/// Has the person sign in at an identity provider.
pub(super) async fn sign_in(
    http: &Http,
    issuer: &str,
    person: &dyn Person,
) -> Result<IdentityToken, Error> {
    let provider = discover(http, issuer).await?;
    let config = OAuthConfig::new(provider.authorization_endpoint, provider.token_endpoint);
    let client = OAuthClient::with_http_client(config, http.client().clone());
    let options = AuthOptions::new().with_force_oob(!person.has_browser());
    let token = client
        .authenticate_with_options(Callback(person), options)
        .await;
    token.map_err(|error| failed(issuer, &format!("signs nobody in: {error}")))
}

async fn discover(http: &Http, issuer: &str) -> Result<Provider, Error> {
    let place = format!(
        "{}/.well-known/openid-configuration",
        issuer.trim_end_matches('/')
    );
    let url: Url = place
        .parse()
        .map_err(|_| failed(issuer, "is at no address"))?;
    let response = http
        .send_retrying(|| http.request(Method::GET, url.clone()))
        .await;
    let response = response.map_err(|error| failed(issuer, &error.to_string()))?;
    let status = response.status();
    if status != StatusCode::OK {
        return Err(failed(
            issuer,
            &format!("does not describe itself: it answers {status}"),
        ));
    }
    let body = response.bytes(MAX_DESCRIPTION).await;
    let body = body.map_err(|error| failed(issuer, &error.to_string()))?;
    serde_json::from_slice(&body)
        .map_err(|error| failed(issuer, &format!("does not describe itself: {error}")))
}

fn failed(issuer: &str, problem: &str) -> Error {
    Error::Service {
        service: Service::Oidc,
        url: issuer.to_owned(),
        problem: printable(problem, None),
    }
}

struct Callback<'a>(&'a dyn Person);

impl HtmlTemplates for Callback<'_> {
    fn success_html(&self) -> &str {
        "<!doctype html><title>Signed in</title><p>Signed in. This page can be closed."
    }

    fn error_html(&self, _error: &str) -> String {
        "<!doctype html><title>Not signed in</title><p>Not signed in. The program says why."
            .to_owned()
    }
}

impl AuthCallback for Callback<'_> {
    fn auth_url_ready(&self, url: &str, mode: AuthMode) {
        self.0.visit(url, mode == AuthMode::BrowserRedirect);
    }

    fn prompt_for_code(&self) -> io::Result<SecretString> {
        self.0.code().map(|code| SecretString::new(code.reveal()))
    }
}
