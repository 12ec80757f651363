//! Who promotes, and what must be true afterwards.

use std::sync::Arc;
use std::time::Duration;

use ci_deployments::git::{Identity, PushWriter};
use ci_deployments::gitea::{PullRequestWriter, Repository};
use ci_deployments::review::Review;
use ci_deployments::{
    Candidate, Promotion, PullOutcome, PullRequestError, PullRequestPolicy, plan,
};
use ci_http::{Http, Options, Proxies, Retry, SystemClock};
use ci_oci::Digest;

pub(crate) use crate::outcome::opened;
use crate::promotion::{candidate, declaration, kustomization, request};
use crate::server::Gitea;

pub(crate) const WEB: &str = "overlays/production/web/kustomization.yaml";
pub(crate) const STATE: &str = ".promotions/production/web.toml";
pub(crate) const BRANCH: &str = "promote/production/web";

/// A server with two services, where there is one.
pub(crate) fn gitea() -> Option<Gitea> {
    let (web, api) = (kustomization("web"), kustomization("api"));
    start(&[(&*web.0, &*web.1), (&*api.0, &*api.1), ("README.md", "x\n")])
}

/// A server whose repository has these files, where there is one.
pub(crate) fn start(files: &[(&str, &str)]) -> Option<Gitea> {
    let started = Gitea::start(files);
    started
        .inspect_err(|reason| eprintln!("skipped: {reason}"))
        .ok()
}

pub(crate) fn http(attempts: u32) -> Http {
    let retry = Retry {
        attempts,
        first: Duration::from_millis(50),
        ..Retry::default()
    };
    Http::new(&Options {
        retry,
        proxies: Proxies::default(),
        ..Options::default()
    })
    .unwrap()
}

/// A writer with a cache of its own, as another machine has.
pub(crate) fn writer(gitea: &Gitea, machine: &str) -> PullRequestWriter {
    writer_with(gitea, machine, &gitea.token)
}

pub(crate) fn writer_with(gitea: &Gitea, machine: &str, token: &str) -> PullRequestWriter {
    let address = format!("{}/acme/deployments", gitea.proxy.address);
    let git = PushWriter {
        address: address.parse().unwrap(),
        branch: "main".into(),
        credential: None,
        identity: Identity::new("Pipeline", "pipeline@example.com", 1_767_323_045).unwrap(),
        cache: gitea.cache(machine),
        retry: Retry {
            attempts: 60,
            first: Duration::from_millis(20),
            longest: Duration::from_millis(500),
            ..Retry::default()
        },
        clock: Arc::new(SystemClock),
    };
    let repository = Repository::parse(&address).unwrap();
    PullRequestWriter::new(
        http(8),
        repository,
        token,
        git,
        PullRequestPolicy::default(),
    )
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

/// One branch, one open pull request, and the digest of `number` in it.
pub(crate) fn assert_promotes(gitea: &Gitea, number: u8) {
    let branches = gitea.git(&["for-each-ref", "--format=%(refname:short)", "refs/heads"]);
    assert_eq!(branches, format!("main\n{BRANCH}\n"));
    let pulls = gitea.pulls();
    let open: Vec<_> = pulls.iter().filter(|it| it["state"] == "open").collect();
    assert_eq!(open.len(), 1, "{pulls:?}");
    assert_eq!(open[0]["head"]["ref"], BRANCH);
    let digest = Digest::of([number]);
    let expected = format!("images:\n- name: ghcr.io/acme/web # pinned\n  digest: {digest}\n");
    assert_eq!(gitea.file(BRANCH, WEB), expected);
    assert!(
        open[0]["body"]
            .as_str()
            .unwrap()
            .contains(&digest.to_string())
    );
    let changed = gitea.git(&["diff", "--name-only", &format!("main...{BRANCH}")]);
    assert_eq!(changed, format!("{STATE}\n{WEB}\n"));
    check(gitea);
}

/// Every request was as Gitea describes them.
pub(crate) fn check(gitea: &Gitea) {
    assert_eq!(gitea.proxy.seen().violations, [""; 0]);
}
