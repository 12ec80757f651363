//! One handle for whichever engine answers the Dagger API: the embedded one, or a Dagger session.
//!
//! Stages see only [`dagger_sdk::Query`]. Which engine it is, and how it is reached, is decided here, once per run.

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use ci_engine::Engine;
use dagger_sdk::Query;
use dagger_sdk::core::cli_session::{CliSession, DaggerSessionProc};
use dagger_sdk::core::config::Config;
use dagger_sdk::core::connect_params::ConnectParams;
use dagger_sdk::core::graphql_client::{
    DefaultGraphQLClient, DynGraphQLClient, GraphQLClient, GraphQLError,
};

use crate::error::{Exit, UserError};

/// Which engine runs the stages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum EngineChoice {
    /// A Dagger session in the environment, else `embedded` on Linux, else `dagger`.
    #[default]
    Auto,
    /// The engine inside this process.
    Embedded,
    /// A Dagger engine: the session in the environment, else one that the `dagger` command starts.
    Dagger,
}

/// A running engine. Clones share it.
#[derive(Clone)]
pub struct EngineHandle(Kind);

#[derive(Clone)]
enum Kind {
    Embedded(Engine),
    Dagger {
        client: DynGraphQLClient,
        process: Option<Arc<DaggerSessionProc>>,
    },
}

/// How a Dagger engine can be reached.
#[derive(Debug, PartialEq, Eq)]
enum Route {
    Session { port: u64, token: String },
    Command(PathBuf),
}

impl EngineHandle {
    /// Starts the embedded engine or connects to Dagger. Dagger keeps its own cache and log; `options` are for the
    /// embedded engine.
    pub(crate) async fn start(
        choice: EngineChoice,
        options: ci_engine::Options,
    ) -> eyre::Result<Self> {
        let env = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        if !wants_dagger(choice, env) {
            return Ok(Self(Kind::Embedded(Engine::start(options).await?)));
        }
        no_proxy_in_between(env)?;
        let config = Config {
            workdir_path: Some(options.workdir),
            ..Config::default()
        };
        let (connection, process) = match route(env, || which::which("dagger").ok())? {
            Route::Session { port, token } => (ConnectParams::new(port, &token), None),
            Route::Command(path) => {
                let (connection, process) = CliSession::new()
                    .connect(&config, &path)
                    .await
                    .map_err(|error| {
                        UserError::new(
                            Exit::Infrastructure,
                            format!("`{} session` started no Dagger session", path.display()),
                        )
                        .hint("run it by hand to see why, or use `--engine embedded`")
                        .because(error)
                    })?;
                (connection, Some(Arc::new(process)))
            }
        };
        Ok(Self(Kind::Dagger {
            client: Arc::new(Remote(DefaultGraphQLClient::new(&connection, &config))),
            process,
        }))
    }

    /// The root of the Dagger API. The embedded engine reports steps it causes under `group`.
    pub fn query(&self, group: &str) -> Query {
        match &self.0 {
            Kind::Embedded(engine) => engine.query(group),
            Kind::Dagger { client, process } => Query {
                proc: process.clone(),
                selection: Default::default(),
                graphql_client: client.clone(),
            },
        }
    }

    /// Whether this is the engine inside this process.
    pub fn is_embedded(&self) -> bool {
        matches!(self.0, Kind::Embedded(_))
    }

    /// The store of the embedded engine.
    pub(crate) fn store(&self) -> Option<&ci_store::Store> {
        match &self.0 {
            Kind::Embedded(engine) => Some(engine.store()),
            Kind::Dagger { .. } => None,
        }
    }

    /// Ends everything the engine runs, or the session that was started for this run. Idempotent.
    pub(crate) async fn shutdown(&self) {
        match &self.0 {
            Kind::Embedded(engine) => engine.shutdown().await,
            Kind::Dagger {
                process: Some(process),
                ..
            } => {
                if let Err(error) = process.shutdown().await {
                    tracing::warn!("the Dagger session did not end in order: {error}");
                }
            }
            Kind::Dagger { process: None, .. } => {}
        }
    }
}

/// A Dagger engine. An error of the transport is that it does not answer, which the transport does not say.
struct Remote(DefaultGraphQLClient);

#[async_trait]
impl GraphQLClient for Remote {
    async fn query(&self, query: &str) -> Result<Option<serde_json::Value>, GraphQLError> {
        self.0.query(query).await.map_err(|error| match error {
            GraphQLError::HttpError(message) => {
                GraphQLError::HttpError(format!("the Dagger engine does not answer: {message}"))
            }
            domain => domain,
        })
    }
}

fn wants_dagger(choice: EngineChoice, env: impl Fn(&str) -> Option<String>) -> bool {
    match choice {
        EngineChoice::Embedded => false,
        EngineChoice::Dagger => true,
        EngineChoice::Auto => {
            let session =
                env("DAGGER_SESSION_PORT").is_some() && env("DAGGER_SESSION_TOKEN").is_some();
            session || cfg!(not(target_os = "linux"))
        }
    }
}

