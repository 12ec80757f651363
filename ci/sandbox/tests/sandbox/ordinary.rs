//! The suite once more, as an ordinary user: when root runs the tests, this is how the rootless modes are seen for real.

use std::fs;
use std::os::unix::fs::chown;
use std::path::Path;
use std::process::Command;

use libtest_mimic::{Failed, Trial};

use crate::support::rustix_is_root;

/// Somebody without rights or subordinate ids.
const NOBODY: u32 = 65534;
/// Made for the test and removed after it.
const USER: &str = "pipeline-test";

pub(crate) fn trials() -> Vec<Trial> {
    if !rustix_is_root() {
        return Vec::new();
    }
    let tools = |names: &[&str]| {
        names.iter().all(|name| {
            Path::new("/usr/bin").join(name).exists() || Path::new("/usr/sbin").join(name).exists()
        })
    };
    let subordinate = tools(&["newuidmap", "newgidmap", "useradd", "userdel", "setpriv"]);
    vec![
        Trial::test("ordinary_user::with_one_id", || {
            suite_as(NOBODY, NOBODY, "single")
        })
        .with_ignored_flag(!tools(&["setpriv"])),
        Trial::test("ordinary_user::with_subordinate_ids", with_subordinate_ids)
            .with_ignored_flag(!subordinate),
    ]
}

fn with_subordinate_ids() -> Result<(), Failed> {
    // Left over from a run that was killed.
    let _ = Command::new("userdel").arg(USER).output();
    for table in ["/etc/subuid", "/etc/subgid"] {
        if !Path::new(table).exists() {
            fs::write(table, "")?;
        }
    }
    run(Command::new("useradd").args(["--no-create-home", "--shell", "/usr/sbin/nologin", USER]))?;
    let passwd = fs::read_to_string("/etc/passwd")?;
    let line = passwd
        .lines()
        .find(|line| line.starts_with(USER))
        .ok_or("the user was not made")?;
    let ids: Vec<u32> = line
        .split(':')
        .filter_map(|field| field.parse().ok())
        .collect();
    let result = suite_as(ids[0], ids[1], "ranges");
    run(Command::new("userdel").arg(USER))?;
    result
}

fn run(command: &mut Command) -> Result<(), Failed> {
    let output = command.output()?;
    if output.status.success() {
        return Ok(());
    }
    let text = [output.stdout, output.stderr].concat();
    Err(format!(
        "{command:?}: {}\n{}",
        output.status,
        String::from_utf8_lossy(&text)
    )
    .into())
}

fn suite_as(uid: u32, gid: u32, mode: &str) -> Result<(), Failed> {
    let home = tempfile::tempdir()?;
    chown(home.path(), Some(uid), Some(gid))?;
    // The build directory may be closed to others.
    let program = home.path().join("suite");
    fs::copy(std::env::current_exe()?, &program)?;
    chown(&program, Some(uid), Some(gid))?;
    run(Command::new("setpriv")
        .args([
            format!("--reuid={uid}"),
            format!("--regid={gid}"),
            "--clear-groups".to_owned(),
        ])
        .arg(&program)
        .arg(format!("{mode}::"))
        .env("TMPDIR", home.path())
        .env("HOME", home.path())
        .env_remove("PIPELINE_PRIVILEGE")
        .current_dir(home.path()))
}
