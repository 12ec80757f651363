//! Help of the commands about what makes images and looks at them.

use super::help;

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
