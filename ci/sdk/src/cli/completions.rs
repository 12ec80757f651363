//! `completions`: a script that completes commands and options in a shell.

use clap_complete::Shell;

use super::Answer;

/// Print a completion script for a shell
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Completions {
    /// The shell
    shell: Shell,
}

const EXAMPLES: &str = "\
Examples:
  {bin} completions bash > ~/.local/share/bash-completion/completions/{bin}
  {bin} completions zsh > ~/.zfunc/_{bin}
  {bin} completions fish > ~/.config/fish/completions/{bin}.fish";

pub(crate) fn run(args: &Completions, mut command: clap::Command, bin: &str) -> Answer {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, bin, &mut script);
    String::from_utf8_lossy(&script).into_owned().into()
}
