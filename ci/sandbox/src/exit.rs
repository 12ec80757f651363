//! How an execution ended, in the words of a shell.

/// How an execution ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Exit {
    /// The command exited.
    Code(i32),
    /// The command was killed by this signal.
    Signal(i32),
    /// The kernel killed something of it for exceeding its memory limit: not always the command itself, which may have gone on.
    OutOfMemory {
        /// What a shell would report of the command; 137 if all was killed, or if it went on and reported a success.
        code: i32,
    },
    /// The kernel refused it a process or thread for its limit on them, whatever the command made of that.
    TooManyProcesses {
        /// What a shell would report of the command; 1 if that was a success.
        code: i32,
    },
    /// It was ended for exceeding its time limit.
    TimedOut {
        /// Names of the programs that were running at that moment, as ps(1) shows them, without control characters; of many, some.
        running: Vec<String>,
    },
}

impl Exit {
    /// Exit code 0.
    pub fn success(&self) -> bool {
        *self == Self::Code(0)
    }

    /// What a shell would report: the code, 128 + signal, 124 (time).
    pub fn code(&self) -> i32 {
        match self {
            Self::Code(code) | Self::OutOfMemory { code } | Self::TooManyProcesses { code } => {
                *code
            }
            Self::Signal(signal) => 128 + signal,
            Self::TimedOut { .. } => 124,
        }
    }
}
