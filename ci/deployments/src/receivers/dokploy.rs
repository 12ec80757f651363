//! Dokploy: variables of a compose application, by its API.
//!
//! The variables are an `.env` file, edited as one: exactly, and not at all where they hold nothing of the release. A deployment is
//! titled by which variables it is about and what they name, so that a run that was killed between change and deployment is finished
//! by the next, and one that has nothing to do does nothing, whatever was deployed of the others since.

use ci_http::{Http, Method, Url};
use ci_oci::Digest;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::edit::{Refusal, edit};
use crate::foreign::printable;
use crate::{Form, Image, Place};

/// Most bytes of an answer: an application with its deployments.
const MAX_ANSWER: u64 = 8 << 20;

/// A compose application on a Dokploy server.
#[derive(Clone)]
pub struct Dokploy {
    /// The client.
    pub http: Http,
    /// Address of the server, without `/api`.
    pub address: Url,
    /// An API key.
    pub key: String,
    /// The application.
    pub compose_id: String,
}

/// The key stays out of messages (S1).
impl std::fmt::Debug for Dokploy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dokploy")
            .field("address", &ci_http::shown(&self.address))
            .field("compose_id", &self.compose_id)
            .finish_non_exhaustive()
    }
}

/// A variable and the image it shall name.
#[derive(Debug, Clone)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// How it is written.
    pub form: Form,
    /// The image.
    pub image: Image,
}

/// What came of a promotion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DokployOutcome {
    /// It is deployed, or being deployed, already.
    Done,
    /// The variables were right, and were deployed now.
    Deployed,
    /// The variables were changed and deployed.
    Changed,
}

/// What goes wrong with Dokploy.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DokployError {
    /// No answer.
    #[error(transparent)]
    Http(#[from] ci_http::Error),
    /// The key would go over plain HTTP.
    #[error("Dokploy's key is not sent over plain HTTP")]
    Plain,
    /// Dokploy says no.
    #[error("Dokploy's {call}: status {status}: {message}")]
    Answer {
        /// What was called.
        call: &'static str,
        /// HTTP status.
        status: u16,
        /// Dokploy's message.
        message: String,
    },
    /// A variable that is not changed.
    #[error("the variables of {compose_id}: {refusal}")]
    Refused {
        /// The application.
        compose_id: String,
        /// Why.
        refusal: Box<Refusal>,
    },
    /// Somebody changed the variables at the same time.
    #[error(
        "the variables of {0} were changed by somebody else at the same time; look at them, and try again"
    )]
    Overwritten(String),
}

#[derive(Deserialize)]
struct Compose {
    env: Option<String>,
    #[serde(default)]
    deployments: Vec<Deployment>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Deployment {
    title: Option<String>,
    status: Option<String>,
    #[serde(default)]
    created_at: String,
}

impl Dokploy {
    /// Makes the variables name these images, all or none of them, and deploys.
    ///
    /// # Errors
    /// When a variable is not there or holds something else, or Dokploy refuses.
    pub async fn write(&self, variables: &[Variable]) -> Result<DokployOutcome, DokployError> {
        let before = self.compose().await?;
        let env = before.env.clone().unwrap_or_default();
        let wanted = self.edited(&env, variables)?;
        let is_changed = wanted != env;
        if is_changed {
            let body = json!({ "composeId": self.compose_id, "env": wanted });
            self.call("compose.update", Method::POST, Some(&body))
                .await?;
            // There is no way to change them only if they are still the same: what came of it is looked at.
            if self.compose().await?.env.as_deref() != Some(&wanted) {
                return Err(DokployError::Overwritten(self.compose_id.clone()));
            }
        }
        let title = Title::of(variables);
        if !is_changed && before.is_deployed(&title) {
            return Ok(DokployOutcome::Done);
        }
        let body = json!({ "composeId": self.compose_id, "title": title.to_string() });
        self.call("compose.deploy", Method::POST, Some(&body))
            .await?;
        Ok(match is_changed {
            true => DokployOutcome::Changed,
            false => DokployOutcome::Deployed,
        })
    }

    fn edited(&self, env: &str, variables: &[Variable]) -> Result<String, DokployError> {
        let mut bytes = env.as_bytes().to_vec();
        for variable in variables {
            let place = Place::Env {
                variable: variable.name.clone(),
                form: variable.form,
            };
            bytes =
                edit(&bytes, &place, &variable.image).map_err(|refusal| DokployError::Refused {
                    compose_id: self.compose_id.clone(),
                    refusal: Box::new(refusal),
                })?;
        }
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    async fn compose(&self) -> Result<Compose, DokployError> {
        let answer = self.call("compose.one", Method::GET, None).await?;
        serde_json::from_value(answer).map_err(|error| DokployError::Answer {
            call: "compose.one",
            status: 200,
            message: printable(&error.to_string()),
        })
    }

    async fn call(
        &self,
        call: &'static str,
        method: Method,
        body: Option<&Value>,
    ) -> Result<Value, DokployError> {
        let is_here = matches!(
            self.address.host_str(),
            Some("localhost" | "127.0.0.1" | "[::1]")
        );
        if self.address.scheme() != "https" && !is_here {
            return Err(DokployError::Plain);
        }
        let mut url = self.address.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(["api", call]);
        }
        if method == Method::GET {
            url.query_pairs_mut()
                .append_pair("composeId", &self.compose_id);
        }
        let response = self
            .http
            .send_retrying(|| {
                let request = self
                    .http
                    .request(method.clone(), url.clone())
                    .header("x-api-key", &self.key)
                    .header("accept", "application/json");
                match body {
                    Some(body) => request
                        .header("content-type", "application/json")
                        .body(body.to_string()),
                    None => request,
                }
            })
            .await?;
        let status = response.status();
        let bytes = response.bytes(MAX_ANSWER).await?;
        let answer: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        match status.is_success() {
            true => Ok(answer),
            false => Err(DokployError::Answer {
                call,
                status: status.as_u16(),
                message: printable(answer["message"].as_str().unwrap_or("no message")),
            }),
        }
    }
}

impl Compose {
    /// Whether the newest deployment of these variables is this one, and did not fail.
    fn is_deployed(&self, title: &Title) -> bool {
        let of_these = |it: &&Deployment| {
            let own = it.title.as_deref();
            own.is_some_and(|own| own.starts_with(&title.variables))
        };
        let newest = self
            .deployments
            .iter()
            .filter(of_these)
            .max_by_key(|it| it.created_at.as_str());
        newest.is_some_and(|it| {
            it.title.as_deref() == Some(&title.to_string()) && it.status.as_deref() != Some("error")
        })
    }
}

/// What a deployment is called: the same for the same images, and with the same beginning for the same variables.
struct Title {
    variables: String,
    images: String,
}

impl Title {
    fn of(variables: &[Variable]) -> Self {
        let hash = |line: fn(&Variable) -> String| {
            let lines: Vec<String> = variables.iter().map(line).collect();
            Digest::of(lines.join("\n")).hex()[..12].to_owned()
        };
        Self {
            variables: format!("pipeline promote {}", hash(|it| it.name.clone())),
            images: hash(|it| it.image.digest.to_string()),
        }
    }
}

impl std::fmt::Display for Title {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.variables, self.images)
    }
}
