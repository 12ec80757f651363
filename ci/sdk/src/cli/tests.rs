//! Tests of `cli`: what it promises. The help of commands is in files of their own.

mod delivery;
mod machine;
mod making;

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
