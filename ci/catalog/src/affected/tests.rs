//! Changes and the services they touch.

use insta::assert_snapshot;
use proptest::prelude::*;

use super::*;
use crate::MemoryFiles;
use crate::tests::load;

/// A monorepo: `api` and `web` are built from the root, `docs` from its own folder, `migrator` with `api`; `worker` stands on the
/// image of `base`; `agent` is a cargo package of a workspace.
fn shop() -> Catalog {
    let pipeline =
        "[project]\nname = \"shop\"\nregistry = \"ghcr.io/acme\"\nservices = [\"services/*\"]\n";
    let root = "builder = \"dockerfile\"\n[dockerfile]\ncontext = \"../..\"\nfile = \"../../Dockerfile\"\n";
    let own = "builder = \"dockerfile\"\n";
    let services = [
        ("api", format!("{root}target = \"api\"\n")),
        (
            "web",
            format!("{root}secrets = {{ npm = \"file:../../npm.token\" }}\n"),
        ),
        ("migrator", format!("coupled-with = [\"api\"]\n{own}")),
        ("docs", own.to_owned()),
        ("base", own.to_owned()),
        (
            "worker",
            format!(
                "{own}[dockerfile.contexts]\nbase = \"service:base\"\nassets = \"dir:../../assets\"\n"
            ),
        ),
        ("agent", "builder = \"cargo\"\n".to_owned()),
    ];
    let mut files = MemoryFiles::new()
        .with("pipeline.toml", pipeline)
        .with("Dockerfile", "")
        .with("assets/logo.svg", "")
        .with("services/agent/Cargo.toml", "");
    for (name, text) in services {
        let folder = Path::new("services").join(name);
        files = files
            .with(folder.join("service.toml"), text)
            .with(folder.join("Dockerfile"), "");
    }
    load(&files)
}

/// What the builders of [`shop`] can tell: what the Dockerfile at the root copies, and what the package is made of.
fn depends(service: &Service, path: &Path) -> Option<bool> {
    let below = |folders: &[&str]| Some(folders.iter().any(|folder| path.starts_with(folder)));
    match service.name.as_str() {
        "api" => below(&["services/api", "packages/shared", "pnpm-lock.yaml"]),
        "web" => below(&["services/web", "packages", "pnpm-lock.yaml"]),
        "agent" => below(&["services/agent", "crates/util", "Cargo.lock", "../shared"]),
        _ => None,
    }
}

fn of(paths: &[&str]) -> Affected {
    let knowledge = Knowledge {
        depends: &depends,
        shared: &[PathBuf::from("pipeline")],
    };
    affected(&shop(), paths, &knowledge)
}

fn told(paths: &[&str]) -> String {
    let affected = of(paths);
    let warnings: Vec<String> = affected
        .warnings
        .iter()
        .map(|it| format!("\n! {it}"))
        .collect();
    format!("{affected}{}", warnings.concat())
}

fn names(affected: &Affected) -> Vec<&str> {
    affected.services.keys().map(Name::as_str).collect()
}

const EVERYBODY: [&str; 7] = ["agent", "api", "base", "docs", "migrator", "web", "worker"];

