//! The stand-in: GitHub's answers and rules, as far as promotions meet them.

use std::sync::{Arc, Mutex, MutexGuard};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::DESCRIPTION;
use super::description::{Operation, percent_decoded};
use super::git::Git;
use super::http::{Request, serve};
use super::pulls::Pull;

pub(crate) const TOKEN: &str = "ghs_secret";

/// What a test does to a request.
pub(crate) enum Fault {
    /// Answer this instead: status, headers, body.
    Answer(u16, &'static str, Value),
    /// End the connection, before or after the request takes effect.
    Lose { done: bool },
    /// Do something first.
    First(Box<dyn FnOnce(&mut State) + Send>),
}

#[derive(Default)]
pub(crate) struct State {
    pub(crate) git: Option<Git>,
    pub(crate) pulls: Vec<Pull>,
    /// `METHOD path` of every request.
    pub(crate) calls: Vec<String>,
    /// What requests and answers were not as described.
    pub(crate) violations: Vec<String>,
    /// For the next request whose call contains the text.
    pub(crate) faults: Vec<(String, Fault)>,
    /// After so many more requests, connections end; whether the last request takes effect.
    pub(crate) dies_after: Option<(usize, bool)>,
    /// Who opens pull requests.
    pub(crate) login: String,
    /// What enabling auto-merge says instead of doing it.
    pub(crate) auto_merge_error: Option<String>,
    /// Whether what was listed goes on on another page.
    pub(crate) has_next: bool,
    /// Checks of every commit, in both of GitHub's forms.
    pub(crate) check_runs: Vec<Value>,
    pub(crate) statuses: Vec<Value>,
    /// The claims of an App, and what it asked for.
    pub(crate) app: Vec<Value>,
}

/// An answer: status, body.
pub(crate) type Answered = (u16, Value);

impl State {
    pub(crate) fn git(&self) -> &Git {
        self.git.as_ref().unwrap()
    }

