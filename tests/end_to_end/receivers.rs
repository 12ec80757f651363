//! Receivers of promotions: hosts that run Compose from an `.env` file, applications on a Dokploy server, webhooks.

use std::process::Command;
use std::sync::{Arc, Mutex};

use libtest_mimic::Trial;
use serde_json::{Value, json};
use test_support::registry::{Registry, Wants};

use crate::support::deployments::{Deployments, shop};
use crate::support::http::{Request, serve};
use crate::support::program::{self, Outcome};
use crate::support::project::{Project, text};
use crate::support::registry::registry;
use crate::support::{Skip, Verdict, test_if_possible};

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        test_if_possible(
            "receivers: a Compose host gets APP_IMAGE and MIGRATOR_IMAGE, and nothing else changes",
            compose,
        ),
        test_if_possible(
            "receivers: Dokploy deploys what the branch has, once",
            dokploy,
        ),
        test_if_possible(
            "receivers: what did not arrive is delivered by the next run",
            interrupted,
        ),
        test_if_possible(
            "receivers: nothing is written that could not be delivered",
            secrets,
        ),
    ]
}

/// What a host of a Compose application keeps, as its deploy script reads it: the long-lived settings and the images apart.
const COMPOSE: &str = "\
services:
  web:
    image: ${APP_IMAGE:?set by deploy.env}
    env_file: .env.production
  migrator:
    image: ${MIGRATOR_IMAGE:?set by deploy.env}
    profiles: [migrate]
";

fn compose() -> Verdict {
    let registry = registry(&Wants::default())?;
    let (project, deployments) = shop(&registry, "");
    let host = |file: &str| format!("hosts/production/{file}");
    let images = format!(
        "# The images of this host; `pipeline promote` writes them.\nexport APP_IMAGE={0}/acme/shop-web:v1  # the application\r\nMIGRATOR_IMAGE=\"\"\nCOMPOSE_PROFILES=\n",
        registry.host
    );
    deployments.write(&[
        (host("docker-compose.cicd.yml"), COMPOSE.into()),
        (host("deploy.env"), images.clone()),
    ]);
    let catalog = std::fs::read_to_string(project.root.join("pipeline.toml")).unwrap();
    let (before, production) = catalog
        .split_once("[environments.production.deploy]")
        .unwrap();
    let production = production.replace(
        "{ kustomize = \"overlays/{env}/{service}/kustomization.yaml\" }",
        "{ env = \"hosts/{env}/deploy.env\", variable = \"{SERVICE}_IMAGE\" }",
    );
    let catalog = format!(
        "{before}[environments.production.deploy]{production}services.worker = []\nservices.web = [{{ env = \"hosts/{{env}}/deploy.env\", variable = \"APP_IMAGE\" }}]\n"
    );
    project.write("pipeline.toml", &catalog);
    project.commit("a Compose host");
    let digests = project.release();
    project.run(&["promote", "--env", "production"]).succeeded();
    let image =
        |service: &str| format!("{}/acme/shop-{service}@{}", registry.host, digests[service]);
    let expected = images
        .replace(
            &format!("{}/acme/shop-web:v1", registry.host),
            &image("web"),
        )
        .replace("\"\"", &format!("\"{}\"", image("migrator")));
    assert_eq!(deployments.file(&host("deploy.env")), expected);
    // One commit for both: the application never runs beside the schema of another.
    assert_eq!(deployments.commits(), 3);
    // What the host's script sees.
    let checkout = project.dir.path().join("host");
    project.git(&["clone", "--quiet", text(&deployments.path), text(&checkout)]);
    let folder = checkout.join(host(""));
    let seen = Command::new("sh")
        .args(["-c", "tr -d '\\r' < deploy.env > sourced; . ./sourced; printf '%s %s' \"$APP_IMAGE\" \"$MIGRATOR_IMAGE\""])
        .current_dir(&folder)
        .output()
        .unwrap();
    let seen = String::from_utf8(seen.stdout).unwrap();
    assert_eq!(seen, format!("{} {}", image("web"), image("migrator")));
    // Every image of the Compose file is pinned and there; without the variables nobody knows.
    let gate = |paths: &[&str]| {
        let mut command = project.bare(env!("CARGO_BIN_EXE_pipeline"));
        command
            .current_dir(&folder)
            .env("PIPELINE_PLAIN_HTTP", &registry.host)
            .args(["gate", "--no-signatures"]);
        program::run(command.args(paths))
    };
    gate(&["."]).succeeded();
    gate(&["docker-compose.cicd.yml", "deploy.env"]).succeeded();
    let refused = gate(&["docker-compose.cicd.yml"]).exited(1);
    assert!(
        refused.stderr.contains("it is computed where it runs"),
        "{}",
        refused.stderr
    );
    let again = project.run(&["promote", "--env", "production"]).succeeded();
    assert!(again.stdout.contains("was there"), "{}", again.stdout);
    Ok(())
}

