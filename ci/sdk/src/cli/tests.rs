//! Tests of `cli`: what it promises.

use super::*;

/// The help of a command as `pipeline help …` prints it, without the global options that all of them repeat.
fn help(path: &[&str]) -> String {
    let help = whole_help(path);
    let (before, after) = help.split_once("Global options:").unwrap();
    let after = after.split_once("\n\nExamples:").unwrap().1;
    format!("{before}Examples:{after}")
}

fn whole_help(path: &[&str]) -> String {
    let mut command = command([], "pipeline");
    command.build();
    let mut found = &mut command;
    for name in path {
        found = found.find_subcommand_mut(name).unwrap();
    }
    found.render_long_help().to_string()
}

#[test]
fn the_command_line_is_consistent() {
    command([], "pipeline").debug_assert();
}

#[test]
fn help_of_the_program() {
    insta::assert_snapshot!(whole_help(&[]), @r"
    Build, test and deliver the services of this repository

    Services are described in pipeline.toml and in a service.toml beside each of them. The same images
    come out on a laptop and in CI, byte for byte.

    Usage: pipeline [OPTIONS] <COMMAND>

    Commands:
      build        Build services into OCI images
      test         Test services: their own checks, then the contract of the built image
      lock         Pin the images that Dockerfiles stand on
      plan         Say what a build would do, and which base images moved since the last one
      push         Bring what was built to its registry
      sbom         Say what is in images: packages, versions and licences
      sign         Sign what was pushed, and say where it is from
      verify       Verify who signed images, and what else the signer says of them
      policy       Write the policy that lets only signed images in
      promote      Pin what was pushed in an environment, by a pull request or a commit
      rollback     Pin what an environment pinned before, by a pull request or a commit
      status       Say what environments pin, since when, and whether that is what runs
      gate         Check that every image of manifests is pinned, exists and is signed
      affected     Say which services a change touches, and why
      version      Say which version this is, and why
      keys         Make keys to sign with
      login        Check credentials for a registry and store them
      logout       Remove the stored credentials for a registry
      doctor       Say what this machine can do, and how to get what it lacks
      cache        Show, prune or verify the cache
      completions  Print a completion script for a shell
      schema       Print the JSON schema of a catalog file
      help         Print this message or the help of the given subcommand(s)

    Options:
      -h, --help
              Print help (see a summary with '-h')

      -V, --version
              Print version

    Global options:
      -C, --directory <DIR>
              Look for pipeline.toml in DIR and above it, instead of the current folder

          --progress <HOW>
              How to show progress, on standard error: auto (the default), tty, plain, quiet or json

          --color <WHEN>
              When to use colours: auto (the default), always or never; NO_COLOR is respected

          --engine <ENGINE>
              What runs the steps: embedded, dagger or auto (the default: a Dagger session in the
              environment, else embedded)

      -j, --jobs <N>
              How many steps run at once [default: the number of processors]

    Examples:
      pipeline build             build every default service
      pipeline test web          build web and hold it to its contract
      pipeline push              bring what was built to its registry
      pipeline lock              pin the images that Dockerfiles stand on
      pipeline doctor            see what this machine can do
      pipeline help build        more on a command

    Environment:
      PIPELINE_REGISTRY_MIRRORS
                             where to pull from first: docker.io=mirror.example.com/dockerhub,…
      PIPELINE_PLAIN_HTTP    registries without TLS: 127.0.0.1:5000,…
      SSL_CERT_FILE          certificate authorities to trust
      PIPELINE_CACHE_DIR     where the cache is [default: $XDG_CACHE_HOME/pipeline, ~/.cache/pipeline]
      PIPELINE_CACHE_LIMIT   size the cache is kept below [default: 20GB]
      PIPELINE_LOG           log what the program itself does: debug, or ci_engine=trace,info
      SOURCE_DATE_EPOCH      the time images carry [default: that of the commit]
      DAGGER_SESSION_PORT, DAGGER_SESSION_TOKEN
                             the Dagger session to use, as `dagger run` sets them
      NO_COLOR               no colours, whatever the terminal can do

    Exit codes:
        0  done
        1  the work failed: a step, a check or a contract
        2  wrong use, or a broken catalog or Dockerfile
        3  this machine lacks something: `pipeline doctor` says what
        4  infrastructure: nothing you wrote is at fault, trying again may help
      130  interrupted
    ");
}

#[test]
fn help_of_build() {
    insta::assert_snapshot!(help(&["build"]), @r"
    Build services into OCI images

    Images, their layout and the release record (release.json) are written to .pipeline in the checkout.
    Nothing is pushed.

    Usage: pipeline build [OPTIONS] [SERVICE]...

    Arguments:
      [SERVICE]...
              Services, with those coupled to them; none means the default ones

    Options:
          --env <NAME>
              Name images as this environment of pipeline.toml does

          --platform <OS/ARCH>
              Build for these platforms instead of those in service.toml

          --affected[=<REF>]
              Of these services, only those that changes since REF touch; `help affected` says more

          --locked
              Build on nothing but the images of pipeline.lock, and stop if it is not up to date

          --reuse
              Do not build what its registry has already, made of the same inputs. Asks registries, so
              it is for CI

          --no-cache
              Run every step anew; what comes out is still cached

          --output <FORMAT>
              How to print the result, on standard output: human (the default) or json

      -h, --help
              Print help (see a summary with '-h')

    Examples:
      pipeline build                            every default service
      pipeline build web worker                 these two, and what is coupled with them
      pipeline build --env production           with the tags of an environment
      pipeline build --affected --reuse         in CI: only what a change touches and no registry has
      pipeline build web --output json | jq .   the release record, for scripts
    ");
}

#[test]
fn help_of_promote() {
    insta::assert_snapshot!(help(&["promote"]), @r"
    Pin what was pushed in an environment, by a pull request or a commit

    Digests of the release record (.pipeline/release.json), or those that another environment pins, are
    written to the places that `[environments.NAME.deploy]` of pipeline.toml declares: a pull request
    for each release unit, updated when repeated, or a commit on the branch. Nothing is built. What the
    environment's policy asks for is checked first; what is older than what is pinned is refused.

    Usage: pipeline promote [OPTIONS] --env <NAME> [SERVICE]...

    Arguments:
      [SERVICE]...
              Services, with those coupled to them; none means all that there are

    Options:
          --env <NAME>
              The environment of pipeline.toml that gets them; `--to` means the same

          --from <NAME>
              Take what this environment pins, not what was built [default: what `from` of its
              deployments says]

          --dry-run
              Say what would change, and why it would be refused; write nothing

          --force
              Let an older commit, or one that cannot be compared, take the place of what is pinned

          --reopen
              Propose again what people declined: a pull request that was closed without being merged

          --output <FORMAT>
              How to print the result, on standard output: human (the default) or json

      -h, --help
              Print help (see a summary with '-h')

    Examples:
      pipeline promote --env staging --dry-run                what would change, line by line
      pipeline promote --env staging                          everything that was pushed
      pipeline promote web --from staging --to production     the digest that staging runs
      pipeline promote --env staging --output json            pull requests and commits

    Credentials: PIPELINE_DEPLOY_TOKEN; else PIPELINE_DEPLOY_APP_ID and PIPELINE_DEPLOY_APP_KEY of a
    GitHub App (the key in PEM, or a file with it); else, on the job's own server, GITHUB_TOKEN.
    Without a token, commits are pushed as git is configured.
    ");
}

#[test]
fn help_of_rollback() {
    insta::assert_snapshot!(help(&["rollback"]), @r"
    Pin what an environment pinned before, by a pull request or a commit

    What was pinned is known from the history of the deployments repository. A release unit goes back as
    a whole, and nothing of the database does: a unit with migrations says so. An image that is no
    longer in its registry, or not signed as the environment asks for, is refused, and so is a rollback
    of what is not pinned any more.

    Usage: pipeline rollback [OPTIONS] --env <NAME>

    Options:
          --env <NAME>
              The environment of pipeline.toml

          --service <SERVICE>
              Services, with those coupled to them; none means all that were promoted more than once

          --to <REF|DIGEST>
              Go back to this digest or commit, of the source or the deployments repository; 7
              characters are enough [default: the one before]

          --of <REF|DIGEST>
              What is to be taken back: refused if something else, such as a newer promotion, is pinned
              by now

          --dry-run
              Say what would change; write nothing

          --reopen
              Propose again what people declined: a pull request that was closed without being merged

          --output <FORMAT>
              How to print the result, on standard output: human (the default) or json

      -h, --help
              Print help (see a summary with '-h')

    Examples:
      pipeline rollback --env production --dry-run            what would come back
      pipeline rollback --env production --service web        what production had before
      pipeline rollback --env production --service web --to $(git rev-parse HEAD~2)

    Credentials are those of `pipeline promote`.
    ");
}

#[test]
fn help_of_sbom() {
    insta::assert_snapshot!(help(&["sbom"]), @r"
    Say what is in images: packages, versions and licences

    Reads the images of the release record (.pipeline/release.json), or one of a registry: the package
    databases of Debian, Alpine and RPM, what npm and pip installed, the modules that programs of Go and
    Rust were compiled from. Documents depend on nothing but the image: the same image, the same bytes.

    Usage: pipeline sbom [OPTIONS] [SERVICE]...

    Arguments:
      [SERVICE]...
              Services; none means all that were built

    Options:
          --image <REF>
              Instead, an image of a registry

          --format <FORMAT>
              Form: human (the default), spdx (SPDX 2.3, JSON) or cyclonedx (CycloneDX 1.6, JSON)

          --platform <OS/ARCH>
              Only of these platforms

          --output-dir <DIR>
              Write documents to files of this folder instead of standard output:
              SERVICE.OS-ARCH.spdx.json

      -h, --help
              Print help (see a summary with '-h')

    Examples:
      pipeline sbom web                                    a table
      pipeline sbom web --format spdx > web.spdx.json
      pipeline sbom --format cyclonedx --output-dir sboms   everything, for every platform
      pipeline sbom --image debian:12-slim --platform linux/amd64
    ");
}

#[test]
fn help_of_test() {
    insta::assert_snapshot!(help(&["test"]), @r"
    Test services: their own checks, then the contract of the built image

    The checks of service.toml run first, in parallel; JUnit files go to .pipeline/reports. Then the
    image is started with its minimal environment: it must come alive and ready, answer on its declared
    endpoints, and stop within its grace period when asked to. The results are also in
    .pipeline/reports/summary.json.

    Usage: pipeline test [OPTIONS] [SERVICE]...

    Arguments:
      [SERVICE]...
              Services, with those coupled to them; none means the default ones

    Options:
          --env <NAME>
              Name images as this environment of pipeline.toml does

          --platform <OS/ARCH>
              Build for these platforms instead of those in service.toml

          --affected[=<REF>]
              Of these services, only those that changes since REF touch; `help affected` says more

          --locked
              Build on nothing but the images of pipeline.lock, and stop if it is not up to date

          --reuse
              Do not build what its registry has already, made of the same inputs. Asks registries, so
              it is for CI

          --no-cache
              Run every step anew; what comes out is still cached

          --output <FORMAT>
              How to print the result, on standard output: human (the default) or json

          --checks-only
              Only the checks of service.toml; no image is started

          --contract-only
              Only the contract

      -h, --help
              Print help (see a summary with '-h')

    Examples:
      pipeline test                             every default service
      pipeline test web --contract-only         does the image start, answer and stop?
      pipeline test --checks-only -j 8          unit tests and linters, eight at a time
      pipeline test --progress plain            with everything the checks print
    ");
}

#[test]
fn help_of_lock() {
    insta::assert_snapshot!(help(&["lock"]), @r"
    Pin the images that Dockerfiles stand on

    Asks the registries for the digest of every image that FROM, COPY --from and RUN --mount=from name,
    and writes them to pipeline.lock beside pipeline.toml. Builds then use exactly these, also when a
    tag is moved, until they are locked anew. Commit the file. Images that are written with a digest
    need no entry.

    Usage: pipeline lock [OPTIONS] [SERVICE]...

    Arguments:
      [SERVICE]...
              Services whose images are looked up; none means all. What others stand on stays as it is

    Options:
          --check
              Write nothing; exit with 1 if the file would change

          --output <FORMAT>
              How to print the result, on standard output: human (the default) or json

      -h, --help
              Print help (see a summary with '-h')

    Examples:
      pipeline lock                  look up every base, write pipeline.lock
      pipeline lock web              only what web stands on
      pipeline lock --check          has a tag been moved? for a scheduled job
      pipeline build --locked        in CI: only what is locked, and nothing stale
    ");
}

#[test]
fn help_of_plan() {
    insta::assert_snapshot!(help(&["plan"]), @r"
    Say what a build would do, and which base images moved since the last one

    Nothing is built, pulled or written. Registries are asked only for what the tags of base images mean
    now.

    Usage: pipeline plan [OPTIONS] [SERVICE]...

    Arguments:
      [SERVICE]...
              Services, with those coupled to them; none means the default ones

    Options:
          --env <NAME>
              Name images as this environment of pipeline.toml does

          --platform <OS/ARCH>
              Build for these platforms instead of those in service.toml

          --affected[=<REF>]
              Of these services, only those that changes since REF touch; `help affected` says more

          --offline
              Ask no registry

          --output <FORMAT>
              How to print the result, on standard output: human (the default) or json

      -h, --help
              Print help (see a summary with '-h')

    Examples:
      pipeline plan                             what `build` would do
      pipeline plan web --env production        with the tag it would have
      pipeline plan --output json | jq .bases   for scripts
    ");
}

#[test]
fn help_of_status() {
    insta::assert_snapshot!(help(&["status"]), @r"
    Say what environments pin, since when, and whether that is what runs

    Reads the deployments repository of each environment. Where pipeline.toml declares addresses, every
    instance is asked: its /readyz has to answer with success, and its /version has to report the pinned
    digest and commit, over HTTPS. Exits with 1 if an instance does not run what is pinned, and with
    --wait also if one could not be asked.

    Usage: pipeline status [OPTIONS] [SERVICE]...

    Arguments:
      [SERVICE]...
              Services, with those coupled to them; none means all

    Options:
          --env <NAME>
              Only this environment of pipeline.toml [default: all that have deployments]

          --wait
              Wait until every instance of every service runs what is pinned

          --timeout <TIME>
              With --wait: give up after this long, and show the last answers: 90s, 10m, 1h [default:
              5m]

          --output <FORMAT>
              How to print the result, on standard output: human (the default) or json

      -h, --help
              Print help (see a summary with '-h')

    Examples:
      pipeline status                                        every environment
      pipeline status web --env production                   one service there
      pipeline status --env staging --wait --timeout 10m     in CI, once a promotion is merged
      pipeline status --output json | jq .environments       for scripts
    ");
}

#[test]
fn help_of_gate() {
    insta::assert_snapshot!(help(&["gate"]), @r"
    Check that every image of manifests is pinned, exists and is signed

    For the checks of a deployments repository; a pipeline.toml is not needed. A PATH is a file of
    manifests, a Compose file, an .env file (IMAGE and …_IMAGE; it also sets the variables of Compose
    files), or a folder: an overlay is rendered by kustomize or kubectl, of another folder the files in
    it are read. Images in containers, image volumes and the fields of custom resources count. What runs
    no image fails: nothing would have been checked.

    Usage: pipeline gate [OPTIONS] [PATH]...

    Arguments:
      [PATH]...
              Files and folders; - or none is standard input

    Options:
          --env <NAME>
              Check what this environment's places in pipeline.toml hold, in the files of this checkout

          --except <TEXT>
              Leave out an image or an object, as the table shows it: one that is no image, or not yours
              to pin

          --identity <URL>
              Who has to have signed, exactly [default: `[signing]` of pipeline.toml]

          --issuer <URL>
              With --identity: who vouches for it [default: GitHub, for the jobs of its Actions]

          --key <FILE>
              The public key that images have to be signed with, instead

          --trusted-root <FILE>
              Trust this Sigstore, without asking anybody: a trusted_root.json, of a private one or
              saved

          --no-signatures
              Ask for no signatures: only whether images are pinned and exist

          --unsigned <REPOSITORY>
              Ask for no signature of this repository's images, and of those below it: somebody else's

          --output <FORMAT>
              How to print the result, on standard output: human (the default) or json

      -h, --help
              Print help (see a summary with '-h')

    Examples:
      pipeline gate overlays/production                   an overlay, rendered
      kustomize build overlays/production | pipeline gate
      pipeline gate --env production                      the places that pipeline.toml declares
      pipeline gate compose.yaml deploy.env --no-signatures
      pipeline gate overlays/* --unsigned docker.io       others sign what is theirs
    ");
}

#[test]
fn help_of_affected() {
    insta::assert_snapshot!(help(&["affected"]), @r"
    Say which services a change touches, and why

    Compares what is checked out, uncommitted changes included, with the commit where its branch began,
    and finds the services whose images may be different: because of a file that they read, a lock file,
    a package or an image they are built on, or the catalog. What cannot be told counts as yes, with a
    warning; so does everything where the history is cut off.

    Usage: pipeline affected [OPTIONS]

    Options:
          --since <REF>
              Compare with this branch, tag or commit [default: in a GitHub job, what it is for; else
              the default branch of origin]

          --files <FILE>
              Take these files as changed, one per line, relative to the folder of pipeline.toml; -
              reads standard input

          --output <FORMAT>
              How to print the result, on standard output: human (the default), json or names (one per
              line)

      -h, --help
              Print help (see a summary with '-h')

    Examples:
      pipeline affected                            what this branch touches, and why
      pipeline affected --since v1.4.2             since a release
      pipeline build --affected                    build just these
      git diff --name-only | pipeline affected --files - --output names
    ");
}

#[test]
fn help_of_version() {
    insta::assert_snapshot!(help(&["version"]), @r"
    Say which version this is, and why

    The version of a git tag at the commit, such as v1.4.2; else the one that follows the last release,
    from the commits since then in the form of Conventional Commits: feat raises the second number, fix,
    perf and revert the third, and what breaks the first. This is the {version} of tags and build
    arguments. In a shallow clone nothing is guessed.

    Usage: pipeline version [OPTIONS]

    Options:
          --output <FORMAT>
              How to print the result, on standard output: human (the default) or json

      -h, --help
              Print help (see a summary with '-h')

    Examples:
      pipeline version                                  the version, and the commits that ask for it
      pipeline version --output json | jq -r .version   for scripts
    ");
}

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
fn help_of_verify() {
    insta::assert_snapshot!(help(&["verify"]), @r#"
    Verify who signed images, and what else the signer says of them

    An image is signed if the signer that pipeline.toml names, or the command line, signed its digest:
    word for word this identity or this key, in a transparency log, at a time when the certificate was
    valid. Both forms of signatures count, whoever attached them.

    Verifiers look in different places and want different things. `--as` says what one of them would
    find and make of it, `--matrix` what all would. Without a pipeline.toml, the signer is named with
    `--identity` or `--key`.

    Usage: pipeline verify [OPTIONS] <IMAGE>...

    Arguments:
      <IMAGE>...
              Images; the digest that a tag has now is what is verified

    Options:
          --as <VERIFIER>
              Say what this verifier finds, and whether it is content: cosign2, cosign3, kyverno or
              policy-controller

          --matrix
              Say what every verifier finds, and whether it is content

          --attestation <TYPE>
              Ask for an attestation of this type, too, by the same signer:
              https://slsa.dev/provenance/v1

          --identity <URL>
              Who has to have signed, exactly [default: `[signing]` of pipeline.toml]

          --issuer <URL>
              With --identity: who vouches for it [default: GitHub, for the jobs of its Actions]

          --key <FILE>
              The public key that images have to be signed with, instead

          --trusted-root <FILE>
              Trust this Sigstore, without asking anybody: a trusted_root.json, of a private one or
              saved

          --repository <URL>
              The repository that has to have been built: https://github.com/OWNER/REPOSITORY

          --ref <REF>
              The reference that has to have been built: refs/heads/main

          --commit <SHA>
              The commit that has to have been built, in full

          --workflow <URL>
              The workflow that has to have been started, where the signer is one that it calls

          --output <FORMAT>
              How to print the result, on standard output: human (the default) or json

      -h, --help
              Print help (see a summary with '-h')

    Examples:
      pipeline verify ghcr.io/acme/web:1.4.2            signed by whom pipeline.toml names?
      pipeline verify --matrix ghcr.io/acme/web:1.4.2   what would cosign and Kyverno make of it?
      pipeline verify --commit "$(git rev-parse HEAD)" ghcr.io/acme/web:1.4.2
      pipeline verify --attestation https://slsa.dev/provenance/v1 ghcr.io/acme/web:1.4.2
      pipeline verify --key cosign.pub ghcr.io/acme/web:1.4.2
    "#);
}

#[test]
fn help_of_policy() {
    insta::assert_snapshot!(help(&["policy"]), @r"
    Write the policy that lets only signed images in

    For the repositories of this catalog and the signer of `[signing]` in pipeline.toml, to standard
    output. Kyverno and policy-controller are told by objects in the cluster; Argo CD verifies no image,
    so there it is a workflow for the deployments repository.

    Usage: pipeline policy [OPTIONS] <COMMAND>

    Commands:
      kyverno            For Kyverno 1.19: an ImageValidatingPolicy
      policy-controller  For Sigstore's policy-controller 0.15: ClusterImagePolicies
      argocd             For Argo CD: a workflow with `gate` for the deployments repository
      help               Print this message or the help of the given subcommand(s)

    Options:
      -h, --help
              Print help (see a summary with '-h')

    Examples:
      pipeline policy kyverno > policy.yaml
      pipeline policy policy-controller --attestation https://slsa.dev/provenance/v1
      pipeline policy argocd overlays/production > gate.yml
    ");
    insta::assert_snapshot!(help(&["policy", "kyverno"]), @r"
    For Kyverno 1.19: an ImageValidatingPolicy

    Usage: pipeline policy kyverno [OPTIONS]

    Options:
          --attestation <TYPE>
              Ask for an attestation of this type, too, by the same signer:
              https://slsa.dev/provenance/v1

          --no-log
              Accept signatures of the key that are in no transparency log, as `sign --no-log` makes
              them

      -h, --help
              Print help

    Examples:
      pipeline policy kyverno > policy.yaml
    ");
    insta::assert_snapshot!(help(&["policy", "argocd"]), @r"
    For Argo CD: a workflow with `gate` for the deployments repository

    It belongs into .github/workflows there, and is to be made a required check. The program is built
    from this project's repository.

    Usage: pipeline policy argocd [OPTIONS] <PATH>...

    Arguments:
      <PATH>...
              What `gate` is to check, as paths in the deployments repository

    Options:
          --branch <NAME>
              The branch that is deployed [default: main]

          --source <REPOSITORY>
              The GitHub repository of this project, OWNER/REPOSITORY [default: that of the signer]

      -h, --help
              Print help (see a summary with '-h')

    Examples:
      pipeline policy argocd overlays/production > gate.yml
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

#[test]
fn every_command_teaches_by_example_under_the_programs_own_name() {
    fn check(command: &clap::Command) {
        for sub in command
            .get_subcommands()
            .filter(|sub| sub.get_name() != "help")
        {
            let text = sub
                .get_after_help()
                .unwrap_or_else(|| panic!("{} has no examples", sub.get_name()))
                .to_string();
            let first = text
                .split_once("Examples:\n")
                .map(|(_, rest)| rest.lines().next());
            // Perhaps with a variable before it.
            let first = first.flatten().unwrap_or_default();
            assert!(first.contains(" deliver "), "{text}");
            check(sub);
        }
    }
    let command = command([], "deliver");
    check(&command);
    assert!(
        !command
            .get_after_long_help()
            .unwrap()
            .to_string()
            .contains("{bin}")
    );
}

#[test]
fn global_options_may_stand_on_either_side_of_the_command() {
    use clap::FromArgMatches;
    for args in [["p", "-j", "3", "doctor"], ["p", "doctor", "-j", "3"]] {
        let matches = command([], "p").try_get_matches_from(args).unwrap();
        assert_eq!(
            Globals::from_arg_matches(&matches)
                .unwrap()
                .setup(false)
                .jobs,
            3
        );
    }
}

#[test]
fn platforms_are_given_one_by_one_or_in_a_list() {
    use clap::Parser;
    let cli = Cli::try_parse_from(["p", "build", "web", "--platform", "linux/amd64,linux/arm64"])
        .unwrap();
    let Command::Build(args) = cli.command else {
        panic!("not a build")
    };
    assert_eq!(args.making.selection.platforms.len(), 2);
    assert!(Cli::try_parse_from(["p", "build", "--platform", "linux/armm64"]).is_err());
}
