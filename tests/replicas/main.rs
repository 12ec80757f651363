//! Replicas of the Dockerfiles that people bring, on base images from a registry: built, tested, and built again without the registry.
//!
//! README.md beside this file says what they are. `UPDATE_EXPECTED=1` writes `expected/` anew: read what changed before you keep it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod replica;

use std::path::Path;
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};

use libtest_mimic::{Arguments, Completion, Trial};
use tempfile::TempDir;
use test_support::base::Bases;
use test_support::registry::{Registry, Wants};
use test_support::replicas;

use replica::Replica;

const REPLICAS: [&str; 4] = ["app-and-migrator", "go-server", "monorepo", "node-service"];

/// What the replicas are built with.
struct World {
    bases: Bases,
    registry: Registry,
}

impl World {
    fn new(work: &Path) -> Result<Self, String> {
        let registry = Registry::start(&Wants::default())?;
        let kept = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let bases = replicas::make(&work.join("bases"), kept)?;
        replicas::push(&bases, &registry)?;
        Ok(Self { bases, registry })
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let work = Arc::new(TempDir::with_prefix("replicas-").unwrap());
    let world: Arc<OnceLock<Result<World, String>>> = Arc::default();
    let test = |name: &'static str| {
        let (work, world) = (work.clone(), world.clone());
        Trial::ignorable_test(name, move || {
            let made = world.get_or_init(|| World::new(work.path()));
            let world = match made {
                Ok(world) => world,
                Err(missing) => return Ok(Completion::ignored_with(missing.as_str())),
            };
            let replica = Replica::check_out(name, work.path(), &world.registry.host);
            replica.builds_what_is_expected(&world.bases);
            replica.passes_its_tests();
            replica.is_built_again_without_the_registry();
            Ok(Completion::Completed)
        })
    };
    let conclusion = libtest_mimic::run(&arguments, REPLICAS.map(test).into());
    drop(world);
    conclusion.exit_code()
}
