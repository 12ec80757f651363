//! `[registries]` and the environment beside it.

use insta::assert_snapshot;
use proptest::prelude::*;

use super::{DOCKERFILE_SERVICE, PIPELINE, files, load, report};
use crate::{Mirror, Registries};

const REGISTRIES: &str = r#"
[registries."Docker.io"]
mirrors = ["mirror.example.com/dockerhub", "LOCALHOST:5000/"]
[registries."127.0.0.1:05000"]
plain-http = true
[registries."[::1]:5000"]
ca = "certs/ca.pem"
login-server = "Auth.example.org"
"#;

fn registries(text: &str) -> Registries {
    let files = files(&[("web", DOCKERFILE_SERVICE)])
        .with("certs/ca.pem", "")
        .with("pipeline.toml", format!("{PIPELINE}{text}"));
    load(&files).registries().clone()
}

fn report_registries(text: &str) -> String {
    report(
        &files(&[("web", DOCKERFILE_SERVICE)])
            .with("ca.pem", "")
            .with("pipeline.toml", format!("{PIPELINE}{text}")),
    )
}

fn mirrors(registries: &Registries, name: &str) -> Vec<String> {
    let registry = registries.get(name);
    let mirrors = registry.iter().flat_map(|registry| &registry.mirrors);
    mirrors.map(Mirror::to_string).collect()
}

/// What a user reads of variables that are wrong.
fn variables_error(mirrors: &str, plain_http: &str) -> String {
    Registries::default()
        .with_environment(Some(mirrors), Some(plain_http))
        .unwrap_err()
        .to_string()
}

#[test]
fn every_key_arrives_under_the_canonical_name() {
    let registries = registries(REGISTRIES);
    assert_eq!(
        mirrors(&registries, "docker.io"),
        ["mirror.example.com/dockerhub", "localhost:5000"]
    );
    let mirror = &registries.get("docker.io").unwrap().mirrors[0];
    assert_eq!(
        (mirror.registry(), mirror.prefix()),
        ("mirror.example.com", Some("dockerhub"))
    );
    assert!(registries.get("127.0.0.1:5000").unwrap().plain_http);
    let local = registries.get("[::1]:5000").unwrap();
    assert!(!local.plain_http);
    assert_eq!(local.ca.as_ref().unwrap().written(), "certs/ca.pem");
    assert_eq!(local.login_server.as_deref(), Some("auth.example.org"));
    assert_eq!(registries.iter().len(), 3);
    assert_eq!(registries.get("ghcr.io"), None);
}

#[test]
fn mirrors_of_the_environment_win_and_plain_http_adds() {
    let registries = registries(REGISTRIES)
        .with_environment(
            Some("docker.io=a.example, docker.io=b.example/hub,GHCR.io=c.example:5000,"),
            Some("127.0.0.2:80, localhost"),
        )
        .unwrap();
    assert_eq!(
        mirrors(&registries, "docker.io"),
        ["a.example", "b.example/hub"]
    );
    assert_eq!(mirrors(&registries, "ghcr.io"), ["c.example:5000"]);
    for name in ["127.0.0.1:5000", "127.0.0.2:80", "localhost"] {
        assert!(registries.get(name).unwrap().plain_http, "{name}");
    }
}

#[test]
fn an_empty_mirror_of_the_environment_takes_those_of_the_file_away() {
    let registries = registries(REGISTRIES)
        .with_environment(Some("docker.io="), None)
        .unwrap();
    assert_eq!(mirrors(&registries, "docker.io"), [""; 0]);
}

#[test]
fn without_variables_nothing_changes() {
    let file = registries(REGISTRIES);
    for empty in [None, Some(""), Some(" , ")] {
        assert_eq!(
            file.clone().with_environment(empty, empty),
            Ok(file.clone())
        );
    }
}

/// R3: nothing but a declaration makes a registry plain, so none is guessed from a scheme or a loopback address.
#[test]
fn wrong_variables_say_which_and_why() {
    assert_snapshot!(variables_error("docker.io", ""), @"PIPELINE_REGISTRY_MIRRORS: `docker.io`: write REGISTRY=MIRROR, as in `docker.io=mirror.example.com/dockerhub`");
    assert_snapshot!(variables_error("https://docker.io=x.example", ""), @"PIPELINE_REGISTRY_MIRRORS: `https://docker.io=x.example`: a registry has no scheme");
    assert_snapshot!(variables_error("docker.io=http://x.example", ""), @"PIPELINE_REGISTRY_MIRRORS: `docker.io=http://x.example`: a mirror has no scheme");
    assert_snapshot!(variables_error("docker.io=x.example/A", ""), @"PIPELINE_REGISTRY_MIRRORS: `docker.io=x.example/A`: its path may hold only lower-case letters, digits and single separators between them");
    assert_snapshot!(variables_error("", "http://localhost:5000"), @"PIPELINE_PLAIN_HTTP: `http://localhost:5000`: a registry has no scheme");
    assert_snapshot!(variables_error("", "localhost:port"), @"PIPELINE_PLAIN_HTTP: `localhost:port`: it is not a host with perhaps a port");
}

