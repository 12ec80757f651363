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
