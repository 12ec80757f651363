//! Help of the commands about what brings images to environments, and says whose they are.

use super::help;

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
