//! What is wrong with a [`Spec`] before anything is started: values that the kernel would read as something else.

use std::path::Path;

use crate::failure::Failure;
use crate::spec::{Mount, MountSource, Spec};

/// Longest host name (`__NEW_UTS_LEN` of the kernel).
const MAX_HOSTNAME: usize = 64;

/// Refuses what must not reach the kernel.
pub(crate) fn check(spec: &Spec) -> Result<(), Failure> {
    check_ids(spec)?;
    check_names(spec)?;
    absolute("enter the working directory", &spec.cwd)?;
    for Mount { source, target, .. } in &spec.mounts {
        absolute("mount at", target)?;
        if target.components().count() < 2 {
            return Err(Failure::new("mount at /", "the root is the image's"));
        }
        let MountSource::Bind { path, .. } = source else {
            continue;
        };
        absolute("bind", path)?;
    }
    Ok(())
}

/// 4294967295 is "leave it as it is" to setresuid(2): the command would be root (CVE-2024-40635).
fn check_ids(spec: &Spec) -> Result<(), Failure> {
    let user = &spec.user;
    let owners = spec.mounts.iter().filter_map(|mount| match mount.source {
        MountSource::Bytes { uid, gid, .. } => Some([uid, gid]),
        _ => None,
    });
    let mut ids = [user.uid, user.gid]
        .into_iter()
        .chain(user.groups.iter().copied())
        .chain(owners.flatten());
    match ids.find(|&id| id == u32::MAX) {
        Some(id) => Err(Failure::new(
            format!("use the id {id}"),
            "the highest id is 4294967294",
        )),
        None => Ok(()),
    }
}

fn check_names(spec: &Spec) -> Result<(), Failure> {
    if spec.hostname.is_empty()
        || spec.hostname.len() > MAX_HOSTNAME
        || spec.hostname.contains(char::is_whitespace)
    {
        return Err(Failure::new(
            format!("set the host name {:?}", spec.hostname),
            "it must be one word of at most 64 bytes",
        ));
    }
    if let Some((name, _)) = spec
        .hosts
        .iter()
        .find(|(name, _)| name.is_empty() || name.contains(char::is_whitespace))
    {
        return Err(Failure::new(
            format!("add the host {name:?}"),
            "it must be one word",
        ));
    }
    match spec
        .env
        .iter()
        .find(|(name, _)| name.is_empty() || name.contains(['=', '\0']))
    {
        Some((name, _)) => Err(Failure::new(
            format!("set the variable {name:?}"),
            "no variable can have this name",
        )),
        None => Ok(()),
    }
}

fn absolute(step: &str, path: &Path) -> Result<(), Failure> {
    if path.is_absolute() {
        Ok(())
    } else {
        Err(Failure::new(
            format!("{step} {}", path.display()),
            "the path must be absolute",
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::{Changes, Root, Secret};

    fn refusal(change: impl FnOnce(&mut Spec)) -> String {
        let mut spec = Spec::new(
            Root {
                lowers: vec![],
                changes: Changes::Forbid,
            },
            ["true"],
        );
        change(&mut spec);
        match check(&spec) {
            Ok(()) => "accepted".to_owned(),
            Err(failure) => crate::Error::from(failure).to_string(),
        }
    }

    #[test]
    fn the_default_is_accepted() {
        assert_eq!(refusal(|_| ()), "accepted");
    }

    #[test]
    fn e7_the_id_that_means_no_change_is_refused() {
        assert_eq!(
            refusal(|spec| spec.user.uid = u32::MAX),
            "cannot use the id 4294967295: the highest id is 4294967294"
        );
        assert_ne!(refusal(|spec| spec.user.gid = u32::MAX), "accepted");
        assert_ne!(refusal(|spec| spec.user.groups.push(u32::MAX)), "accepted");
        let source = MountSource::Bytes {
            bytes: Secret(vec![]),
            mode: 0o400,
            uid: 0,
            gid: u32::MAX,
        };
        let mount = Mount {
            source,
            target: "/secret".into(),
            readonly: true,
        };
        assert_ne!(refusal(|spec| spec.mounts.push(mount)), "accepted");
        assert_eq!(refusal(|spec| spec.user.uid = u32::MAX - 1), "accepted");
    }

    #[test]
    fn paths_must_be_absolute_and_the_root_is_not_covered() {
        let tmpfs = |target: &str| Mount {
            source: MountSource::Tmpfs {
                size: None,
                mode: 0o755,
            },
            target: target.into(),
            readonly: false,
        };
        assert_eq!(
            refusal(|spec| spec.mounts.push(tmpfs("/"))),
            "cannot mount at /: the root is the image's"
        );
        assert_eq!(
            refusal(|spec| spec.mounts.push(tmpfs("tmp"))),
            "cannot mount at tmp: the path must be absolute"
        );
        assert_ne!(refusal(|spec| spec.cwd = "work".into()), "accepted");
    }

    #[test]
    fn names_that_would_become_something_else_are_refused() {
        assert_ne!(
            refusal(|spec| spec.env.push(("A=B".into(), String::new()))),
            "accepted"
        );
        assert_ne!(
            refusal(|spec| spec.env.push((String::new(), String::new()))),
            "accepted"
        );
        assert_ne!(
            refusal(|spec| spec.hostname = "a\n1.2.3.4 bank".into()),
            "accepted"
        );
        assert_ne!(
            refusal(|spec| spec.hosts.push(("a b".into(), [127, 0, 0, 1].into()))),
            "accepted"
        );
    }
}
