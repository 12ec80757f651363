//! Users and groups by name or number, as a root file system's own `/etc/passwd` and `/etc/group` have them.

use ci_sandbox::User;

use crate::error::{Error, Result};
use crate::layers::Rootfs;
use crate::session::Session;

/// Largest user database read, in bytes.
const LIMIT: u64 = 4 << 20;

/// A user with what a program started as that user expects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identity {
    /// Numeric ids.
    pub(crate) user: User,
    /// Home directory; `/` where the user database has none.
    pub(crate) home: String,
}

/// One line of a user or group database, split at its colons.
type Line<'a> = Vec<&'a str>;

fn lines(database: &str, fields: usize) -> impl Iterator<Item = Line<'_>> {
    database
        .lines()
        .map(|line| line.trim().split(':').collect::<Vec<_>>())
        .filter(move |line| line.len() >= fields)
}

/// Finds `user`, `uid`, `user:group` or `uid:gid` in the databases; an empty user is root.
pub(crate) fn identify(user: &str, passwd: &str, group: &str) -> Result<Identity> {
    let (name, group_name) = match user.split_once(':') {
        Some((name, group)) => (name, Some(group).filter(|group| !group.is_empty())),
        None => (user, None),
    };
    let name = if name.is_empty() { "0" } else { name };
    let number = number_of(name, "user")?;
    let entry = lines(passwd, 6).find(|line| match number {
        Some(number) => line[2].parse() == Ok(number),
        None => line[0] == name,
    });
    let uid = match (number, &entry) {
        (Some(number), _) => number,
        (None, Some(line)) => line[2]
            .parse()
            .map_err(|_| Error::new(format!("/etc/passwd has no number for the user {name:?}")))?,
        (None, None) => {
            return Err(Error::new(format!(
                "no user {name:?} in the image's /etc/passwd (a number works without one)"
            )));
        }
    };
    let primary = entry
        .as_ref()
        .and_then(|line| line[3].parse().ok())
        .unwrap_or(0);
    let gid = match group_name {
        None => primary,
        Some(group_name) => group_id(group_name, group)?,
    };
    let mut groups = Vec::new();
    if let (None, Some(entry)) = (group_name, &entry) {
        let member = |line: &Line<'_>| line[3].split(',').any(|member| member == entry[0]);
        groups = lines(group, 4)
            .filter(member)
            .filter_map(|line| line[2].parse().ok())
            .collect();
    }
    let home = entry
        .map(|line| line[5].to_owned())
        .filter(|home| !home.is_empty())
        .unwrap_or_else(|| "/".to_owned());
    Ok(Identity {
        user: User { uid, gid, groups },
        home,
    })
}

fn group_id(name: &str, group: &str) -> Result<u32> {
    if let Some(number) = number_of(name, "group")? {
        return Ok(number);
    }
    let line = lines(group, 3).find(|line| line[0] == name);
    line.and_then(|line| line[2].parse().ok()).ok_or_else(|| {
        Error::new(format!(
            "no group {name:?} in the image's /etc/group (a number works without one)"
        ))
    })
}

/// A number that fits, a name, or an error for a number that would wrap to another user (E7).
fn number_of(name: &str, what: &str) -> Result<Option<u32>> {
    if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(None);
    }
    match name.parse::<u32>() {
        Ok(number) if number <= i32::MAX.unsigned_abs() => Ok(Some(number)),
        _ => Err(Error::new(format!(
            "{what} {name}: numbers go up to {}",
            i32::MAX
        ))),
    }
}

impl Session {
    /// Finds a user in a root file system.
    pub(crate) async fn identity(&self, rootfs: &Rootfs, user: &str) -> Result<Identity> {
        if user.is_empty() && rootfs.layers.is_empty() {
            return identify(user, "", "");
        }
        let files = self
            .read_files(rootfs, &["/etc/passwd", "/etc/group"], LIMIT)
            .await?;
        let text = |index: usize| {
            files
                .get(index)
                .cloned()
                .flatten()
                .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
                .unwrap_or_default()
        };
        let (passwd, group) = (text(0), text(1));
        identify(user, &passwd, &group)
    }

    /// The numeric owner that `--chown` or an `owner` argument names.
    pub(crate) async fn owner(&self, rootfs: &Rootfs, owner: &str) -> Result<(u32, u32)> {
        // A lone name stands for the group of the same name or number too, as COPY --chown has it.
        let (user, group) = owner.split_once(':').unwrap_or((owner, ""));
        if let (Some(uid), Some(gid)) = (
            number_of(user, "user")?,
            number_of(if group.is_empty() { user } else { group }, "group")?,
        ) {
            return Ok((uid, gid));
        }
        let identity = self.identity(rootfs, owner).await?;
        let gid = match (group.is_empty(), number_of(user, "user")?) {
            (true, Some(uid)) => uid,
            _ => identity.user.gid,
        };
        Ok((identity.user.uid, gid))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &str = "root:x:0:0:root:/root:/bin/sh\napp:x:1000:1001::/home/app:/bin/sh\n";
    const GROUP: &str = "root:x:0:\napp:x:1001:\ndocker:x:999:app\n";

    fn ids(user: &str) -> (u32, u32, Vec<u32>, String) {
        let identity = identify(user, PASSWD, GROUP).unwrap();
        (
            identity.user.uid,
            identity.user.gid,
            identity.user.groups,
            identity.home,
        )
    }

    #[test]
    fn users_are_found_by_name_and_number() {
        assert_eq!(ids("app"), (1000, 1001, vec![999], "/home/app".into()));
        assert_eq!(ids("1000"), (1000, 1001, vec![999], "/home/app".into()));
        assert_eq!(ids("app:docker"), (1000, 999, vec![], "/home/app".into()));
        assert_eq!(ids(""), (0, 0, vec![], "/root".into()));
        assert_eq!(ids("65532:65532"), (65532, 65532, vec![], "/".into()));
    }

    #[test]
    fn a_number_that_would_wrap_to_root_is_refused_e7() {
        let error = identify("4294967296", PASSWD, GROUP).unwrap_err();
        assert_eq!(
            error.to_string(),
            "user 4294967296: numbers go up to 2147483647"
        );
    }

    #[test]
    fn an_unknown_name_is_an_error() {
        assert!(identify("nobody-here", PASSWD, GROUP).is_err());
        assert!(identify("app:nothing", PASSWD, GROUP).is_err());
    }
}
