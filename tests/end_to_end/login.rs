//! `login` and `logout`: what is checked, where it is kept, and that nobody sees it.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use libtest_mimic::Trial;
use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use test_support::base::Base;
use test_support::registry::{Registry, USER, Wants};

use crate::support::program::{Outcome, run};
use crate::support::project::{Project, text};
use crate::support::registry::{login, plain, project, push, registry};
use crate::support::{Verdict, test, test_if_possible};

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        test_if_possible(
            "login: credentials are checked, kept for their owner, used and removed",
            stored,
        ),
        test_if_possible("login: a wrong password is refused and not kept", refused),
        test_if_possible(
            "login: a credential helper gets the secret and no file does",
            helper,
        ),
        test_if_possible(
            "login: a terminal is asked and does not show the password",
            terminal,
        ),
        test("login: without a terminal it says how", nobody_to_ask),
    ]
}

fn asking() -> Result<(Registry, Project), crate::support::Skip> {
    let registry = registry(&Wants {
        basic: true,
        ..Wants::default()
    })?;
    push(&registry, Base::Busybox, "base:1")?;
    let base = registry.reference("base:1");
    let project = project(&plain(&registry), &format!("FROM {base}\n"));
    Ok((registry, project))
}

fn hides_the_password(outcome: &Outcome) {
    for shown in [&outcome.stdout, &outcome.stderr] {
        assert!(!shown.contains(USER.1), "{shown}");
    }
}

fn stored() -> Verdict {
    let (registry, project) = asking()?;
    project.run(&["lock"]).exited(4);
    let logged = login(&project, &registry, USER.1).succeeded();
    hides_the_password(&logged);
    let config = project.home.join(".docker/config.json");
    let said = format!(
        "logged in to {} as {}; stored in {}, not encrypted\n",
        registry.host,
        USER.0,
        text(&config)
    );
    assert_eq!(logged.stdout, said);
    let mode = fs::metadata(&config).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    project.run(&["lock"]).succeeded();
    // Docker's own word for it.
    let logout = project.run(&["logout", &registry.host]).succeeded();
    assert_eq!(logout.stdout, format!("logged out of {}\n", registry.host));
    project.run(&["lock"]).exited(4);
    let again = project.run(&["logout", &registry.host]).succeeded();
    assert!(
        again.stdout.starts_with("nothing was stored"),
        "{}",
        again.stdout
    );
    Ok(())
}

fn refused() -> Verdict {
    let (registry, project) = asking()?;
    let config = project.home.join(".docker/config.json");
    let wrong = login(&project, &registry, "wrong horse").exited(1);
    assert!(
        wrong.stderr.contains("nothing was stored"),
        "{}",
        wrong.stderr
    );
    assert!(!wrong.stderr.contains("wrong horse"), "{}", wrong.stderr);
    assert!(!config.exists());
    let empty = login(&project, &registry, "").exited(2);
    assert!(empty.stderr.contains("is empty"), "{}", empty.stderr);
    let none = project.run(&["login", "acme/shop"]).exited(2);
    assert!(
        none.stderr.contains("`acme/shop` is no registry"),
        "{}",
        none.stderr
    );
    Ok(())
}

fn helper() -> Verdict {
    let (registry, project) = asking()?;
    let bin = project.home.join("bin");
    fs::create_dir_all(&bin).unwrap();
    fs::create_dir(project.home.join(".docker")).unwrap();
    let config = project.home.join(".docker/config.json");
    let text = "{\"credsStore\": \"test\", \"other\": [1.0]}";
    fs::write(&config, text).unwrap();
    let program = bin.join("docker-credential-test");
    let script = "#!/bin/sh\nsaid=$(cat)\nif [ \"$1\" = get ]; then cat \"$HOME/kept\" || { echo credentials not found; exit 1; }\nelif [ \"$1\" = store ]; then printf %s \"$said\" >\"$HOME/kept\"\nelse rm \"$HOME/kept\"; fi\n";
    fs::write(&program, script).unwrap();
    fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).unwrap();

    let logged = login(&project, &registry, USER.1).succeeded();
    hides_the_password(&logged);
    assert!(
        logged
            .stdout
            .ends_with("stored with docker-credential-test\n"),
        "{}",
        logged.stdout
    );
    assert_eq!(fs::read_to_string(&config).unwrap(), text);
    let kept = fs::read_to_string(project.home.join("kept")).unwrap();
    let expected = format!(
        "{{\"ServerURL\":\"{}\",\"Username\":\"{}\",\"Secret\":\"{}\"}}",
        registry.host, USER.0, USER.1
    );
    assert_eq!(kept, expected);
    let with_helper = |arguments: &[&str]| {
        let path = std::env::var("PATH").unwrap();
        let mut command = project.command(arguments);
        run(command.env("PATH", format!("{}:{path}", bin.display())))
    };
    with_helper(&["lock"]).succeeded();
    with_helper(&["logout", &registry.host]).succeeded();
    assert!(!project.home.join("kept").exists());
    with_helper(&["lock"]).exited(4);
    Ok(())
}

fn terminal() -> Verdict {
    let (registry, project) = asking()?;
    let (mut master, slave) = pty();
    let mut command = project.command(&["login", &registry.host]);
    command
        .stdin(Stdio::from(slave.try_clone().unwrap()))
        .stdout(Stdio::piped())
        .stderr(Stdio::from(slave));
    let child = command.spawn().unwrap();
    drop(command);
    let mut seen = String::new();
    answer(&mut master, &mut seen, "User of ", USER.0);
    answer(&mut master, &mut seen, "Password of ", USER.1);
    // Until the other side is closed, which Linux tells by an error.
    let mut rest = Vec::new();
    let _ = master.read_to_end(&mut rest);
    seen.push_str(&String::from_utf8_lossy(&rest));
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{seen}");
    assert!(
        String::from_utf8(output.stdout)
            .unwrap()
            .starts_with("logged in to ")
    );
    assert!(seen.contains(USER.0), "what may be seen is shown: {seen}");
    assert!(!seen.contains(USER.1), "{seen}");
    project.run(&["lock"]).succeeded();
    Ok(())
}

fn pty() -> (File, OwnedFd) {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let name = ptsname(&master, Vec::new()).unwrap();
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
    let slave = rustix::fs::open(name, flags, Mode::empty()).unwrap();
    (File::from(master), slave)
}

/// Types a line once a question was asked.
fn answer(terminal: &mut File, seen: &mut String, question: &str, line: &str) {
    let from = seen.len();
    let mut buffer = [0; 1024];
    while !seen[from..].contains(question) || !seen.ends_with(": ") {
        let count = terminal.read(&mut buffer).unwrap();
        seen.push_str(&String::from_utf8_lossy(&buffer[..count]));
    }
    writeln!(terminal, "{line}").unwrap();
}

fn nobody_to_ask() {
    let project = Project::cold();
    let asked = project
        .run(&["login", "registry.example.com", "-u", "ada"])
        .exited(2);
    assert!(
        asked.stderr.contains("--password-stdin"),
        "{}",
        asked.stderr
    );
}
