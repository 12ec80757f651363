//! Root and rootless, with subordinate ids and without: the same image.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use libtest_mimic::{Failed, Trial};

use crate::dockerfile::digest;
use crate::fixture::Fixture;

/// The argument that makes this binary print the digest of [`DOCKERFILE`]'s image.
pub(crate) const DIGEST: &str = "__digest";

/// Owners of every kind: the copied file's, the program's, directories made on the way, a changed file of another user.
const DOCKERFILE: &str = r#"FROM base
COPY --chown=app:app a.txt /home/app/a.txt
RUN mkdir -p /srv/made && echo one > /srv/made/file && rm /etc/group && ln -s file /srv/made/link && ln /srv/made/file /srv/made/hard
USER app
WORKDIR /home/app/work
RUN echo two > file && mkdir deep && echo three > deep/file && echo more >> ../a.txt
USER 0
RUN echo four > /home/app/of-root && chmod 4755 /srv/made/file
"#;

pub(crate) fn tests() -> Vec<Trial> {
    vec![Trial::test(
        "root and rootless give the same image",
        same_image,
    )]
}

/// Builds in this process and prints the digest.
pub(crate) fn print_digest() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let built: Result<String, Failed> = runtime.block_on(async {
        let fixture = Fixture::new();
        fixture.write("Dockerfile", DOCKERFILE);
        fixture.write("a.txt", "a\n");
        let engine = fixture.engine().await;
        let built = digest(&engine, &fixture).await;
        engine.shutdown().await;
        built
    });
    match built {
        Ok(digest) => println!("{digest}"),
        Err(failed) => {
            eprintln!("{}", failed.message().unwrap_or_default());
            std::process::exit(1);
        }
    }
}

fn digest_of(command: &mut Command) -> Result<String, Failed> {
    let output = loop {
        match command.output() {
            // Another test has started a process while the copy was being written, and it has not got to its exec yet.
            Err(error) if error.kind() == std::io::ErrorKind::ExecutableFileBusy => {
                std::thread::sleep(std::time::Duration::from_millis(10))
            }
            other => break other?,
        }
    };
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
    }
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

/// This binary, where every user can execute it.
fn public_copy(dir: &Path) -> Result<std::path::PathBuf, Failed> {
    std::fs::set_permissions(dir, std::fs::Permissions::from_mode(0o777))?;
    let copy = dir.join("engine");
    std::fs::copy(std::env::current_exe()?, &copy)?;
    std::fs::set_permissions(&copy, std::fs::Permissions::from_mode(0o755))?;
    Ok(copy)
}

fn same_image() -> Result<(), Failed> {
    let single = digest_of(
        Command::new(std::env::current_exe()?)
            .arg(DIGEST)
            .env("PIPELINE_PRIVILEGE", "single"),
    )?;
    if !rustix::process::geteuid().is_root() {
        eprintln!("not compared with root: the tests do not run as root");
        return Ok(());
    }
    let dir = tempfile::TempDir::new()?;
    let copy = public_copy(dir.path())?;
    let root = digest_of(Command::new(&copy).arg(DIGEST))?;
    assert_eq!(root, single, "root (left) and one id (right)");
    let other = |uid: &str, gid: &str| {
        let mut command = Command::new("setpriv");
        command
            .args([
                &format!("--reuid={uid}"),
                &format!("--regid={gid}"),
                "--clear-groups",
            ])
            .arg(&copy)
            .arg(DIGEST)
            .env("HOME", dir.path())
            .env("TMPDIR", dir.path());
        command
    };
    assert_eq!(
        root,
        digest_of(&mut other("65534", "65534"))?,
        "root (left) and rootless without subordinate ids (right)"
    );
    let user = "pipeline-engine-test";
    if Command::new("useradd")
        .args([
            "--system",
            "--add-subids-for-system",
            "--no-create-home",
            user,
        ])
        .status()
        .is_ok_and(|status| status.success())
    {
        let id = |what: &str| digest_of(Command::new("id").args([what, user]));
        let ranges = digest_of(other(&id("-u")?, &id("-g")?).env("PIPELINE_PRIVILEGE", "ranges"));
        Command::new("userdel").arg(user).status()?;
        assert_eq!(
            root, ranges?,
            "root (left) and rootless with subordinate ids (right)"
        );
    } else {
        eprintln!("not compared with subordinate ids: no user could be made");
    }
    Ok(())
}
