//! `[limits]` of both files.

use std::time::Duration;

use insta::assert_snapshot;

use super::{DOCKERFILE_SERVICE, PIPELINE, files, load, report_service};
use crate::Limits;

#[test]
fn a_service_sets_limits_in_place_of_the_general_ones_key_by_key() {
    let pipeline = format!("{PIPELINE}[limits]\nmemory = \"4GiB\"\npids = 4096\ntime = \"30m\"\n");
    let own = format!("{DOCKERFILE_SERVICE}[limits]\nmemory = \"512MiB\"\ntime = \"1h30m\"\n");
    let catalog = load(
        &files(&[("web", &own), ("worker", DOCKERFILE_SERVICE)]).with("pipeline.toml", pipeline),
    );
    let general = Limits {
        memory: Some(4 << 30),
        pids: Some(4096),
        time: Some(Duration::from_secs(30 * 60)),
    };
    assert_eq!(catalog.limits(), general);
    assert_eq!(catalog.service("worker").unwrap().limits, general);
    let web = Limits {
        memory: Some(512 << 20),
        pids: Some(4096),
        time: Some(Duration::from_secs(90 * 60)),
    };
    assert_eq!(catalog.service("web").unwrap().limits, web);
}

#[test]
fn without_the_table_nothing_is_limited() {
    let catalog = load(&files(&[("web", DOCKERFILE_SERVICE)]));
    assert_eq!(catalog.limits(), Limits::default());
    assert_eq!(catalog.service("web").unwrap().limits, Limits::default());
}

#[test]
fn sizes_have_a_unit_of_bytes() {
    let memory = |value: &str| {
        report_service(&format!(
            "{DOCKERFILE_SERVICE}[limits]\nmemory = \"{value}\"\n"
        ))
    };
    assert_snapshot!(memory("4g"), @r#"
    error: `4g` is not a size
     --> services/web/service.toml:3:10
      |
    3 | memory = "4g"
      |          ^^^^
      = help: did you mean `4GiB`?

    the catalog has 1 error
    "#);
    assert_snapshot!(memory("1.5GiB"), @r#"
    error: `1.5GiB` is not a size
     --> services/web/service.toml:3:10
      |
    3 | memory = "1.5GiB"
      |          ^^^^^^^^
      = help: a whole number and a unit (`KiB`, `MiB`, `GiB` or `TiB`), as in `512MiB`

    the catalog has 1 error
    "#);
    let refused = |value: &str| {
        let report = memory(value);
        let help = report.lines().find(|line| line.contains("help"));
        help.unwrap_or(&report).to_owned()
    };
    assert_snapshot!(refused("4 GB"), @"  = help: did you mean `4GiB`?");
    assert_snapshot!(refused("512Mi"), @"  = help: did you mean `512MiB`?");
    assert_snapshot!(refused("1000000"), @"  = help: a whole number and a unit (`KiB`, `MiB`, `GiB` or `TiB`), as in `512MiB`");
    assert_snapshot!(refused("99999999999TiB"), @"  = help: a whole number and a unit (`KiB`, `MiB`, `GiB` or `TiB`), as in `512MiB`");
    assert_snapshot!(memory("1MiB").lines().next().unwrap(), @"error: no program starts with less than 4 MiB of memory");
}

#[test]
fn processes_and_time_are_never_zero() {
    assert_snapshot!(report_service(&format!("{DOCKERFILE_SERVICE}[limits]\npids = 0\ntime = \"0s\"\n")), @r"
    error: `limits.pids` must be from 1 to 4194304
     --> services/web/service.toml:3:8
      |
    3 | pids = 0
      |        ^

    the catalog has 1 error
    ");
    assert_snapshot!(report_service(&format!("{DOCKERFILE_SERVICE}[limits]\npids = 5000000\n")), @r"
    error: `limits.pids` must be from 1 to 4194304
     --> services/web/service.toml:3:8
      |
    3 | pids = 5000000
      |        ^^^^^^^

    the catalog has 1 error
    ");
    assert_snapshot!(report_service(&format!("{DOCKERFILE_SERVICE}[limits]\ntime = \"0s\"\ncpu = 1\n")), @r#"
    error: the duration is zero
     --> services/web/service.toml:3:8
      |
    3 | time = "0s"
      |        ^^^^

    error: unknown key `cpu` in `[limits]`
     --> services/web/service.toml:4:1
      |
    4 | cpu = 1
      | ^^^
      = help: the keys are `memory`, `pids`, `time`

    the catalog has 2 errors
    "#);
}
