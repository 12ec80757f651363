//! The builtins `test` and `[`. What an expression means depends on the number of its arguments, as POSIX has it, so that
//! operands that look like operators are safe. `-a`, `-o` and parentheses are obsolete there and refused here: use `&&`, `||`.

use std::cmp::Ordering;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::IsTerminal;
use std::os::unix::fs::{FileTypeExt, MetadataExt};

use crate::state::Shell;

/// Whether the expression holds.
pub(crate) fn evaluate(shell: &Shell, arguments: &[String]) -> Result<bool, String> {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        [] => Ok(false),
        [text] => Ok(!text.is_empty()),
        ["!", text] => Ok(text.is_empty()),
        [operator, operand] => unary(shell, operator, operand),
        [left, operator, right] if is_binary(operator) => binary(shell, left, operator, right),
        ["!", rest @ ..] if rest.len() <= 3 => Ok(!evaluate(
            shell,
            &rest
                .iter()
                .map(|word| (*word).to_owned())
                .collect::<Vec<_>>(),
        )?),
        [_, operator, _] => Err(format!("`{operator}` is not a binary operator")),
        _ => Err("too many arguments (join tests with && and ||)".to_owned()),
    }
}

fn unary(shell: &Shell, operator: &str, operand: &str) -> Result<bool, String> {
    let path = shell.path(operand);
    let file = |property: fn(&Metadata) -> bool| {
        fs::metadata(&path).is_ok_and(|file| !operand.is_empty() && property(&file))
    };
    Ok(match operator {
        "-n" => !operand.is_empty(),
        "-z" => operand.is_empty(),
        "-b" => file(|file| file.file_type().is_block_device()),
        "-c" => file(|file| file.file_type().is_char_device()),
        "-d" => file(Metadata::is_dir),
        "-e" => file(|_| true),
        "-f" => file(Metadata::is_file),
        "-g" => file(|file| file.mode() & 0o2000 != 0),
        "-h" | "-L" => path.is_symlink(),
        "-k" => file(|file| file.mode() & 0o1000 != 0),
        "-p" => file(|file| file.file_type().is_fifo()),
        "-s" => file(|file| file.len() > 0),
        "-S" => file(|file| file.file_type().is_socket()),
        "-u" => file(|file| file.mode() & 0o4000 != 0),
        // The system is asked by trying, except for what cannot be tried without an effect.
        "-r" => file(|_| true) && File::open(&path).is_ok(),
        "-w" if file(Metadata::is_file) => OpenOptions::new().write(true).open(&path).is_ok(),
        "-w" => file(|file| file.mode() & 0o222 != 0),
        "-x" => file(|file| file.mode() & 0o111 != 0),
        "-t" => match operand {
            "0" => shell.io.stdin.is_terminal(),
            "1" => shell.io.stdout.is_terminal(),
            "2" => shell.io.stderr.is_terminal(),
            _ => false,
        },
        _ => return Err(format!("`{operator}` is not an operator")),
    })
}

fn is_binary(operator: &str) -> bool {
    matches!(
        operator,
        "=" | "!=" | "-eq" | "-ne" | "-lt" | "-le" | "-gt" | "-ge" | "-ef" | "-nt" | "-ot"
    )
}

fn binary(shell: &Shell, left: &str, operator: &str, right: &str) -> Result<bool, String> {
    let numbers = || Ok::<Ordering, String>(integer(left)?.cmp(&integer(right)?));
    let file = |name: &str| fs::metadata(shell.path(name)).ok();
    let newer = |a: &str, b: &str| match (file(a), file(b)) {
        (Some(a), Some(b)) => (a.mtime(), a.mtime_nsec()) > (b.mtime(), b.mtime_nsec()),
        (a, b) => a.is_some() && b.is_none(),
    };
    Ok(match operator {
        "=" => left == right,
        "!=" => left != right,
        "-eq" => numbers()?.is_eq(),
        "-ne" => numbers()?.is_ne(),
        "-lt" => numbers()?.is_lt(),
        "-le" => numbers()?.is_le(),
        "-gt" => numbers()?.is_gt(),
        "-ge" => numbers()?.is_ge(),
        "-nt" => newer(left, right),
        "-ot" => newer(right, left),
        _ => file(left)
            .zip(file(right))
            .is_some_and(|(a, b)| (a.dev(), a.ino()) == (b.dev(), b.ino())),
    })
}

fn integer(text: &str) -> Result<i64, String> {
    text.trim()
        .parse()
        .map_err(|_| format!("`{text}` is not an integer"))
}
