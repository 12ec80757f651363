//! COPY and ADD: sources, destinations, flags.

use ci_dockerfile::graph::{CopyFrom, Git, Source};
use ci_dockerfile::{Chmod, glob::Glob};

use crate::support::{copy, failure, steps};

fn paths(instructions: &str) -> Vec<String> {
    let sources = copy(instructions).sources.into_iter();
    sources
        .map(|source| {
            if let Source::Path(path) = source {
                path
            } else {
                panic!("{source:?}")
            }
        })
        .collect()
}

#[test]
fn sources_are_rooted_and_cannot_lead_above() {
    // E5: the root is the context's, whatever the path says.
    assert_eq!(
        paths("COPY a ./b/ /c/../d ../../e . x/"),
        ["/a", "/b", "/d", "/e", "/"]
    );
    assert_eq!(
        paths(r#"COPY ["a b", "'c d'", "x/"]"#),
        ["/a b", "/c d"],
        "quotes are taken in the JSON form too"
    );
    assert_eq!(
        paths(r"COPY a\ b x/"),
        ["/a", "/b"],
        "the reference splits at escaped spaces too"
    );
    assert_eq!(paths("COPY *.[ch] lib?/** x/"), ["/*.[ch]", "/lib?/**"]);
    insta::assert_snapshot!(failure("FROM scratch\nCOPY [a-.txt /\n"), @r#"
    Dockerfile:2:6: a [ is not closed in the pattern "[a-.txt"
       2 | COPY [a-.txt /
         |      ^
    "#);
}

#[test]
fn destinations_are_absolute_and_keep_their_slash() {
    let dest = |dest: &str| copy(&format!("WORKDIR /w/x\nCOPY a {dest}")).dest;
    let cases = [
        ("b", "/w/x/b"),
        ("b/", "/w/x/b/"),
        (".", "/w/x/"),
        ("./", "/w/x/"),
        ("..", "/w"),
        ("../", "/w/"),
        ("/", "/"),
        ("/a//b/.", "/a/b/"),
        ("/../../a", "/a"),
    ];
    for (written, expected) in cases {
        assert_eq!(dest(written), expected, "{written}");
    }
}

#[test]
fn flags_of_copy() {
    let copy = copy(
        "COPY --link --chown=a:5 --chmod=0755 --exclude=*.md --exclude=a/b --from=busybox a b",
    );
    assert!(copy.link && !copy.unpack);
    assert_eq!(
        (copy.chown.as_deref(), copy.chmod),
        (Some("a:5"), Some(Chmod::Octal(0o755)))
    );
    assert_eq!(copy.exclude, ["*.md", "a/b"]);
    assert_eq!(copy.from, CopyFrom::Image("busybox".to_owned()));
    assert!(!crate::support::copy("COPY --link=false a b").link);
}

#[test]
fn modes_are_octal_or_those_of_chmod() {
    let apply =
        |mode: &str, bits, is_dir| format!("{:o}", Chmod::parse(mode).unwrap().apply(bits, is_dir));
    assert_eq!(apply("644", 0o777, false), "644");
    assert_eq!(apply("u=rwX,go=rX", 0o600, false), "644");
    assert_eq!(apply("u=rwX,go=rX", 0o700, false), "755");
    assert_eq!(apply("u=rwX,go=rX", 0o600, true), "755");
    assert_eq!(apply("+x", 0o644, false), "755");
    assert_eq!(apply("a-w,u+s", 0o777, false), "4555");
    assert_eq!(apply("g=u,o=", 0o750, false), "770");
    assert_eq!(apply("=r+X", 0o755, false), "444");
    assert_eq!(apply("o+t", 0o755, true), "1755");
    for wrong in ["", "8", "10000", "u", "u=q", "rwx", "u+x,", "z+x"] {
        assert!(Chmod::parse(wrong).is_err(), "{wrong:?}");
    }
    insta::assert_snapshot!(failure("FROM scratch\nCOPY --chmod=888 a b\n"), @r#"
    Dockerfile:2:6: "888" is no mode: write an octal number up to 7777 or clauses such as u=rwX,go=rX
       2 | COPY --chmod=888 a b
         |      ^
    "#);
}

#[test]
fn parents_split_at_the_pivot() {
    let sources = copy("COPY --parents a/./b/*.c x/y **/z /out/").sources;
    let parents = |root: &str, pattern: &str, required| Source::Parents {
        root: root.to_owned(),
        pattern: pattern.to_owned(),
        required,
    };
    assert_eq!(
        sources,
        [
            parents("/a", "b/*.c", false),
            parents("/", "x/y", true),
            parents("/", "**/z", false)
        ]
    );
}

#[test]
fn heredocs_are_files() {
    let copy = copy(
        "ENV A=x\nCOPY b <<one <<'two' <<-three /d/\n$A ${B:-y} \"q\" \\$A\none\n$A\ntwo\n\t\ttabs\n\tthree\n",
    );
    let inline = |name: &str, contents: &str| Source::Inline {
        name: name.to_owned(),
        contents: contents.into(),
    };
    let expected = [
        Source::Path("/b".to_owned()),
        inline("one", "x y \"q\" $A\n"),
        inline("two", "$A\n"),
        inline("three", "tabs\n"),
    ];
    assert_eq!(copy.sources, expected);
}

#[test]
fn add_takes_addresses_repositories_and_archives() {
    let add = copy("ADD https://example.com/d/f.tgz?x=1#y http://example.com/ a.tar /d/");
    let url = |url: &str, name: &str| Source::Url {
        url: url.to_owned(),
        name: name.to_owned(),
        unpack: false,
        checksum: None,
    };
    assert_eq!(
        add.sources[..2],
        [
            url("https://example.com/d/f.tgz?x=1#y", "f.tgz"),
            url("http://example.com/", "__unnamed__")
        ]
    );
    for (text, name) in [
        ("a%20b", "a b"),
        ("d%2Ff", "f"),
        ("%2e%2e", "__unnamed__"),
        ("d/", "d"),
    ] {
        let address = format!("https://example.com/{text}");
        assert_eq!(
            copy(&format!("ADD {address} /")).sources,
            [url(&address, name)]
        );
    }
    assert!(add.unpack);
    assert!(!copy("ADD --unpack=false a.tar /").unpack);
    assert!(matches!(
        &copy("ADD --unpack https://example.com/a.tar /").sources[0],
        Source::Url { unpack: true, .. }
    ));

    let git = |text: &str| match copy(&format!("ADD {text} /")).sources.remove(0) {
        Source::Git(git) => git,
        other => panic!("{other:?}"),
    };
    let expected = |remote: &str, reference: Option<&str>, subdir: Option<&str>| Git {
        remote: remote.to_owned(),
        reference: reference.map(str::to_owned),
        subdir: subdir.map(str::to_owned),
        checksum: None,
        keep_git_dir: None,
        submodules: true,
    };
    assert_eq!(
        git("https://example.com/r.git"),
        expected("https://example.com/r.git", None, None)
    );
    assert_eq!(
        git("git@example.com:o/r#v1:/sub/dir"),
        expected("git@example.com:o/r", Some("v1"), Some("sub/dir"))
    );
    assert_eq!(
        git("ssh://example.com/r#:sub"),
        expected("ssh://example.com/r", None, Some("sub"))
    );
    assert_eq!(
        git(
            "--keep-git-dir git://example.com/r?tag=v1&subdir=/a%20b/+c&submodules=0&keep-git-dir&checksum=1234567"
        ),
        Git {
            checksum: Some("1234567".to_owned()),
            keep_git_dir: Some(true),
            submodules: false,
            ..expected("git://example.com/r", Some("refs/tags/v1"), Some("a b/ c"))
        }
    );
    assert_eq!(
        git("https://example.com/r.git?branch=main&ref=refs/heads/main#:sub"),
        expected(
            "https://example.com/r.git",
            Some("refs/heads/main"),
            Some("sub")
        )
    );
    assert!(matches!(
        &copy("ADD https://example.com/r.git.txt?x=.git /").sources[0],
        Source::Url { .. }
    ));
    assert!(matches!(
        &copy("ADD github.com/o/r /").sources[0],
        Source::Path(_)
    ));
}

#[test]
fn addresses_that_are_traps_are_refused() {
    // E9: the directory of a repository stays in it. E10: a checksum is a digest. P1: no options for git.
    insta::assert_snapshot!(failure("FROM scratch\nADD https://example.com/r.git#main:../../etc /\n"), @r#"
    Dockerfile:2:5: the directory "../../etc" leads out of the repository
       2 | ADD https://example.com/r.git#main:../../etc /
         |     ^
    "#);
    insta::assert_snapshot!(failure("FROM scratch\nADD git@example.com:r#--upload-pack=x /\n"), @r#"
    Dockerfile:2:5: "git@example.com:r#--upload-pack=x" would be read as an option by git
       2 | ADD git@example.com:r#--upload-pack=x /
         |     ^
    "#);
    for (source, message) in [
        (
            "?branch=a&tag=a",
            r#"tag in the address is "refs/tags/a", but it also says "refs/heads/a""#,
        ),
        (
            "?ref=a#b",
            r#"ref in the address is "a", but it also says "b""#,
        ),
        (
            "?subdir=a/../..",
            r#"the directory "a/../.." leads out of the repository"#,
        ),
        ("?ref=--upload-pack=x", "would be read as an option by git"),
        ("?ref=a&ref=a", "ref stands twice in the address"),
        ("?ref=", "ref in the address has no value"),
        ("?dir=a", r#"a git address has no "dir""#),
        (
            "?submodules=no",
            r#"submodules in the address is true or false, not "no""#,
        ),
        ("?commit=main", r#""main" is no commit"#),
        ("?ref=%ff", "the value of ref in the address is no text"),
    ] {
        let error = failure(&format!(
            "FROM scratch\nADD https://example.com/r.git{source} /\n"
        ));
        assert!(error.contains(message), "{source}: {error}");
    }
    insta::assert_snapshot!(failure("FROM scratch\nADD --keep-git-dir=false git://h/r?keep-git-dir /\n"), @r"
    Dockerfile:2:5: the address says something else about keep-git-dir
       2 | ADD --keep-git-dir=false git://h/r?keep-git-dir /
         |     ^
    ");
    insta::assert_snapshot!(failure("FROM scratch\nADD --checksum=md5:abc https://example.com/x /\n"), @r#"
    Dockerfile:2:5: "md5:abc" is no checksum; write sha256: and 64 hexadecimal digits
       2 | ADD --checksum=md5:abc https://example.com/x /
         |     ^
    "#);
    insta::assert_snapshot!(failure("FROM scratch\nADD --checksum=sha256:abc local /\n"), @r"
    Dockerfile:2:5: --checksum needs an address or a git repository as the source
       2 | ADD --checksum=sha256:abc local /
         |     ^
    ");
    insta::assert_snapshot!(failure("FROM scratch\nCOPY https://example.com/x /\n"), @r"
    Dockerfile:2:6: COPY takes no addresses; ADD does
       2 | COPY https://example.com/x /
         |      ^
    ");
    insta::assert_snapshot!(failure("FROM scratch\nCOPY git@example.com:r /\n"), @r"
    Dockerfile:2:6: COPY takes no git repositories; ADD does
       2 | COPY git@example.com:r /
         |      ^
    ");
    insta::assert_snapshot!(failure("FROM scratch\nCOPY --from=$A a b\n"), @r#"
    Dockerfile:2:6: "$A" is no stage, no named context and no reference to an image
       2 | COPY --from=$A a b
         |      ^
    "#);
    insta::assert_snapshot!(failure("FROM scratch\nCOPY --chown=4294967296 a b\n"), @r"
    Dockerfile:2:6: 4294967296 is no user or group number: they are from 0 to 4294967294
       2 | COPY --chown=4294967296 a b
         |      ^
    ");
}

#[test]
fn history_records_what_was_copied_and_how() {
    let steps = steps(
        "ENV A=x\nWORKDIR /w\nCOPY --from=busybox --chown=1:2 --chmod=644 $A \"y\" ./\nADD --link z <<EOF /d\n1\nEOF\n",
    );
    assert_eq!(
        steps[2].created_by.as_deref(),
        Some("COPY --chown=1:2 --chmod=644 x y ./ # buildkit")
    );
    assert_eq!(
        steps[2].display,
        "COPY --from=busybox --chown=1:2 --chmod=644 x y ./"
    );
    assert_eq!(
        steps[3].created_by.as_deref(),
        Some("ADD z <<EOF /d # buildkit")
    );
}

#[test]
fn wildcards_are_those_of_go() {
    let cases = [
        ("*.rs", "a.rs", true),
        ("*.rs", "d/a.rs", false),
        ("*/a.rs", "d/a.rs", true),
        ("/d/[a-c]?.rs", "d/bx.rs", true),
        ("d/[^a-c].rs", "/d/d.rs", true),
        ("d/[^a-c].rs", "d/a.rs", false),
        (r"\*", "*", true),
        (r"\*", "x", false),
        ("**", "a/b", false),
        ("a*b*c", "aXbYbZc", true),
        ("a*b*c", "aXbYbZ", false),
        ("*", ".hidden", true),
        ("?", "é", true),
    ];
    for (pattern, path, expected) in cases {
        assert_eq!(
            Glob::parse(pattern).unwrap().matches(path),
            expected,
            "{pattern} {path}"
        );
    }
    for wrong in ["[", "[]", "[a", "[-a]", "[a-]", r"a\", "[a-]x]"] {
        assert!(Glob::parse(wrong).is_err(), "{wrong}");
    }
    let glob = Glob::parse("/a/b*/c/*").unwrap();
    assert_eq!((glob.literal_prefix().as_str(), glob.depth()), ("/a", 4));
    assert!(
        glob.could_match_below("")
            && glob.could_match_below("a/bb")
            && glob.could_match_below("a/b/c")
    );
    assert!(
        !glob.could_match_below("x")
            && !glob.could_match_below("a/b/x")
            && !glob.could_match_below("a/b/c/d")
    );
}
