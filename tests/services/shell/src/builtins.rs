//! Commands that act on the shell itself, and those that every shell has built in.

use std::fs;
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};

use crate::applets;
use crate::printf;
use crate::state::{Flow, Outcome, Shell, Variable, is_name, reason};
use crate::test_command;

pub(crate) type Builtin = fn(&mut Shell, &[String]) -> Outcome;

/// Every builtin but `exec`, which needs the redirections of its command.
pub(crate) const ALL: [(&str, Builtin); 20] = [
    (".", dot),
    (":", |_, _| Ok(0)),
    ("[", bracket),
    ("break", |shell, arguments| {
        match shell.levels("break", arguments)? {
            0 => Ok(0),
            levels => Err(Flow::Break(levels)),
        }
    }),
    ("cd", cd),
    ("command", command),
    ("continue", |shell, arguments| {
        match shell.levels("continue", arguments)? {
            0 => Ok(0),
            levels => Err(Flow::Continue(levels)),
        }
    }),
    ("echo", echo),
    ("eval", |shell, arguments| {
        shell.source(&arguments.join(" "))
    }),
    ("exit", |shell, arguments| {
        Err(Flow::Exit(shell.status_argument("exit", arguments)?))
    }),
    ("export", export),
    ("printf", printf),
    ("pwd", |shell, _| {
        shell.print(&format!("{}\n", shell.cwd.display()))
    }),
    ("read", read),
    ("return", |shell, arguments| {
        Err(Flow::Return(shell.status_argument("return", arguments)?))
    }),
    ("set", set),
    ("shift", shift),
    ("test", test),
    ("umask", umask),
    ("unset", unset),
];

pub(crate) fn find(name: &str) -> Option<Builtin> {
    ALL.iter()
        .find(|(known, _)| *known == name)
        .map(|(_, builtin)| *builtin)
}

impl Shell {
    /// Wrong arguments: status 2, as the utilities here have it.
    fn wrong(&self, name: &str, message: &str) -> Outcome {
        self.complain(&format!("{name}: {message}"));
        Ok(2)
    }

    /// The argument of `exit` and `return`, of which eight bits count; without one it is `$?`.
    fn status_argument(&self, name: &str, arguments: &[String]) -> Result<u8, Flow> {
        match arguments {
            [] => Ok(self.status),
            [number] => match number.parse::<u32>() {
                Ok(number) => Ok((number & 0xff) as u8),
                Err(_) => Err(self.fatal(&format!("{name}: `{number}` is not a status"))),
            },
            _ => Err(self.fatal(&format!("{name}: too many arguments"))),
        }
    }

    /// How many loops `break` and `continue` concern: no more than there are.
    fn levels(&self, name: &str, arguments: &[String]) -> Result<u32, Flow> {
        let levels = match arguments {
            [] => Some(1),
            [number] => number.parse().ok().filter(|levels| *levels > 0),
            _ => None,
        };
        let levels: u32 =
            levels.ok_or_else(|| self.fatal(&format!("{name}: needs a number of loops")))?;
        Ok(levels.min(self.loops))
    }
}

fn dot(shell: &mut Shell, arguments: &[String]) -> Outcome {
    let [name] = arguments else {
        return shell.wrong(".", "needs a file");
    };
    match fs::read_to_string(shell.path(name)) {
        Ok(source) => match shell.source(&source) {
            Err(Flow::Return(status)) => Ok(status),
            other => other,
        },
        Err(error) => Err(shell.fatal(&format!(".: {name}: {}", reason(&error)))),
    }
}

fn bracket(shell: &mut Shell, arguments: &[String]) -> Outcome {
    match arguments.split_last() {
        Some((last, rest)) if last == "]" => test(shell, rest),
        _ => shell.wrong("[", "`]` is missing"),
    }
}

fn test(shell: &mut Shell, arguments: &[String]) -> Outcome {
    match test_command::evaluate(shell, arguments) {
        Ok(result) => Ok(u8::from(!result)),
        Err(message) => shell.wrong("test", &message),
    }
}

