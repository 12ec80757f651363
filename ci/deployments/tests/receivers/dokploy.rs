//! Dokploy, against a stand-in that keeps one application.

use std::sync::{Arc, Mutex};

use ci_deployments::receivers::{Dokploy, DokployError, DokployOutcome, Variable};
use ci_deployments::{Form, Image};
use ci_oci::Digest;
use serde_json::{Value, json};

use crate::http::serve;
use crate::{answer, client};

#[derive(Default)]
struct State {
    env: String,
    deployments: Vec<Value>,
    calls: Vec<String>,
    /// The next call of this name is answered by an error.
    fails: Option<&'static str>,
    /// Somebody else's variables, after the next update.
    overwritten: Option<String>,
}

fn start(env: &str) -> (Dokploy, Arc<Mutex<State>>) {
    let state = Arc::new(Mutex::new(State {
        env: env.into(),
        ..State::default()
    }));
    let shared = Arc::clone(&state);
    let address = serve(move |request| {
        let mut state = shared.lock().unwrap();
        let (path, query) = request
            .target
            .split_once('?')
            .unwrap_or((&request.target, ""));
        let call = path.strip_prefix("/api/").unwrap();
        state.calls.push(call.to_owned());
        let reads = call == "compose.one";
        assert_eq!(request.method, if reads { "GET" } else { "POST" });
        if request.header("x-api-key").as_deref() != Some("secret") {
            return answer(401, &json!({ "message": "Unauthorized" }));
        }
        if state.fails.is_some_and(|fails| fails == call) {
            state.fails = None;
            return answer(400, &json!({ "message": "not now" }));
        }
        let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let id = body["composeId"].as_str().map(str::to_owned);
        assert!(
            query == "composeId=c-1" || id.as_deref() == Some("c-1"),
            "{query} {body}"
        );
        match call {
            "compose.one" => answer(
                200,
                &json!({ "composeId": "c-1", "env": state.env, "deployments": state.deployments }),
            ),
            "compose.update" => {
                state.env = body["env"].as_str().unwrap().to_owned();
                if let Some(env) = state.overwritten.take() {
                    state.env = env;
                }
                answer(200, &json!(true))
            }
            "compose.deploy" => {
                let at = format!("2026-01-0{}", state.deployments.len() + 1);
                let deployment =
                    json!({ "title": body["title"], "status": "running", "createdAt": at });
                state.deployments.push(deployment);
                answer(200, &json!({ "success": true }))
            }
            other => panic!("{other}"),
        }
    });
    let dokploy = Dokploy {
        http: client(),
        address: address.parse().unwrap(),
        key: "secret".into(),
        compose_id: "c-1".into(),
    };
    (dokploy, state)
}

fn variables(number: u8) -> Vec<Variable> {
    let variable = |name: &str, repository: &str| Variable {
        name: name.into(),
        form: Form::Reference,
        image: Image {
            repository: repository.parse().unwrap(),
            digest: Digest::of([number]),
            tag: None,
            commit: None,
        },
    };
    vec![
        variable("APP_IMAGE", "ghcr.io/acme/app"),
        variable("MIGRATOR_IMAGE", "ghcr.io/acme/migrator"),
    ]
}

const ENV: &str = "# app\nAPP_IMAGE=ghcr.io/acme/app:v1\nPASSWORD='hunter2'\nMIGRATOR_IMAGE=\n";

#[tokio::test]
async fn variables_are_changed_exactly_and_deployed_once() {
    let (dokploy, state) = start(ENV);
    assert_eq!(
        dokploy.write(&variables(7)).await.unwrap(),
        DokployOutcome::Changed
    );
    let digest = Digest::of([7]);
    let expected = format!(
        "# app\nAPP_IMAGE=ghcr.io/acme/app@{digest}\nPASSWORD='hunter2'\nMIGRATOR_IMAGE=ghcr.io/acme/migrator@{digest}\n"
    );
    assert_eq!(state.lock().unwrap().env, expected);
    assert_eq!(
        dokploy.write(&variables(7)).await.unwrap(),
        DokployOutcome::Done
    );
    assert_eq!(state.lock().unwrap().deployments.len(), 1);
    // One that failed is deployed again.
    state.lock().unwrap().deployments[0]["status"] = "error".into();
    assert_eq!(
        dokploy.write(&variables(7)).await.unwrap(),
        DokployOutcome::Deployed
    );
    assert_eq!(
        dokploy.write(&variables(8)).await.unwrap(),
        DokployOutcome::Changed
    );
}

#[tokio::test]
async fn a_run_that_ends_before_the_deployment_is_finished_by_the_next() {
    let (dokploy, state) = start(ENV);
    state.lock().unwrap().fails = Some("compose.deploy");
    let error = dokploy.write(&variables(7)).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "Dokploy's compose.deploy: status 400: not now"
    );
    assert_eq!(
        dokploy.write(&variables(7)).await.unwrap(),
        DokployOutcome::Deployed
    );
    assert_eq!(
        dokploy.write(&variables(7)).await.unwrap(),
        DokployOutcome::Done
    );
}

#[tokio::test]
async fn variables_that_do_not_fit_change_nothing_and_show_no_secret_s1_s4() {
    let (mut dokploy, state) = start("APP_IMAGE=ghcr.io/acme/app:v1\nPASSWORD='hunter2'\n");
    let error = dokploy.write(&variables(7)).await.unwrap_err();
    let text = format!("{error} {error:?} {dokploy:?}");
    assert!(
        text.contains("does not set `MIGRATOR_IMAGE`")
            && !text.contains("hunter2")
            && !text.contains("secret"),
        "{text}"
    );
    assert_eq!(state.lock().unwrap().calls, ["compose.one"]);
    dokploy.address = "http://dokploy.example.com".parse().unwrap();
    assert!(matches!(
        dokploy.write(&variables(7)).await,
        Err(DokployError::Plain)
    ));
}

#[tokio::test]
async fn a_change_by_somebody_else_in_between_is_noticed() {
    let (dokploy, state) = start(ENV);
    state.lock().unwrap().overwritten = Some("APP_IMAGE=\n".into());
    let error = dokploy.write(&variables(7)).await.unwrap_err();
    assert!(matches!(error, DokployError::Overwritten(_)), "{error}");
    assert!(state.lock().unwrap().deployments.is_empty());
}

#[tokio::test]
async fn what_was_deployed_of_other_variables_since_is_no_reason_to_deploy_again() {
    let (dokploy, state) = start(ENV);
    let all = variables(7);
    let (app, migrator) = all.split_at(1);
    for variables in [app, migrator] {
        let outcome = dokploy.write(variables).await.unwrap();
        assert_eq!(outcome, DokployOutcome::Changed);
    }
    assert_eq!(dokploy.write(app).await.unwrap(), DokployOutcome::Done);
    assert_eq!(state.lock().unwrap().deployments.len(), 2);
    // There and back again, killed before the last deployment: that of the first time does not count.
    dokploy.write(&variables(8)[..1]).await.unwrap();
    state.lock().unwrap().fails = Some("compose.deploy");
    dokploy.write(app).await.unwrap_err();
    assert_eq!(dokploy.write(app).await.unwrap(), DokployOutcome::Deployed);
}
