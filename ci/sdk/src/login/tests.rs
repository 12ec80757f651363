//! The store on disk.

use super::*;
use crate::error::Failure;

fn store(home: &Path) -> Result<Store, UserError> {
    let home = home.to_str().unwrap().to_owned();
    Store::open(move |name| (name == "HOME").then(|| home.clone()))
}

fn registry(text: &str) -> Registry {
    Registry::parse(text).unwrap()
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn registries_are_hosts_however_they_are_written() {
    for (text, host) in [
        ("ghcr.io", "ghcr.io"),
        ("https://GHCR.io/", "ghcr.io"),
        ("127.0.0.1:5000", "127.0.0.1:5000"),
        ("localhost", "localhost"),
        ("docker.io", "docker.io"),
        ("https://index.docker.io/v1/", "docker.io"),
    ] {
        assert_eq!(registry(text).host(), host);
    }
    for wrong in [
        "",
        "ghcr.io/acme",
        "acme",
        "a b.c",
        "https://",
        "x.example:port",
        "-x.example",
    ] {
        assert!(Registry::parse(wrong).is_err(), "{wrong}");
    }
    assert_eq!(registry("docker.io").key(), "https://index.docker.io/v1/");
}

/// S4: for the owner alone, whatever the file was before.
#[test]
fn the_file_is_its_owner_s_and_replaced_as_a_whole() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join(".docker/config.json");
    let stored = store(home.path())
        .unwrap()
        .store(&registry("ghcr.io"), "ada", &Secret::new("top:secret"))
        .unwrap();
    assert_eq!(stored, Place::File(path.clone()));
    assert_eq!(mode(&path), 0o600);
    assert_eq!(mode(path.parent().unwrap()), 0o700);
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains(&STANDARD.encode("ada:top:secret")), "{text}");
    std::fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
    let open = store(home.path()).unwrap();
    assert!(open.remove(&registry("ghcr.io")).unwrap());
    assert_eq!(mode(&path), 0o600);
    let again = store(home.path()).unwrap();
    assert!(!again.remove(&registry("ghcr.io")).unwrap());
    let left = std::fs::read_dir(path.parent().unwrap()).unwrap().count();
    assert_eq!(left, 1, "something else was left in the folder");
}

#[test]
fn a_link_stays_a_link() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join(".docker");
    std::fs::create_dir(&folder).unwrap();
    let real = home.path().join("real.json");
    std::fs::write(&real, "{\"x\": 1}").unwrap();
    std::os::unix::fs::symlink(&real, folder.join("config.json")).unwrap();
    let open = store(home.path()).unwrap();
    open.store(&registry("ghcr.io"), "ada", &Secret::new("x"))
        .unwrap();
    assert!(
        folder
            .join("config.json")
            .symlink_metadata()
            .unwrap()
            .is_symlink()
    );
    assert!(std::fs::read_to_string(real).unwrap().contains("ghcr.io"));
}

#[test]
fn what_cannot_be_read_as_docker_s_is_left_alone() {
    let home = tempfile::tempdir().unwrap();
    std::fs::create_dir(home.path().join(".docker")).unwrap();
    let path = home.path().join(".docker/config.json");
    std::fs::write(&path, "{\"auths\": [").unwrap();
    let failure = Failure::of(&store(home.path()).unwrap_err().into());
    assert_eq!(failure.exit(), Exit::Usage);
    assert!(
        failure.message.contains("is not what Docker writes"),
        "{failure:?}"
    );
    assert!(Store::open(|_| None).is_err());
}

/// A helper's name comes from a file: it is no path and no option.
#[test]
fn a_helper_is_a_program_in_path() {
    let home = tempfile::tempdir().unwrap();
    std::fs::create_dir(home.path().join(".docker")).unwrap();
    let path = home.path().join(".docker/config.json");
    std::fs::write(&path, "{\"credsStore\": \"../../x\"}").unwrap();
    let open = store(home.path()).unwrap();
    let error = open.store(&registry("ghcr.io"), "ada", &Secret::new("top"));
    assert!(!format!("{:?}", error.unwrap_err()).contains("top"));
}
