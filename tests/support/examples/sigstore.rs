//! A Sigstore to try things with, until Enter: `cargo run -p test-support --example sigstore`. It prints what a shell needs to use it.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a tool for people who work on the tests"
)]

use test_support::sigstore::{Job, Logs, REQUEST_TOKEN, Sigstore};

fn main() -> Result<(), String> {
    let sigstore = Sigstore::start()?;
    let job = Job::default();
    println!("export TRUSTED_ROOT={}", sigstore.trusted_root().display());
    let config = sigstore.signing_config(Logs::Both);
    println!("export SIGNING_CONFIG={}", config.display());
    println!("export ISSUER={}", sigstore.issuer());
    println!("export IDENTITY={}", job.identity());
    println!(
        "export ACTIONS_ID_TOKEN_REQUEST_URL='{}'",
        sigstore.token_url()
    );
    println!("export ACTIONS_ID_TOKEN_REQUEST_TOKEN={REQUEST_TOKEN}");
    println!("export SIGSTORE_ID_TOKEN={}", sigstore.token(&job));
    std::io::stdin().read_line(&mut String::new()).unwrap();
    Ok(())
}
