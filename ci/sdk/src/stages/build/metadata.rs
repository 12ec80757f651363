//! The `[image]` table of a service: environment, labels, ports and arguments on top of what its builder gives; and the labels that
//! say where the image is from.

use std::collections::BTreeMap;

use ci_catalog::Platform;
use dagger_sdk::Container;

use super::labels::Labels;
use crate::error::UserError;
use crate::project::Project;
use crate::stages::plan::Planned;

/// What the catalog adds to an image, its templates rendered.
#[derive(Debug)]
pub(super) struct Metadata<'a> {
    env: Vec<(&'a str, String)>,
    labels: Vec<(&'a str, String)>,
    ports: &'a [u16],
    cmd: &'a [String],
    from: Labels,
}

impl<'a> Metadata<'a> {
    /// Renders everything, so that what cannot be rendered is known before anything is built.
    ///
    /// # Errors
    /// When a template uses what has no value, or the Dockerfile cannot be read.
    pub(super) fn render(
        project: &Project,
        planned: &'a Planned<'_>,
        platform: &Platform,
    ) -> eyre::Result<Self> {
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
            from: Labels::of(project, planned, platform)?,
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
        for (name, value) in &self.from.labels {
            container = match value {
                Some(value) => container.with_label(*name, value),
                None => container.without_label(*name),
            };
        }
        for port in self.ports {
            container = container.with_exposed_port(isize::try_from(*port).unwrap_or_default());
        }
        if !self.cmd.is_empty() {
            container = container.with_default_args(self.cmd.to_vec());
        }
        container
    }

    /// What the image's manifest is annotated with.
    pub(super) fn annotations(self) -> BTreeMap<&'static str, String> {
        self.from.annotations
    }
}
