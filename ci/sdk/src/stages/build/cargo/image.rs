//! The image of a program: `FROM scratch`, with the program and nothing that it does not need.
//!
//! | path | what |
//! |---|---|
//! | `/app/NAME` | the program, 0755, owned by root: it cannot change itself |
//! | `/etc/passwd`, `/etc/group` | root, nobody, and the user it runs as |
//! | `/tmp` | empty, 1777 |
//! | `/etc/ssl/certs/ca-certificates.crt` | with `certificates = true`: this machine's |
//! | `/lib…`, the loader | with dynamic linking: shared objects, at the paths where the loader looks |
//!
//! No shell, no package database, no home folder, no time zones. What changes least is in the lowest layer.

use std::path::Path;

use ci_catalog::{CargoBuilder, Platform, User};
use dagger_sdk::{
    Container, ContainerWithFileOptsBuilder, Directory, DirectoryWithFileOptsBuilder,
    DirectoryWithNewDirectoryOptsBuilder, DirectoryWithNewFileOptsBuilder, Query,
    QueryContainerOptsBuilder,
};

use super::Program;
use crate::error::{Exit, UserError};
use crate::stages::build::dockerfile::text;
use crate::stages::build::failure::Call;

/// Where programs look for certificate authorities.
const CERTIFICATES: &str = "etc/ssl/certs/ca-certificates.crt";

/// Where distributions keep them in one file: Debian, Alpine and Arch; Fedora and its kin; openSUSE.
pub(super) const BUNDLES: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
];

const NOBODY: u32 = 65534;

const READABLE: isize = 0o644;
const EXECUTABLE: isize = 0o755;
const SHARED: isize = 0o1777;

/// The container of a program.
pub(super) async fn container(
    query: &Query,
    builder: &CargoBuilder,
    platform: &Platform,
    program: &Program,
) -> eyre::Result<Container> {
    let system = system(query, builder, program).await?.id().await.told()?;
    let file = query.host().file(text(&program.file)?).id().await.told()?;
    let path = format!("/app/{}", program.bin);
    let options = QueryContainerOptsBuilder::default()
        .platform(dagger_sdk::Platform(platform.to_string()))
        .build()?;
    let executable = ContainerWithFileOptsBuilder::default()
        .permissions(EXECUTABLE)
        .owner("0:0")
        .build()?;
    Ok(query
        .container_opts(options)
        .with_directory("/", system)
        .with_file_opts(&path, file, executable)
        .with_workdir("/")
        .with_user(format!("{}:{}", builder.user.uid, builder.user.gid))
        .with_entrypoint(vec![path]))
}

/// What is there besides the program.
async fn system(
    query: &Query,
    builder: &CargoBuilder,
    program: &Program,
) -> eyre::Result<Directory> {
    let host = query.host();
    let readable = || {
        DirectoryWithNewFileOptsBuilder::default()
            .permissions(READABLE)
            .build()
    };
    let with_mode = |mode| {
        DirectoryWithFileOptsBuilder::default()
            .permissions(mode)
            .owner("0:0")
            .build()
    };
    let shared = DirectoryWithNewDirectoryOptsBuilder::default()
        .permissions(SHARED)
        .build()?;
    let mut directory = query
        .directory()
        .with_new_file_opts("etc/passwd", passwd(builder.user), readable()?)
        .with_new_file_opts("etc/group", group(builder.user), readable()?)
        .with_new_directory_opts("tmp", shared);
    if builder.certificates {
        let bundle = certificates(&BUNDLES.map(Path::new))?;
        let file = host.file(target(bundle)?).id().await.told()?;
        directory = directory.with_file_opts(CERTIFICATES, file, with_mode(READABLE)?);
    }
    for (place, path) in &program.objects {
        let file = host.file(target(path)?).id().await.told()?;
        let place = place.trim_start_matches('/');
        directory = directory.with_file_opts(place, file, with_mode(EXECUTABLE)?);
    }
    Ok(directory)
}

/// The file that a path means: on the machine it may be a link, in the image it is none.
fn target(path: &Path) -> eyre::Result<String> {
    Ok(text(&path.canonicalize()?)?)
}

pub(super) fn certificates<'a>(bundles: &[&'a Path]) -> Result<&'a Path, UserError> {
    let found = bundles.iter().find(|path| path.is_file());
    found.copied().ok_or_else(|| {
        UserError::new(
            Exit::Machine,
            "`certificates = true`, but this machine has no certificate authorities to copy",
        )
        .hint("install them: the package is called ca-certificates almost everywhere")
    })
}

/// The users there are. Programs ask for the name and home of who they run as, and tools show names of owners.
fn passwd(user: User) -> String {
    let mut text = format!(
        "root:x:0:0:root:/:/sbin/nologin\nnobody:x:{NOBODY}:{NOBODY}:nobody:/:/sbin/nologin\n"
    );
    if user.uid != 0 && user.uid != NOBODY {
        text.push_str(&format!(
            "nonroot:x:{}:{}:nonroot:/:/sbin/nologin\n",
            user.uid, user.gid
        ));
    }
    text
}

fn group(user: User) -> String {
    let mut text = format!("root:x:0:\nnobody:x:{NOBODY}:\n");
    if user.gid != 0 && user.gid != NOBODY {
        text.push_str(&format!("nonroot:x:{}:\n", user.gid));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Failure;

    #[test]
    fn the_user_it_runs_as_has_a_name() {
        let user = User {
            uid: 65532,
            gid: 65531,
        };
        insta::assert_snapshot!(passwd(user) + &group(user), @r"
        root:x:0:0:root:/:/sbin/nologin
        nobody:x:65534:65534:nobody:/:/sbin/nologin
        nonroot:x:65532:65531:nonroot:/:/sbin/nologin
        root:x:0:
        nobody:x:65534:
        nonroot:x:65531:
        ");
    }

    #[test]
    fn nobody_has_two_entries() {
        for id in [0, NOBODY] {
            let user = User { uid: id, gid: id };
            assert_eq!(passwd(user).lines().count(), 2);
            assert_eq!(group(user).lines().count(), 2);
        }
    }

    #[test]
    fn a_machine_without_certificates_is_told_what_to_install() {
        let failure = Failure::of(&certificates(&[]).unwrap_err().into());
        assert_eq!(failure.exit(), Exit::Machine);
        assert!(failure.hints[0].contains("ca-certificates"));
    }
}
