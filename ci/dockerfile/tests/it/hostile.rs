//! Files that are made to take all memory or time (E11). Each either builds or is refused, within seconds even in a debug build.

use std::time::{Duration, Instant};

use ci_dockerfile::{Config, Error, ErrorKind, MAX_SIZE};

use crate::support::{lower_all, request};

/// More than a debug build needs for any file, on a machine that is busy with something else.
const LONG: Duration = Duration::from_secs(30);

fn lower(text: &str) -> Result<(), Error> {
    assert!(text.len() <= MAX_SIZE, "{}", text.len());
    let begin = Instant::now();
    let outcome = lower_all(text, &request(), &Config::default()).map(drop);
    assert!(
        begin.elapsed() < LONG,
        "{:?} for {:.60}",
        begin.elapsed(),
        text
    );
    outcome
}

fn is_too_large(text: &str) -> bool {
    lower(text).is_err_and(|error| error.kind == ErrorKind::Limit)
}

#[test]
fn values_that_double_on_every_line() {
    assert!(is_too_large(&format!(
        "FROM scratch\nENV a=xxxxxxxxxxxxxxxx\n{}",
        "ENV a=$a$a\n".repeat(100)
    )));
    assert!(is_too_large(&format!(
        "ARG a=x{}\nFROM $a\n",
        " a=$a$a".repeat(100)
    )));
    assert!(is_too_large(&format!(
        "FROM scratch\nARG a=x{}\n",
        " a=\"$a$a\"".repeat(100)
    )));
}

#[test]
fn a_large_value_that_is_used_often() {
    let value = "v".repeat(500_000);
    assert!(is_too_large(&format!(
        "FROM scratch\nENV a={value}\nLABEL{}\n",
        " l=$a".repeat(10_000)
    )));
    assert!(is_too_large(&format!(
        "FROM scratch\nENV a={value}\n{}",
        "RUN x\n".repeat(5_000)
    )));
    assert!(is_too_large(&format!(
        "ARG a={value}\n{}",
        "FROM ${a##*v}scratch\n".repeat(900)
    )));
    let stages: String = (0..900)
        .map(|n| format!("FROM s{n} AS s{}\n", n + 1))
        .collect();
    assert!(is_too_large(&format!(
        "FROM scratch AS s0\nENV a={value}\n{stages}"
    )));
}

#[test]
fn messages_stay_short() {
    let value = "v".repeat(500_000);
    let error = lower(&format!("ARG a={value}\nFROM $a\n")).unwrap_err();
    assert!(
        error.to_string().len() < 2_000,
        "{}",
        error.to_string().len()
    );
    let (_, stages) = lower_all(
        &format!("FROM scratch\nUSER ${value}\n"),
        &request(),
        &Config::default(),
    )
    .unwrap();
    assert!(stages[0].warnings[0].message.len() < 2_000);
}

#[test]
fn many_variables_and_many_that_are_missing() {
    let defined: String = (0..50_000).map(|n| format!(" a{n}=1")).collect();
    let missing: String = (0..50_000).map(|n| format!("$b{n}")).collect();
    lower(&format!("FROM scratch\nENV{defined}\nLABEL l={missing}\n")).unwrap();
    assert!(lower(&format!("ARG{defined}\nFROM x{missing}$y\n")).is_ok());
    assert!(lower(&format!("ARG{defined}\nFROM {missing}\n")).is_err());
}

#[test]
fn patterns_that_match_in_many_ways() {
    let value = "a".repeat(5_000);
    lower(&format!(
        "FROM scratch\nENV a={value}\nUSER u${{a##{}b}}\n",
        "*a".repeat(2_000)
    ))
    .unwrap();
    let replaced = "${a//*a*b/x}".repeat(1_000);
    assert!(is_too_large(&format!(
        "FROM scratch\nENV a={value}\nUSER {replaced}\n"
    )));
}

#[test]
fn nesting_that_would_be_recursion() {
    let deep = format!(
        "FROM scratch\nUSER {}{}\n",
        "${a:-".repeat(10_000),
        "}".repeat(10_000)
    );
    assert!(is_too_large(&deep));
    let quoted = format!("FROM scratch\nUSER {}\n", "\"${a:-".repeat(10_000));
    assert!(lower(&quoted).is_err());
    assert!(
        lower(&format!(
            "FROM scratch\nONBUILD {} x\n",
            "ONBUILD ".repeat(10_000)
        ))
        .is_err()
    );
    assert!(lower(&format!("FROM scratch\nRUN {}\n", "[".repeat(500_000))).is_ok());
}

#[test]
fn as_many_of_everything_as_fit() {
    assert!(is_too_large(&format!(
        "FROM scratch\nEXPOSE{}\n",
        " 1-65535".repeat(10_000)
    )));
    lower(&format!(
        "FROM scratch\nRUN {} x\n",
        "--mount=target=/x ".repeat(20_000)
    ))
    .unwrap();
    let documents: String = (0..40_000).map(|n| format!("<<{n} ")).collect();
    let bodies: String = (0..40_000).map(|n| format!("{n}\n")).collect();
    lower(&format!("FROM scratch\nCOPY {documents} /x/\n{bodies}")).unwrap();
    let copies: String = (0..900)
        .map(|n| format!("FROM scratch AS s{n}\nCOPY --from=s{} a b\n", n.max(1) - 1))
        .collect();
    lower(&copies.replacen("COPY --from=s0 a b\n", "", 1)).unwrap();
    lower(&format!("FROM scratch\nRUN x{}\n", " \\\n".repeat(200_000))).unwrap();
    lower(&format!(
        "# check=skip={}\nFROM scratch\nUSER {}\n",
        "x,".repeat(100_000),
        "$u".repeat(100_000)
    ))
    .unwrap();
}
