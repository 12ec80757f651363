//! The `[image]` table of a service: environment, labels, ports and arguments on top of what its builder gives.

use dagger_sdk::Container;

use crate::error::UserError;
use crate::stages::plan::Planned;

/// `container` with what the catalog adds to its image.
pub(crate) fn apply(planned: &Planned<'_>, container: Container) -> Result<Container, UserError> {
    let image = &planned.service.image;
    let mut container = container;
    for (name, value) in &image.env {
        let value = planned.render(&format!("image.env.{name}"), value)?;
        container = container.with_env_variable(name, value);
    }
    for (name, value) in &image.labels {
        let value = planned.render(&format!("image.labels.{name}"), value)?;
        container = container.with_label(name, value);
    }
    for port in &image.ports {
        container = container.with_exposed_port(isize::try_from(*port).unwrap_or_default());
    }
    if !image.cmd.is_empty() {
        container = container.with_default_args(image.cmd.clone());
    }
    Ok(container)
}
