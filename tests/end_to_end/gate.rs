//! `gate`: what a deployments repository runs is pinned, there and signed, or it says so; nothing checked is no success.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use libtest_mimic::Trial;
use serde_json::Value;
use test_support::registry::{Registry, Wants};

use crate::help::examples_work;
use crate::support::built::Digests;
use crate::support::deployments::{Deployments, overlay, shop};
use crate::support::machine::tool;
use crate::support::program::{self, Outcome};
use crate::support::project::{Project, text};
use crate::support::registry::registry;
use crate::support::{Verdict, test_if_possible};

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        test_if_possible(
            "gate: what is rendered is pinned and there, or told",
            rendered,
        ),
        test_if_possible(
            "gate: manifests from elsewhere, and what is excepted",
            piped,
        ),
        test_if_possible("gate: the places that an environment declares", declared),
        test_if_possible("help: every example of gate works", examples),
        test_if_possible("gate: nothing checked is no success", nothing),
        test_if_possible(
            "gate: what is signed by the declared key passes, and nothing else",
            signed,
        ),
        test_if_possible("g6: gate: nobody named is no signature", unsigned),
    ]
}

/// A checkout of a deployments repository, as its own checks have it: without services.
struct Checkout {
    project: Project,
    deployments: Deployments,
    registry: Registry,
    digests: Digests,
    path: PathBuf,
}

impl Checkout {
    fn new() -> Result<Self, crate::support::Skip> {
        let registry = registry(&Wants::default())?;
        let (project, deployments) = shop(&registry, "");
        let digests = project.release();
        project.run(&["promote", "--env", "production"]).succeeded();
        let path = project.dir.path().join("deployments");
        let checkout = Self {
            project,
            deployments,
            registry,
            digests,
            path,
        };
        let from = text(&checkout.deployments.path);
        checkout
            .project
            .git(&["clone", "--quiet", from, text(&checkout.path)]);
        Ok(checkout)
    }