/// A Dokploy server with one application, and a webhook beside it.
#[derive(Default)]
struct State {
    env: String,
    deployments: Vec<Value>,
    /// Id and body of each delivery.
    delivered: Vec<(String, Value)>,
    /// The next deployment is refused.
    fails: bool,
}

fn receive(state: &Mutex<State>, request: &Request) -> (u16, Value) {
    let mut state = state.lock().unwrap();
    let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    if request.target == "/hook" {
        let id = request.header("x-pipeline-delivery").unwrap();
        assert!(
            request
                .header("x-pipeline-signature-256")
                .unwrap()
                .contains(",v1=")
        );
        state.delivered.push((id, body));
        return (202, json!({}));
    }
    if request.header("x-api-key").as_deref() != Some(KEY) {
        return (401, json!({ "message": "Unauthorized" }));
    }
    let call = request.target.split('?').next().unwrap();
    let is_read = call == "/api/compose.one";
    assert_eq!(request.method, if is_read { "GET" } else { "POST" });
    match call {
        "/api/compose.one" => (
            200,
            json!({ "env": state.env, "deployments": state.deployments }),
        ),
        "/api/compose.update" => {
            state.env = body["env"].as_str().unwrap().to_owned();
            (200, json!(true))
        }
        "/api/compose.deploy" if std::mem::take(&mut state.fails) => {
            (400, json!({ "message": "out of \u{1b}[31mdisk" }))
        }
        "/api/compose.deploy" => {
            let number = state.deployments.len();
            let at = format!("2026-01-{number:02}");
            let deployment = json!({ "title": body["title"], "status": "done", "createdAt": at });
            state.deployments.push(deployment);
            (200, json!({}))
        }
        other => panic!("{other}"),
    }
}

const KEY: &str = "key-of-dokploy";

struct Shop {
    project: Project,
    deployments: Deployments,
    registry: Registry,
    state: Arc<Mutex<State>>,
}

impl Shop {
    fn new() -> Result<Self, Skip> {
        let registry = registry(&Wants::default())?;
        let host = &registry.host;
        let env = format!(
            "# shop\nWEB_IMAGE={host}/acme/shop-web:v1\nPASSWORD='hunter2'\nMIGRATOR_IMAGE=\n"
        );
        let state = Arc::new(Mutex::new(State {
            env,
            ..State::default()
        }));
        let shared = Arc::clone(&state);
        let address = serve(move |request| {
            let (status, body) = receive(&shared, &request);
            let body = body.to_string();
            let length = body.len();
            Some(
                format!("HTTP/1.1 {status} X\r\nContent-Length: {length}\r\n\r\n{body}")
                    .into_bytes(),
            )
        });
        let receivers = format!(
            "receivers = [\n  {{ dokploy = \"{address}\", compose = \"shop\", secret-variable = \"DOKPLOY_KEY\", services = [\"web\", \"migrator\"] }},\n  {{ webhook = \"{address}/hook\", secret-variable = \"HOOK_SECRET\" }},\n]\n"
        );
        let (project, deployments) = shop(&registry, &receivers);
        Ok(Self {
            project,
            deployments,
            registry,
            state,
        })
    }

    fn run(&self, arguments: &[&str]) -> Outcome {
        let mut command = self.project.command(arguments);
        command
            .env("DOKPLOY_KEY", format!("{KEY}\n"))
            .env("HOOK_SECRET", "s");
        program::run(&mut command)
    }

    fn deployed(&self) -> usize {
        self.state.lock().unwrap().deployments.len()
    }

    #[track_caller]
    fn assert_env(&self, digests: &crate::support::built::Digests) {
        let host = &self.registry.host;
        let expected = format!(
            "# shop\nWEB_IMAGE={host}/acme/shop-web@{}\nPASSWORD='hunter2'\nMIGRATOR_IMAGE={host}/acme/shop-migrator@{}\n",
            digests["web"], digests["migrator"]
        );
        assert_eq!(self.state.lock().unwrap().env, expected);
    }
}

