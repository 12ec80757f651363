//! `basename`, `dirname`, `env`, `id`, `sha256sum` and `sleep`.

use std::fs;
use std::io::{Read, Write};
use std::thread;
use std::time::Duration;

use super::{Call, Ended, Failure, lines};
use crate::state::{Flow, Shell, Variable};

/// `basename PATH [SUFFIX]`
pub(super) fn basename(call: &Call<'_>) -> Ended {
    let (path, suffix) = match call.arguments("")?.operands {
        [path] => (path, ""),
        [path, suffix] => (path, suffix.as_str()),
        _ => {
            return Err(Failure::Usage(
                "needs a path and perhaps a suffix".to_owned(),
            ));
        }
    };
    let trimmed = path.trim_end_matches('/');
    let name = match trimmed.rsplit_once('/') {
        _ if trimmed.is_empty() && !path.is_empty() => "/",
        Some((_, name)) => name,
        None => trimmed,
    };
    print(
        call,
        name.strip_suffix(suffix)
            .filter(|rest| !rest.is_empty())
            .unwrap_or(name),
    )
}

/// `dirname PATH`
pub(super) fn dirname(call: &Call<'_>) -> Ended {
    let arguments = call.arguments("")?;
    let [path] = call.exactly::<1>(arguments.operands)?;
    let dir = match path.trim_end_matches('/').rsplit_once('/') {
        Some((dir, _)) => dir.trim_end_matches('/'),
        None if path.starts_with('/') => "",
        None => ".",
    };
    print(call, if dir.is_empty() { "/" } else { dir })
}

fn print(call: &Call<'_>, line: &str) -> Ended {
    let mut out = call.output();
    writeln!(out, "{line}")?;
    out.flush()?;
    Ok(0)
}

/// `env [-i] [NAME=VALUE…] [COMMAND [ARGUMENT…]]`
pub(super) fn env(call: &Call<'_>) -> Ended {
    let arguments = call.arguments("i")?;
    let inherited = if arguments.has('i') {
        &[]
    } else {
        call.environment
    };
    let mut shell = Shell::new(
        call.name,
        call.io.clone(),
        call.cwd.to_owned(),
        inherited.iter().cloned(),
    );
    shell.subshell = true;
    if !inherited.iter().any(|(name, _)| name == "PWD") {
        shell.variables.remove("PWD");
    }
    let mut rest = arguments.operands;
    while let [first, tail @ ..] = rest
        && let Some((name, value)) = first.split_once('=')
    {
        shell.variables.insert(
            name.to_owned(),
            Variable {
                value: value.to_owned(),
                exported: true,
            },
        );
        rest = tail;
    }
    if let [command, arguments @ ..] = rest {
        return match shell.call_command(command, arguments) {
            Ok(status) | Err(Flow::Exit(status) | Flow::Return(status)) => Ok(status),
            Err(Flow::Break(_) | Flow::Continue(_)) => Ok(0),
        };
    }
    let mut out = call.output();
    for (name, value) in shell.environment() {
        writeln!(out, "{name}={value}")?;
    }
    out.flush()?;
    Ok(0)
}

/// `id [-u | -g | -G]`: the effective ids, as the kernel tells them in /proc.
pub(super) fn id(call: &Call<'_>) -> Ended {
    let arguments = call.arguments("ugG")?;
    let unreadable = |error: &std::io::Error| super::about("/proc/self/status", error);
    let status = fs::read_to_string("/proc/self/status").map_err(|error| unreadable(&error))?;
    let numbers = |key: &str| -> Vec<String> {
        let line = status.lines().find_map(|line| line.strip_prefix(key));
        line.unwrap_or_default()
            .split_whitespace()
            .map(str::to_owned)
            .collect()
    };
    // Real, effective, saved and file system id.
    let effective = |key| numbers(key).get(1).cloned().unwrap_or_default();
    let (user, group) = (effective("Uid:"), effective("Gid:"));
    let mut groups = vec![group.clone()];
    groups.extend(
        numbers("Groups:")
            .into_iter()
            .filter(|other| *other != group),
    );
    match (arguments.has('u'), arguments.has('g'), arguments.has('G')) {
        (true, ..) => print(call, &user),
        (_, true, _) => print(call, &group),
        (.., true) => print(call, &groups.join(" ")),
        _ => print(
            call,
            &format!("uid={user} gid={group} groups={}", groups.join(",")),
        ),
    }
}

/// `sha256sum [FILE…]`, or `sha256sum -c [FILE…]` to check such lists.
pub(super) fn sha256sum(call: &Call<'_>) -> Ended {
    let arguments = call.arguments("cs")?;
    if arguments.has('c') {
        return check(call, arguments.operands, arguments.has('s'));
    }
    let stdin = ["-".to_owned()];
    call.each(
        if arguments.operands.is_empty() {
            &stdin
        } else {
            arguments.operands
        },
        |name| {
            let mut out = call.output();
            writeln!(out, "{}  {name}", digest(call, name)?)?;
            Ok(out.flush()?)
        },
    )
}

fn digest(call: &Call<'_>, name: &str) -> Result<String, Failure> {
    let mut input = call.input(name)?;
    let mut hasher = sha256::Hasher::new();
    let mut buffer = vec![0; 64 << 10];
    loop {
        match input
            .read(&mut buffer)
            .map_err(|error| super::about(name, &error))?
        {
            0 => return Ok(hasher.finish()),
            length => hasher.update(&buffer[..length]),
        }
    }
}

/// Reports each file of the lists; 1 if one of them is not what it was.
fn check(call: &Call<'_>, lists: &[String], quiet: bool) -> Ended {
    let text = call.all_contents(lists)?;
    let mut out = call.output();
    let mut status = 0;
    let mut checked = false;
    for line in lines(&text) {
        let line = String::from_utf8_lossy(line);
        let Some((expected, name)) = line
            .split_once("  ")
            .filter(|(digest, _)| digest.len() == 64)
        else {
            return Err(Failure::Other(format!(
                "`{line}` is not a checksum and a file"
            )));
        };
        checked = true;
        let actual = digest(call, name);
        if let Err(Failure::Other(message)) = &actual {
            call.complain(message);
        }
        let good = actual.is_ok_and(|actual| actual == expected);
        status |= u8::from(!good);
        if !quiet {
            writeln!(out, "{name}: {}", if good { "OK" } else { "FAILED" })?;
        }
    }
    out.flush()?;
    if checked {
        Ok(status)
    } else {
        Err(Failure::Other("no checksums found".to_owned()))
    }
}

/// `sleep SECONDS`, which may have a fraction.
pub(super) fn sleep(call: &Call<'_>) -> Ended {
    let arguments = call.arguments("")?;
    let [text] = call.exactly::<1>(arguments.operands)?;
    let duration = text
        .parse()
        .ok()
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    thread::sleep(
        duration.ok_or_else(|| Failure::Usage(format!("`{text}` is not a number of seconds")))?,
    );
    Ok(0)
}
