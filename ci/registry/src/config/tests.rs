//! Mirrors as they are written.

use super::*;

#[test]
fn mirrors_have_a_host_and_perhaps_a_path() {
    for (text, host, repository) in [
        ("mirror.example.com", "mirror.example.com", "library/alpine"),
        (
            "mirror.example.com/dockerhub",
            "mirror.example.com",
            "dockerhub/library/alpine",
        ),
        (
            "127.0.0.1:5000/a/b/",
            "127.0.0.1:5000",
            "a/b/library/alpine",
        ),
        ("localhost", "localhost", "library/alpine"),
        ("[::1]:5000", "[::1]:5000", "library/alpine"),
        ("Mirror.Example.com", "mirror.example.com", "library/alpine"),
    ] {
        let mirror: Mirror = text.parse().unwrap();
        assert_eq!(mirror.host(), host);
        assert_eq!(mirror.repository("library/alpine"), repository);
        assert_eq!(mirror.to_string().parse(), Ok(mirror));
    }
}

#[test]
fn what_is_no_mirror_is_refused() {
    for text in [
        "",
        "/",
        "mirror",
        "mirror/dockerhub",
        "https://mirror.example.com",
        "mirror.example.com/UPPER",
        "mirror.example.com/../x",
        "mirror.example.com?x",
        "user:password@mirror.example.com",
        "mirror.example.com//x",
    ] {
        assert!(text.parse::<Mirror>().is_err(), "{text}");
    }
}
