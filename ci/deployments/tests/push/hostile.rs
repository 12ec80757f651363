//! A hostile repository, and a hostile environment (P1, P2).
//!
//! What depends on the environment of the process runs in a process of its own: this program again, with one test.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use ci_deployments::Refused;
use ci_deployments::git::{GitError, Outcome};

use crate::repository::{Repository, candidate, git, kustomization, promote};
use crate::server::Server;

/// A program that leaves a trace when it is run.
fn trap(folder: &Path) -> String {
    let (program, trace) = (folder.join("trap"), folder.join("trace"));
    std::fs::write(
        &program,
        format!("#!/bin/sh\necho \"$0 $*\" >> {}\ncat\n", trace.display()),
    )
    .unwrap();
    std::fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).unwrap();
    program.to_str().unwrap().to_owned()
}

/// Runs one ignored test of this program, and returns what it printed.
fn alone(test: &str, environment: &[(&str, &str)]) -> String {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", test, "--nocapture"])
        .envs(environment.iter().copied())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
    assert!(text.contains("1 passed"), "{text}");
    text
}

#[tokio::test]
async fn manifests_that_are_links_are_not_followed_p2() {
    let (path, content) = kustomization("web");
    let repository = Repository::new(&[(&path, "-> ../../../../secret"), ("secret", &content)]);
    let error = promote(&repository.writer("a"), candidate("web", 7), || ())
        .await
        .unwrap_err();
    assert!(
        matches!(error, GitError::Refused(Refused::Link { .. })),
        "{error}"
    );
    // A folder that is a link is no folder.
    let repository = Repository::new(&[
        ("overlays/production", "-> ../elsewhere"),
        ("elsewhere/web/kustomization.yaml", &content),
    ]);
    let error = promote(&repository.writer("a"), candidate("web", 7), || ())
        .await
        .unwrap_err();
    assert!(
        matches!(error, GitError::Refused(Refused::Missing { .. })),
        "{error}"
    );
}

#[test]
fn what_git_is_configured_with_runs_nothing_p2() {
    let folder = tempfile::tempdir().unwrap();
    let trap = trap(folder.path());
    let config = folder.path().join("config");
    std::fs::create_dir_all(folder.path().join("hooks")).unwrap();
    for hook in [
        "pre-push",
        "reference-transaction",
        "post-index-change",
        "pre-auto-gc",
        "proc-receive",
    ] {
        std::fs::copy(&trap, folder.path().join("hooks").join(hook)).unwrap();
    }
    std::fs::create_dir_all(folder.path().join("template/hooks")).unwrap();
    std::fs::copy(
        &trap,
        folder.path().join("template/hooks/reference-transaction"),
    )
    .unwrap();
    let (hooks, template) = (folder.path().join("hooks"), folder.path().join("template"));
    let text = format!(
        "[core]\n hooksPath = {}\n fsmonitor = {trap}\n attributesFile = {}\n askPass = {trap}\n pager = {trap}\n editor = {trap}\n\
         [init]\n templateDir = {}\n[filter \"trap\"]\n clean = {trap}\n smudge = {trap}\n process = {trap}\n required = true\n\
         [diff]\n external = {trap}\n[commit]\n gpgSign = true\n[push]\n gpgSign = if-asked\n[gpg]\n program = {trap}\n\
         [i18n]\n commitEncoding = latin1\n[pager]\n fetch = {trap}\n",
        hooks.display(),
        folder.path().join("attributes").display(),
        template.display(),
    );
    std::fs::write(&config, text).unwrap();
    std::fs::write(folder.path().join("attributes"), "* filter=trap\n").unwrap();
    let elsewhere = folder.path().join("elsewhere");
    alone(
        "hostile::promotes_into_a_hostile_repository",
        &[
            ("GIT_CONFIG_GLOBAL", config.to_str().unwrap()),
            ("GIT_TEMPLATE_DIR", template.to_str().unwrap()),
            ("GIT_EXTERNAL_DIFF", &trap),
            ("GIT_ASKPASS", &trap),
            ("GIT_DIR", elsewhere.to_str().unwrap()),
            ("GIT_INDEX_FILE", elsewhere.to_str().unwrap()),
            ("GIT_CONFIG_PARAMETERS", "'core.fsmonitor'='/bin/false'"),
        ],
    );
    let trace = std::fs::read_to_string(folder.path().join("trace")).unwrap_or_default();
    assert_eq!(trace, "");
    assert!(!elsewhere.exists(), "git went where the environment says");
}

#[tokio::test]
#[ignore = "run by another test, with a hostile environment"]
async fn promotes_into_a_hostile_repository() {
    let (path, content) = kustomization("web");
    let repository = Repository::new(&[
        (&path, &content),
        (
            ".gitattributes",
            "* filter=trap diff=trap merge=trap text eol=crlf\n",
        ),
        (
            ".gitmodules",
            "[submodule \"x\"]\n path = x\n url = ext::sh -c id\n update = !id\n",
        ),
        (".lfsconfig", "[lfs]\n url = https://127.0.0.1:1\n"),
    ]);
    // Over HTTP, where the server has a configuration of its own.
    let server = Server::start(repository.folder(), None);
    let address = format!("{}/deployments.git", server.address);
    let writer = repository.writer_to(&address, None, "a");
    let outcome = promote(&writer, candidate("web", 7), || ()).await;
    assert!(
        matches!(outcome, Ok(Outcome::Written { .. })),
        "{outcome:?}"
    );
    let raw = repository.git(&["cat-file", "commit", "main"]);
    assert!(
        !raw.contains("gpgsig") && !raw.contains("encoding"),
        "{raw}"
    );
    assert!(!repository.file(&path).contains('\r'));
}

#[test]
fn ssh_is_called_for_the_host_and_the_path_alone_p1() {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("ssh");
    // Takes the place of ssh: notes its arguments and runs the command here.
    let text = format!(
        "#!/bin/sh\necho \"$@\" >> {}\nwhile [ $# -gt 1 ]; do shift; done\nexec sh -c \"$1\"\n",
        folder.path().join("trace").display()
    );
    std::fs::write(&script, text).unwrap();
    std::fs::set_permissions(&script, PermissionsExt::from_mode(0o755)).unwrap();
    alone(
        "hostile::promotes_over_ssh",
        &[("GIT_SSH_COMMAND", script.to_str().unwrap())],
    );
    let trace = std::fs::read_to_string(folder.path().join("trace")).unwrap();
    assert!(
        trace.contains("git@git.example.com git-receive-pack '/"),
        "{trace}"
    );
}

#[tokio::test]
#[ignore = "run by another test, with its own ssh"]
async fn promotes_over_ssh() {
    let (path, content) = kustomization("web");
    let repository = Repository::new(&[(&path, &content)]);
    git(
        &repository.path(),
        &["config", "--add", "safe.directory", "*"],
    );
    let address = format!("ssh://git@git.example.com{}", repository.path().display());
    let writer = repository.writer_to(&address, None, "a");
    let outcome = promote(&writer, candidate("web", 7), || ()).await;
    assert!(
        matches!(outcome, Ok(Outcome::Written { .. })),
        "{outcome:?}"
    );
}
