//! The `cargo` builder.

use libtest_mimic::Trial;

use crate::image::Image;
use crate::project::{Project, settle, test};

const HELLO: &str = "fn main() { println!(\"hello\"); }\n";

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        test(
            "a_program_becomes_an_image_with_nothing_it_does_not_need",
            contents,
        ),
        test("metadata_of_the_catalog_is_in_the_image", metadata),
        test(
            "nothing_is_compiled_twice_and_every_change_is_seen",
            changes,
        ),
        test(
            "a_dynamic_program_runs_with_the_objects_in_its_image",
            dynamic,
        ),
        test(
            "a_compile_error_is_shown_and_fails_the_build",
            compile_error,
        ),
        test(
            "a_package_with_several_programs_must_name_one",
            several_programs,
        ),
        test("a_library_is_no_service", library),
        test("a_lock_file_that_does_not_fit_is_not_changed", locked),
        test(
            "a_crate_that_is_missing_without_a_network_is_explained",
            offline,
        ),
        test(
            "an_unrenderable_template_fails_before_anything_is_compiled",
            unrenderable,
        ),
        test("a_platform_without_its_target_says_how_to_get_it", platform),
        test(
            "flags_of_the_project_reach_the_compiler_and_those_of_the_user_do_not",
            flags,
        ),
        test(
            "a_program_that_contains_a_path_of_the_machine_is_warned_of",
            leak,
        ),
        test(
            "what_only_a_build_can_find_out_is_in_no_fingerprint",
            uncovered,
        ),
        test(
            "files_that_change_while_they_are_built_leave_no_fingerprint",
            changing,
        ),
        test("the_bill_of_materials_names_what_was_compiled", sbom),
    ]
}

