//! `cat`, `head`, `tail`, `tee` and `wc`.

use std::fs::OpenOptions;
use std::io::{self, BufRead, Read, Write};

use super::{Arguments, Call, Ended, Failure, about};

/// `cat [FILE…]`
pub(super) fn cat(call: &Call<'_>) -> Ended {
    let arguments = call.arguments("u")?;
    let stdin = ["-".to_owned()];
    let names = if arguments.operands.is_empty() {
        &stdin
    } else {
        arguments.operands
    };
    call.each(names, |name| {
        let mut out = &*call.io.stdout;
        io::copy(&mut call.input(name)?, &mut out).map_err(|error| match error.kind() {
            io::ErrorKind::BrokenPipe => Failure::BrokenPipe,
            _ => about(name, &error),
        })?;
        Ok(())
    })
}

/// How much `head` and `tail` give: `-n LINES`, `-LINES` or `-c BYTES`.
fn amount(arguments: &Arguments<'_>) -> Result<(u64, bool), Failure> {
    let (text, bytes) = match arguments.value('c') {
        Some(text) => (text, true),
        None => (arguments.value('n').unwrap_or("10"), false),
    };
    let amount = text
        .parse()
        .map_err(|_| Failure::Usage(format!("`{text}` is not a number")))?;
    Ok((amount, bytes))
}

/// `-5`, which is older than POSIX and still everywhere, as `-n 5`.
fn modern(call: &Call<'_>) -> Vec<String> {
    let mut arguments = call.arguments.to_vec();
    if let Some(first) = arguments.first_mut()
        && let Some(number) = first.strip_prefix('-')
        && number.starts_with(|c: char| c.is_ascii_digit())
    {
        *first = format!("-n{number}");
    }
    arguments
}

/// `head [-n LINES | -c BYTES] [FILE]`
pub(super) fn head(call: &Call<'_>) -> Ended {
    let modern = modern(call);
    let call = Call {
        arguments: &modern,
        ..*call
    };
    let arguments = call.arguments("c:n:")?;
    let (amount, bytes) = amount(&arguments)?;
    let mut input = call.input(single(&call, arguments.operands)?)?;
    let mut out = call.output();
    if bytes {
        io::copy(&mut input.take(amount), &mut out)?;
    } else {
        let mut line = Vec::new();
        for _ in 0..amount {
            line.clear();
            if input.read_until(b'\n', &mut line)? == 0 {
                break;
            }
            out.write_all(&line)?;
        }
    }
    out.flush()?;
    Ok(0)
}

/// `tail [-n LINES | -c BYTES] [FILE]`
pub(super) fn tail(call: &Call<'_>) -> Ended {
    let modern = modern(call);
    let call = Call {
        arguments: &modern,
        ..*call
    };
    let arguments = call.arguments("c:n:")?;
    let (amount, bytes) = amount(&arguments)?;
    let amount = usize::try_from(amount).unwrap_or(usize::MAX);
    let text = call.contents(single(&call, arguments.operands)?)?;
    let start = if bytes {
        text.len().saturating_sub(amount)
    } else {
        let starts: Vec<usize> = text
            .split_inclusive(|b| *b == b'\n')
            .scan(0, |at, line| {
                let start = *at;
                *at += line.len();
                Some(start)
            })
            .collect();
        let first = starts.len().saturating_sub(amount);
        starts.get(first).copied().unwrap_or(text.len())
    };
    let mut out = call.output();
    out.write_all(&text[start..])?;
    out.flush()?;
    Ok(0)
}

fn single<'a>(call: &Call<'a>, operands: &'a [String]) -> Result<&'a str, Failure> {
    match operands {
        [] => Ok("-"),
        operands => call.exactly::<1>(operands).map(|[name]| name.as_str()),
    }
}

/// `tee [-a] [FILE…]`
pub(super) fn tee(call: &Call<'_>) -> Ended {
    let arguments = call.arguments("a")?;
    let mut files = Vec::new();
    for name in arguments.operands {
        let mut options = OpenOptions::new();
        let append = arguments.has('a');
        let opened = options
            .create(true)
            .write(true)
            .append(append)
            .truncate(!append)
            .open(call.path(name));
        files.push((name, opened.map_err(|error| about(name, &error))?));
    }
    let mut input = call.input("-")?;
    loop {
        let bytes = input.fill_buf()?;
        if bytes.is_empty() {
            return Ok(0);
        }
        for (name, file) in &mut files {
            file.write_all(bytes).map_err(|error| about(name, &error))?;
        }
        (&*call.io.stdout).write_all(bytes)?;
        let taken = bytes.len();
        input.consume(taken);
    }
}

/// `wc [-clw] [FILE…]`
pub(super) fn wc(call: &Call<'_>) -> Ended {
    let arguments = call.arguments("clw")?;
    let all = !"clw".chars().any(|option| arguments.has(option));
    let stdin = ["-".to_owned()];
    let names = if arguments.operands.is_empty() {
        &stdin
    } else {
        arguments.operands
    };
    let mut out = call.output();
    let mut total = [0; 3];
    let mut write = |counts: [usize; 3], name: &str| -> io::Result<()> {
        let wanted = ['l', 'w', 'c']
            .iter()
            .zip(counts)
            .filter(|(option, _)| all || arguments.has(**option));
        let mut line: Vec<String> = wanted.map(|(_, count)| count.to_string()).collect();
        if !arguments.operands.is_empty() {
            line.push(name.to_owned());
        }
        writeln!(out, "{}", line.join(" "))
    };
    for name in names {
        let text = call.contents(name)?;
        let lines = text.iter().filter(|byte| **byte == b'\n').count();
        let words = text
            .split(u8::is_ascii_whitespace)
            .filter(|word| !word.is_empty())
            .count();
        let counts = [lines, words, text.len()];
        total
            .iter_mut()
            .zip(counts)
            .for_each(|(sum, count)| *sum += count);
        write(counts, name)?;
    }
    if names.len() > 1 {
        write(total, "total")?;
    }
    out.flush()?;
    Ok(0)
}