    fn write(&self, path: &str, content: &str) {
        let path = self.path.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    /// The image of a service as it is pinned.
    fn image(&self, service: &str) -> String {
        let digest = &self.digests[service];
        format!("{}/acme/shop-{service}@{digest}", self.registry.host)
    }

    fn command(&self, program: &str) -> Command {
        let mut command = self.project.bare(program);
        command
            .current_dir(&self.path)
            .env("PIPELINE_PLAIN_HTTP", &self.registry.host);
        command
    }

    fn gate(&self, arguments: &[&str]) -> Outcome {
        let mut command = self.command(env!("CARGO_BIN_EXE_pipeline"));
        program::run(command.arg("gate").args(arguments))
    }
}

fn rendered() -> Verdict {
    tool("kustomize").or_else(|_| tool("kubectl"))?;
    let checkout = Checkout::new()?;
    // One overlay pins its own service; the base that it stands on runs more.
    let refused = checkout
        .gate(&["overlays/production/web", "--no-signatures"])
        .exited(1);
    assert!(
        refused
            .stderr
            .contains("shop-worker (Deployment worker worker, overlays/production/web:")
            && refused.stderr.contains("it has no digest"),
        "{}",
        refused.stderr
    );
    let errors = refused.stderr.matches("error: ").count();
    assert_eq!(errors, 2, "{}", refused.stderr);
    let images: String = ["web", "migrator", "worker"]
        .iter()
        .map(|service| {
            let name = format!("{}/acme/shop-{service}", checkout.registry.host);
            format!("- name: {name}\n  digest: {}\n", checkout.digests[*service])
        })
        .collect();
    checkout.write(
        "-whole/kustomization.yaml",
        &format!("resources: [../base]\nimages:\n{images}"),
    );
    // P1: a folder like an option is a folder.
    let good = checkout
        .gate(&["--no-signatures", "--", "-whole"])
        .succeeded();
    assert_eq!(good.stdout.matches("there").count(), 3, "{}", good.stdout);
    // Of a third party that nobody has.
    let gone = checkout.image("worker").replace("worker@", "gone@");
    checkout.write(
        "gone/pod.yaml",
        &format!("kind: Pod\nspec: {{containers: [{{name: a, image: '{gone}'}}]}}\n"),
    );
    let refused = checkout.gate(&["--no-signatures", "gone"]).exited(1);
    assert!(
        refused.stderr.contains("it is not there"),
        "{}",
        refused.stderr
    );
    checkout.write("broken/kustomization.yaml", "resources: [nowhere.yaml]\n");
    let refused = checkout.gate(&["--no-signatures", "broken"]).exited(1);
    assert!(
        refused.stderr.contains("broken does not render"),
        "{}",
        refused.stderr
    );
    Ok(())
}

fn piped() -> Verdict {
    let checkout = Checkout::new()?;
    let manifests = format!(
        "kind: Deployment\nmetadata: {{name: web}}\nspec:\n  template:\n    spec:\n      initContainers: [{{name: first, image: '{}'}}]\n      containers: [{{name: web, image: '{}'}}]\n---\nkind: Job\nmetadata: {{name: dump}}\nspec: {{template: {{spec: {{containers: [{{image: 'postgres:17'}}]}}}}}}\n",
        checkout.image("migrator"),
        checkout.image("web")
    );
    checkout.write("rendered.yaml", &manifests);
    let piped = |arguments: &str| {
        let bin = env!("CARGO_BIN_EXE_pipeline");
        let line = format!("cat rendered.yaml | {bin} gate --no-signatures {arguments}");
        program::run(checkout.command("sh").args(["-c", &line]))
    };
    let refused = piped("").exited(1);
    assert!(
        refused
            .stderr
            .contains("error: postgres:17 (Job dump, standard input:"),
        "{}",
        refused.stderr
    );
    for except in ["postgres:17", "'Job dump'"] {
        let good = piped(&format!("- --output json --except {except}")).succeeded();
        let good: Value = serde_json::from_str(&good.stdout).unwrap();
        let results: Vec<&Value> = good["images"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| &it["result"])
            .collect();
        assert_eq!(results, ["good", "good", "excepted"], "{good}");
        assert_eq!(good["good"], true);
    }
    Ok(())
}

fn declared() -> Verdict {
    let checkout = Checkout::new()?;
    checkout.write(
        "pipeline.toml",
        &format!(
            "[project]\nname = \"deployments\"\nregistry = \"{0}/acme\"\nservices = []\n\n[registries.\"{0}\"]\nplain-http = true\n\n[environments.production.deploy]\nrepository = \"/nowhere\"\nplaces = [{{ kustomize = \"overlays/{{env}}/{{service}}/kustomization.yaml\" }}]\n",
            checkout.registry.host
        ),
    );
    let good = checkout
        .gate(&["--env", "production", "--no-signatures"])
        .succeeded();
    for service in ["web", "migrator", "worker"] {
        let line = format!("{service} images, overlays/production/{service}/kustomization.yaml:");
        assert!(good.stdout.contains(&line), "{line}\n{}", good.stdout);
    }
    let path = "overlays/production/web/kustomization.yaml";
    let digest = &checkout.digests["web"];
    let pinned = std::fs::read_to_string(checkout.path.join(path)).unwrap();
    checkout.write(
        path,
        &pinned.replace(&format!("digest: {digest}"), "newTag: v1"),
    );
    let refused = checkout
        .gate(&["--env", "production", "--no-signatures"])
        .exited(1);
    assert!(
        refused
            .stderr
            .contains("(web images, overlays/production/web/")
            && refused.stderr.contains("it has no digest"),
        "{}",
        refused.stderr
    );
    // P2: a link is not followed.
    std::fs::remove_file(checkout.path.join(path)).unwrap();
    std::os::unix::fs::symlink(Path::new("/etc/hostname"), checkout.path.join(path)).unwrap();
    let refused = checkout
        .gate(&["--env", "production", "--no-signatures"])
        .exited(2);
    assert!(
        refused.stderr.contains("symbolic link"),
        "{}",
        refused.stderr
    );
    checkout
        .gate(&["--env", "staging", "--no-signatures"])
        .exited(2);
    Ok(())
}

fn nothing() -> Verdict {
    let checkout = Checkout::new()?;
    checkout.write("config/service.yaml", "kind: Service\n");
    checkout.write(
        "good.yaml",
        &format!(
            "kind: Pod\nspec: {{containers: [{{image: '{}'}}]}}\n",
            checkout.image("web")
        ),
    );
    checkout.gate(&["--no-signatures", "good.yaml"]).succeeded();
    for (arguments, message) in [
        // Nobody wrote anything to standard input.
        (&["--no-signatures"][..], "standard input runs no image"),
        (
            &["--no-signatures", "good.yaml", "config"],
            "config runs no image",
        ),
        (
            &["--no-signatures", "good.yaml", "--except", "Pod"],
            "every image is excepted",
        ),
    ] {
        let refused = checkout.gate(arguments).exited(1);
        assert!(refused.stderr.contains(message), "{}", refused.stderr);
    }
    checkout.gate(&["--no-signatures", "nowhere"]).exited(2);
    Ok(())
}

fn signed() -> Verdict {
    let checkout = Checkout::new()?;
    let mut generate = checkout.project.command(&["keys", "generate"]);
    program::run(generate.env("COSIGN_PASSWORD", "correct horse")).succeeded();
    let mut sign = checkout
        .project
        .command(&["sign", "web", "--key", "cosign.key", "--no-log"]);
    program::run(sign.env("COSIGN_PASSWORD", "correct horse")).succeeded();
    let key = checkout.project.root.join("cosign.pub");
    let pod = |service: &str| {
        format!(
            "kind: Pod\nspec: {{containers: [{{image: '{}'}}]}}\n",
            checkout.image(service)
        )
    };
    checkout.write("web.yaml", &pod("web"));
    checkout.write("worker.yaml", &pod("worker"));
    let good = checkout
        .gate(&["web.yaml", "--key", text(&key)])
        .succeeded();
    assert!(good.stdout.contains("signed by "), "{}", good.stdout);
    let refused = checkout
        .gate(&["web.yaml", "worker.yaml", "--key", text(&key)])
        .exited(1);
    assert!(
        refused.stderr.contains("shop-worker@") && refused.stdout.contains("signed by "),
        "{}{}",
        refused.stdout,
        refused.stderr
    );
    checkout.write("other.pub", KEY);
    checkout.gate(&["web.yaml", "--key", "other.pub"]).exited(1);
    Ok(())
}

fn examples() -> Verdict {
    let kubectl = tool("kubectl")?;
    let checkout = Checkout::new()?;
    let project = &checkout.project;
    let mut generate = project.command(&["keys", "generate"]);
    program::run(generate.env("COSIGN_PASSWORD", "correct horse")).succeeded();
    let mut sign = project.command(&["sign", "--key", "cosign.key", "--no-log"]);
    program::run(sign.env("COSIGN_PASSWORD", "correct horse")).succeeded();
    // Under both names.
    let bin = project.dir.path().join("bin");
    std::fs::create_dir(&bin).unwrap();
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_pipeline"), bin.join("pipeline")).unwrap();
    let script = format!(
        "#!/bin/sh\nshift\nexec {} kustomize \"$@\"\n",
        text(&kubectl)
    );
    std::fs::write(bin.join("kustomize"), script).unwrap();
    std::fs::set_permissions(bin.join("kustomize"), PermissionsExt::from_mode(0o755)).unwrap();
    let manifest = |service: &str| {
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: a}}\nspec: {{containers: [{{name: a, image: '{}'}}]}}\n",
            checkout.image(service)
        )
    };
    for environment in ["staging", "production"] {
        project.write(
            &format!("overlays/{environment}/kustomization.yaml"),
            "resources: [pod.yaml]\n",
        );
        project.write(
            &format!("overlays/{environment}/pod.yaml"),
            &manifest("web"),
        );
        for service in ["web", "migrator", "worker"] {
            let path = overlay("production", service);
            project.write(&path, &checkout.deployments.file(&path));
        }
    }
    project.write("compose.yaml", "services: {web: {image: $WEB_IMAGE}}\n");
    project.write(
        "deploy.env",
        &format!("WEB_IMAGE={}\n", checkout.image("web")),
    );
    let catalog = std::fs::read_to_string(project.root.join("pipeline.toml")).unwrap();
    project.write(
        "pipeline.toml",
        &format!("{catalog}\n[signing]\nkey = \"cosign.pub\"\n"),
    );
    examples_work(project, "gate");
    Ok(())
}

