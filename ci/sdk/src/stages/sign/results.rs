//! How the tests of an image ended, as an in-toto test result.

use serde_json::{Value, json};

use super::job::Job;
use super::provenance;
use crate::stages::record::Record;
use crate::stages::test::Results;

/// The predicate about an image of the record.
pub(crate) fn predicate(record: &Record, results: &Results, job: Option<&Job>) -> Value {
    let result = if results.failed.is_empty() {
        "PASSED"
    } else {
        "FAILED"
    };
    let mut predicate = json!({
        "result": result,
        // The catalog, the checks and what they test are all in the commit.
        "configuration": [provenance::commit(&record.source, job)],
        "passedTests": results.passed,
        "failedTests": results.failed,
    });
    if let Some(job) = job {
        let url = format!("{}/actions/runs/{}", job.address(), job.run);
        predicate["url"] = json!(url);
    }
    predicate
}
