//! The source repository: what a shallow checkout does not know, and checks.

use ci_deployments::Relation;
use ci_deployments::github::{Repository, SourceRepository};
use serde_json::json;

use crate::standin::{StandIn, TOKEN};
use crate::world::{github, http};

fn source(github: &StandIn) -> SourceRepository {
    let (address, graphql) = (&github.address, format!("{}/graphql", github.address));
    let repository = Repository::with_interface("acme", "shop", address, &graphql).unwrap();
    SourceRepository::new(&http(1).0, &repository, TOKEN)
}

#[tokio::test]
async fn commits_are_compared_and_listed_newest_first() {
    let github = github();
    let (first, second, third, side) = {
        let state = github.state();
        let git = state.git();
        let first = git.head("main").unwrap();
        let second = git.write("main", &[("a", "2")], "second\n\nbody");
        git.run(&["branch", "side", &first]);
        let side = git.write("side", &[("b", "2")], "side");
        let third = git.write("main", &[("a", "3")], "third");
        (first, second, third, side)
    };
    let source = source(&github);
    let (relation, commits) = source.compare(&first, &third).await.unwrap();
    assert_eq!(relation, Relation::Descendant);
    assert_eq!(commits.total, 2);
    let expected = [
        (third.clone(), "third".to_owned()),
        (second.clone(), "second".to_owned()),
    ];
    assert_eq!(commits.subjects, expected);
    let relation = async |old, new| source.compare(old, new).await.unwrap().0;
    assert_eq!(relation(&third, &second).await, Relation::Ancestor);
    assert_eq!(relation(&third, &side).await, Relation::Diverged);
    // Nobody knows of a commit that is not there.
    assert!(source.compare(&first, &"1".repeat(40)).await.is_err());
    github.check();
}

#[tokio::test]
async fn a_check_is_good_when_all_runs_and_statuses_of_its_name_are() {
    let github = github();
    let source = source(&github);
    let check = async |name| source.check(&"7".repeat(40), name).await.unwrap();
    assert_eq!(check("e2e").await, Err("it did not run".into()));
    let run = |name: &str, conclusion: Option<&str>| {
        let status = if conclusion.is_some() {
            "completed"
        } else {
            "in_progress"
        };
        json!({ "name": name, "status": status, "conclusion": conclusion })
    };
    github.state().check_runs = vec![
        run("e2e", Some("success")),
        run("lint", Some("success")),
        run("lint", Some("timed_out")),
        run("slow", None),
        run("twice", Some("success")),
    ];
    github.state().statuses = vec![
        json!({ "context": "coverage", "state": "success" }),
        json!({ "context": "twice", "state": "pending" }),
    ];
    for (name, expected) in [
        ("e2e", Ok("success")),
        ("lint", Err("timed out")),
        ("slow", Err("in progress")),
        ("coverage", Ok("success")),
        ("twice", Err("pending")),
        ("e2", Err("it did not run")),
    ] {
        let expected = expected.map(str::to_owned).map_err(str::to_owned);
        assert_eq!(check(name).await, expected, "{name}");
    }
    github.check();
}
