//! What is said about Dockerfiles that are none: message, place, the line, and what was probably meant.

use ci_dockerfile::{ErrorKind, MAX_SIZE, parse};

use crate::support::failure;

#[test]
fn unknown_instructions_and_flags_come_with_the_nearest_known_one() {
    insta::assert_snapshot!(failure("FROM scratch\n  RNU make\n"), @r"
    Dockerfile:2:3: there is no instruction RNU
       2 |   RNU make
         |   ^
           did you mean RUN?
    ");
    insta::assert_snapshot!(failure("FROM scratch\nCOPY --form=build a b\n"), @r"
    Dockerfile:2:6: COPY has no flag --form
       2 | COPY --form=build a b
         |      ^
           did you mean --from?
    ");
    insta::assert_snapshot!(failure("FROM scratch\nRUN --mount=type=cahce,target=/x true\n"), @r#"
    Dockerfile:2:5: there is no mount of type "cahce": types are bind, cache, secret, ssh, tmpfs
       2 | RUN --mount=type=cahce,target=/x true
         |     ^
           did you mean cache?
    "#);
    insta::assert_snapshot!(failure("FROM scratch\nRUN --mount=type=cache,tagret=/x true\n"), @r#"
    Dockerfile:2:5: a mount has no "tagret"
       2 | RUN --mount=type=cache,tagret=/x true
         |     ^
           did you mean target?
    "#);
    insta::assert_snapshot!(failure("FROM scratch\nXYZZY\n"), @r"
    Dockerfile:2:1: there is no instruction XYZZY
       2 | XYZZY
         | ^
    ");
}

#[test]
fn the_place_is_found_through_continuations_and_wide_characters() {
    insta::assert_snapshot!(failure("FROM scratch\nENV A=ü \\\n  # comment\n\t\tB=é C\n"), @r#"
    Dockerfile:4:7: "C" has no =; write name=value, and quote a value that has spaces
       4 | 		B=é C
         | 		    ^
    "#);
}

#[test]
fn shapes_that_do_not_fit_the_instruction() {
    insta::assert_snapshot!(failure("RUN x\n"), @r"
    Dockerfile:1:1: RUN must come after a FROM
       1 | RUN x
         | ^
    ");
    insta::assert_snapshot!(failure("FROM a b c d\n"), @r"
    Dockerfile:1:6: FROM is written FROM image or FROM image AS name
       1 | FROM a b c d
         |      ^
    ");
    insta::assert_snapshot!(failure("FROM a AS 1x\n"), @r#"
    Dockerfile:1:11: "1x" is no name for a stage: it begins with a letter and has letters, digits, -, _ and .
       1 | FROM a AS 1x
         |           ^
    "#);
    insta::assert_snapshot!(failure("FROM scratch\nCOPY a\n"), @r"
    Dockerfile:2:6: COPY needs a source and a destination
       2 | COPY a
         |      ^
    ");
    insta::assert_snapshot!(failure("FROM scratch\nCOPY [\"a\", 1]\n"), @r#"
    Dockerfile:2:6: in the JSON form every element must be a string
       2 | COPY ["a", 1]
         |      ^
    "#);
    insta::assert_snapshot!(failure("FROM scratch\nENV a\n"), @r"
    Dockerfile:2:5: ENV needs a value: a=…
       2 | ENV a
         |     ^
    ");
    insta::assert_snapshot!(failure("FROM scratch\nENV a=1 b\n"), @r#"
    Dockerfile:2:9: "b" has no =; write name=value, and quote a value that has spaces
       2 | ENV a=1 b
         |         ^
    "#);
    insta::assert_snapshot!(failure("FROM scratch\nENV =1\n"), @r"
    Dockerfile:2:5: there is no name before the =
       2 | ENV =1
         |     ^
    ");
    insta::assert_snapshot!(failure("FROM scratch\nSHELL /bin/sh\n"), @r#"
    Dockerfile:2:7: SHELL needs the JSON form: SHELL ["/bin/sh", "-c"]
       2 | SHELL /bin/sh
         |       ^
    "#);
    insta::assert_snapshot!(failure("FROM scratch\nWORKDIR\n"), @r"
    Dockerfile:2:1: WORKDIR needs an argument
       2 | WORKDIR
         | ^
    ");
    insta::assert_snapshot!(failure("FROM scratch\nHEALTHCHECK curl\n"), @r"
    Dockerfile:2:13: HEALTHCHECK is followed by CMD and a command, or by NONE
       2 | HEALTHCHECK curl
         |             ^
    ");
    insta::assert_snapshot!(failure("FROM scratch\nONBUILD ONBUILD RUN x\n"), @r"
    Dockerfile:2:9: ONBUILD cannot be an ONBUILD trigger
       2 | ONBUILD ONBUILD RUN x
         |         ^
    ");
    insta::assert_snapshot!(failure("FROM scratch\nCOPY --link=maybe a b\n"), @r#"
    Dockerfile:2:6: --link is true or false, not "maybe"
       2 | COPY --link=maybe a b
         |      ^
    "#);
    insta::assert_snapshot!(failure("FROM scratch\nCOPY --from=a --from=b a b\n"), @r"
    Dockerfile:2:15: --from is given twice
       2 | COPY --from=a --from=b a b
         |               ^
    ");
    insta::assert_snapshot!(failure("FROM scratch\nCOPY --chown a b\n"), @r"
    Dockerfile:2:6: --chown needs a value: --chown=…
       2 | COPY --chown a b
         |      ^
    ");
}

#[test]
fn heredocs_must_end() {
    insta::assert_snapshot!(failure("FROM scratch\nRUN cat <<EOF && echo <<B\nx\n  EOF\n"), @r#"
    Dockerfile:2:9: the heredoc EOF is not closed: no line says just EOF
       2 | RUN cat <<EOF && echo <<B
         |         ^
           did you mean the line "EOF" to end it?
    "#);
}

#[test]
fn directives_are_checked() {
    insta::assert_snapshot!(failure("# escape=x\nFROM scratch\n"), @r#"
    Dockerfile:1:1: the escape character is \ or `, not "x"
       1 | # escape=x
         | ^
    "#);
    insta::assert_snapshot!(failure("# syntax=a\n# Syntax = b\nFROM scratch\n"), @r"
    Dockerfile:2:1: the directive syntax is given twice
       2 | # Syntax = b
         | ^
    ");
    insta::assert_snapshot!(failure("# check=skpi=all\nFROM scratch\n"), @r#"
    Dockerfile:1:1: "skpi=all" is no check option: there are skip=RULE,…, error=true and experimental=RULE,…
       1 | # check=skpi=all
         | ^
    "#);
}

#[test]
fn files_without_a_stage() {
    insta::assert_snapshot!(failure(""), @"Dockerfile:1:1: the file has no instructions");
    insta::assert_snapshot!(failure("# nothing\n\n"), @r"
    Dockerfile:1:1: the file has no instructions
       1 | # nothing
         | ^
    ");
    insta::assert_snapshot!(failure("ARG A\n"), @r"
    Dockerfile:1:1: the file has no FROM
       1 | ARG A
         | ^
    ");
}

#[test]
fn what_is_no_text_may_stand_in_comments_only() {
    assert!(
        parse(
            "Dockerfile",
            b"# caf\xe9\nFROM scratch\nRUN a \\\n # \xff\n b\n"
        )
        .is_ok()
    );
    let error = parse("Dockerfile", b"FROM scratch\nRUN caf\xe9\n").unwrap_err();
    assert_eq!((error.line, error.column), (2, 8));
}

#[test]
fn a_file_has_a_largest_size() {
    let mut text = b"FROM scratch\n#".to_vec();
    text.resize(MAX_SIZE, b'x');
    assert!(parse("Dockerfile", &text).is_ok());
    text.push(b'x');
    assert_eq!(
        parse("Dockerfile", &text).unwrap_err().kind,
        ErrorKind::Limit
    );
    let many = "FROM scratch\n".repeat(1_002);
    assert_eq!(
        parse("Dockerfile", many.as_bytes()).unwrap_err().kind,
        ErrorKind::Limit
    );
    let many = format!("FROM scratch\n{}", "USER x\n".repeat(10_001));
    assert_eq!(
        parse("Dockerfile", many.as_bytes()).unwrap_err().kind,
        ErrorKind::Limit
    );
}

#[test]
fn long_lines_and_control_characters_are_cut_in_messages() {
    let text = failure(&format!(
        "FROM scratch\nRNU \u{1b}[31m{}\n",
        "x".repeat(100_000)
    ));
    assert!(text.len() < 1_000, "{}", text.len());
    assert!(!text.contains('\u{1b}'), "{text:?}");
}
