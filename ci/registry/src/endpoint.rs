//! Where a repository is reached: the registry's own address, and its mirrors before it.

use ci_http::{Http, Retry, Url};
use ci_oci::Reference;

use crate::client::Client;
use crate::config::Mirror;
use crate::error::Error;

/// Docker Hub answers under another name than its images have.
const DOCKER_HUB: (&str, &str) = ("docker.io", "registry-1.docker.io");

/// One repository at one place.
#[derive(Debug, Clone)]
pub(crate) struct Endpoint {
    /// Host and perhaps port as they are declared: whom credentials are for.
    pub(crate) host: String,
    /// The repository there.
    pub(crate) repository: String,
    /// `https://host/v2/`.
    root: Url,
    pub(crate) http: Http,
}

impl Client {
    /// Where to read from, in order.
    pub(crate) fn sources(&self, reference: &Reference) -> Result<Vec<Endpoint>, Error> {
        let declared = self.registry(reference.registry());
        let mirrors = declared.iter().flat_map(|declared| &declared.mirrors);
        mirrors
            .filter(|mirror| !self.is_down(mirror.host()))
            .map(|mirror| self.mirror(mirror, reference))
            .chain([self.target(reference)])
            .collect()
    }

    /// A mirror, which is not waited for: there is somebody else to ask.
    fn mirror(&self, mirror: &Mirror, reference: &Reference) -> Result<Endpoint, Error> {
        let repository = mirror.repository(reference.repository());
        let mut endpoint = self.endpoint(mirror.host(), repository)?;
        endpoint.http = endpoint.http.with_retry(Retry {
            attempts: 2,
            ..Retry::default()
        });
        Ok(endpoint)
    }

    /// Where to write to.
    pub(crate) fn target(&self, reference: &Reference) -> Result<Endpoint, Error> {
        self.endpoint(reference.registry(), reference.repository().to_owned())
    }

    pub(crate) fn endpoint(&self, host: &str, repository: String) -> Result<Endpoint, Error> {
        let plain = self
            .registry(host)
            .is_some_and(|declared| declared.plain_http);
        let scheme = if plain { "http" } else { "https" };
        let address = match host {
            host if host == DOCKER_HUB.0 => DOCKER_HUB.1,
            host => host,
        };
        let root = Url::parse(&format!("{scheme}://{address}/v2/"))
            .map_err(|error| Error::protocol(host, format!("its address is none: {error}")))?;
        Ok(Endpoint {
            host: host.to_owned(),
            repository,
            root,
            http: self.http_for(host).clone(),
        })
    }
}

impl Endpoint {
    /// `/v2/`.
    pub(crate) fn root(&self) -> &Url {
        &self.root
    }

    /// `/v2/<repository>/<rest>`. `rest` is made of checked parts only.
    pub(crate) fn url(&self, rest: &str) -> Url {
        let mut url = self.root.clone();
        url.set_path(&format!("/v2/{}/{rest}", self.repository));
        url
    }

    /// Whether an address is this registry's own: the same scheme, host and port.
    pub(crate) fn owns(&self, url: &Url) -> bool {
        url.origin() == self.root.origin()
    }

    /// The repository with its host, as people name it.
    pub(crate) fn name(&self) -> String {
        format!("{}/{}", self.host, self.repository)
    }
}