/// The public half of a key that signed nothing.
const KEY: &str = "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAECDfdD66kyGhXHdNebJlZn0ueQYDg\ntN8xcQv47eFJ3ImtyvP9qUk884OK9gxGg/66OI2PFjfEqJp+u/L5iInsYw==\n-----END PUBLIC KEY-----\n";

fn unsigned() -> Verdict {
    let checkout = Checkout::new()?;
    checkout.write(
        "pod.yaml",
        &format!(
            "kind: Pod\nspec: {{containers: [{{image: '{}'}}]}}\n",
            checkout.image("web")
        ),
    );
    checkout.write("cosign.pub", KEY);
    let refused = checkout.gate(&["pod.yaml"]).exited(2);
    assert!(
        refused
            .stderr
            .contains("nobody is named whose signatures count")
            && refused.stderr.contains("--no-signatures"),
        "{}",
        refused.stderr
    );
    let refused = checkout.gate(&["pod.yaml", "--identity", ".*"]).exited(2);
    assert!(
        refused.stderr.contains("it is a pattern"),
        "{}",
        refused.stderr
    );
    let refused = checkout
        .gate(&["pod.yaml", "--key", "cosign.pub"])
        .exited(1);
    assert!(
        refused.stderr.contains("shop-web@") && refused.stderr.contains("signature"),
        "{}",
        refused.stderr
    );
    let repository = format!("{}/acme", checkout.registry.host);
    checkout
        .gate(&["pod.yaml", "--key", "cosign.pub", "--unsigned", &repository])
        .succeeded();
    Ok(())
}
