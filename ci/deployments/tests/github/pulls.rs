//! Pull requests of the stand-in.

use serde_json::{Value, json};

use super::DESCRIPTION;
use super::description::Operation;
use super::standin::{Answered, State};

#[derive(Clone, Default)]
pub(crate) struct Pull {
    pub(crate) number: u64,
    pub(crate) title: String,
    pub(crate) body: String,
    pub(crate) branch: String,
    pub(crate) is_open: bool,
    pub(crate) is_merged: bool,
    pub(crate) is_draft: bool,
    pub(crate) is_fork: bool,
    pub(crate) labels: Vec<String>,
    pub(crate) reviewers: Vec<String>,
    pub(crate) teams: Vec<String>,
    pub(crate) reviews: usize,
    pub(crate) comments: Vec<String>,
    pub(crate) auto_merge: Option<String>,
    pub(crate) head: String,
    pub(crate) login: String,
}

impl Pull {
    fn json(&self) -> Value {
        let name = |it: &String| json!({ "name": it });
        let login = |it: &String| json!({ "login": it });
        let repository = if self.is_fork {
            "mallory/deployments"
        } else {
            "acme/deployments"
        };
        json!({
            "number": self.number,
            "node_id": format!("PR_{}", self.number),
            "html_url": format!("https://github.com/acme/deployments/pull/{}", self.number),
            "title": self.title,
            // GitHub gives back what browsers send.
            "body": self.body.replace('\n', "\r\n"),
            "state": if self.is_open { "open" } else { "closed" },
            "draft": self.is_draft,
            "merged_at": self.is_merged.then_some("2026-01-03T03:04:05Z"),
            "user": { "login": self.login },
            "head": { "ref": self.branch, "sha": self.head, "repo": { "full_name": repository } },
            "labels": self.labels.iter().map(name).collect::<Vec<_>>(),
            "requested_reviewers": self.reviewers.iter().map(login).collect::<Vec<_>>(),
            "requested_teams": self.teams.iter().map(|it| json!({ "name": it })).collect::<Vec<_>>(),
            "auto_merge": self.auto_merge.as_ref().map(|_| json!({})),
        })
    }
}

fn strings(value: &Value) -> Vec<String> {
    let items = value.as_array().into_iter().flatten();
    items.map(|it| it.as_str().unwrap().to_owned()).collect()
}

fn unprocessable(error: Value) -> Answered {
    (
        422,
        json!({ "message": "Validation Failed", "errors": [error] }),
    )
}

pub(crate) fn perform(
    state: &mut State,
    operation: &Operation,
    rest: &str,
    query: &[(String, String)],
    body: &Value,
) -> Answered {
    let asked = |name: &str| {
        query
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    };
    let text = |name: &str| body[name].as_str().map(str::to_owned);
    if rest == "/pulls" && operation.method == "get" {
        let size: usize = asked("per_page").unwrap_or("30").parse().unwrap();
        let page: usize = asked("page").unwrap_or("1").parse().unwrap();
        let mut pulls: Vec<&Pull> = state
            .pulls
            .iter()
            .filter(|pull| match asked("state") {
                Some("all") => true,
                Some("closed") => !pull.is_open,
                _ => pull.is_open,
            })
            .filter(|pull| asked("head").is_none_or(|it| it == format!("acme:{}", pull.branch)))
            .collect();
        pulls.reverse();
        state.has_next = pulls.len() > size * page;
        let pulls = pulls.into_iter().skip(size * (page - 1)).take(size);
        return (200, pulls.map(Pull::json).collect());
    }
    if rest == "/pulls" {
        return open(state, body);
    }
    let number = operation
        .values
        .iter()
        .find(|(name, _)| name.ends_with("_number"))
        .unwrap();
    let number: u64 = number.1.parse().unwrap();
    let git = state.git.take().unwrap();
    let pull = state
        .pulls
        .iter_mut()
        .find(|it| it.number == number)
        .unwrap();
    let answered = match rest.rsplit_once('/').unwrap().1 {
        "{pull_number}" => {
            if let Some(title) = text("title") {
                pull.title = title;
            }
            if let Some(body) = text("body") {
                pull.body = body;
            }
            if let Some(state) = text("state") {
                pull.is_open = state == "open";
            }
            (200, pull.json())
        }
        "reviews" => (
            200,
            (0..pull.reviews)
                .map(|_| json!({ "state": "APPROVED" }))
                .collect(),
        ),
        "requested_reviewers" => {
            let people = strings(&body["reviewers"]);
            if people.contains(&pull.login) {
                (
                    422,
                    json!({ "message": "Review cannot be requested from pull request author." }),
                )
            } else {
                pull.reviewers.extend(people);
                pull.teams.extend(strings(&body["team_reviewers"]));
                (201, pull.json())
            }
        }
        "merge" => {
            let head = git.head(&pull.branch).unwrap();
            match text("sha") == Some(head.clone()) {
                true => {
                    git.run(&["update-ref", "refs/heads/main", &head]);
                    (pull.is_open, pull.is_merged) = (false, true);
                    (200, json!({ "sha": head, "message": "merged" }))
                }
                false => (409, json!({ "message": "Head branch was modified." })),
            }
        }
        "labels" => {
            pull.labels.extend(strings(&body["labels"]));
            (200, pull.json()["labels"].clone())
        }
        "comments" => {
            pull.comments.push(text("body").unwrap());
            (201, json!({ "id": 1 }))
        }
        other => panic!("{other}"),
    };
    state.git = Some(git);
    answered
}

