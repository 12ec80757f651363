//! A service that runs in a network of its own, and the tunnel through which it is reached: any number of services listens on
//! the same port at once, on every engine.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use ci_catalog::Contract as Promised;
use dagger_sdk::core::gql_client::GraphQlExtension;
use dagger_sdk::core::graphql_client::GraphQLError;
use dagger_sdk::errors::DaggerError;
use dagger_sdk::{
    Container, ContainerAsServiceOptsBuilder, ContainerWithoutExposedPortOptsBuilder,
    HostTunnelOptsBuilder, NetworkProtocol, PortForward, Query, Service, ServiceStopOptsBuilder,
};

use super::contract::Point;
use crate::stages::build::failure::of_dagger;

/// The point of the contract for a program that cannot even be started.
const NAME: &str = "start";

/// Most lines of output that are repeated of a program that failed.
const LINES: usize = 12;

/// A program that was started, and the way to it.
pub(super) struct Running {
    pub(super) service: Service,
    tunnel: Service,
    pub(super) address: SocketAddr,
    /// How long it took to start.
    pub(super) after: Duration,
}

/// Why a program was not started, and what it printed.
pub(super) struct Unstarted {
    pub(super) point: Point,
    pub(super) log: Vec<String>,
}

impl From<DaggerError> for Unstarted {
    fn from(error: DaggerError) -> Self {
        Self {
            log: output(&error),
            point: Point::failed(NAME, of_dagger(error).to_string()),
        }
    }
}

impl From<String> for Unstarted {
    fn from(message: String) -> Self {
        Self {
            log: Vec::new(),
            point: Point::failed(NAME, message),
        }
    }
}

impl Running {
    /// Starts the program of a container; `port` is where it is to listen.
    pub(super) async fn start(
        query: &Query,
        promised: &Promised,
        container: Container,
        port: u16,
    ) -> Result<Self, Unstarted> {
        let container = unexposed(container).await?;
        let mut options = ContainerAsServiceOptsBuilder::default();
        options.use_entrypoint(true);
        let args: Vec<&str> = promised.args.iter().map(String::as_str).collect();
        if !args.is_empty() {
            options.args(args);
        }
        let options = options.build().map_err(|error| error.to_string())?;
        let service = container.as_service_opts(options);
        let id = service.id().await?;
        let began = Instant::now();
        service.start().await?;
        let forward = PortForward {
            backend: port as isize,
            frontend: 0,
            protocol: NetworkProtocol::Tcp,
        };
        let mut options = HostTunnelOptsBuilder::default();
        options.ports(vec![forward]);
        let options = options.build().map_err(|error| error.to_string())?;
        let tunnel = query.host().tunnel_opts(id, options);
        let endpoint = tunnel.endpoint().await?;
        let after = began.elapsed();
        Ok(Self {
            address: resolve(&endpoint).await?,
            service,
            tunnel,
            after,
        })
    }

    /// Ends what has not ended by itself.
    pub(super) async fn end(&self) {
        // Neither is known to the engine any more if all went well.
        let _ = kill(&self.service).await;
        let _ = self.tunnel.stop().await;
    }
}

/// The container without exposed ports. An engine takes a service for started when all of them accept connections, which the
/// minimal environment may not bring about; and how long to wait is not its to decide.
async fn unexposed(container: Container) -> Result<Container, DaggerError> {
    let mut unexposed = container.clone();
    for port in container.exposed_ports().await? {
        let number = port.port().await?;
        let options = ContainerWithoutExposedPortOptsBuilder::default()
            .protocol(port.protocol().await?)
            .build();
        if let Ok(options) = options {
            unexposed = unexposed.without_exposed_port_opts(number, options);
        }
    }
    Ok(unexposed)
}

async fn kill(service: &Service) -> Result<(), DaggerError> {
    let kill = ServiceStopOptsBuilder::default().kill(true).build();
    if let Ok(kill) = kill {
        service.stop_opts(kill).await?;
    }
    Ok(())
}

/// An engine may answer with a name.
async fn resolve(endpoint: &str) -> Result<SocketAddr, String> {
    let found = tokio::net::lookup_host(endpoint).await;
    let found = found.map_err(|error| format!("the tunnel ends at {endpoint}: {error}"))?;
    let mut found: Vec<SocketAddr> = found.collect();
    // Tunnels listen on 127.0.0.1.
    found.sort_by_key(SocketAddr::is_ipv6);
    let first = found.into_iter().next();
    first.ok_or_else(|| format!("the tunnel ends at {endpoint}, which is nowhere"))
}

/// The last lines that a program printed, as far as an error tells.
pub(super) fn output(error: &DaggerError) -> Vec<String> {
    let DaggerError::Query(GraphQLError::DomainError { fields, .. }) = error else {
        return Vec::new();
    };
    let texts = fields.iter().find_map(|field| match &field.extensions {
        Some(GraphQlExtension::ExecError { stdout, stderr, .. }) => Some([stdout, stderr]),
        _ => None,
    });
    let lines = texts.into_iter().flatten().flat_map(|text| text.lines());
    let lines: Vec<String> = lines.map(str::to_owned).collect();
    lines[lines.len().saturating_sub(LINES)..].to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use dagger_sdk::core::gql_client::GraphQLErrorMessage;

    fn failure(extensions: Option<GraphQlExtension>) -> DaggerError {
        let message = "exit code: 1".to_owned();
        let field = GraphQLErrorMessage {
            message: message.clone(),
            locations: None,
            extensions,
            path: None,
        };
        DaggerError::Query(GraphQLError::DomainError {
            message,
            fields: vec![field],
        })
    }

    #[test]
    fn the_last_lines_of_both_outputs_are_taken_from_an_error() {
        let numbered: Vec<String> = (0..100).map(|i| format!("line {i}")).collect();
        let error = failure(Some(GraphQlExtension::ExecError {
            cmd: vec!["/app".into()],
            exit_code: 1,
            stdout: numbered.join("\n"),
            stderr: "no database\n".into(),
        }));
        let lines = output(&error);
        assert_eq!(lines.len(), LINES);
        assert_eq!(lines[LINES - 2..], ["line 99", "no database"]);
        assert!(output(&failure(None)).is_empty());
    }

    #[tokio::test]
    async fn a_tunnel_ends_at_an_address_or_a_name() {
        let address = |text: &str| -> SocketAddr { text.parse().unwrap() };
        assert_eq!(resolve("127.0.0.1:80").await, Ok(address("127.0.0.1:80")));
        assert_eq!(resolve("localhost:80").await, Ok(address("127.0.0.1:80")));
        assert!(resolve("nowhere").await.is_err());
    }
}
