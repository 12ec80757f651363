//! What an execution may use: the values of `[limits]`. Who holds it to them is the engine.

use std::time::Duration;

/// Limits of every execution of a build, a check or a contract. What is absent is not limited.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Limits {
    /// Memory of all processes together, in bytes.
    pub memory: Option<u64>,
    /// Processes and threads at one time.
    pub pids: Option<u32>,
    /// Time from the start to the end.
    pub time: Option<Duration>,
}

impl Limits {
    /// These limits, and where one is absent that of `general`.
    #[must_use]
    pub fn or(self, general: Self) -> Self {
        Self {
            memory: self.memory.or(general.memory),
            pids: self.pids.or(general.pids),
            time: self.time.or(general.time),
        }
    }
}
