//! Where credentials are found, and for whom.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::*;

fn password(username: &str, password: &str) -> Option<Credential> {
    Some(Credential::Password {
        username: username.to_owned(),
        password: Secret::new(password),
    })
}

/// An entry of `auths`.
fn entry(host: &str, user: &str, password: &str) -> String {
    let auth = STANDARD.encode(format!("{user}:{password}"));
    format!(r#"{{"auths": {{"{host}": {{"auth": "{auth}"}}}}}}"#)
}

/// Credentials of an environment.
fn from(variables: &[(&str, &str)]) -> Credentials {
    Credentials::from_lookup(|name| {
        let found = variables.iter().find(|(key, _)| *key == name);
        found.map(|(_, value)| (*value).to_owned())
    })
}

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

#[test]
fn files_are_where_docker_and_podman_have_them() {
    let dir = tempfile::tempdir().unwrap();
    let at = |rest: &str| dir.path().join(rest);
    let text = |rest: &str| at(rest).to_str().unwrap().to_owned();
    for (number, (variable, value, file)) in [
        ("HOME", text("home"), at("home/.docker/config.json")),
        (
            "HOME",
            text("home2"),
            at("home2/.config/containers/auth.json"),
        ),
        ("DOCKER_CONFIG", text("docker"), at("docker/config.json")),
        (
            "XDG_RUNTIME_DIR",
            text("run"),
            at("run/containers/auth.json"),
        ),
        (
            "XDG_CONFIG_HOME",
            text("xdg"),
            at("xdg/containers/auth.json"),
        ),
        ("REGISTRY_AUTH_FILE", text("file.json"), at("file.json")),
    ]
    .into_iter()
    .enumerate()
    {
        let user = format!("user{number}");
        write(&file, &entry("r.example.com", &user, "p"));
        let found = from(&[(variable, &value)]).find("r.example.com");
        assert_eq!(found.credential, password(&user, "p"), "{variable}");
        assert_eq!(found.note.unwrap(), file.display().to_string());
    }
}

#[test]
fn the_first_source_that_knows_the_registry_decides() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().to_str().unwrap();
    write(
        &dir.path().join(".docker/config.json"),
        &entry("ghcr.io", "docker", "d"),
    );
    write(
        &dir.path().join(".config/containers/auth.json"),
        &entry("ghcr.io", "podman", "p"),
    );
    let text = entry("ghcr.io", "text", "t");
    let mut variables = vec![("GITHUB_TOKEN", "g"), ("HOME", home)];
    let credentials = from(&variables);
    assert_eq!(
        credentials.find("ghcr.io").credential,
        password("docker", "d")
    );
    variables.push(("DOCKER_AUTH_CONFIG", &text));
    let credentials = from(&variables);
    assert_eq!(
        credentials.find("ghcr.io").credential,
        password("text", "t")
    );
    let given = password("given", "x").unwrap();
    let credentials = credentials.with("ghcr.io", given.clone());
    assert_eq!(credentials.find("ghcr.io").credential, Some(given));
}

#[test]
fn githubs_token_is_for_githubs_registry() {
    let credentials = from(&[("GITHUB_TOKEN", "t"), ("GITHUB_ACTOR", "octocat")]);
    let found = credentials.find("ghcr.io");
    assert_eq!(found.credential, password("octocat", "t"));
    assert_eq!(found.note.as_deref(), Some("GITHUB_TOKEN"));
    for host in [
        "ghcr.io:443",
        "ghcr.io.evil.example",
        "evil-ghcr.io",
        "docker.io",
    ] {
        assert_eq!(credentials.find(host), Found::default(), "{host}");
    }
}

#[test]
fn credentials_are_for_one_host_and_port_r1() {
    let text = entry("r.example.com:5000", "u", "p");
    let credentials = from(&[("DOCKER_AUTH_CONFIG", &text)]);
    assert!(credentials.find("r.example.com:5000").credential.is_some());
    for host in [
        "r.example.com",
        "r.example.com:5001",
        "x.r.example.com:5000",
        "example.com:5000",
    ] {
        assert_eq!(credentials.find(host).credential, None, "{host}");
    }
}