/// As the Dagger SDKs look for a session, except that nothing is ever downloaded.
fn route(
    env: impl Fn(&str) -> Option<String>,
    command: impl Fn() -> Option<PathBuf>,
) -> Result<Route, UserError> {
    match (env("DAGGER_SESSION_PORT"), env("DAGGER_SESSION_TOKEN")) {
        (Some(port), Some(token)) => {
            let port = port.parse::<u16>().map_err(|_| {
                UserError::new(
                    Exit::Usage,
                    format!("DAGGER_SESSION_PORT is `{port}`, which is no port"),
                )
            })?;
            return Ok(Route::Session {
                port: port.into(),
                token,
            });
        }
        (Some(_), None) => {
            return Err(UserError::new(
                Exit::Usage,
                "DAGGER_SESSION_PORT is set, but DAGGER_SESSION_TOKEN is not",
            )
            .hint("set both, as `dagger run` does, or neither"));
        }
        (None, _) => {}
    }
    if let Some(command) = env("_EXPERIMENTAL_DAGGER_CLI_BIN")
        .map(PathBuf::from)
        .or_else(command)
    {
        return Ok(Route::Command(command));
    }
    Err(UserError::new(Exit::Machine, "there is no Dagger engine to connect to: no session in the environment, no `dagger` command")
        .hint("start this program with `dagger run`, install the `dagger` command, or use `--engine embedded`"))
}

/// Dagger's client sends requests for 127.0.0.1 through a proxy too, and what the proxy answers is no help.
fn no_proxy_in_between(env: impl Fn(&str) -> Option<String>) -> Result<(), UserError> {
    let proxy = ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"]
        .into_iter()
        .find(|name| env(name).is_some());
    let exempt = env("NO_PROXY")
        .or_else(|| env("no_proxy"))
        .unwrap_or_default();
    let reached = exempt
        .split(',')
        .map(str::trim)
        .any(|entry| matches!(entry, "*" | "127.0.0.1" | "127.0.0.0/8"));
    match proxy {
        Some(name) if !reached => Err(UserError::new(
            Exit::Usage,
            format!("{name} is set, and would keep the Dagger engine from being reached"),
        )
        .hint("set NO_PROXY=127.0.0.1 as well")),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Env = &'static [(&'static str, &'static str)];

    const SESSION: Env = &[
        ("DAGGER_SESSION_PORT", "4000"),
        ("DAGGER_SESSION_TOKEN", "t"),
    ];

    fn env(pairs: Env) -> impl Fn(&str) -> Option<String> {
        move |name| {
            pairs
                .iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| (*value).to_owned())
        }
    }

    #[test]
    fn a_session_in_the_environment_wins_unless_the_embedded_engine_is_asked_for() {
        assert!(wants_dagger(EngineChoice::Auto, env(SESSION)));
        assert!(!wants_dagger(EngineChoice::Embedded, env(SESSION)));
        assert!(wants_dagger(EngineChoice::Dagger, env(&[])));
        assert_eq!(
            wants_dagger(EngineChoice::Auto, env(&SESSION[..1])),
            cfg!(not(target_os = "linux"))
        );
    }

    #[test]
    fn the_session_comes_before_the_command() {
        let command = || Some("/usr/bin/dagger".into());
        assert_eq!(
            route(env(SESSION), command).unwrap(),
            Route::Session {
                port: 4000,
                token: "t".into()
            }
        );
        assert_eq!(
            route(env(&[]), command).unwrap(),
            Route::Command("/usr/bin/dagger".into())
        );
    }

    #[test]
    fn half_a_session_and_no_engine_at_all_are_errors() {
        assert!(
            route(env(&SESSION[..1]), || None)
                .unwrap_err()
                .to_string()
                .contains("DAGGER_SESSION_TOKEN is not")
        );
        const NO_PORT: Env = &[("DAGGER_SESSION_PORT", "x"), ("DAGGER_SESSION_TOKEN", "t")];
        assert!(route(env(NO_PORT), || None).is_err());
        assert!(
            route(env(&[]), || None)
                .unwrap_err()
                .to_string()
                .contains("no Dagger engine")
        );
    }

    #[test]
    fn a_proxy_must_exempt_the_loopback_address() {
        assert!(no_proxy_in_between(env(&[])).is_ok());
        assert!(no_proxy_in_between(env(&[("http_proxy", "http://proxy:3128")])).is_err());
        let exempt: Env = &[
            ("HTTP_PROXY", "http://proxy:3128"),
            ("NO_PROXY", "localhost, 127.0.0.1"),
        ];
        assert!(no_proxy_in_between(env(exempt)).is_ok());
    }
}