fn contents() {
    let project = Project::new();
    project.program("web", HELLO, "");
    project.build(&[]);
    let image = Image::of(&project, "web");
    insta::assert_snapshot!(image.listing(), @r#"
    app/ Directory 755 0:0
    app/web Regular 755 0:0
    etc/ Directory 755 0:0
    etc/group Regular 644 0:0
    etc/passwd Regular 644 0:0
    tmp/ Directory 1777 0:0
    "#);
    let config = image.resolved.config.config;
    assert_eq!(config.user, "65532:65532");
    assert_eq!(config.entrypoint, Some(vec!["/app/web".to_owned()]));
}

fn metadata() {
    let project = Project::new();
    let options = "certificates = true\nuser = \"1:2\"\n[image]\nenv = { WHO = \"{service} {env}\" }\n\
                   labels = { commit = \"{sha}\" }\nports = [8080]\ncmd = [\"--quiet\"]";
    project.program("web", HELLO, options);
    project.build(&["--env", "preview"]);
    let image = Image::of(&project, "web");
    let config = serde_json::to_string_pretty(&image.resolved.config.config).unwrap();
    insta::assert_snapshot!(config, @r#"
    {
      "User": "1:2",
      "ExposedPorts": {
        "8080/tcp": {}
      },
      "Env": [
        "WHO=web preview"
      ],
      "Entrypoint": [
        "/app/web"
      ],
      "Cmd": [
        "--quiet"
      ],
      "WorkingDir": "/",
      "Labels": {
        "commit": "0000000000000000000000000000000000000000",
        "org.opencontainers.image.created": "1970-01-01T00:00:00Z",
        "org.opencontainers.image.title": "web"
      }
    }
    "#);
    let bundle = image.text("etc/ssl/certs/ca-certificates.crt");
    assert!(bundle.contains("BEGIN CERTIFICATE"));
    assert!(image.text("etc/passwd").contains("nonroot:x:1:2:"));
}

fn changes() {
    let project = Project::new();
    let main = "fn main() { println!(\"{} {:?}\", include_str!(\"../../../note.txt\"), option_env!(\"FLAVOUR\")); }\n";
    project.program("web", main, "");
    project.write("note.txt", "one");
    settle();
    assert!(project.build(&[]).compiled("web"));
    let first = project.digest("web");
    assert!(!project.build(&[]).compiled("web"));

    // Times, other files, another copy of the same state: nothing to do.
    project.write("services/web/src/main.rs", main);
    project.write("services/web/target/debug/x", "built by hand");
    project.write("other.txt", "");
    assert!(!project.build(&[]).compiled("web"));
    assert_eq!(project.digest("web"), first);

    // A file outside the package that is compiled into it.
    project.write("note.txt", "two");
    settle();
    assert!(project.build(&[]).compiled("web"));
    let second = project.digest("web");
    assert_ne!(second, first);

    // Back to what was: it is remembered.
    project.write("note.txt", "one");
    assert!(!project.build(&[]).compiled("web"));
    assert_eq!(project.digest("web"), first);

    // A new file that only a build script could notice, and configuration.
    project.write("services/web/assets/new.txt", "");
    assert!(project.build(&[]).compiled("web"));
    project.write(".cargo/config.toml", "[env]\nFLAVOUR = \"sweet\"\n");
    assert!(project.build(&[]).compiled("web"));
    assert_ne!(project.digest("web"), first);
    assert!(project.build(&["--no-cache"]).compiled("web"));
}

fn dynamic() {
    let project = Project::new();
    let main = "fn main() { std::fs::write(\"/out\", std::env::args().collect::<Vec<_>>().join(\" \")).unwrap(); }\n";
    project.program("tool", main, "linkage = \"dynamic\"\nuser = \"0:0\"");
    project.dockerfile(
        "made",
        "FROM tool\nRUN [\"/app/tool\", \"in\", \"a build\"]\n",
        "contexts = { tool = \"service:tool\" }",
    );
    project.build(&[]);
    let image = Image::of(&project, "made");
    assert_eq!(image.text("out"), "/app/tool in a build");
    assert!(image.listing().contains("/libc.so.6 Regular 755 0:0"));
}

fn compile_error() {
    let project = Project::new();
    project.program("web", HELLO, "");
    project.build(&[]);
    project.write(
        "services/web/src/main.rs",
        "fn main() { let x: u32 = \"\"; }\n",
    );
    let ran = project.run(&["build"]);
    ran.failed(
        1,
        &[
            "error[E0308]: mismatched types",
            "cannot build web",
            "cargo: exit code: 101",
        ],
    );
    assert_eq!(ran.stdout, "");
    assert_eq!(project.record()["services"].as_array().unwrap().len(), 0);
}

fn several_programs() {
    let project = Project::new();
    project.program("web", HELLO, "");
    project.write("services/web/src/bin/other.rs", HELLO);
    project
        .run(&["build"])
        .failed(2, &["several programs: other, web", "`bin = \"NAME\"`"]);
    project.program("web", HELLO, "bin = \"other\"");
    project.build(&[]);
    assert!(Image::of(&project, "web").files.contains_key("app/other"));
}

fn library() {
    let project = Project::new();
    project.program("web", HELLO, "");
    std::fs::rename(
        project.root.join("services/web/src/main.rs"),
        project.root.join("services/web/src/lib.rs"),
    )
    .unwrap();
    let ran = project.run(&["build"]);
    ran.failed(
        2,
        &["services/web/service.toml: the package has no program"],
    );
}

fn locked() {
    let project = Project::new();
    project.program("web", HELLO, "");
    let lock = "version = 4\n\n[[package]]\nname = \"web\"\nversion = \"0.2.0\"\n";
    project.write("services/web/Cargo.lock", lock);
    project
        .run(&["build"])
        .failed(1, &["Cargo.lock does not fit the manifests"]);
    assert_eq!(project.read("services/web/Cargo.lock"), lock);
}

fn offline() {
    let project = Project::new();
    project.program("web", HELLO, "");
    let manifest = project.read("services/web/Cargo.toml");
    project.write(
        "services/web/Cargo.toml",
        &format!("{manifest}[dependencies]\nmissing-crate = \"1\"\n"),
    );
    let home = project.root.join("cargo-home");
    let mut command = project.command(&["build"]);
    let ran = crate::project::Ran::of(
        command
            .env("CARGO_HOME", &home)
            .env("CARGO_NET_OFFLINE", "true")
            .output()
            .unwrap(),
    );
    ran.failed(
        1,
        &[
            "some crates are not on this machine; fetching them",
            "missing-crate",
            "cargo fetch --locked",
        ],
    );
}

fn unrenderable() {
    let project = Project::new();
    project.program("web", HELLO, "[image]\nenv = { A = \"{env}\" }");
    let ran = project.run(&["build"]);
    ran.failed(
        2,
        &["`image.env.A`: `{env}` has no value here", "--env NAME"],
    );
    assert!(!ran.stderr.contains("cargo build"), "{}", ran.stderr);
}

fn platform() {
    let project = Project::new();
    project.program("web", HELLO, "");
    // The rarest of all platforms.
    let ran = project.run(&["build", "--platform", "linux/arm/v5"]);
    ran.failed(3, &["rustup target add armv5te-unknown-linux-musleabi"]);
}

fn flags() {
    let project = Project::new();
    let main = "fn main() { println!(\"{} {}\", cfg!(of_project), cfg!(of_user)); }\n#[cfg(of_user)]\ncompile_error!(\"user\");\n#[cfg(not(of_project))]\ncompile_error!(\"project\");\n";
    project.program("web", main, "");
    project.write("services/.cargo/config.toml", "[build]\nrustflags = [\"--cfg=of_project\"]\n[target.'cfg(unix)']\nrustflags = [\"--cfg=of_user\"]\n");
    let mut command = project.command(&["build"]);
    let ran = crate::project::Ran::of(command.env("RUSTFLAGS", "--cfg=of_user").output().unwrap());
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    ran.said(&[
        "CargoConfig",
        "`target.'cfg(unix)'.rustflags` is not followed",
    ]);
}

fn leak() {
    let project = Project::new();
    let main = "fn main() { println!(env!(\"CARGO_MANIFEST_DIR\")); }\n";
    project.program("web", main, "");
    project.build(&[]).said(&["PathInProgram"]);
}

fn sbom() {
    let project = Project::new();
    project.program("web", "fn main() { one::one(); }\n", "");
    let dir = "services/web";
    let manifest = project.read(&format!("{dir}/Cargo.toml"));
    let dependencies = "[dependencies]\none = { path = \"one\" }\n[target.'cfg(windows)'.dependencies]\ntwo = { path = \"two\" }\n[build-dependencies]\nthree = { path = \"three\" }\n";
    project.write(
        &format!("{dir}/Cargo.toml"),
        &format!("{manifest}{dependencies}"),
    );
    project.write(&format!("{dir}/build.rs"), "fn main() { three::one(); }\n");
    let mut lock = String::from("version = 4\n");
    for name in ["one", "three", "two"] {
        let manifest =
            format!("[package]\nname = \"{name}\"\nversion = \"1.0.0\"\nedition = \"2024\"\n");
        project.write(&format!("{dir}/{name}/Cargo.toml"), &manifest);
        project.write(&format!("{dir}/{name}/src/lib.rs"), "pub fn one() {}\n");
        lock.push_str(&format!(
            "\n[[package]]\nname = \"{name}\"\nversion = \"1.0.0\"\n"
        ));
    }
    lock.push_str("\n[[package]]\nname = \"web\"\nversion = \"0.1.0\"\ndependencies = [\n \"one\",\n \"three\",\n \"two\",\n]\n");
    project.write(&format!("{dir}/Cargo.lock"), &lock);
    project.build(&[]);
    let text = project.read(".pipeline/sbom/web.cdx.json");
    let document: serde_json::Value = serde_json::from_str(&text).unwrap();
    let components = document["components"].as_array().unwrap();
    let scopes: Vec<String> = components
        .iter()
        .map(|it| format!("{} {}", it["name"], it["scope"]))
        .collect();
    assert_eq!(scopes, ["\"one\" \"required\"", "\"three\" \"excluded\""]);
    let record = project.record();
    assert_eq!(
        record["services"][0]["platforms"][0]["sbom"]["digest"],
        ci_oci::Digest::of(&text).to_string()
    );
}

fn uncovered() {
    let project = Project::new();
    project.program("web", HELLO, "");
    project.build(&[]);
    let fingerprint = || project.record()["services"][0]["fingerprint"].clone();
    let first = fingerprint();
    assert!(first.is_string());
    // Found by its name in the source.
    project.write("note.txt", "one");
    let main = "fn main() { println!(\"{}\", include_str!(\"../../../note.txt\")); }\n";
    project.write("services/web/src/main.rs", main);
    settle();
    project.build(&[]);
    let second = fingerprint();
    assert!(second.is_string() && second != first);
    project.write("note.txt", "two");
    settle();
    project.build(&[]);
    assert!(fingerprint().is_string() && fingerprint() != second);
    // Put together by a build script, which is known when it has run.
    project.write("data.txt", "one");
    project.write(
        "services/web/build.rs",
        "fn main() { let up = [\"..\", \"..\", \"data.txt\"].join(\"/\"); println!(\"cargo:rerun-if-changed={up}\"); }\n",
    );
    settle();
    project.build(&[]);
    assert!(fingerprint().is_null());
    project.build(&[]);
    assert!(fingerprint().is_null(), "nor when it was compiled before");
}

fn changing() {
    let project = Project::new();
    project.program("web", HELLO, "");
    project.write(
        "services/web/build.rs",
        "fn main() { std::fs::write(\"written.txt\", \"by the build\").unwrap(); }\n",
    );
    let ran = project.build(&[]);
    let fingerprint = || project.record()["services"][0]["fingerprint"].clone();
    assert!(fingerprint().is_null());
    assert!(ran.stderr.contains("FilesChanged"), "{}", ran.stderr);
    let again = project.build(&[]);
    assert!(fingerprint().is_string(), "{}", again.stderr);
}