#[test]
fn names_of_registries_are_hosts() {
    assert_snapshot!(report_registries("[registries.\"ghcr.io/acme\"]\n[registries.\"https://ghcr.io\"]\n[registries.\"index.docker.io\"]\n[registries.\"a_b\"]"), @r#"
    error: `ghcr.io/acme` cannot be a registry: settings are those of a whole registry: leave out the path
     --> pipeline.toml:7:13
      |
    7 | [registries."ghcr.io/acme"]
      |             ^^^^^^^^^^^^^^
      = help: write `[registries."docker.io"]` or `[registries."127.0.0.1:5000"]`

    error: `https://ghcr.io` cannot be a registry: a registry has no scheme
     --> pipeline.toml:8:13
      |
    8 | [registries."https://ghcr.io"]
      |             ^^^^^^^^^^^^^^^^^
      = help: write `[registries."docker.io"]` or `[registries."127.0.0.1:5000"]`

    error: `index.docker.io` cannot be a registry: Docker Hub's name is `docker.io`
     --> pipeline.toml:9:13
      |
    9 | [registries."index.docker.io"]
      |             ^^^^^^^^^^^^^^^^^
      = help: write `[registries."docker.io"]` or `[registries."127.0.0.1:5000"]`

    error: `a_b` cannot be a registry: it is not a host with perhaps a port
      --> pipeline.toml:10:13
       |
    10 | [registries."a_b"]
       |             ^^^^^
       = help: write `[registries."docker.io"]` or `[registries."127.0.0.1:5000"]`

    the catalog has 4 errors
    "#);
}

#[test]
fn mirrors_are_hosts_with_a_prefix_and_never_the_registry_itself() {
    assert_snapshot!(report_registries("[registries.\"docker.io\"]\nmirrors = [\"http://m.example\", \"m.example/Hub\", \"docker.io\", \"m.example\", \"M.example\"]"), @r#"
    error: `http://m.example` cannot be a mirror: a mirror has no scheme
     --> pipeline.toml:8:12
      |
    8 | mirrors = ["http://m.example", "m.example/Hub", "docker.io", "m.example", "M.example"]
      |            ^^^^^^^^^^^^^^^^^^
      = help: write HOST[:PORT][/PREFIX], as in `mirror.example.com/dockerhub`

    error: `m.example/Hub` cannot be a mirror: its path may hold only lower-case letters, digits and single separators between them
     --> pipeline.toml:8:32
      |
    8 | mirrors = ["http://m.example", "m.example/Hub", "docker.io", "m.example", "M.example"]
      |                                ^^^^^^^^^^^^^^^
      = help: write HOST[:PORT][/PREFIX], as in `mirror.example.com/dockerhub`

    error: `docker.io` cannot be its own mirror
     --> pipeline.toml:8:49
      |
    8 | mirrors = ["http://m.example", "m.example/Hub", "docker.io", "m.example", "M.example"]
      |                                                 ^^^^^^^^^^^
      = help: after its mirrors a registry is asked in any case

    error: `m.example` is listed twice
     --> pipeline.toml:8:75
      |
    8 | mirrors = ["http://m.example", "m.example/Hub", "docker.io", "m.example", "M.example"]
      |                                                                           ^^^^^^^^^^^

    the catalog has 4 errors
    "#);
}

#[test]
fn certificates_exist_inside_the_root_and_not_without_tls() {
    assert_snapshot!(report_registries("[registries.\"a.example\"]\nca = \"c.pem\"\n[registries.\"b.example\"]\nca = \"../ca.pem\"\n[registries.\"c.example\"]\nca = \"ca.pem\"\nplain-http = true"), @r#"
    error: there is no file `c.pem`
     --> pipeline.toml:8:6
      |
    8 | ca = "c.pem"
      |      ^^^^^^^
      = help: there is `ca.pem`

    error: the path leaves the catalog root
      --> pipeline.toml:10:6
       |
    10 | ca = "../ca.pem"
       |      ^^^^^^^^^^^
       = help: the catalog root is the folder of `pipeline.toml`; what a build reads is inside

    error: `ca` means nothing with `plain-http = true`
      --> pipeline.toml:12:6
       |
    12 | ca = "ca.pem"
       |      ^^^^^^^^
       = help: plain HTTP has no certificates: remove one of the two

    the catalog has 3 errors
    "#);
}

#[test]
fn one_registry_has_one_table() {
    assert_snapshot!(report_registries("[registries.\"ghcr.io\"]\n[registries.\"GHCR.io\"]"), @r#"
    error: the registry `ghcr.io` has two tables
     --> pipeline.toml:8:13
      |
    8 | [registries."GHCR.io"]
      |             ^^^^^^^^^
     ::: pipeline.toml:7:13
      |
    7 | [registries."ghcr.io"]
      |             --------- the first is here

    the catalog has 1 error
    "#);
}

proptest! {
    #[test]
    fn mirrors_print_and_parse(text in "[a-zA-Z0-9.]{1,8}(:[0-9]{1,4})?(/[a-z0-9]{1,4}){0,2}/?") {
        if let Ok(mirror) = text.parse::<Mirror>() {
            prop_assert_eq!(mirror.to_string().parse(), Ok(mirror));
        }
    }

    #[test]
    fn no_variable_panics(mirrors in any::<String>(), plain in "[a-z:=,/\\[\\]0-9. ]{0,40}") {
        let _ = Registries::default().with_environment(Some(&mirrors), Some(&plain));
        let _ = Registries::default().with_environment(Some(&plain), Some(&mirrors));
    }
}

#[test]
fn a_login_server_is_a_host() {
    assert_snapshot!(report_registries("[registries.\"a.example\"]\nlogin-server = \"https://auth.example/token\""), @r#"
    error: `https://auth.example/token` cannot be a token server
     --> pipeline.toml:8:16
      |
    8 | login-server = "https://auth.example/token"
      |                ^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      = help: write HOST[:PORT], as in `auth.example.com`

    the catalog has 1 error
    "#);
}