fn open(state: &mut State, body: &Value) -> Answered {
    let text = |name: &str| body[name].as_str().unwrap().to_owned();
    let branch = text("head");
    let Some(head) = state.git().head(&branch) else {
        return unprocessable(
            json!({ "resource": "PullRequest", "field": "head", "code": "invalid" }),
        );
    };
    if state
        .open()
        .iter()
        .any(|pull| pull.branch == branch && !pull.is_fork)
    {
        let message = format!("A pull request already exists for acme:{branch}.");
        return unprocessable(
            json!({ "resource": "PullRequest", "code": "custom", "message": message }),
        );
    }
    let base = state.git().head("main").unwrap();
    if state.git().is_ancestor(&head, &base) {
        let message = format!("No commits between main and {branch}");
        return unprocessable(
            json!({ "resource": "PullRequest", "code": "custom", "message": message }),
        );
    }
    let pull = Pull {
        number: state.pulls.len() as u64 + 1,
        title: text("title"),
        body: text("body"),
        branch,
        is_open: true,
        is_draft: body["draft"] == true,
        head,
        login: state.login.clone(),
        ..Pull::default()
    };
    state.pulls.push(pull.clone());
    (201, pull.json())
}

pub(crate) fn graphql(state: &mut State, body: &Value) -> Answered {
    assert_eq!(body["query"], DESCRIPTION["graphql"]);
    if let Some(message) = &state.auto_merge_error {
        return (
            200,
            json!({ "data": { "enablePullRequestAutoMerge": null }, "errors": [{ "type": "UNPROCESSABLE", "message": message }] }),
        );
    }
    let id = body["variables"]["pull"].as_str().unwrap();
    let number: u64 = id.strip_prefix("PR_").unwrap().parse().unwrap();
    let pull = state
        .pulls
        .iter_mut()
        .find(|it| it.number == number)
        .unwrap();
    pull.auto_merge = body["variables"]["method"].as_str().map(str::to_owned);
    (
        200,
        json!({ "data": { "enablePullRequestAutoMerge": { "clientMutationId": null } } }),
    )
}

/// The pull requests that a commit is part of.
pub(crate) fn of_commit(state: &State, commit: &str) -> Answered {
    let git = state.git();
    let has = |pull: &&Pull| {
        git.head(&pull.branch)
            .is_some_and(|head| git.is_ancestor(commit, &head))
    };
    (
        200,
        state.pulls.iter().filter(has).map(Pull::json).collect(),
    )
}

/// Merges a pull request as people do.
pub(crate) fn merge(state: &mut State, number: u64) {
    let at = state
        .pulls
        .iter()
        .position(|it| it.number == number)
        .unwrap();
    let branch = state.pulls[at].branch.clone();
    let git = state.git();
    let (base, head) = (git.head("main").unwrap(), git.head(&branch).unwrap());
    let tree = git.run(&["merge-tree", "--write-tree", &base, &head]);
    let commit = git.commit(&tree, &[&base, &head], "Merge pull request");
    git.run(&["update-ref", "refs/heads/main", &commit]);
    (state.pulls[at].is_open, state.pulls[at].is_merged) = (false, true);
}
