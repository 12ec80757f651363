//! Tests of `error`: what it promises.

use eyre::WrapErr;

use super::*;

fn shown(report: &eyre::Report) -> String {
    Failure::of(report).render(Paint::new(false))
}

#[test]
fn causes_are_listed_below_the_error_and_the_hint_comes_last() {
    let inner = UserError::new(
        Exit::Usage,
        "services/web/service.toml:3: unknown key `biulder`",
    )
    .hint("did you mean `builder`?");
    let report = Err::<(), _>(inner)
        .wrap_err("cannot read the catalog")
        .unwrap_err();
    insta::assert_snapshot!(shown(&report), @r"
    error: cannot read the catalog
      caused by: services/web/service.toml:3: unknown key `biulder`
    hint: did you mean `builder`?
    ");
    assert_eq!(Failure::of(&report).exit(), Exit::Usage);
}

#[test]
fn further_lines_of_a_message_are_indented() {
    let report = eyre::eyre!("two files are wrong\na.toml:1: x\n\nb.toml:2: y");
    insta::assert_snapshot!(shown(&report), @r"
    error: two files are wrong
      a.toml:1: x

      b.toml:2: y
    ");
}

#[test]
fn a_user_error_given_as_context_still_sets_code_and_hint() {
    let context =
        UserError::new(Exit::Infrastructure, "the session did not answer").hint("start it again");
    let report = Err::<(), _>(std::io::Error::other("refused"))
        .wrap_err(context)
        .unwrap_err();
    insta::assert_snapshot!(shown(&report), @r"
    error: the session did not answer
      caused by: refused
    hint: start it again
    ");
    assert_eq!(Failure::of(&report).exit(), Exit::Infrastructure);
}

#[test]
fn a_message_that_repeats_its_cause_is_shown_once() {
    let report = Err::<(), _>(std::io::Error::other("disk on fire"))
        .wrap_err("reading: disk on fire")
        .unwrap_err();
    insta::assert_snapshot!(shown(&report), @"error: reading: disk on fire");
}

#[test]
fn an_error_without_advice_is_failed_work() {
    assert_eq!(Failure::of(&eyre::eyre!("no")).exit(), Exit::Failed);
}

#[test]
fn a_machine_that_lacks_something_is_sent_to_the_doctor() {
    let report = eyre::Report::new(UserError::new(Exit::Machine, "no user namespaces"));
    insta::assert_snapshot!(shown(&report), @r"
    error: no user namespaces
    hint: run the `doctor` command: it says what this machine lacks and how to get it
    ");
}

#[test]
fn the_help_of_a_library_becomes_a_hint() {
    let report = eyre::Report::new(ci_engine::EngineError::from(ci_store::Error::NoRoot));
    assert_eq!(Failure::of(&report).exit(), Exit::Machine);
    insta::assert_snapshot!(shown(&report), @r"
    error: no place for the cache: none of PIPELINE_CACHE_DIR, XDG_CACHE_HOME and HOME is set
    hint: set PIPELINE_CACHE_DIR to a folder on a local disk
    ");
}

#[test]
fn a_broken_catalog_reads_as_compilers_write_and_is_wrong_use() {
    let files = ci_catalog::MemoryFiles::new().with("pipeline.toml", "[projct]\nname = \"shop\"\n");
    let errors = ci_catalog::Catalog::from_files(std::path::Path::new("/p"), &files).unwrap_err();
    let report = eyre::Report::new(errors);
    assert_eq!(Failure::of(&report).exit(), Exit::Usage);
    insta::assert_snapshot!(shown(&report), @r"
    error: the key `project` is missing
     --> pipeline.toml:1:1
      |
    1 | [projct]
      | ^
      = help: `project`: What is delivered, and to which registry.

    error: unknown key `projct`
     --> pipeline.toml:1:2
      |
    1 | [projct]
      |  ^^^^^^
      = help: did you mean `project`?

    the catalog has 2 errors
    ");
    assert!(
        Failure::of(&report)
            .render(Paint::new(true))
            .starts_with("\x1b[1;31merror:\x1b[0m ")
    );
}

#[test]
fn of_a_failed_query_only_the_engines_answer_is_shown() {
    let message = "Dockerfile:4: RUN make: exit code: 2".into();
    let answer = GraphQLError::DomainError {
        message,
        fields: Vec::new(),
    };
    let report = Err::<(), _>(DaggerError::Query(answer))
        .wrap_err("web was not built")
        .unwrap_err();
    assert_eq!(Failure::of(&report).exit(), Exit::Failed);
    insta::assert_snapshot!(shown(&report), @r"
    error: web was not built
      caused by: Dockerfile:4: RUN make: exit code: 2
    ");
}

#[test]
fn a_full_disk_is_nobodys_fault() {
    let report = eyre::Report::new(std::io::Error::from(std::io::ErrorKind::StorageFull));
    assert_eq!(Failure::of(&report).exit(), Exit::Infrastructure);
}

#[test]
fn a_message_cannot_control_the_terminal() {
    let report = eyre::eyre!("file \x1b[2J\x07evil");
    assert_eq!(shown(&report), "error: file evil\n");
}

#[test]
fn no_line_of_a_message_starts_like_a_workflow_command_w1() {
    let report = eyre::eyre!("no file `x\n ::add-mask::y`");
    assert_eq!(shown(&report), "error: no file `x\n  |  ::add-mask::y`\n");
}
