//! Who we are where.

use super::*;
use crate::error::Failure;

fn github(address: &str, variables: &[(&str, &str)]) -> Result<Github, Failure> {
    let variable = |name: &str| {
        let found = variables.iter().find(|(key, _)| *key == name);
        found.map(|(_, value)| (*value).to_owned())
    };
    Github::of(address, variable).map_err(|error| Failure::of(&error.into()))
}

const HERE: &str = "https://github.com/acme/deployments";

#[test]
fn a_token_for_deployments_comes_first_then_an_app_then_that_of_the_job() {
    let app = [
        ("PIPELINE_DEPLOY_APP_ID", "7"),
        ("PIPELINE_DEPLOY_APP_KEY", "-----BEGIN PRIVATE KEY-----"),
    ];
    let job = ("GITHUB_TOKEN", "job");
    let all = [&app[..], &[job, ("PIPELINE_DEPLOY_TOKEN", "own")]].concat();
    assert!(matches!(github(HERE, &all).unwrap().auth, Auth::Token(token) if token == "own"));
    let both = [&app[..], &[job]].concat();
    assert!(matches!(github(HERE, &both).unwrap().auth, Auth::App { id, .. } if id == "7"));
    assert!(matches!(github(HERE, &[job]).unwrap().auth, Auth::Token(token) if token == "job"));
}

#[test]
fn the_token_of_a_job_is_shown_to_its_own_server_only() {
    let elsewhere = "https://git.example.com/acme/deployments";
    let job = ("GITHUB_TOKEN", "job");
    let failure = github(elsewhere, &[job]).unwrap_err();
    insta::assert_snapshot!(failure.render(crate::terminal::Paint::new(false)), @r"
    error: there are no credentials for https://git.example.com/acme/deployments
    hint: set PIPELINE_DEPLOY_TOKEN, or PIPELINE_DEPLOY_APP_ID and PIPELINE_DEPLOY_APP_KEY of a GitHub App; both need to write contents and pull requests
    ");
    let server = ("GITHUB_SERVER_URL", "https://git.example.com");
    assert!(github(elsewhere, &[job, server]).is_ok());
    assert!(github(HERE, &[job, server]).is_err());
}

#[test]
fn the_interface_is_where_the_job_is_told_it_is() {
    let interface = |rest: &'static str| {
        [
            ("PIPELINE_DEPLOY_TOKEN", "t"),
            ("GITHUB_API_URL", rest),
            ("GITHUB_GRAPHQL_URL", "http://127.0.0.1:7/graphql"),
        ]
    };
    let there = github(HERE, &interface("http://127.0.0.1:7")).unwrap();
    let usual = github(HERE, &interface("")[..1]).unwrap();
    assert_ne!(there.repository, usual.repository);
    assert_eq!(
        (there.repository.owner, there.repository.name),
        ("acme".into(), "deployments".into())
    );
    // Others than the job's own are where their addresses say.
    let other = "https://git.example.com/acme/deployments";
    let other = github(other, &interface("http://127.0.0.1:7")).unwrap();
    assert_eq!(
        other.repository,
        Repository::parse("https://git.example.com/acme/deployments").unwrap()
    );
    let failure = github(HERE, &interface("http://api.example.com")).unwrap_err();
    assert!(failure.message.contains("https://"), "{}", failure.message);
}

#[test]
fn half_an_app_is_a_mistake() {
    let failure = github(HERE, &[("PIPELINE_DEPLOY_APP_ID", "7")]).unwrap_err();
    assert_eq!(failure.exit(), Exit::Usage);
    let no_key = [
        ("PIPELINE_DEPLOY_APP_ID", "7"),
        ("PIPELINE_DEPLOY_APP_KEY", "/nowhere/key.pem"),
    ];
    let failure = github(HERE, &no_key).unwrap_err();
    assert!(failure.message.contains("PEM"), "{}", failure.message);
}

#[test]
fn on_other_servers_than_githubs_it_has_to_be_said_how_pull_requests_are_opened() {
    let declared = |more: &str| {
        let text = format!("repository = 'https://git.example.com/acme/deployments'\n{more}");
        let declaration: Declaration = toml::from_str(&text).unwrap();
        forge(&"production".parse().unwrap(), &declaration)
    };
    assert_eq!(declared("forge = 'gitea'").unwrap(), Forge::Gitea);
    let failure = Failure::of(&declared("").unwrap_err());
    assert_eq!(failure.exit(), Exit::Usage);
    insta::assert_snapshot!(failure.render(crate::terminal::Paint::new(false)), @r#"
    error: cannot reach the deployments of production
      caused by: nothing says how pull requests are opened on https://git.example.com/acme/deployments
    hint: add `forge = "github"` or `forge = "gitea"` to `[environments.production.deploy]`, or push to the branch: `writer = "push"`
    "#);
}

#[test]
fn a_token_for_gitea_is_the_one_for_deployments_else_that_of_a_job_there() {
    let at = |server: &'static str| {
        let given = [("GITHUB_SERVER_URL", server), ("GITHUB_TOKEN", "job")];
        move |name: &str| {
            let found = given.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| (*value).to_owned())
        }
    };
    let address = "https://git.example.com/acme/deployments";
    assert_eq!(
        token(address, at("https://git.example.com")).as_deref(),
        Some("job")
    );
    assert_eq!(token(address, at("https://github.com")), None);
    let own = |name: &str| (name == TOKEN).then(|| "own".to_owned());
    assert_eq!(token(address, own).as_deref(), Some("own"));
}
