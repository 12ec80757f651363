//! Where instances answer: `addresses` of `[environments.NAME.deploy]`.

use std::collections::BTreeMap;

use ci_catalog::{Catalog, Name};
use ci_http::Url;

use crate::error::{Exit, UserError};
use crate::stages::deployments::Deployments;

/// The addresses of each service that has an entry; an empty list: it answers nowhere, as a job does.
///
/// # Errors
/// When one is no address, or of no service: what nobody asks would count as good.
pub(super) fn of(
    catalog: &Catalog,
    deployments: &Deployments<'_>,
) -> Result<BTreeMap<Name, Vec<Url>>, UserError> {
    let usage = |message: String| UserError::new(Exit::Usage, message);
    let mut all = BTreeMap::new();
    for (service, addresses) in &deployments.declaration.addresses {
        let key = format!(
            "environments.{}.deploy.addresses.{service}",
            deployments.environment
        );
        let Some(service) = catalog.service(service) else {
            return Err(usage(format!("`{key}` of pipeline.toml is of no service")));
        };
        let parse = |text: &String| match text.parse::<Url>() {
            Ok(url) if url.has_host() && matches!(url.scheme(), "http" | "https") => Ok(url),
            _ => Err(usage(format!(
                "`{key}` of pipeline.toml: {text:?} is not an address"
            ))
            .hint("write it as in `https://shop.example.com`")),
        };
        let addresses = addresses.iter().map(parse).collect::<Result<_, _>>()?;
        all.insert(service.name.clone(), addresses);
    }
    Ok(all)
}
