//! Errors of the files a service names.

use insta::assert_snapshot;

use crate::MemoryFiles;
use crate::tests::{PIPELINE, report, report_service};

#[test]
fn missing_files_name_the_nearest_ones() {
    let text = "builder = \"dockerfile\"\n[dockerfile]\nfile = \"dockerfile\"\ncontext = \"../wbe\"\n[dockerfile.contexts]\nx = \"dir:assets\"\n";
    assert_snapshot!(report_service(text), @r#"
    error: there is no file `services/web/dockerfile`
     --> services/web/service.toml:3:8
      |
    3 | file = "dockerfile"
      |        ^^^^^^^^^^^^
      = help: there is `services/web/Dockerfile`

    error: there is no folder `services/wbe`
     --> services/web/service.toml:4:11
      |
    4 | context = "../wbe"
      |           ^^^^^^^^
      = help: there is `services/web`

    error: there is no folder `services/web/assets`
     --> services/web/service.toml:6:5
      |
    6 | x = "dir:assets"
      |     ^^^^^^^^^^^^

    the catalog has 3 errors
    "#);
}

#[test]
fn missing_default_file_points_at_the_builder() {
    let files = MemoryFiles::new()
        .with("pipeline.toml", PIPELINE)
        .with("services/web/service.toml", "builder = \"cargo\"\n");
    assert_snapshot!(report(&files), @r#"
    error: there is no file `services/web/Cargo.toml`
     --> services/web/service.toml:1:11
      |
    1 | builder = "cargo"
      |           ^^^^^^^
      = help: this is the default: set `manifest` to where it is

    the catalog has 1 error
    "#);
}

#[test]
fn a_folder_is_no_dockerfile_and_a_file_no_context() {
    let text = "builder = \"dockerfile\"\n[dockerfile]\nfile = \".\"\ncontext = \"Dockerfile\"\n";
    assert_snapshot!(report_service(text), @r#"
    error: `services/web` is not a file
     --> services/web/service.toml:3:8
      |
    3 | file = "."
      |        ^^^

    error: `services/web/Dockerfile` is not a folder
     --> services/web/service.toml:4:11
      |
    4 | context = "Dockerfile"
      |           ^^^^^^^^^^^^

    the catalog has 2 errors
    "#);
}

#[test]
fn paths_that_leave_the_root_are_errors() {
    let text = "builder = \"dockerfile\"\n[dockerfile]\nfile = \"/etc/passwd\"\ncontext = \"../../..\"\n[dockerfile.contexts]\nx = \"oci-layout:../../../x\"\n[dockerfile.secrets]\ny = \"file:/etc/shadow\"\n";
    assert_snapshot!(report_service(text), @r#"
    error: a path must be relative, not absolute
     --> services/web/service.toml:3:8
      |
    3 | file = "/etc/passwd"
      |        ^^^^^^^^^^^^^
      = help: paths are relative to the folder of this file

    error: the path leaves the catalog root
     --> services/web/service.toml:4:11
      |
    4 | context = "../../.."
      |           ^^^^^^^^^^
      = help: the catalog root is the folder of `pipeline.toml`; what a build reads is inside

    error: the path leaves the catalog root
     --> services/web/service.toml:6:5
      |
    6 | x = "oci-layout:../../../x"
      |     ^^^^^^^^^^^^^^^^^^^^^^^
      = help: the catalog root is the folder of `pipeline.toml`; what a build reads is inside

    error: a path must be relative, not absolute
     --> services/web/service.toml:8:5
      |
    8 | y = "file:/etc/shadow"
      |     ^^^^^^^^^^^^^^^^^^
      = help: paths are relative to the folder of this file

    the catalog has 4 errors
    "#);
}