fn dokploy() -> Verdict {
    let shop = Shop::new()?;
    let first = shop.project.release();
    let planned = shop
        .run(&["promote", "--env", "production", "--dry-run"])
        .succeeded();
    assert!(
        planned
            .stdout
            .contains("migrator, web: shop at 127.0.0.1 gets it afterwards"),
        "{}",
        planned.stdout
    );
    assert_eq!((shop.deployed(), shop.deployments.commits()), (0, 1));
    let done = shop.run(&["promote", "--env", "production"]).succeeded();
    for line in [
        "migrator, web: shop at 127.0.0.1 deploys it",
        "migrator, web: webhook of 127.0.0.1 accepted it",
        "worker: webhook of 127.0.0.1 accepted it",
    ] {
        assert!(done.stdout.contains(line), "{line}\n{}", done.stdout);
    }
    assert!(!format!("{}{}", done.stdout, done.stderr).contains("hunter2"));
    shop.assert_env(&first);
    // The same once more: the same deliveries, and no deployment.
    let again = shop.run(&["promote", "--env", "production"]).succeeded();
    assert!(
        again
            .stdout
            .contains("migrator, web: shop at 127.0.0.1 has it"),
        "{}",
        again.stdout
    );
    assert_eq!(shop.deployed(), 1);
    let delivered = shop.state.lock().unwrap().delivered.clone();
    assert_eq!(delivered.len(), 4);
    assert_eq!(delivered[..2], delivered[2..]);
    let unit = delivered
        .iter()
        .find(|(_, body)| body["unit"] == "migrator")
        .unwrap();
    assert_eq!(unit.1["environment"], "production");
    let image = format!("{}/acme/shop-web@{}", shop.registry.host, first["web"]);
    assert_eq!(unit.1["services"][1]["image"], image);

    let second = shop.project.release_next("second");
    shop.run(&["promote", "web", "--env", "production"])
        .succeeded();
    shop.assert_env(&second);
    shop.run(&["rollback", "--env", "production", "--service", "web"])
        .succeeded();
    shop.assert_env(&first);
    assert_eq!(shop.deployed(), 3);
    // Others have only the record of the branch: it is enough.
    shop.state.lock().unwrap().deployments.clear();
    std::fs::remove_file(shop.project.state("release.json")).unwrap();
    shop.run(&["promote", "--from", "production", "--to", "production"])
        .succeeded();
    assert_eq!(shop.deployed(), 1);
    // Also where promotions have to come from elsewhere.
    let table = "[environments.production.deploy]\n";
    shop.project.replace(
        "pipeline.toml",
        table,
        &format!("{table}from = \"staging\"\n"),
    );
    shop.run(&["promote", "--from", "production", "--to", "production"])
        .succeeded();
    assert_eq!(shop.deployed(), 1);
    Ok(())
}

fn interrupted() -> Verdict {
    let shop = Shop::new()?;
    let digests = shop.project.release();
    shop.state.lock().unwrap().fails = true;
    let failed = shop
        .run(&["promote", "web", "--env", "production"])
        .exited(4);
    for part in [
        "the branch has migrator and web, and shop at 127.0.0.1 did not get it",
        "status 400: out of",
        "do the same again",
    ] {
        assert!(failed.stderr.contains(part), "{part}\n{}", failed.stderr);
    }
    assert!(!failed.stderr.contains('\u{1b}'), "{}", failed.stderr);
    assert_eq!((shop.deployed(), shop.deployments.commits()), (0, 2));
    // The other one got it all the same.
    assert_eq!(shop.state.lock().unwrap().delivered.len(), 1);
    shop.run(&["promote", "web", "--env", "production"])
        .succeeded();
    assert_eq!((shop.deployed(), shop.deployments.commits()), (1, 2));
    shop.assert_env(&digests);
    // A variable that is not there is the user's to add; its neighbours' values are nobody's to see (S1).
    shop.state.lock().unwrap().env = "PASSWORD='hunter2'\n".into();
    let failed = shop
        .run(&["promote", "web", "--env", "production"])
        .exited(1);
    assert!(
        failed.stderr.contains("does not set `MIGRATOR_IMAGE`")
            && !failed.stderr.contains("hunter2"),
        "{}",
        failed.stderr
    );
    Ok(())
}

fn secrets() -> Verdict {
    let shop = Shop::new()?;
    shop.project.release();
    let refused = shop
        .project
        .run(&["promote", "--env", "production"])
        .exited(2);
    assert!(
        refused.stderr.contains("DOKPLOY_KEY is not set"),
        "{}",
        refused.stderr
    );
    assert_eq!(shop.deployments.commits(), 1);
    // A plan needs none.
    shop.project
        .run(&["promote", "--env", "production", "--dry-run"])
        .succeeded();
    shop.project.replace(
        "pipeline.toml",
        "secret-variable = \"HOOK_SECRET\"",
        "secret-variable = \"hunter-2\"",
    );
    let refused = shop.run(&["promote", "--env", "production"]).exited(2);
    assert!(
        refused
            .stderr
            .contains("not the name of an environment variable")
            && !refused.stderr.contains("hunter-2"),
        "{}",
        refused.stderr
    );
    assert_eq!(shop.deployments.commits(), 1);
    Ok(())
}
