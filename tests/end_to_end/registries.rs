//! Registries that ask who is there, that have certificates of their own or none, that do not answer or have no such image: what works
//! once it is declared, and what is said where it is not.

use std::fs;
use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use libtest_mimic::Trial;
use test_support::base::Base;
use test_support::registry::{USER, Wants};

use crate::support::program::{Outcome, run};
use crate::support::project::{Project, text};
use crate::support::registry::{authority, plain, project, push, registry};
use crate::support::{Verdict, test_if_possible};

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        test_if_possible(
            "registries: credentials are those of DOCKER_CONFIG, and shown nowhere",
            credentials,
        ),
        test_if_possible(
            "registries: a CA of one's own, declared or in SSL_CERT_FILE",
            own_ca,
        ),
        test_if_possible(
            "registries: plain HTTP is refused unless it is declared",
            plain_http,
        ),
        test_if_possible(
            "registries: one that does not answer is infrastructure",
            unreachable,
        ),
        test_if_possible(
            "registries: an image that is not there is told with its place",
            absent,
        ),
    ]
}

#[track_caller]
fn says(outcome: &Outcome, texts: &[&str]) {
    for text in texts {
        assert!(
            outcome.stderr.contains(text),
            "{text:?}:\n{}",
            outcome.stderr
        );
    }
}

/// With more in the environment.
fn with(project: &Project, variables: &[(&str, &str)], arguments: &[&str]) -> Outcome {
    let mut command: Command = project.command(arguments);
    run(command.envs(variables.iter().copied()))
}

fn credentials() -> Verdict {
    let registry = registry(&Wants {
        basic: true,
        ..Wants::default()
    })?;
    let digest = push(&registry, Base::Busybox, "base:1")?;
    let base = registry.reference("base:1");
    let project = project(&plain(&registry), &format!("FROM {base}\nCOPY file /\n"));
    for command in ["lock", "build"] {
        let login = format!("docker login {}", registry.host);
        says(
            &project.run(&[command]).exited(4),
            &["repository:base:pull", &login, "DOCKER_CONFIG"],
        );
    }

    let config = project.dir.path().join("docker");
    fs::create_dir(&config).unwrap();
    let password = |password: &str| {
        let pair = format!("{}:{password}", USER.0);
        let auth = format!(
            "{{\"auths\": {{\"{}\": {{\"auth\": \"{}\"}}}}}}",
            registry.host,
            STANDARD.encode(&pair)
        );
        fs::write(config.join("config.json"), auth).unwrap();
    };
    let known = [("DOCKER_CONFIG", text(&config)), ("PIPELINE_LOG", "trace")];
    password("wrong guess");
    let refused = with(&project, &known, &["lock"]).exited(4);
    says(&refused, &["repository:base:pull"]);
    assert!(
        !refused.stderr.contains("wrong guess"),
        "{}",
        refused.stderr
    );
    password(USER.1);
    for arguments in [&["lock"][..], &["build", "--locked"]] {
        let done = with(&project, &known, arguments).succeeded();
        let said = done.stdout + &done.stderr;
        let secrets = [
            USER.1.to_owned(),
            STANDARD.encode(format!("{}:{}", USER.0, USER.1)),
        ];
        assert!(
            !secrets.iter().any(|secret| said.contains(secret)),
            "{said}"
        );
    }
    assert_eq!(project.bases(), [(base, digest)]);
    Ok(())
}

fn own_ca() -> Verdict {
    let authority = authority();
    let registry = registry(&Wants {
        tls: Some((&authority.certificate, &authority.key)),
        ..Wants::default()
    })?;
    let digest = push(&registry, Base::Busybox, "base:1")?;
    let base = registry.reference("base:1");
    let project = project("", &format!("FROM {base}\nCOPY file /\n"));
    for command in ["lock", "build"] {
        says(
            &project.run(&[command]).exited(4),
            &["its certificate", "SSL_CERT_FILE", "`ca`"],
        );
    }
    let trusted = [("SSL_CERT_FILE", text(&authority.certificate))];
    with(&project, &trusted, &["lock"]).succeeded();
    let declared = format!(
        "[registries.\"{}\"]\nca = \"certs/ca.pem\"\n",
        registry.host
    );
    let catalog = fs::read_to_string(project.root.join("pipeline.toml")).unwrap();
    project.write("pipeline.toml", &(catalog + &declared));
    let certificate = fs::read_to_string(&authority.certificate).unwrap();
    project.write("certs/ca.pem", &certificate);
    project.run(&["build", "--locked"]).succeeded();
    assert_eq!(project.bases(), [(base, digest)]);
    Ok(())
}

fn plain_http() -> Verdict {
    let registry = registry(&Wants::default())?;
    push(&registry, Base::Busybox, "base:1")?;
    let base = registry.reference("base:1");
    let project = project("", &format!("FROM {base}\nCOPY file /\n"));
    for command in ["lock", "build"] {
        says(
            &project.run(&[command]).exited(4),
            &["TLS", "plain-http = true"],
        );
    }
    let declared = [("PIPELINE_PLAIN_HTTP", registry.host.as_str())];
    with(&project, &declared, &["lock"]).succeeded();
    with(&project, &declared, &["build"]).succeeded();
    let wrong = [("PIPELINE_PLAIN_HTTP", "http://127.0.0.1")];
    says(
        &with(&project, &wrong, &["build"]).exited(2),
        &["PIPELINE_PLAIN_HTTP"],
    );
    Ok(())
}

fn unreachable() -> Verdict {
    let mut registry = registry(&Wants::default())?;
    push(&registry, Base::Busybox, "base:1")?;
    let base = registry.reference("base:1");
    let project = project(&plain(&registry), &format!("FROM {base}\nCOPY file /\n"));
    project.run(&["lock"]).succeeded();
    registry.stop();
    let built = project.run(&["build"]).exited(4);
    says(&built, &["cannot build app", &registry.host]);
    let before = fs::read(project.root.join("pipeline.lock")).unwrap();
    says(&project.run(&["lock"]).exited(4), &[&registry.host]);
    assert_eq!(
        fs::read(project.root.join("pipeline.lock")).unwrap(),
        before
    );
    let planned = project.run(&["plan"]).succeeded();
    assert!(
        planned.stdout.contains(&format!("{base}: ")),
        "{}",
        planned.stdout
    );
    Ok(())
}

fn absent() -> Verdict {
    let registry = registry(&Wants::default())?;
    push(&registry, Base::Busybox, "base:1")?;
    let base = registry.reference("base:2");
    let project = project(
        &plain(&registry),
        &format!("FROM scratch AS base\nFROM {base}\nCOPY file /\n"),
    );
    let place = format!("app/Dockerfile:2: FROM {base}");
    says(
        &project.run(&["build"]).exited(2),
        &["cannot build app", &place, "the tag \"2\""],
    );
    says(&project.run(&["lock"]).exited(2), &["the tag \"2\""]);
    Ok(())
}