fn cd(shell: &mut Shell, arguments: &[String]) -> Outcome {
    let name = match arguments {
        [] => shell.variable("HOME").unwrap_or("/").to_owned(),
        [dash] if dash == "-" => shell.variable("OLDPWD").unwrap_or("/").to_owned(),
        [name] => name.clone(),
        _ => return shell.wrong("cd", "too many arguments"),
    };
    let target = logical(&shell.path(&name));
    match fs::read_dir(&target) {
        // Listing may be forbidden where entering is not.
        Err(error) if !(error.kind() == io::ErrorKind::PermissionDenied && target.is_dir()) => {
            shell.complain(&format!("cd: {name}: {}", reason(&error)));
            return Ok(1);
        }
        _ => {}
    }
    let before = std::mem::replace(&mut shell.cwd, target);
    shell.set_variable("OLDPWD", &before.display().to_string());
    let now = shell.cwd.display().to_string();
    shell.set_variable("PWD", &now);
    if arguments.first().is_some_and(|argument| argument == "-") {
        shell.print(&format!("{now}\n"))
    } else {
        Ok(0)
    }
}

/// A path without `.` and `..`, where `..` undoes the name before it, as `cd -L` does.
fn logical(path: &Path) -> PathBuf {
    let mut result = PathBuf::from("/");
    for component in path.components() {
        match component {
            Component::Normal(name) => result.push(name),
            Component::ParentDir => drop(result.pop()),
            Component::RootDir | Component::CurDir | Component::Prefix(_) => {}
        }
    }
    result
}

/// `command [-v] NAME [ARGUMENT…]`: not the function of that name.
fn command(shell: &mut Shell, arguments: &[String]) -> Outcome {
    match arguments {
        [option, name] if option == "-v" => {
            if shell.functions.contains_key(name)
                || find(name).is_some()
                || applets::find(name).is_some()
            {
                return shell.print(&format!("{name}\n"));
            }
            match shell.locate(name).filter(|path| path.exists()) {
                Some(path) => shell.print(&format!("{}\n", path.display())),
                None => Ok(127),
            }
        }
        [name, rest @ ..] if !name.starts_with('-') => shell.call_command(name, rest),
        _ => shell.wrong("command", "needs a name, or -v and a name"),
    }
}

/// Only `-n` is an option, and backslashes are ordinary: what goes beyond that is for `printf`.
fn echo(shell: &mut Shell, arguments: &[String]) -> Outcome {
    match arguments {
        [option, rest @ ..] if option == "-n" => shell.print(&rest.join(" ")),
        all => shell.print(&format!("{}\n", all.join(" "))),
    }
}

fn printf(shell: &mut Shell, arguments: &[String]) -> Outcome {
    let [format, rest @ ..] = arguments else {
        return shell.wrong("printf", "needs a format");
    };
    match printf::format(format, rest) {
        Ok(text) => shell.print(&text),
        Err(message) => shell.wrong("printf", &message),
    }
}

fn export(shell: &mut Shell, arguments: &[String]) -> Outcome {
    if arguments.is_empty() || arguments == ["-p"] {
        let lines = shell.environment().into_iter().map(|(name, value)| {
            let value = value.replace('\'', r"'\''");
            format!("export {name}='{value}'\n")
        });
        return shell.print(&lines.collect::<String>());
    }
    for argument in arguments {
        let (name, value) = match argument.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (argument.as_str(), None),
        };
        if !is_name(name) {
            return shell.wrong("export", &format!("`{name}` is not a name"));
        }
        let value = value.or(shell.variable(name)).map(str::to_owned);
        if let Some(value) = value {
            shell.variables.insert(
                name.to_owned(),
                Variable {
                    value,
                    exported: true,
                },
            );
        }
    }
    Ok(0)
}

fn unset(shell: &mut Shell, arguments: &[String]) -> Outcome {
    let (functions, names) = match arguments {
        [option, names @ ..] if option == "-f" => (true, names),
        [option, names @ ..] if option == "-v" => (false, names),
        names => (false, names),
    };
    for name in names {
        if functions {
            shell.functions.remove(name);
        } else {
            shell.variables.remove(name);
        }
    }
    Ok(0)
}

