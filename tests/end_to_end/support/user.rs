//! Running as somebody else, which only root can.
//!
//! Root's toolchain is often in a folder that is closed to others, so it is made visible in the project by a mount that only
//! the run sees.

use std::process::Command;

use super::machine::{self, tool};
use super::program;
use super::project::{Project, text};
use super::{Skip, work};

/// A user of this machine.
pub(crate) struct User {
    uid: String,
    gid: String,
    /// Made for the tests, to be removed.
    name: Option<String>,
}

impl User {
    /// Nobody: not in /etc/subuid, so one id is all there is.
    pub(crate) fn nobody() -> Result<Self, Skip> {
        machine::needs_root()?;
        tool("setpriv")?;
        let id = || "65534".to_owned();
        Ok(Self {
            uid: id(),
            gid: id(),
            name: None,
        })
    }

    /// A new one with subordinate ids.
    pub(crate) fn with_subordinate_ids() -> Result<Self, Skip> {
        machine::needs_root()?;
        for name in ["setpriv", "newuidmap", "newgidmap", "userdel"] {
            tool(name)?;
        }
        let name = format!("end-to-end-{}", std::process::id());
        let options = ["--system", "--add-subids-for-system", "--no-create-home"];
        let mut add = Command::new(tool("useradd")?);
        machine::can(
            "make a user with subordinate ids",
            add.args(options).arg(&name),
        )?;
        let id = |option: &str| {
            let output = Command::new("id").args([option, &name]).output().unwrap();
            String::from_utf8(output.stdout).unwrap().trim().to_owned()
        };
        Ok(Self {
            uid: id("-u"),
            gid: id("-g"),
            name: Some(name),
        })
    }

    /// Gives them a project.
    pub(crate) fn own(&self, project: &Project) -> Result<(), Skip> {
        let mount = ["--mount", "--propagation", "private", "true"];
        machine::can(
            "make mount namespaces",
            Command::new(tool("unshare")?).args(mount),
        )?;
        let owner = format!("{}:{}", self.uid, self.gid);
        project.sh(
            "chown -R \"$1\" \"$2\"",
            &[&owner, text(project.dir.path())],
        );
        Ok(())
    }

    /// The program in their project, run by them.
    pub(crate) fn command(&self, project: &Project, arguments: &[&str]) -> Command {
        let dir = text(project.dir.path());
        let script = "mkdir -p \"$2\"; mount --bind \"$1\" \"$2\"; shift 2; exec \"$@\"";
        let mut command = project.bare("unshare");
        command
            .args([
                "--mount",
                "--propagation",
                "private",
                "sh",
                "-euc",
                script,
                "sh",
            ])
            .args([&sysroot(project), &format!("{dir}/toolchain")])
            .args([
                "setpriv",
                &format!("--reuid={}", self.uid),
                &format!("--regid={}", self.gid),
            ])
            .args(["--clear-groups", public_program()])
            .args(arguments)
            .env(
                "PATH",
                format!("{dir}/toolchain/bin:/usr/local/bin:/usr/bin:/bin"),
            )
            .env_remove("RUSTUP_HOME")
            .env_remove("RUSTUP_TOOLCHAIN");
        command
    }
}

impl Drop for User {
    fn drop(&mut self) {
        if let Some(name) = &self.name {
            let _ = Command::new("userdel").arg(name).output();
        }
    }
}

/// Where the toolchain of the tests is.
fn sysroot(project: &Project) -> String {
    let mut rustc = project.bare("rustc");
    let printed = program::run(rustc.args(["--print", "sysroot"])).succeeded();
    printed.stdout.trim().to_owned()
}

/// The program where everybody can run it.
fn public_program() -> &'static str {
    use std::os::unix::fs::PermissionsExt;
    use std::sync::OnceLock;
    static PROGRAM: OnceLock<String> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let path = work::folder("bin").keep().join("pipeline");
        std::fs::copy(env!("CARGO_BIN_EXE_pipeline"), &path).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
        text(&path).to_owned()
    })
}
