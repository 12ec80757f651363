//! A disk that fills up at every possible write (E12): the store on a small memory file system in a mount namespace of its own.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::process::Command;

use libtest_mimic::{Failed, Trial};

use crate::fixture::Fixture;

/// The argument that makes this binary build on the small disk that follows.
pub(crate) const WORKER: &str = "__disk_full";

/// Room for all that a build makes, and some.
const ROOM: usize = 12 << 20;
const STEP: usize = 96 << 10;

const DOCKERFILE: &str = r#"FROM base AS first
RUN head -c 300000 /dev/zero | cat > /zeros && echo written
FROM base
COPY --from=first /zeros /copied
COPY context /context
RUN --mount=type=cache,target=/cache cat /copied > /cache/again && echo done > /file
"#;

pub(crate) fn tests() -> Vec<Trial> {
    vec![Trial::test(
        "e12 a full disk is a clear error at every write, and the store stays sound",
        full_disk,
    )]
}

fn full_disk() -> Result<(), Failed> {
    let dir = tempfile::TempDir::new()?;
    let script = r#"mount -t tmpfs -o size="$2" none "$1" || exit 77; exec "$3" "$4" "$1""#;
    let output = Command::new("unshare")
        .args([
            "--user",
            "--map-root-user",
            "--mount",
            "sh",
            "-c",
            script,
            "sh",
        ])
        .arg(dir.path())
        .arg(ROOM.to_string())
        .arg(std::env::current_exe()?)
        .arg(WORKER)
        .output();
    let output = match output {
        Ok(output) => output,
        Err(error) => {
            eprintln!("skipped: unshare: {error}");
            return Ok(());
        }
    };
    let said = String::from_utf8_lossy(&output.stderr);
    match output.status.code() {
        Some(0) => Ok(()),
        // unshare itself, or the mount; a worker that fails says more.
        Some(1 | 77) if output.stdout.is_empty() => {
            eprintln!("skipped: no small disk can be made: {said}");
            Ok(())
        }
        _ => Err(said.into_owned().into()),
    }
}

/// Builds again and again with more and more room, so that each write in turn is the one that fails.
pub(crate) fn worker(disk: &Path) {
    println!("working");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let ballast = disk.join("ballast");
    let mut digests = BTreeSet::new();
    let (mut failures, mut successes) = (0, 0);
    for free in (0..ROOM).step_by(STEP) {
        // The image and the context are elsewhere: what is full is the disk of the store alone.
        let mut fixture = Fixture::new();
        fixture.store = Some(disk.join("store"));
        fixture.write("Dockerfile", DOCKERFILE);
        fixture.write("context/file", &"content ".repeat(2000));
        fill_up(&ballast, free);
        match runtime.block_on(build(&fixture)) {
            Ok(digest) => {
                digests.insert(digest);
                successes += 1;
            }
            Err(error) => {
                assert!(error.contains("No space left on device"), "{free}: {error}");
                failures += 1;
            }
        }
        std::fs::remove_file(&ballast).unwrap();
        if disk.join("store").exists() {
            fixture.assert_clean_store();
        }
        // What was left may be used, and does not change the result.
        digests.insert(runtime.block_on(build(&fixture)).unwrap());
        fixture.assert_clean_store();
        std::fs::remove_dir_all(disk.join("store")).unwrap();
        if successes == 3 {
            break;
        }
    }
    assert!(
        failures > 20 && successes == 3,
        "{failures} failures, {successes} successes"
    );
    assert_eq!(digests.len(), 1, "{digests:?}");
}

async fn build(fixture: &Fixture) -> Result<String, String> {
    let engine = fixture
        .try_engine(|_| ())
        .await
        .map_err(|error| error.to_string())?;
    let digest = async {
        let container = crate::dockerfile::build(&engine.query("test"), fixture).await?;
        // With what the program printed.
        container
            .as_tarball()
            .digest()
            .await
            .map_err(|error| Failed::from(format!("{error:?}")))
    };
    let digest = digest.await;
    engine.shutdown().await;
    digest.map_err(|failed: Failed| failed.message().unwrap_or_default().to_owned())
}

/// Writes until only `free` bytes are left.
fn fill_up(path: &Path, free: usize) {
    let mut file = File::create(path).unwrap();
    while file.write_all(&[1; 4096]).is_ok() {}
    let size = file.metadata().unwrap().len();
    file.set_len(size.saturating_sub(free as u64)).unwrap();
}