/// `set [-+efux] [-+o NAME] [--] [ARGUMENT…]`
fn set(shell: &mut Shell, arguments: &[String]) -> Outcome {
    let mut rest = arguments.iter();
    while let Some(argument) = rest.as_slice().first() {
        let on = argument.starts_with('-');
        if argument == "--" {
            rest.next();
            shell.positional = rest.as_slice().to_vec();
            return Ok(0);
        }
        let Some(letters) = argument
            .strip_prefix(['-', '+'])
            .filter(|letters| !letters.is_empty())
        else {
            break;
        };
        rest.next();
        for letter in letters.chars() {
            let name = match letter {
                'o' => rest.next().cloned().unwrap_or_default(),
                letter => letter.to_string(),
            };
            match shell.options.slot(&name) {
                Some(option) => *option = on,
                None => return Err(shell.fatal(&format!("set: option `{name}` is not supported"))),
            }
        }
    }
    if !rest.as_slice().is_empty() {
        shell.positional = rest.as_slice().to_vec();
    }
    Ok(0)
}

fn shift(shell: &mut Shell, arguments: &[String]) -> Outcome {
    let count = match arguments {
        [] => Some(1),
        [number] => number.parse().ok(),
        _ => None,
    };
    match count.filter(|count| *count <= shell.positional.len()) {
        Some(count) => {
            shell.positional.drain(..count);
            Ok(0)
        }
        None => Err(shell.fatal("shift: needs a number of arguments that there are")),
    }
}

/// `read [-r] NAME…`: one line of standard input, cut at the characters of IFS. Status 1 at the end of the input.
fn read(shell: &mut Shell, arguments: &[String]) -> Outcome {
    let (raw, names) = match arguments {
        [option, names @ ..] if option == "-r" => (true, names),
        names => (false, names),
    };
    if names.is_empty() || !names.iter().all(|name| is_name(name)) {
        return shell.wrong("read", "needs names of variables");
    }
    let (line, complete) = match read_line(&*shell.io.stdin, raw) {
        Ok(line) => line,
        Err(error) => return shell.wrong("read", &reason(&error)),
    };
    let separators = shell.variable("IFS").unwrap_or(" \t\n").to_owned();
    let blank = |c: char| matches!(c, ' ' | '\t' | '\n') && separators.contains(c);
    let mut rest = line.trim_start_matches(blank);
    for (i, name) in names.iter().enumerate() {
        let mut value = rest;
        if i + 1 < names.len() {
            let end = rest.find(|c| separators.contains(c)).unwrap_or(rest.len());
            value = &rest[..end];
            // One separator with the blanks around it.
            rest = rest[end..].trim_start_matches(blank);
            let separator = rest
                .chars()
                .next()
                .filter(|c| separators.contains(*c) && !blank(*c));
            rest = rest[separator.map_or(0, char::len_utf8)..].trim_start_matches(blank);
        } else {
            value = value.trim_end_matches(blank);
        }
        shell.set_variable(name, value);
    }
    Ok(u8::from(!complete))
}

/// Reads to the end of the line, byte by byte: what follows is for the next command. Whether there was an end.
fn read_line(mut input: impl Read, raw: bool) -> io::Result<(String, bool)> {
    let mut line = Vec::new();
    let mut escaped = false;
    let complete = loop {
        let mut byte = [0];
        if input.read(&mut byte)? == 0 {
            break false;
        }
        match byte[0] {
            b'\n' if escaped => {}
            b'\n' => break true,
            b'\\' if !raw && !escaped => {
                escaped = true;
                continue;
            }
            0 => {}
            other => line.push(other),
        }
        escaped = false;
    };
    Ok((String::from_utf8_lossy(&line).into_owned(), complete))
}

/// `umask [OCTAL]`. The mask belongs to the process, so that a change in a subshell outlives it.
fn umask(shell: &mut Shell, arguments: &[String]) -> Outcome {
    match arguments {
        [] => {
            // It cannot be read without being set.
            let mask = crate::system::umask(0o077);
            crate::system::umask(mask);
            shell.print(&format!("{mask:04o}\n"))
        }
        [mask] => match u32::from_str_radix(mask, 8) {
            Ok(mask) if mask <= 0o777 => {
                crate::system::umask(mask);
                Ok(0)
            }
            _ => shell.wrong("umask", &format!("`{mask}` is not an octal mask")),
        },
        _ => shell.wrong("umask", "too many arguments"),
    }
}
