//! `sort`, `uniq`, `cut` and `tr`. Characters are bytes and the order is that of bytes, whatever the locale.

use std::cmp::Ordering;
use std::io::{Read, Write};
use std::iter;

use super::{Call, Ended, Failure, lines};

/// `sort [-nru] [FILE…]`
pub(super) fn sort(call: &Call<'_>) -> Ended {
    let arguments = call.arguments("nru")?;
    let text = call.all_contents(arguments.operands)?;
    let mut sorted: Vec<&[u8]> = lines(&text).collect();
    let compare = |a: &&[u8], b: &&[u8]| match arguments.has('n') {
        true => number(a).total_cmp(&number(b)),
        false => a.cmp(b),
    };
    // Lines with the same key stand in the order of their bytes, unless one of them is to be left out.
    let last_resort = |a: &&[u8], b: &&[u8]| {
        if arguments.has('u') {
            Ordering::Equal
        } else {
            a.cmp(b)
        }
    };
    sorted.sort_by(|a, b| {
        let order = compare(a, b).then_with(|| last_resort(a, b));
        if arguments.has('r') {
            order.reverse()
        } else {
            order
        }
    });
    if arguments.has('u') {
        sorted.dedup_by(|a, b| compare(a, b).is_eq());
    }
    write_lines(call, sorted)
}

/// The number a line begins with; 0 if there is none.
fn number(line: &[u8]) -> f64 {
    let text = String::from_utf8_lossy(line);
    let text = text.trim_start_matches([' ', '\t']);
    let sign = usize::from(text.starts_with('-'));
    let length = text[sign..]
        .find(|c: char| !(c.is_ascii_digit() || c == '.'))
        .map_or(text.len(), |at| at + sign);
    text[..length].parse().unwrap_or(0.0)
}

/// `uniq [-cdu] [FILE]`
pub(super) fn uniq(call: &Call<'_>) -> Ended {
    let arguments = call.arguments("cdu")?;
    if arguments.operands.len() > 1 {
        return Err(Failure::Usage("an output file is not supported".to_owned()));
    }
    let text = call.all_contents(arguments.operands)?;
    let mut runs: Vec<(&[u8], usize)> = Vec::new();
    for line in lines(&text) {
        match runs.last_mut() {
            Some((same, count)) if *same == line => *count += 1,
            _ => runs.push((line, 1)),
        }
    }
    let mut out = call.output();
    for (line, count) in runs {
        if (arguments.has('d') && count == 1) || (arguments.has('u') && count > 1) {
            continue;
        }
        if arguments.has('c') {
            write!(out, "{count:7} ")?;
        }
        out.write_all(line)?;
        out.write_all(b"\n")?;
    }
    out.flush()?;
    Ok(0)
}

/// `cut -f LIST [-d CHARACTER] [-s] [FILE…]` or `cut -c LIST [FILE…]`
pub(super) fn cut(call: &Call<'_>) -> Ended {
    let arguments = call.arguments("c:d:f:s")?;
    let (list, fields) = match (arguments.value('f'), arguments.value('c')) {
        (Some(list), None) => (list, true),
        (None, Some(list)) => (list, false),
        _ => return Err(Failure::Usage("needs either -f LIST or -c LIST".to_owned())),
    };
    let ranges = list.split(',').map(range).collect::<Option<Vec<_>>>();
    let ranges = ranges
        .ok_or_else(|| Failure::Usage(format!("`{list}` is not a list of numbers and ranges")))?;
    let wanted = |index: usize| {
        ranges
            .iter()
            .any(|(low, high)| (*low..=*high).contains(&(index + 1)))
    };
    let delimiter = match arguments.value('d').unwrap_or("\t").as_bytes() {
        [byte] => *byte,
        _ => return Err(Failure::Usage("the delimiter must be one byte".to_owned())),
    };
    let text = call.all_contents(arguments.operands)?;
    let cut = lines(&text).filter_map(|line| {
        if !fields {
            return Some(
                line.iter()
                    .enumerate()
                    .filter(|(i, _)| wanted(*i))
                    .map(|(_, byte)| *byte)
                    .collect(),
            );
        }
        if !line.contains(&delimiter) {
            return (!arguments.has('s')).then(|| line.to_vec());
        }
        let parts = line.split(|byte| *byte == delimiter).enumerate();
        let parts: Vec<&[u8]> = parts
            .filter(|(i, _)| wanted(*i))
            .map(|(_, part)| part)
            .collect();
        Some(parts.join(&delimiter))
    });
    write_lines(call, cut)
}

