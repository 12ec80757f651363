//! The command `sh`: its options, and where the script comes from.

use std::fs;
use std::io::Read;

use crate::applets::{Call, Ended, Failure, about};
use crate::state::Shell;

/// `sh [-efux] [-o NAME] [-c SCRIPT [NAME [ARGUMENT…]] | FILE [ARGUMENT…] | -s [ARGUMENT…]]`
///
/// Without a script or a file, and with `-s`, the script is all of standard input.
pub(crate) fn sh(call: &Call<'_>) -> Ended {
    let mut shell = Shell::new(
        "sh",
        call.io.clone(),
        call.cwd.to_owned(),
        call.environment.iter().cloned(),
    );
    shell.subshell = call.nested;
    let mut rest = call.arguments.iter();
    let (mut from_argument, mut from_input) = (false, false);
    while let Some(cluster) = rest
        .as_slice()
        .first()
        .and_then(|first| first.strip_prefix('-'))
    {
        rest.next();
        if cluster.is_empty() || cluster == "-" {
            break;
        }
        for letter in cluster.chars() {
            match letter {
                'c' => from_argument = true,
                's' => from_input = true,
                letter => {
                    let name = match letter {
                        'o' => rest.next().cloned().unwrap_or_default(),
                        letter => letter.to_string(),
                    };
                    let option = shell.options.slot(&name);
                    *option.ok_or_else(|| {
                        Failure::Usage(format!("option `{name}` is not supported"))
                    })? = true;
                }
            }
        }
    }
    let script = if from_argument {
        rest.next()
            .cloned()
            .ok_or_else(|| Failure::Usage("-c needs a script".to_owned()))?
    } else if let (false, Some(file)) = (from_input, rest.as_slice().first()) {
        fs::read_to_string(call.path(file)).map_err(|error| about(file, &error))?
    } else {
        let mut text = String::new();
        (&*call.io.stdin).read_to_string(&mut text)?;
        text
    };
    if !from_input && let Some(name) = rest.next() {
        shell.name.clone_from(name);
    }
    shell.positional = rest.as_slice().to_vec();
    Ok(shell.run_script(&script))
}
