//! What is promoted, by whom, and a clock that does not wait.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ci_deployments::github::{Auth, PullRequestWriter, Repository};
use ci_deployments::review::Review;
use ci_deployments::{
    Candidate, Promotion, PullOutcome, PullRequestError, PullRequestPolicy, plan,
};
use ci_http::{Clock, Http, Options, Proxies, Retry};
use ci_oci::Digest;
use futures::future::BoxFuture;

pub(crate) use crate::outcome::opened;
use crate::promotion::request;
pub(crate) use crate::promotion::{candidate, declaration, kustomization};
use crate::standin::{StandIn, TOKEN};

/// Waits are noted, not waited.
#[derive(Debug, Default)]
pub(crate) struct Patient(pub(crate) Mutex<Vec<Duration>>);

impl Clock for Patient {
    fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(1_767_323_045)
    }

    fn sleep(&self, pause: Duration) -> BoxFuture<'_, ()> {
        self.0.lock().unwrap().push(pause);
        // Others go first, as they would in the time.
        Box::pin(tokio::task::yield_now())
    }

    fn spread(&self) -> f64 {
        0.5
    }
}

pub(crate) const WEB: &str = "overlays/production/web/kustomization.yaml";
pub(crate) const BRANCH: &str = "promote/production/web";

/// A stand-in with two services.
pub(crate) fn github() -> StandIn {
    let standin = StandIn::start();
    let (web, api) = (kustomization("web"), kustomization("api"));
    let files = [(&*web.0, &*web.1), (&*api.0, &*api.1), ("README.md", "x\n")];
    standin.state().git().write("main", &files, "start");
    standin
}

pub(crate) fn http(attempts: u32) -> (Http, Arc<Patient>) {
    let clock = Arc::new(Patient::default());
    let retry = Retry {
        attempts,
        ..Retry::default()
    };
    let options = Options {
        retry,
        proxies: Proxies::default(),
        clock: Arc::<Patient>::clone(&clock),
        ..Options::default()
    };
    (Http::new(&options).unwrap(), clock)
}

pub(crate) fn writer(standin: &StandIn) -> PullRequestWriter {
    let (address, graphql) = (&standin.address, format!("{}/graphql", standin.address));
    PullRequestWriter {
        http: http(5).0,
        repository: Repository::with_interface("acme", "deployments", address, &graphql).unwrap(),
        auth: Auth::Token(TOKEN.into()),
        branch: "main".into(),
        policy: PullRequestPolicy::default(),
        retry: Retry {
            attempts: 10,
            ..Retry::default()
        },
        reopen: false,
    }
}

pub(crate) async fn promote_unit(
    writer: &PullRequestWriter,
    candidates: Vec<Candidate>,
) -> Result<PullOutcome, PullRequestError> {
    let declaration = declaration();
    let request = request(&declaration, candidates);
    let paths = request.paths()?;
    let review = async |_: &Promotion| Review::default();
    writer
        .write(&paths, |contents| plan(&request, contents, &()), review)
        .await
}

pub(crate) async fn promote(
    writer: &PullRequestWriter,
    number: u8,
) -> Result<PullOutcome, PullRequestError> {
    promote_unit(writer, vec![candidate("web", number)]).await
}

/// One branch, one open pull request, and the digest of `number` in it, on a base it merges into.
pub(crate) fn assert_promotes(standin: &StandIn, number: u8) {
    let state = standin.state();
    let git = state.git();
    let branches = git.run(&["for-each-ref", "--format=%(refname:short)", "refs/heads"]);
    assert_eq!(branches, format!("main\n{BRANCH}"));
    let open: Vec<&str> = state.open().iter().map(|it| it.branch.as_str()).collect();
    assert_eq!(open, [BRANCH]);
    let digest = Digest::of([number]);
    let expected = format!("images:\n- name: ghcr.io/acme/web # pinned\n  digest: {digest}\n");
    assert_eq!(git.file(BRANCH, WEB), expected);
    assert!(state.open()[0].body.contains(&digest.to_string()));
    let changed = git.run(&["diff", "--name-only", &format!("main...{BRANCH}")]);
    assert_eq!(changed, format!(".promotions/production/web.toml\n{WEB}"));
    drop(state);
    standin.check();
}
