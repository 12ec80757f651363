//! The Kustomize of this machine, where there is one: `kustomize`, or the one in `kubectl`.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::Command;

/// Programs, with what makes them render a folder.
const PROGRAMS: [(&str, &str); 2] = [("kustomize", "build"), ("kubectl", "kustomize")];
/// Most that is taken of what is rendered, in bytes.
const MAX_BYTES: u64 = 32 << 20;
/// Most that is kept of a complaint, in bytes.
const MAX_COMPLAINT: u64 = 16 << 10;
/// Nothing that is made of local files takes longer.
const PATIENCE: Duration = Duration::from_secs(60);

/// A program that renders kustomizations.
#[derive(Debug, Clone)]
pub(crate) struct Kustomize {
    program: PathBuf,
    verb: &'static str,
}

impl Kustomize {
    /// The one that is installed.
    pub(crate) fn find() -> Option<Self> {
        PROGRAMS.into_iter().find_map(|(name, verb)| {
            let program = which::which(name).ok()?;
            Some(Self { program, verb })
        })
    }

    /// What it makes of a folder; else why not, as it says.
    ///
    /// It sees nothing of our environment, where credentials are, and is ended when it takes too long.
    pub(crate) async fn render(&self, folder: &Path) -> Result<String, String> {
        let mut command = Command::new(&self.program);
        command
            .arg(self.verb)
            // A name that begins with `-` is no option (P1).
            .arg(Path::new(".").join(folder))
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", "/nonexistent")
            .env("LC_ALL", "C")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let ended = tokio::time::timeout(PATIENCE, run(command)).await;
        match ended {
            Ok(Ok((true, stdout, _))) if stdout.len() as u64 > MAX_BYTES => {
                Err(format!("it renders more than {} MiB", MAX_BYTES >> 20))
            }
            Ok(Ok((true, stdout, _))) => {
                String::from_utf8(stdout).map_err(|_| "what it renders is not UTF-8".to_owned())
            }
            Ok(Ok((false, _, stderr))) => Err(String::from_utf8_lossy(&stderr).trim().to_owned()),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err(format!("no end after {} s", PATIENCE.as_secs())),
        }
    }
}

async fn run(mut command: Command) -> std::io::Result<(bool, Vec<u8>, Vec<u8>)> {
    let mut child = command.spawn()?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let (stdout, stderr) =
        tokio::try_join!(first(stdout, MAX_BYTES + 1), first(stderr, MAX_COMPLAINT))?;
    Ok((child.wait().await?.success(), stdout, stderr))
}

/// The first bytes of a pipe, which is read to its end.
async fn first(pipe: Option<impl AsyncRead + Unpin>, most: u64) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Some(mut pipe) = pipe {
        (&mut pipe).take(most).read_to_end(&mut bytes).await?;
        tokio::io::copy(&mut pipe, &mut tokio::io::sink()).await?;
    }
    Ok(bytes)
}