#[test]
fn a_file_touches_the_services_that_read_it() {
    assert_snapshot!(told(&["services/docs/index.md", "services/web/src/main.ts"]), @r"
    docs
      services/docs/index.md (its own)
    web
      services/web/src/main.ts (its own)
    ");
    assert_snapshot!(told(&["packages/ui/button.ts"]), @r"
    web
      packages/ui/button.ts (shared)
    ");
    assert_snapshot!(told(&["assets/logo.svg"]), @r"
    worker
      assets/logo.svg (shared)
    ");
    assert_snapshot!(told(&[]), @"no service is affected");
}

#[test]
fn those_released_together_are_touched_together() {
    assert_snapshot!(told(&["packages/shared/log.ts"]), @r"
    api
      packages/shared/log.ts (shared)
    migrator
      is released with `api`
    web
      packages/shared/log.ts (shared)
    ");
    assert_snapshot!(told(&["services/migrator/001.sql"]), @r"
    api
      is released with `migrator`
    migrator
      services/migrator/001.sql (its own)
    ");
}

#[test]
fn those_that_stand_on_an_image_are_touched_with_it() {
    assert_snapshot!(told(&["services/base/Dockerfile", "services/worker/main.go"]), @r"
    base
      services/base/Dockerfile (how it is built)
    worker
      services/worker/main.go (its own)
      reads the image of `base`
    ");
}

#[test]
fn lock_files_touch_those_who_read_them() {
    assert_snapshot!(told(&["pnpm-lock.yaml"]), @r"
    api
      pnpm-lock.yaml (lock file)
    migrator
      is released with `api`
    web
      pnpm-lock.yaml (lock file)
    ");
    assert_snapshot!(told(&["Cargo.lock"]), @r"
    agent
      Cargo.lock (lock file)
    ");
    assert_snapshot!(told(&["services/docs/go.sum", "services/agent/Cargo.lock"]), @r"
    agent
      services/agent/Cargo.lock (lock file)
    docs
      services/docs/go.sum (lock file)
    ");
}

#[test]
fn a_lock_file_of_which_a_package_knows_that_its_part_is_the_same_does_not_touch_it() {
    let same = Knowledge {
        depends: &|_, _| Some(false),
        shared: &[],
    };
    let affected = affected(&shop(), ["Cargo.lock", "services/agent/Cargo.lock"], &same);
    assert_eq!(names(&affected), [""; 0]);
    assert_eq!(affected.warnings, [""; 0]);
}

#[test]
fn cargo_s_files_above_a_package_are_part_of_it() {
    for path in [
        "Cargo.toml",
        "rust-toolchain.toml",
        ".cargo/config.toml",
        "services/.cargo/config",
    ] {
        assert_eq!(names(&of(&[path])), ["agent"], "{path}");
    }
    assert_eq!(names(&of(&["crates/.cargo/config.toml"])), [""; 0]);
}

#[test]
fn a_dockerfile_and_its_ignore_rules_touch_those_built_from_it() {
    for path in ["Dockerfile", ".dockerignore", "Dockerfile.dockerignore"] {
        assert_eq!(names(&of(&[path])), ["api", "migrator", "web"], "{path}");
    }
    assert_eq!(
        names(&of(&["services/docs/Dockerfile.dockerignore"])),
        ["docs"]
    );
    assert_snapshot!(told(&["Dockerfile"]), @r"
    api
      Dockerfile (how it is built)
    migrator
      is released with `api`
    web
      Dockerfile (how it is built)
    ");
}

#[test]
fn catalog_files_touch_those_they_are_about() {
    assert_snapshot!(told(&["services/docs/service.toml"]), @r"
    docs
      services/docs/service.toml (catalog)
    ");
    for path in ["pipeline.toml", "pipeline/src/main.rs"] {
        assert_eq!(names(&of(&[path])), EVERYBODY, "{path}");
        assert_eq!(of(&[path]).warnings, [""; 0]);
    }
}

#[test]
fn the_lock_of_base_images_touches_all_but_those_known_not_to_use_what_moved() {
    let lock = "pipeline.lock";
    assert_eq!(
        names(&of(&[lock])),
        ["api", "base", "docs", "migrator", "worker"]
    );
    let nothing = Knowledge {
        depends: &|_, _| None,
        shared: &[],
    };
    assert_eq!(names(&affected(&shop(), [lock], &nothing)), EVERYBODY);
}

#[test]
fn what_nobody_knows_at_the_root_touches_everybody_with_a_warning() {
    // Where the root is a context, those who read from there know that they do not read it.
    let affected = of(&["Makefile\u{1b}"]);
    assert_eq!(names(&affected), [""; 0]);

    let files = MemoryFiles::new()
        .with(
            "pipeline.toml",
            "[project]\nname = \"shop\"\nregistry = \"ghcr.io/acme\"\nservices = [\"a\", \"b\"]\n",
        )
        .with("a/service.toml", "builder = \"dockerfile\"\n")
        .with("a/Dockerfile", "")
        .with("b/service.toml", "builder = \"dockerfile\"\n")
        .with("b/Dockerfile", "");
    let catalog = load(&files);
    let nothing = Knowledge {
        depends: &|_, _| None,
        shared: &[],
    };
    let affected = |path: &str| super::affected(&catalog, [path], &nothing);
    assert_snapshot!(affected("Makefile\u{1b}"), @r"
    a
      Makefile\u{1b} (perhaps)
    b
      Makefile\u{1b} (perhaps)
    ");
    assert_snapshot!(affected("Makefile\u{1b}").warnings.join("\n"), @r"`Makefile\u{1b}` is at the root, and who reads it is not known: all services count as affected");
    for harmless in [
        "README.md",
        "LICENSE",
        ".gitignore",
        "docs/x.html",
        ".github/workflows/ci.yml",
    ] {
        assert_eq!(names(&affected(harmless)), [""; 0], "{harmless}");
    }
}

#[test]
fn a_package_of_which_nothing_is_known_counts_as_made_of_everything() {
    let nothing = Knowledge {
        depends: &|service, _| (service.name != "agent").then_some(false),
        shared: &[],
    };
    let affected = affected(
        &shop(),
        ["crates/util/template.html", "docs/README.md"],
        &nothing,
    );
    assert_snapshot!(affected, @r"
    agent
      crates/util/template.html (perhaps)
    ");
    assert_snapshot!(affected.warnings.join("\n"), @"what `agent` is made of is not known: every change counts as one of it");
}

#[test]
fn secrets_from_files_count() {
    assert_eq!(names(&of(&["npm.token"])), ["web"]);
}

#[test]
fn paths_are_understood_as_people_write_them() {
    assert_eq!(names(&of(&["./services//docs/../docs/x"])), ["docs"]);
    assert_eq!(
        names(&of(&["../services/docs/x", "services/../../x"])),
        [""; 0]
    );
    assert_eq!(names(&of(&["/repo/services/docs/x"])), EVERYBODY);
    assert_snapshot!(of(&["/repo/services/docs/x"]).warnings.join("\n"), @"`/repo/services/docs/x` is not relative to the catalog root: all services count as affected");
    assert_eq!(names(&of(&["services/../../shared/x"])), ["agent"]);
    // A name that only begins like a folder is not in it.
    assert_eq!(names(&of(&["services/docs2/x"])), [""; 0]);
}

#[test]
fn where_nothing_is_known_everything_is_affected() {
    let everything = Affected::everything(&shop(), "the history is cut off");
    assert_eq!(names(&everything), EVERYBODY);
    assert_snapshot!(everything.to_string().lines().take(2).collect::<Vec<_>>().join("\n"), @r"
    agent
      what differs is not known
    ");
    assert_eq!(everything.warnings, ["the history is cut off"]);
    assert!(everything.contains("web") && !everything.contains("wbe"));
}

#[test]
fn many_reasons_are_counted() {
    let paths: Vec<String> = (0..40)
        .map(|n| format!("services/docs/{n:02}.md"))
        .collect();
    let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    assert_snapshot!(told(&paths), @r"
    docs
      services/docs/00.md (its own)
      services/docs/01.md (its own)
      services/docs/02.md (its own)
      services/docs/03.md (its own)
      services/docs/04.md (its own)
      and 35 more
    ");
}

/// Paths that occur in the shop, and others.
fn path() -> impl Strategy<Value = String> {
    const KNOWN: &[&str] = &[
        "services/docs/x",
        "services/base/x",
        "packages/shared/x",
        "pnpm-lock.yaml",
        "Dockerfile",
        "Makefile",
    ];
    prop_oneof![
        prop::sample::select(KNOWN).prop_map(str::to_owned),
        "\\PC{0,20}",
        "[./a]{0,8}"
    ]
}

proptest! {
    #[test]
    fn more_changes_never_touch_fewer_services(paths in prop::collection::vec(path(), 0..6), more in path()) {
        let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
        let fewer = of(&paths);
        let all = of(&[&paths[..], &[more.as_str()]].concat());
        prop_assert!(fewer.services.keys().all(|name| all.contains(name.as_str())));
    }

    #[test]
    fn the_order_of_changes_does_not_show(mut paths in prop::collection::vec(path(), 0..6)) {
        let told = |paths: &[String]| {
            let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
            of(&paths).services
        };
        let before = told(&paths);
        paths.reverse();
        prop_assert_eq!(told(&paths), before);
    }
}
