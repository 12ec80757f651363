//! Whether a registry takes our credentials.

use ci_http::{Method, StatusCode};

use crate::client::Client;
use crate::error::Error;
use crate::session::Session;

/// What a registry says to our credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Login {
    /// It takes them.
    Accepted,
    /// It asks for none.
    NotAsked,
}

impl Client {
    /// Asks a registry whether it takes the credentials there are for it. Which rights they give, it does not say.
    ///
    /// # Errors
    /// [`Error::Denied`] when it does not, or there are none; no answer; no registry.
    pub async fn login_check(&self, host: &str) -> Result<Login, Error> {
        let session = Session::of_registry(self, self.endpoint(host, String::new())?);
        let (http, root) = (&session.endpoint.http, session.endpoint.root());
        let request = || http.request(Method::GET, root.clone());
        let response = http.send_retrying(request).await?;
        match response.status() {
            StatusCode::OK => return Ok(Login::NotAsked),
            StatusCode::UNAUTHORIZED => {}
            _ => return Err(session.failed("the question who we are", response).await),
        }
        let response = session.send(Method::GET, root, |request| request).await?;
        match response.status() {
            // Anybody gets a token of no scope: that it was accepted says nothing if we did not say who we are.
            StatusCode::OK if self.auth().presents(&session).await => Ok(Login::Accepted),
            StatusCode::OK => Err(session.denied(String::new()).await),
            _ => Err(session.failed("the question who we are", response).await),
        }
    }
}
