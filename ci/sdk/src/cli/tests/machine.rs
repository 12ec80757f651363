//! Help of the commands about the machine, its credentials and its cache.

use super::help;

#[test]
fn help_of_login() {
    insta::assert_snapshot!(help(&["login"]), @r"
    Check credentials for a registry and store them

    The registry is asked first whether it takes them. They are stored as `docker login` does: with the
    credential helper that Docker's config.json names, else in that file, which only its owner can read
    then. Docker and this program find them there.

    Usage: pipeline login [OPTIONS] <REGISTRY>

    Arguments:
      <REGISTRY>
              Host, and port where there is one: ghcr.io, registry.example.com:5000

    Options:
      -u, --user <USER>
              The user; asked for on a terminal if it is not given

          --password-stdin
              Read the password, or an access token, from standard input instead of asking for it

      -h, --help
              Print help (see a summary with '-h')

    Examples:
      pipeline login registry.example.com                  asks for user and password
      pipeline login ghcr.io -u ada --password-stdin <token
      pipeline logout ghcr.io
    ");
}

#[test]
fn help_of_logout() {
    insta::assert_snapshot!(help(&["logout"]), @r"
    Remove the stored credentials for a registry

    Usage: pipeline logout [OPTIONS] <REGISTRY>

    Arguments:
      <REGISTRY>
              Host, and port where there is one

    Options:
      -h, --help
              Print help

    Examples:
      pipeline logout ghcr.io
    ");
}

#[test]
fn help_of_doctor() {
    insta::assert_snapshot!(help(&["doctor"]), @r#"
    Say what this machine can do, and how to get what it lacks

    Every fact is tried, not guessed. Exits with 3 when something is missing without which nothing can
    be built.

    Usage: pipeline doctor [OPTIONS]

    Options:
          --output <FORMAT>
              How to print the result: human (the default) or json

      -h, --help
              Print help (see a summary with '-h')

    Examples:
      pipeline doctor
      pipeline doctor --output json | jq '.[] | select(.status != "ok")'
    "#);
}

#[test]
fn help_of_cache() {
    insta::assert_snapshot!(help(&["cache"]), @r"
    Show, prune or verify the cache

    The cache is shared by all checkouts and all runs of this user: $PIPELINE_CACHE_DIR, else
    $XDG_CACHE_HOME/pipeline, else ~/.cache/pipeline. Deleting it costs nothing but time.

    Usage: pipeline cache [OPTIONS] <COMMAND>

    Commands:
      size    Show how much space the cache takes, by kind
      prune   Delete what was used least recently, until the limits hold
      verify  Read everything in the cache and check it against its digests
      help    Print this message or the help of the given subcommand(s)

    Options:
      -h, --help
              Print help (see a summary with '-h')

    Examples:
      pipeline cache size
      pipeline cache prune --max-size 5GB --older-than 7d
      pipeline cache verify
    ");
}

#[test]
fn help_of_cache_prune() {
    insta::assert_snapshot!(help(&["cache", "prune"]), @r"
    Delete what was used least recently, until the limits hold

    Without limits, only what nothing refers to is deleted. Running builds are waited for.

    Usage: pipeline cache prune [OPTIONS]

    Options:
          --max-size <SIZE>
              Make the cache no larger than this: 5GB, 500MB, 1.5GiB

          --older-than <AGE>
              Delete what has not been used for this long: 12h, 7d, 4w

          --all
              Delete everything

      -h, --help
              Print help (see a summary with '-h')

    Examples:
      pipeline cache prune                      only what nothing refers to
      pipeline cache prune --older-than 7d      what a week of work did not need
      pipeline cache prune --max-size 5GB       what fits into 5 GB stays
      pipeline cache prune --all                everything; the next build is a cold one
    ");
}

#[test]
fn help_of_cache_verify() {
    insta::assert_snapshot!(help(&["cache", "verify"]), @r"
    Read everything in the cache and check it against its digests

    Exits with 1 when something is damaged.

    Usage: pipeline cache verify [OPTIONS]

    Options:
          --repair
              Delete what is damaged; the next build makes it again

      -h, --help
              Print help (see a summary with '-h')

    Examples:
      pipeline cache verify
      pipeline cache verify --repair    and delete what is damaged
    ");
}

#[test]
fn help_of_completions() {
    insta::assert_snapshot!(help(&["completions"]), @r"
    Print a completion script for a shell

    Usage: pipeline completions [OPTIONS] <SHELL>

    Arguments:
      <SHELL>
              The shell
              
              [possible values: bash, elvish, fish, powershell, zsh]

    Options:
      -h, --help
              Print help

    Examples:
      pipeline completions bash > ~/.local/share/bash-completion/completions/pipeline
      pipeline completions zsh > ~/.zfunc/_pipeline
      pipeline completions fish > ~/.config/fish/completions/pipeline.fish
    ");
}

#[test]
fn help_of_schema() {
    insta::assert_snapshot!(help(&["schema"]), @r"
    Print the JSON schema of a catalog file

    Editors with TOML support use it to complete keys and to mark mistakes while you type.

    Usage: pipeline schema [OPTIONS] <FILE>

    Arguments:
      <FILE>
              Which file: pipeline (pipeline.toml) or service (service.toml)

    Options:
      -h, --help
              Print help (see a summary with '-h')

    Examples:
      pipeline schema service > .pipeline/service.schema.json

    Then, in the first line of service.toml:
      #:schema ../../.pipeline/service.schema.json
    ");
}