/// `3`, `2-4`, `-2` or `5-`, counted from 1.
fn range(text: &str) -> Option<(usize, usize)> {
    let bound = |text: &str, open: usize| match text {
        "" => Some(open),
        text => text.parse().ok().filter(|number| *number > 0),
    };
    match text.split_once('-') {
        None => text
            .parse()
            .ok()
            .filter(|number| *number > 0)
            .map(|number| (number, number)),
        Some(("", "")) => None,
        Some((low, high)) => Some((bound(low, 1)?, bound(high, usize::MAX)?)),
    }
}

/// `tr [-cds] SET [SET]`
pub(super) fn tr(call: &Call<'_>) -> Ended {
    let arguments = call.arguments("cds")?;
    let sets: Vec<Vec<u8>> = arguments
        .operands
        .iter()
        .map(|text| set(text))
        .collect::<Result<_, _>>()?;
    let (mut from, to) = match sets.as_slice() {
        [from] if arguments.has('d') || arguments.has('s') => (from.clone(), None),
        [from, to] if !to.is_empty() && !arguments.has('d') => (from.clone(), Some(to)),
        _ => {
            return Err(Failure::Usage(
                "needs two sets, or one with -d or -s".to_owned(),
            ));
        }
    };
    if arguments.has('c') {
        from = (0..=u8::MAX).filter(|byte| !from.contains(byte)).collect();
    }
    let mut map: [u8; 256] = std::array::from_fn(|byte| byte as u8);
    if let Some(to) = to {
        // A short second set goes on with its last character.
        for (byte, image) in from
            .iter()
            .zip(to.iter().chain(iter::repeat(&to[to.len() - 1])))
        {
            map[usize::from(*byte)] = *image;
        }
    }
    let squeezed = to.unwrap_or(&from);
    let mut text = Vec::new();
    call.input("-")?.read_to_end(&mut text)?;
    let mut result: Vec<u8> = Vec::with_capacity(text.len());
    for byte in text {
        if arguments.has('d') && from.contains(&byte) {
            continue;
        }
        let image = map[usize::from(byte)];
        if !(arguments.has('s') && result.last() == Some(&image) && squeezed.contains(&image)) {
            result.push(image);
        }
    }
    let mut out = call.output();
    out.write_all(&result)?;
    out.flush()?;
    Ok(0)
}

/// The bytes of a set such as `a-z`, `\n` or `[:upper:]`.
fn set(text: &str) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        if let Some((class, after)) = text_class(rest) {
            bytes.extend((0..=u8::MAX).filter(class));
            rest = after;
            continue;
        }
        let (low, after) = match (first, tail) {
            (b'\\', [escaped, after @ ..]) => (unescape(*escaped), after),
            _ => (*first, tail),
        };
        match after {
            [b'-', high, after @ ..] => {
                if *high < low {
                    return Err(Failure::Usage(format!("`{text}`: a range runs backwards")));
                }
                bytes.extend(low..=*high);
                rest = after;
            }
            _ => {
                bytes.push(low);
                rest = after;
            }
        }
    }
    Ok(bytes)
}

type Class = fn(&u8) -> bool;

/// The class that `text` begins with, and what follows.
fn text_class(text: &[u8]) -> Option<(Class, &[u8])> {
    let classes: [(&[u8], Class); 6] = [
        (b"[:alnum:]", u8::is_ascii_alphanumeric),
        (b"[:alpha:]", u8::is_ascii_alphabetic),
        (b"[:digit:]", u8::is_ascii_digit),
        (b"[:lower:]", u8::is_ascii_lowercase),
        (b"[:space:]", |byte| {
            byte.is_ascii_whitespace() || *byte == 0x0b
        }),
        (b"[:upper:]", u8::is_ascii_uppercase),
    ];
    classes
        .into_iter()
        .find_map(|(name, class)| Some((class, text.strip_prefix(name)?)))
}

const fn unescape(byte: u8) -> u8 {
    match byte {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'0' => 0,
        other => other,
    }
}

fn write_lines(call: &Call<'_>, lines: impl IntoIterator<Item = impl AsRef<[u8]>>) -> Ended {
    let mut out = call.output();
    for line in lines {
        out.write_all(line.as_ref())?;
        out.write_all(b"\n")?;
    }
    out.flush()?;
    Ok(0)
}
