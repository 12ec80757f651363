//! The `[image]` table of a service: environment, labels, ports and arguments on top of what its builder gives.

use dagger_sdk::Container;

use crate::error::UserError;
use crate::stages::plan::Planned;

/// What the catalog adds to an image, its templates rendered.
#[derive(Debug)]
pub(super) struct Metadata<'a> {
    env: Vec<(&'a str, String)>,
    labels: Vec<(&'a str, String)>,
    ports: &'a [u16],
    cmd: &'a [String],
}

impl<'a> Metadata<'a> {
    /// Renders everything, so that what cannot be rendered is known before anything is built.
    ///
    /// # Errors
    /// When a template uses what has no value.
    pub(super) fn render(planned: &'a Planned<'_>) -> Result<Self, UserError> {
        let image = &planned.service.image;
        let render = |table: &str, (name, value): (&'a String, _)| {
            let value = planned.render(&format!("image.{table}.{name}"), value)?;
            Ok((name.as_str(), value))
        };
        Ok(Self {
            env: image
                .env
                .iter()
                .map(|entry| render("env", entry))
                .collect::<Result<_, UserError>>()?,
            labels: image
                .labels
                .iter()
                .map(|entry| render("labels", entry))
                .collect::<Result<_, UserError>>()?,
            ports: &image.ports,
            cmd: &image.cmd,
        })
    }

    /// `container` with all of it.
    pub(super) fn apply(&self, container: Container) -> Container {
        let mut container = container;
        for (name, value) in &self.env {
            container = container.with_env_variable(*name, value);
        }
        for (name, value) in &self.labels {
            container = container.with_label(*name, value);
        }
        for port in self.ports {
            container = container.with_exposed_port(isize::try_from(*port).unwrap_or_default());
        }
        if !self.cmd.is_empty() {
            container = container.with_default_args(self.cmd.to_vec());
        }
        container
    }
}
