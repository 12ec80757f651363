//! A transparency log, which can be away for a while.

use std::path::PathBuf;

use crate::program::Program;

/// How it is started, and while it runs its process.
#[derive(Debug)]
pub(super) struct Log {
    program: Option<Program>,
    name: &'static str,
    arguments: Vec<String>,
    port: u16,
    file: PathBuf,
}

impl Log {
    /// Starts one that answers at a port of 127.0.0.1 a moment later.
    ///
    /// # Errors
    /// It is not installed.
    #[track_caller]
    pub(super) fn launch(
        name: &'static str,
        arguments: Vec<String>,
        port: u16,
        file: PathBuf,
    ) -> Result<Self, String> {
        let mut log = Self {
            program: None,
            name,
            arguments,
            port,
            file,
        };
        log.run()?;
        Ok(log)
    }

    #[track_caller]
    fn run(&mut self) -> Result<(), String> {
        let arguments: Vec<&str> = self.arguments.iter().map(String::as_str).collect();
        self.program = Some(Program::start(self.name, &arguments, &self.file)?);
        Ok(())
    }

    /// Waits until it answers.
    #[track_caller]
    pub(super) fn ready(&mut self) {
        self.program.as_mut().unwrap().answers(self.port);
    }

    pub(super) fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Ends it.
    pub(super) fn stop(&mut self) {
        self.program = None;
    }

    /// Starts it again, at the same address and with the same key.
    #[track_caller]
    pub(super) fn resume(&mut self) {
        self.run().unwrap();
        self.ready();
    }
}