    pub(crate) fn open(&self) -> Vec<&Pull> {
        self.pulls.iter().filter(|pull| pull.is_open).collect()
    }
}

#[derive(Clone)]
pub(crate) struct StandIn {
    state: Arc<Mutex<State>>,
    pub(crate) address: String,
}

impl StandIn {
    pub(crate) fn start() -> Self {
        let state = Arc::new(Mutex::new(State {
            git: Some(Git::new()),
            login: "promoter[bot]".into(),
            ..State::default()
        }));
        let shared = Arc::clone(&state);
        let address = serve(move |request| answer(&mut shared.lock().unwrap(), &request));
        Self { state, address }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub(crate) fn fault(&self, call: &str, fault: Fault) {
        self.state().faults.push((call.to_owned(), fault));
    }

    /// Every request and answer was as GitHub describes them.
    pub(crate) fn check(&self) {
        assert_eq!(self.state().violations, [""; 0]);
    }
}

fn answer(state: &mut State, request: &Request) -> Option<Vec<u8>> {
    let (path, query) = request
        .target
        .split_once('?')
        .unwrap_or((&request.target, ""));
    // As an Enterprise server has it.
    let path = match path.strip_prefix("/api/v3") {
        Some(path) => path,
        None => path.strip_prefix("/api").unwrap_or(path),
    };
    let call = format!("{} {path}", request.method);
    state.calls.push(call.clone());
    let mut lost = None;
    if let Some((left, done)) = &mut state.dies_after {
        match left.checked_sub(1) {
            Some(fewer) => *left = fewer,
            None if *done => {
                // Once: the next one finds nobody.
                lost = Some(());
                state.dies_after = Some((0, false));
            }
            None => return None,
        }
    }
    let mut headers = "";
    let fault = state
        .faults
        .iter()
        .position(|(part, _)| call.contains(part));
    let (status, body) = match fault.map(|at| state.faults.remove(at).1) {
        Some(Fault::Answer(status, more, body)) => {
            headers = more;
            (status, body)
        }
        Some(Fault::Lose { done: false }) => return None,
        Some(Fault::Lose { done: true }) => {
            lost = Some(());
            perform(state, request, path, query)
        }
        Some(Fault::First(first)) => {
            first(state);
            perform(state, request, path, query)
        }
        None => perform(state, request, path, query),
    };
    if lost.is_some() {
        return None;
    }
    let body = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    let length = body.len();
    let link = match std::mem::take(&mut state.has_next) {
        true => "Link: <https://api.github.com/elsewhere?page=2>; rel=\"next\"\r\n",
        false => "",
    };
    Some(format!("HTTP/1.1 {status} X\r\nContent-Type: application/json; charset=utf-8\r\n{headers}{link}Content-Length: {length}\r\n\r\n{body}").into_bytes())
}

fn perform(state: &mut State, request: &Request, path: &str, query: &str) -> Answered {
    let body: Option<Value> = match request.body.is_empty() {
        true => None,
        false => Some(serde_json::from_slice(&request.body).unwrap()),
    };
    let agent = request.header("user-agent").unwrap_or_default();
    let is_app = path.ends_with("/installation") || path.starts_with("/app/");
    let authorization = request.header("authorization").unwrap_or_default();
    if !is_app && authorization != format!("Bearer {TOKEN}") {
        return (401, json!({ "message": "Bad credentials" }));
    }
    if request.header("accept").as_deref() != Some("application/vnd.github+json")
        || agent.is_empty()
    {
        state
            .violations
            .push(format!("{path}: accept or user-agent"));
    }
    if path == "/graphql" {
        return super::pulls::graphql(state, &body.unwrap());
    }
    let Some(operation) = Operation::find(&DESCRIPTION, &request.method, path) else {
        state
            .violations
            .push(format!("{} {path} does not exist", request.method));
        return (404, json!({ "message": "Not Found" }));
    };
    let query: Vec<(String, String)> = query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(key, value)| (percent_decoded(key), percent_decoded(value)))
        .collect();
    let faults = operation.check_request(&query, body.as_ref());
    state.violations.extend(
        faults
            .into_iter()
            .map(|it| format!("{} {path}: {it}", request.method)),
    );
    let body = body.unwrap_or_default();
    let answered = match operation.path.strip_prefix("/repos/{owner}/{repo}") {
        Some(rest) if rest.starts_with("/git/") || rest.starts_with("/compare/") => {
            objects(state, &operation, rest, &body)
        }
        Some("/commits/{commit_sha}/pulls") => {
            super::pulls::of_commit(state, operation.value("commit_sha"))
        }
        Some("/commits/{ref}/check-runs") => {
            let is_asked = |it: &&Value| query.contains(&("check_name".into(), text(&it["name"])));
            let runs: Vec<&Value> = state.check_runs.iter().filter(is_asked).collect();
            (200, json!({ "check_runs": runs }))
        }
        Some("/commits/{ref}/status") => (200, json!({ "statuses": state.statuses })),
        Some(rest @ ("/commits" | "/contents/{path}")) => files(state, &operation, rest, &query),
        Some("/installation") => app(state, &authorization, "acme/deployments"),
        Some(rest) => super::pulls::perform(state, &operation, rest, &query, &body),
        None => {
            state.app.push(body);
            (201, json!({ "token": TOKEN }))
        }
    };
    let faults = operation.check_answer(answered.0, &answered.1);
    state.violations.extend(
        faults
            .into_iter()
            .map(|it| format!("answer to {} {path}: {it}", request.method)),
    );
    answered
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn app(state: &mut State, authorization: &str, _repository: &str) -> Answered {
    state.app.push(authorization.into());
    (200, json!({ "id": 99 }))
}

fn files(state: &State, operation: &Operation, rest: &str, query: &[(String, String)]) -> Answered {
    let git = state.git();
    let asked = |name: &str| {
        query
            .iter()
            .find(|(key, _)| key == name)
            .unwrap()
            .1
            .as_str()
    };
    if rest == "/commits" {
        let log = git.run(&["log", "--format=%H %cI", asked("sha"), "--", asked("path")]);
        let commits = log.lines().map(|line| {
            let (sha, date) = line.split_once(' ').unwrap();
            json!({ "sha": sha, "commit": { "committer": { "date": date } } })
        });
        return (200, commits.collect());
    }
    let name = format!("{}:{}", asked("ref"), operation.value("path"));
    match git.maybe(&["rev-parse", "--verify", "--quiet", &name]) {
        Some(sha) => {
            let content = STANDARD.encode(git.bytes(&["cat-file", "blob", &sha]));
            (
                200,
                json!({ "type": "file", "encoding": "base64", "content": content, "sha": sha }),
            )
        }
        None => (404, json!({ "message": "Not Found" })),
    }
}

fn objects(state: &State, operation: &Operation, rest: &str, body: &Value) -> Answered {
    let git = state.git();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let refuse = |message: &str| (422, json!({ "message": message }));
    let reference = |sha: &str| json!({ "object": { "sha": sha, "type": "commit" } });
    match (operation.method.as_str(), rest) {
        ("get", "/git/ref/{ref}") => match git.maybe(&[
            "rev-parse",
            "--verify",
            "--quiet",
            &format!("refs/{}", operation.value("ref")),
        ]) {
            Some(sha) => (200, reference(&sha)),
            None => (404, json!({ "message": "Not Found" })),
        },
        ("get", "/git/commits/{commit_sha}") => {
            let (mut commit, about) = commit(git, operation.value("commit_sha"));
            commit.extend(about);
            (200, commit.into())
        }
        ("get", "/git/trees/{tree_sha}") => {
            let sha = operation.value("tree_sha");
            let listing = git.run(&["ls-tree", sha]);
            let entries: Vec<Value> = listing
                .lines()
                .map(|line| {
                    let (head, path) = line.split_once('\t').unwrap();
                    let head: Vec<&str> = head.split(' ').collect();
                    json!({ "path": path, "mode": head[0], "type": head[1], "sha": head[2] })
                })
                .collect();
            (
                200,
                json!({ "sha": sha, "tree": entries, "truncated": false }),
            )
        }
        ("get", "/git/blobs/{file_sha}") => {
            let sha = operation.value("file_sha");
            let encoded = STANDARD.encode(git.bytes(&["cat-file", "blob", sha]));
            let lines: Vec<&str> = encoded
                .as_bytes()
                .chunks(60)
                .map(|it| std::str::from_utf8(it).unwrap())
                .collect();
            (
                200,
                json!({ "sha": sha, "content": lines.join("\n") + "\n", "encoding": "base64" }),
            )
        }
        ("post", "/git/blobs") => {
            let bytes = STANDARD.decode(text(&body["content"])).unwrap();
            (201, json!({ "sha": git.blob(&bytes) }))
        }
        ("post", "/git/trees") => {
            let entries = body["tree"].as_array().unwrap();
            let entries: Vec<[String; 3]> = entries
                .iter()
                .map(|it| [text(&it["mode"]), text(&it["sha"]), text(&it["path"])])
                .collect();
            let entries: Vec<(&str, &str, &str)> = entries
                .iter()
                .map(|[mode, sha, path]| (&**mode, &**sha, &**path))
                .collect();
            let sha = git.tree(body["base_tree"].as_str(), &entries);
            (201, json!({ "sha": sha, "tree": [], "truncated": false }))
        }
        ("post", "/git/commits") => {
            let parents: Vec<String> = body["parents"]
                .as_array()
                .unwrap()
                .iter()
                .map(text)
                .collect();
            let parents: Vec<&str> = parents.iter().map(String::as_str).collect();
            let sha = git.commit(&text(&body["tree"]), &parents, &text(&body["message"]));
            (201, json!({ "sha": sha }))
        }
        ("post", "/git/refs") => {
            let name = text(&body["ref"]);
            match git.maybe(&["rev-parse", "--verify", "--quiet", &name]) {
                Some(_) => refuse("Reference already exists"),
                None => {
                    git.run(&["update-ref", &name, &text(&body["sha"])]);
                    (201, reference(&text(&body["sha"])))
                }
            }
        }
        ("patch", "/git/refs/{ref}") => {
            let name = format!("refs/{}", operation.value("ref"));
            let (old, new) = (
                git.maybe(&["rev-parse", "--verify", "--quiet", &name]),
                text(&body["sha"]),
            );
            match old {
                None => refuse("Reference does not exist"),
                Some(old) if body["force"] != true && !git.is_ancestor(&old, &new) => {
                    refuse("Update is not a fast forward")
                }
                Some(_) => {
                    git.run(&["update-ref", &name, &new]);
                    (200, reference(&new))
                }
            }
        }
        ("delete", "/git/refs/{ref}") => {
            git.run(&[
                "update-ref",
                "-d",
                &format!("refs/{}", operation.value("ref")),
            ]);
            (204, Value::Null)
        }
        ("get", "/compare/{basehead}") => {
            let (base, head) = operation.value("basehead").split_once("...").unwrap();
            let range = format!("{base}..{head}");
            let Some(newer) = git.maybe(&["rev-list", "--reverse", &range]) else {
                return (404, json!({ "message": "Not Found" }));
            };
            let full = |id: &str| {
                let (mut commit, about) = commit(git, id);
                commit.insert("commit".into(), about.into());
                Value::from(commit)
            };
            let parted = git.run(&["merge-base", base, head]);
            let commits: Vec<Value> = newer.lines().map(full).collect();
            let status = match (parted == base, parted == head) {
                (true, true) => "identical",
                (true, false) => "ahead",
                (false, true) => "behind",
                (false, false) => "diverged",
            };
            let total = commits.len();
            (
                200,
                json!({ "status": status, "merge_base_commit": full(&parted), "total_commits": total, "commits": commits }),
            )
        }
        other => panic!("{other:?}"),
    }
}

/// A commit: its id and parents, and what stands elsewhere in some answers.
fn commit(git: &Git, id: &str) -> (Map<String, Value>, Map<String, Value>) {
    let show = |format: &str| git.run(&["log", "-1", &format!("--format={format}"), id]);
    let parents = show("%P");
    let parents = parents.split_whitespace().map(|it| json!({ "sha": it }));
    let parents: Vec<Value> = parents.collect();
    let members = |value: Value| value.as_object().unwrap().clone();
    (
        members(json!({ "sha": id, "parents": parents })),
        members(json!({ "message": show("%B"), "tree": { "sha": show("%T") } })),
    )
}
