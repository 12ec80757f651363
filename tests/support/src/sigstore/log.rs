//! A transparency log, which can be away for a while.

use std::path::PathBuf;

use crate::program::{self, Program};

/// The program that is all of them.
const SERVER: &str = "sigstore-server";

/// How it is started, and while it runs its process.
#[derive(Debug)]
pub(super) struct Log {
    program: Option<Program>,
    options: Vec<String>,
    listening: fn(Ports) -> Vec<String>,
    ports: Ports,
    file: PathBuf,
}

/// That of the log's address, and others that it asks for.
type Ports = [u16; 3];

impl Log {
    /// Starts Rekor v1. It keeps nothing but its key, which is in a file.
    ///
    /// # Errors
    /// It is not installed.
    #[track_caller]
    pub(super) fn rekor(key: &str, file: PathBuf) -> Result<Self, String> {
        let options = ["rekor", "-key", key];
        let listening = |[port, ..]: Ports| vec![format!("-port={port}")];
        Self::launch(&options, listening, file)
    }

    /// Starts Rekor v2, which calls itself `origin`, with its key in a file and its tiles in a folder.
    ///
    /// # Errors
    /// It is not installed.
    #[track_caller]
    pub(super) fn tiles(
        origin: &str,
        key: &str,
        folder: &str,
        file: PathBuf,
    ) -> Result<Self, String> {
        let options = [
            "tiles",
            "serve",
            "--hostname",
            origin,
            "--signer-filepath",
            key,
            "--storage-dir",
            folder,
            // Whoever signs waits for this long.
            "--checkpoint-interval=100ms",
            "--batch-max-age=20ms",
        ];
        let listening = |[port, inner, metrics]: Ports| {
            vec![
                format!("--http-port={port}"),
                format!("--grpc-port={inner}"),
                format!("--http-metrics-port={metrics}"),
            ]
        };
        Self::launch(&options, listening, file)
    }

    #[track_caller]
    fn launch(
        options: &[&str],
        listening: fn(Ports) -> Vec<String>,
        file: PathBuf,
    ) -> Result<Self, String> {
        let mut log = Self {
            program: None,
            options: options.iter().map(|&it| it.to_owned()).collect(),
            listening,
            ports: program::ports(),
            file,
        };
        log.run()?;
        Ok(log)
    }

    #[track_caller]
    fn run(&mut self) -> Result<(), String> {
        let listening = (self.listening)(self.ports);
        let arguments = self.options.iter().chain(&listening);
        let arguments: Vec<&str> = arguments.map(String::as_str).collect();
        self.program = Some(Program::start(SERVER, &arguments, &self.file)?);
        Ok(())
    }

    /// Waits until it answers. Where somebody has taken its ports meanwhile, it gets others.
    #[track_caller]
    pub(super) fn ready(&mut self) {
        if !self.answers() {
            self.ports = program::ports();
            self.resume();
        }
    }

    #[track_caller]
    fn answers(&mut self) -> bool {
        let [port, ..] = self.ports;
        self.program.as_mut().unwrap().answers(port)
    }

    pub(super) fn address(&self) -> String {
        let [port, ..] = self.ports;
        format!("http://127.0.0.1:{port}")
    }

    /// Ends it.
    pub(super) fn stop(&mut self) {
        self.program = None;
    }

    /// Starts it again, at the same address and with the same key.
    #[track_caller]
    pub(super) fn resume(&mut self) {
        self.run().unwrap();
        let answers = self.answers();
        assert!(answers, "{}", self.program.as_ref().unwrap().end());
    }
}
