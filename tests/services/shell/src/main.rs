//! A shell and the usual file tools in one static program: what an image built from nothing needs so that a Dockerfile can
//! run commands in it.
//!
//! `shell NAME [ARGUMENT…]` runs a tool; so does a link to the program that is called NAME. The tools are listed by `shell`
//! alone. The language is a subset of POSIX:
//!
//! - words: `'…'`, `"…"`, backslashes; `$NAME $1 $@ $* $# $? $$ $- $0`; `${NAME}`, `${#NAME}`, `:- := :? :+` with and without
//!   the colon, `# ## % %%`; `$(command)`; `$((1 + 2))` with `+ - * / %`, comparisons and parentheses; splitting at IFS; file
//!   name patterns.
//! - commands: `;` `&&` `||` `!` `|` `( )` `{ }` `if` `for` `while` `until` `case`, functions, assignments, comments.
//! - redirections of the descriptors 0, 1 and 2: `<` `>` `>|` `>>` `>&` `<&` `<<` `<<-`.
//! - options: `-e -f -u -x` and `-o pipefail`.
//!
//! Not supported, and refused as a syntax error: background commands, backquotes, `<>`. Absent: job control, aliases, tilde
//! expansion, `trap`, `getopts`, `local`, and whatever only interactive use needs. Differences that follow from how it works: a
//! subshell is a thread, not a process, and `umask` concerns all of them; a script is read whole before its first command is
//! run; names and values are UTF-8, and other bytes in the output of a command are replaced.

mod applets;
mod arith;
mod ast;
mod builtins;
mod command;
mod exec;
mod expand;
mod parse;
mod pattern;
mod printf;
mod redirection;
mod sh;
mod state;
mod system;
mod test_command;
#[cfg(test)]
mod testing;
mod word;

use std::env;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use applets::Call;
use state::{Io, reason};

fn main() -> ExitCode {
    match Io::inherited() {
        Ok(io) => ExitCode::from(run(&io)),
        Err(error) => {
            let _ = writeln!(
                io::stderr(),
                "shell: standard descriptors: {}",
                reason(&error)
            );
            ExitCode::from(2)
        }
    }
}

fn run(io: &Io) -> u8 {
    let mut arguments = Vec::new();
    for argument in env::args_os() {
        match argument.into_string() {
            Ok(argument) => arguments.push(argument),
            Err(argument) => {
                io.complain(&format!("shell: {}: not UTF-8", argument.display()));
                return 2;
            }
        }
    }
    // Variables that are not UTF-8 are left out: no script could name their value.
    let environment: Vec<(String, String)> = env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    let cwd = env::current_dir().unwrap_or_else(|_| PathBuf::from("/"));

    // A login shell is called `-sh`.
    let called_as = arguments
        .first()
        .and_then(|path| Path::new(path).file_name()?.to_str());
    let called_as = called_as
        .map(|name| name.trim_start_matches('-').to_owned())
        .unwrap_or_default();
    let skip = if applets::find(&called_as).is_some() {
        0
    } else {
        1
    };
    let Some((name, arguments)) = arguments.get(skip..).and_then(<[String]>::split_first) else {
        return usage(io);
    };
    let name = if skip == 0 { &called_as } else { name };
    match applets::find(name) {
        Some(applet) => {
            let call = Call {
                name,
                arguments,
                cwd: &cwd,
                io,
                environment: &environment,
                nested: false,
            };
            applets::run(applet, &call)
        }
        None if name == "--help" => usage(io),
        None => {
            io.complain(&format!(
                "shell: no tool is called `{name}`; `shell` lists them"
            ));
            127
        }
    }
}

fn usage(io: &Io) -> u8 {
    let tools: Vec<&str> = applets::ALL.iter().map(|(name, _)| *name).collect();
    let builtins: Vec<&str> = builtins::ALL.iter().map(|(name, _)| *name).collect();
    let text = format!(
        "Usage: shell TOOL [ARGUMENT...]\n       shell sh -c 'SCRIPT' | shell sh FILE\n\n\
         Tools: {}\n\nAlso in scripts: {} exec\n",
        tools.join(" "),
        builtins.join(" "),
    );
    u8::from((&*io.stdout).write_all(text.as_bytes()).is_err())
}