#[test]
fn docker_hub_is_known_by_its_old_address() {
    for name in [
        "https://index.docker.io/v1/",
        "docker.io",
        "index.docker.io",
    ] {
        let text = entry(name, "u", "p");
        let credentials = from(&[("DOCKER_AUTH_CONFIG", &text)]);
        assert_eq!(
            credentials.find("docker.io").credential,
            password("u", "p"),
            "{name}"
        );
    }
}

#[test]
fn identity_tokens_are_told_from_passwords() {
    let text = r#"{"auths": {"r.example.com": {"auth": "", "identitytoken": "refresh"}}}"#;
    let found = from(&[("DOCKER_AUTH_CONFIG", text)]).find("r.example.com");
    assert_eq!(
        found.credential,
        Some(Credential::IdentityToken(Secret::new("refresh")))
    );
}

#[test]
fn a_broken_source_keeps_nobody_from_the_next_and_is_told_of() {
    let text = "{ secret nonsense";
    let credentials = from(&[("DOCKER_AUTH_CONFIG", text), ("GITHUB_TOKEN", "t")]);
    assert!(credentials.find("ghcr.io").credential.is_some());
    let note = credentials.find("r.example.com").note.unwrap();
    assert!(note.starts_with("DOCKER_AUTH_CONFIG: "), "{note}");
    assert!(!note.contains("secret"), "{note}");
}

#[test]
fn secrets_are_not_shown() {
    let text = entry("r.example.com", "u", "hidden");
    let credentials = from(&[("DOCKER_AUTH_CONFIG", &text), ("GITHUB_TOKEN", "hidden")]);
    let found = credentials.find("r.example.com");
    let encoded = STANDARD.encode("u:hidden");
    for shown in [format!("{credentials:?}"), format!("{found:?}")] {
        assert!(
            !shown.contains("hidden") && !shown.contains(&encoded),
            "{shown}"
        );
    }
}

/// The helpers' protocol: `docker-credential-NAME get`, with the host on standard input. They are found by PATH, which belongs to
/// the whole process, so the test is run once more in one of its own.
#[test]
fn helpers_are_asked_and_may_have_nothing() {
    const CHILD: &str = "CI_REGISTRY_TEST_OF_HELPERS";
    if env::var_os(CHILD).is_some() {
        return with_helpers();
    }
    let dir = tempfile::tempdir().unwrap();
    let helper = dir.path().join("docker-credential-test");
    let script = r#"#!/bin/sh
read host
case "$1 $host" in
"get user.example.com") echo '{"ServerURL":"","Username":"u","Secret":"p"}' ;;
"get token.example.com") echo '{"ServerURL":"","Username":"<token>","Secret":"refresh"}' ;;
"get none.example.com") echo 'credentials not found in native keychain'; exit 1 ;;
*) echo 'the secret chamber is locked'; exit 1 ;;
esac
"#;
    fs::write(&helper, script).unwrap();
    fs::set_permissions(&helper, PermissionsExt::from_mode(0o755)).unwrap();
    let path = format!("{}:/usr/bin:/bin", dir.path().display());
    let output = std::process::Command::new(env::current_exe().unwrap())
        .args([
            "--exact",
            "credentials::tests::helpers_are_asked_and_may_have_nothing",
        ])
        .env("PATH", path)
        .env(CHILD, "1")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && text.contains("1 passed"),
        "{text}"
    );
}

fn with_helpers() {
    let config = r#"{"credsStore": "test", "credHelpers": {"missing.example.com": "missing"}}"#;
    let credentials = from(&[("DOCKER_AUTH_CONFIG", config)]);
    let find = |host: &str| credentials.find(host);
    assert_eq!(find("user.example.com").credential, password("u", "p"));
    let token = Credential::IdentityToken(Secret::new("refresh"));
    assert_eq!(find("token.example.com").credential, Some(token));
    assert_eq!(find("none.example.com"), Found::default());
    // What a helper says may be anything, and is not repeated.
    let note = find("locked.example.com").note.unwrap();
    assert_eq!(note, "DOCKER_AUTH_CONFIG: docker-credential-test failed");
    assert_eq!(find("missing.example.com").credential, None);
    assert!(find("missing.example.com").note.is_some());
}
