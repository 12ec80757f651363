//! The second phase of lowering: from a stage's instructions and its base's configuration to steps.

/// What a stage on top of another inherits besides its configuration.
#[derive(Debug, Clone, Default)]
pub(crate) struct Scope {
    /// Build arguments declared so far, with their values, in order.
    pub(crate) args: Vec<(String, Option<String>)>,
    /// The environment that RUN sees: the image's and the arguments'.
    pub(crate) env: Vec<(String, String)>,
    /// A WORKDIR was written in this file.
    pub(crate) workdir_set: bool,
}
