//! `[environments.NAME.deploy]`.

use insta::assert_snapshot;

use super::{DOCKERFILE_SERVICE, files, load, report};
use crate::MemoryFiles;
use crate::deploy::{Forge, Form, MergeMethod, WriterKind};

fn with_deploy(deploy: &str) -> MemoryFiles {
    let text = format!(
        "[project]\nname = \"shop\"\nregistry = \"ghcr.io/acme\"\nservices = [\"services/*\"]\n\n[environments.production.deploy]\n{deploy}"
    );
    files(&[("web", DOCKERFILE_SERVICE)]).with("pipeline.toml", text)
}

#[test]
fn an_environment_declares_its_deployments() {
    let catalog = load(&with_deploy(
        r#"repository = "https://github.com/acme/deployments"
forge = "github"
places = [{ kustomize = "overlays/{env}/{service}/kustomization.yaml" }]
services.db = []
services.web = [{ json = "images.json", pointer = "/web", write = "tagged-reference" }]
from = "staging"
policy = { soak-minutes = 60, signature = true }
pull-request = { reviewers = ["acme/platform"], auto-merge = "squash" }
addresses.web = ["https://shop.example.com"]
receivers = [{ dokploy = "https://dokploy.example.com", compose = "a", secret-variable = "DOKPLOY_KEY", services = ["web"] }]
"#,
    ));
    let environment = catalog.environment("production").unwrap();
    let deploy = environment.deploy.as_ref().unwrap();
    assert_eq!((&*deploy.branch, &*deploy.state), ("main", ".promotions"));
    assert_eq!(deploy.writer, WriterKind::PullRequest);
    assert_eq!(deploy.forge, Some(Forge::GitHub));
    assert_eq!(deploy.services["web"][0].write, Some(Form::TaggedReference));
    assert!(deploy.services["db"].is_empty());
    assert_eq!(deploy.policy.soak_minutes, 60);
    assert_eq!(deploy.pull_request.auto_merge, Some(MergeMethod::Squash));
    assert_eq!(deploy.addresses["web"], ["https://shop.example.com"]);
    assert_eq!(
        deploy.receivers[0].secret_variable.as_deref(),
        Some("DOKPLOY_KEY")
    );
}

#[test]
fn mistakes_in_it_are_told_with_their_places() {
    assert_snapshot!(report(&with_deploy(
        "places = [{ kustomise = \"a\" }]\nwriter = \"pull\"\npolicy.soak-minutes = \"1h\"\n"
    )), @r#"
    error: the key `repository` is missing in `[environments.production.deploy]`
     --> pipeline.toml:6:1
      |
    6 | [environments.production.deploy]
      | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      = help: `repository`: Address of the deployments repository: `https://…`, `ssh://…`, `git@HOST:PATH`, or an absolute path.

    error: unknown key `kustomise` in `[environments.production.deploy.places]`
     --> pipeline.toml:7:13
      |
    7 | places = [{ kustomise = "a" }]
      |             ^^^^^^^^^
      = help: did you mean `kustomize`?

    error: `environments.production.deploy.writer` cannot be `pull`
     --> pipeline.toml:8:10
      |
    8 | writer = "pull"
      |          ^^^^^^
      = help: it is one of `pull-request`, `push`

    error: `environments.production.deploy.policy.soak-minutes` must be an integer, not a string
     --> pipeline.toml:9:23
      |
    9 | policy.soak-minutes = "1h"
      |                       ^^^^

    the catalog has 4 errors
    "#);
}
