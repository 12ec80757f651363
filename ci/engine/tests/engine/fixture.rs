//! An engine over a store and a directory of its own, and the image that tests start from.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use ci_engine::progress::{Event, EventKind, Outcome};
use ci_engine::{Engine, EngineError, Fetch, Limits, Options, Progress};
use dagger_sdk::{Container, HostDirectoryOptsBuilder, Query};
use libtest_mimic::{Failed, Trial};
use tempfile::TempDir;

/// What a test answers.
pub(crate) type TestResult = Result<(), Failed>;

/// A static busybox, if there is one.
pub(crate) fn busybox() -> Option<PathBuf> {
    ["/bin/busybox", "/usr/bin/busybox"]
        .into_iter()
        .map(PathBuf::from)
        .find(|path| path.exists())
}

/// An engine over a store and a project directory of its own.
pub(crate) struct Fixture {
    pub(crate) dir: TempDir,
    /// Where the store is, if not in `dir`.
    pub(crate) store: Option<PathBuf>,
    events: Arc<Mutex<Vec<Event>>>,
    progress: Progress,
    /// What engines know of registries.
    pub(crate) registries: ci_registry::Config,
}

impl Fixture {
    pub(crate) fn new() -> Self {
        let dir = TempDir::new().unwrap();
        std::fs::create_dir(dir.path().join("project")).unwrap();
        let image = dir.path().join("image/bin");
        std::fs::create_dir_all(&image).unwrap();
        std::fs::copy(busybox().unwrap(), image.join("busybox")).unwrap();
        for applet in [
            "sh", "cat", "echo", "ls", "mkdir", "rm", "sleep", "true", "false", "id", "env",
            "stat", "touch", "chmod", "ln", "find", "httpd", "nc", "test", "sort", "grep", "date",
            "kill", "head", "tail", "wc", "ps", "mount",
        ] {
            std::os::unix::fs::symlink("busybox", image.join(applet)).unwrap();
        }
        std::fs::create_dir(dir.path().join("image/etc")).unwrap();
        std::fs::write(
            dir.path().join("image/etc/passwd"),
            "root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000::/home/app:/bin/sh\n",
        )
        .unwrap();
        std::fs::write(
            dir.path().join("image/etc/group"),
            "root:x:0:\napp:x:1000:\n",
        )
        .unwrap();
        let events = Arc::new(Mutex::new(Vec::new()));
        let sink = events.clone();
        let progress = Progress::new(move |event| sink.lock().unwrap().push(event));
        Self {
            dir,
            store: None,
            events,
            progress,
            registries: ci_registry::Config::default(),
        }
    }

    /// The project directory.
    pub(crate) fn project(&self) -> PathBuf {
        self.dir.path().join("project")
    }

    /// Writes a file of the project.
    pub(crate) fn write(&self, path: &str, content: &str) {
        let path = self.project().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    /// Starts an engine over the fixture's store.
    pub(crate) async fn engine(&self) -> Engine {
        self.engine_with(|_| ()).await
    }

    /// Starts an engine with other options.
    pub(crate) async fn engine_with(&self, change: impl FnOnce(&mut Options)) -> Engine {
        self.try_engine(change).await.unwrap()
    }

    /// The same, where it may be refused.
    pub(crate) async fn try_engine(
        &self,
        change: impl FnOnce(&mut Options),
    ) -> Result<Engine, EngineError> {
        let progress = self.progress.clone();
        let mut options = Options {
            store: self.store(),
            workdir: self.project(),
            store_limit: None,
            parallelism: 4,
            no_cache: false,
            source_date_epoch: 1_700_000_000,
            progress,
            fetch: Fetch { local_git: true },
            registries: self.registries.clone(),
            limits: Limits::default(),
        };
        change(&mut options);
        Engine::start(options).await
    }

    /// The root of the store.
    pub(crate) fn store(&self) -> PathBuf {
        let usual = || self.dir.path().join("store");
        self.store.clone().unwrap_or_else(usual)
    }

    /// Everything in the store is what it says it is, and nothing else is there.
    pub(crate) fn assert_clean_store(&self) {
        let pack = |layer: &ci_store::LayerPaths| {
            let layer = ci_rootfs::LayerDir {
                dir: layer.dir.clone(),
                owners: layer.owners.clone(),
            };
            match ci_rootfs::op::run(&ci_rootfs::op::Op::Hash { layer })? {
                ci_rootfs::op::Reply::Layer { diff_id, .. } => Ok(diff_id),
                other => Err(format!("{other:?}").into()),
            }
        };
        let store = ci_store::Store::open(&self.store()).unwrap();
        let report = store.verify(&pack, &mut |_, _| {}).unwrap();
        assert!(report.is_clean(), "{:?}", report.problems);
    }

    /// How many times a text was printed by steps.
    pub(crate) fn printed(&self, text: &str) -> usize {
        let events = self.events.lock().unwrap();
        let printed = |event: &&Event| matches!(&event.kind, EventKind::Output { bytes, .. } if String::from_utf8_lossy(bytes).contains(text));
        events.iter().filter(printed).count()
    }

    /// Files of the store that hold some bytes.
    pub(crate) fn contents_with(&self, bytes: &[u8]) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut todo = vec![self.store()];
        while let Some(dir) = todo.pop() {
            for entry in std::fs::read_dir(dir).unwrap() {
                let path = entry.unwrap().path();
                if path.is_symlink() {
                } else if path.is_dir() {
                    todo.push(path);
                } else if std::fs::read(&path)
                    .unwrap()
                    .windows(bytes.len())
                    .any(|window| window == bytes)
                {
                    found.push(path);
                }
            }
        }
        found
    }

    /// What was warned of, in order.
    /// Warnings so far.
    pub(crate) fn warnings(&self) -> Vec<String> {
        let events = self.events.lock().unwrap();
        let warning = |event: &Event| match &event.kind {
            EventKind::Warning { message, .. } => Some(message.clone()),
            _ => None,
        };
        events.iter().filter_map(warning).collect()
    }

    /// Waits until a step has printed this.
    pub(crate) async fn until_printed(&self, text: &str) {
        while self.printed(text) == 0 {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    }

    /// How steps of a name ended, in order.
    pub(crate) fn outcomes(&self, name: &str) -> Vec<Outcome> {
        let events = self.events.lock().unwrap();
        let started: Vec<_> = events.iter().filter(|event| matches!(&event.kind, EventKind::Started { name: found, .. } if found.contains(name))).map(|event| event.step).collect();
        let outcome = |event: &Event| match &event.kind {
            EventKind::Finished { outcome, .. } if started.contains(&event.step) => {
                Some(outcome.clone())
            }
            _ => None,
        };
        events.iter().filter_map(outcome).collect()
    }
}

/// A container with busybox and two users.
pub(crate) fn base(query: &Query, fixture: &Fixture) -> Container {
    let image = query.host().directory_opts(
        path(&fixture.dir.path().join("image")),
        HostDirectoryOptsBuilder::default().build().unwrap(),
    );
    query.container().with_rootfs(image)
}

pub(crate) fn path(path: &Path) -> String {
    path.display().to_string()
}

/// A test that runs on an engine.
pub(crate) fn test<F, Fut>(name: &str, body: F) -> Trial
where
    F: FnOnce(Fixture) -> Fut + Send + 'static,
    Fut: Future<Output = TestResult>,
{
    Trial::test(name, move || {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()?;
        runtime.block_on(body(Fixture::new()))
    })
}
