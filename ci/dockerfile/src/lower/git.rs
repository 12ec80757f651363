//! Git repositories as sources of ADD: which texts name one, and what they say of it. Nothing is fetched here.

use crate::graph::Git;

/// What a git source says, if the text is one.
///
/// A text is one by its scheme, by the form `user@host:path`, or as an HTTP address whose path ends in `.git`. Behind `?` follow options, or
/// behind `#` the reference and, after a colon, the directory.
pub(super) fn parse(text: &str) -> Result<Option<Git>, String> {
    let (address, fragment) = text.split_once('#').unwrap_or((text, ""));
    let scheme = address.split_once("://").map(|(scheme, _)| scheme);
    let (remote, query) = match scheme {
        Some(_) => address.split_once('?').unwrap_or((address, "")),
        None => (address, ""),
    };
    let is_git = match scheme {
        Some("git" | "ssh") => true,
        Some("http" | "https") => remote.ends_with(".git"),
        Some(_) => false,
        None => is_scp(remote),
    };
    if !is_git {
        return Ok(None);
    }
    let (reference, subdir) = fragment.split_once(':').unwrap_or((fragment, ""));
    let given = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let mut git = Git {
        remote: remote.to_owned(),
        reference: given(reference),
        subdir: given(subdir),
        checksum: None,
        keep_git_dir: None,
        submodules: true,
    };
    options(query, &mut git)?;
    if let Some(subdir) = &mut git.subdir {
        if subdir.split('/').any(|part| part == "..") {
            return Err(format!(
                "the directory {subdir:?} leads out of the repository"
            ));
        }
        *subdir = subdir.trim_start_matches('/').to_owned();
    }
    git.subdir = git.subdir.filter(|subdir| !subdir.is_empty());
    let is_option = |text: &str| text.starts_with('-');
    if is_option(remote) || git.reference.as_deref().is_some_and(is_option) {
        return Err(format!("{text:?} would be read as an option by git"));
    }
    Ok(Some(git))
}

/// What stands behind the `?` of an address: `name=value`, joined by `&`, each once.
fn options(query: &str, git: &mut Git) -> Result<(), String> {
    let mut seen = Vec::new();
    for option in query.split('&').filter(|option| !option.is_empty()) {
        let (name, value) = option.split_once('=').unwrap_or((option, ""));
        let value = percent_encoding::percent_decode_str(&value.replace('+', " "))
            .decode_utf8()
            .map_err(|_| format!("the value of {name} in the address is no text"))?
            .into_owned();
        if seen.contains(&name) {
            return Err(format!("{name} stands twice in the address"));
        }
        seen.push(name);
        let is_switch = matches!(name, "keep-git-dir" | "submodules");
        if value.is_empty() && !is_switch {
            return Err(format!("{name} in the address has no value"));
        }
        match name {
            "ref" => once(&mut git.reference, name, value)?,
            "tag" => once(&mut git.reference, name, below("refs/tags/", value))?,
            "branch" => once(&mut git.reference, name, below("refs/heads/", value))?,
            "subdir" => once(&mut git.subdir, name, value)?,
            "checksum" | "commit" => once(&mut git.checksum, name, commit(&value)?)?,
            "keep-git-dir" => git.keep_git_dir = Some(switch(name, &value)?),
            "submodules" => git.submodules = switch(name, &value)?,
            _ => {
                let known = "ref, tag, branch, subdir, checksum, keep-git-dir, submodules";
                return Err(format!("a git address has no {name:?}: it has {known}"));
            }
        }
    }
    Ok(())
}

/// A reference under its full name.
fn below(namespace: &str, name: String) -> String {
    if name.starts_with(namespace) {
        name
    } else {
        namespace.to_owned() + &name
    }
}

/// The name of a commit, or its beginning.
pub(super) fn commit(text: &str) -> Result<String, String> {
    let is_hex = text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_hex && (7..=64).contains(&text.len()) {
        Ok(text.to_owned())
    } else {
        Err(format!("{text:?} is no commit"))
    }
}

/// Sets what may be said in several ways, if they agree.
fn once(known: &mut Option<String>, name: &str, value: String) -> Result<(), String> {
    match known {
        Some(known) if *known != value => Err(format!(
            "{name} in the address is {value:?}, but it also says {known:?}"
        )),
        _ => {
            *known = Some(value);
            Ok(())
        }
    }
}

/// A switch without a value is on.
fn switch(name: &str, value: &str) -> Result<bool, String> {
    match value {
        "" | "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        _ => Err(format!(
            "{name} in the address is true or false, not {value:?}"
        )),
    }
}

/// `user@host:path`.
fn is_scp(text: &str) -> bool {
    let word = |text: &str, more: &str| {
        !text.is_empty()
            && text
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || more.contains(c))
    };
    let parts = text
        .split_once('@')
        .and_then(|(user, rest)| Some((user, rest.split_once(':')?.0)));
    parts.is_some_and(|(user, host)| word(user, "-_") && word(host, "-."))
}
