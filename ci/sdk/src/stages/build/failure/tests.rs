//! Tests of what errors of the API become.

use super::*;
use crate::error::Failure;

fn domain(extensions: serde_json::Value) -> UserError {
    let field = serde_json::json!({"message": "exit code: 3", "extensions": extensions});
    of_dagger(DaggerError::Query(GraphQLError::DomainError {
        message: "exit code: 3".into(),
        fields: vec![serde_json::from_value(field).unwrap()],
    }))
}

fn exit(error: UserError) -> Exit {
    Failure::of(&error.into()).exit()
}

#[test]
fn the_exit_code_tells_failed_work_from_a_broken_dockerfile_and_from_the_engine() {
    let failed = serde_json::json!({"_type": "EXEC_ERROR", "cmd": ["false"], "exitCode": 3, "stdout": "", "stderr": ""});
    assert_eq!(exit(domain(failed)), Exit::Failed);
    assert_eq!(exit(domain(serde_json::Value::Null)), Exit::Failed);
    let broken = serde_json::json!({"_type": "DOCKERFILE_ERROR"});
    assert_eq!(exit(domain(broken)), Exit::Usage);
    let silent = DaggerError::Query(GraphQLError::HttpError("refused".into()));
    assert_eq!(exit(of_dagger(silent)), Exit::Infrastructure);
}

/// E12. A program that finds its disk full has failed as programs do.
#[test]
fn a_full_disk_is_nobodys_fault() {
    let message = "write /cache/file: No space left on device (os error 28)";
    let full = |extensions| {
        let field = serde_json::json!({"message": message, "extensions": extensions});
        exit(of_dagger(DaggerError::Query(GraphQLError::DomainError {
            message: message.into(),
            fields: vec![serde_json::from_value(field).unwrap()],
        })))
    };
    assert_eq!(full(serde_json::Value::Null), Exit::Infrastructure);
    let failed = serde_json::json!({"_type": "EXEC_ERROR", "cmd": ["cp"], "exitCode": 1, "stdout": "", "stderr": ""});
    assert_eq!(full(failed), Exit::Failed);
}

/// E12. The engine knows the limit, but not where it was set.
#[test]
fn an_execution_that_ran_into_a_limit_is_told_where_limits_are() {
    let message =
        "exit code: 137 (killed: out of memory, the limit is 512 MiB; raise `limits.memory`)";
    let field = serde_json::json!({"message": message, "extensions": {"_type": "EXEC_ERROR", "cmd": ["cc"], "exitCode": 137, "stdout": "", "stderr": ""}});
    let error = of_dagger(DaggerError::Query(GraphQLError::DomainError {
        message: message.into(),
        fields: vec![serde_json::from_value(field).unwrap()],
    }));
    let failure = Failure::of(&error.into());
    assert_eq!(
        (failure.exit(), failure.message.as_str()),
        (Exit::Failed, message)
    );
    assert_eq!(
        failure.hints,
        ["limits are in [limits] of service.toml, and for all services in pipeline.toml"]
    );
}

#[test]
fn a_shared_error_keeps_exit_code_and_hint_and_says_its_message_once() {
    let error = UserError::new(Exit::Machine, "no cargo").hint("install it");
    let shared = Shared::from(error);
    let report = eyre::Report::from(shared.clone()).wrap_err("cannot build web");
    let failure = Failure::of(&report);
    assert_eq!(failure.exit(), Exit::Machine);
    assert_eq!(failure.message, "cannot build web");
    assert_eq!(failure.causes, ["no cargo"]);
    assert_eq!(failure.hints, ["install it"]);
    assert_eq!(shared.root(), "no cargo");
}
