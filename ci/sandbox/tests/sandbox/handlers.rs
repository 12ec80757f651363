//! Functions that run with the ids of the executions, and the helper process they run in.

use std::io::Read;
use std::path::{Path, PathBuf};

use ci_sandbox::{Error, Handler};
use rustix::fs::{Mode, OFlags};

use crate::support::Bench;

/// What `main` registers.
pub(crate) const HANDLERS: &[(&str, Handler)] = &[
    ("echo", |bytes| Ok(bytes.to_vec())),
    ("fail", |_| Err("as asked".to_owned())),
    ("panic", |_| panic!("out of {}", "luck")),
    ("exit", |_| std::process::exit(1)),
    ("uid", |_| {
        Ok(rustix::process::geteuid().as_raw().to_string().into_bytes())
    }),
    ("read merged", read_merged),
    ("write merged", write_merged),
];

fn paths(payload: &[u8]) -> Vec<PathBuf> {
    String::from_utf8_lossy(payload)
        .lines()
        .map(PathBuf::from)
        .collect()
}

fn open(root: impl std::os::fd::AsFd, path: &str, flags: OFlags) -> Result<std::fs::File, String> {
    let mode = Mode::from_raw_mode(0o644);
    rustix::fs::openat(root, path, flags | OFlags::CLOEXEC, mode)
        .map(Into::into)
        .map_err(|error| error.to_string())
}

fn read_merged(payload: &[u8]) -> Result<Vec<u8>, String> {
    let root =
        ci_sandbox::overlay::open(&paths(payload), None).map_err(|error| error.to_string())?;
    let mut bytes = Vec::new();
    open(&root, "file", OFlags::RDONLY)?
        .read_to_end(&mut bytes)
        .map_err(|error| error.to_string())?;
    Ok(bytes)
}

fn write_merged(payload: &[u8]) -> Result<Vec<u8>, String> {
    let paths = paths(payload);
    let (lowers, rest) = paths.split_at(paths.len() - 2);
    let root = ci_sandbox::overlay::open(lowers, Some((&rest[0], &rest[1])))
        .map_err(|error| error.to_string())?;
    open(&root, "written", OFlags::WRONLY | OFlags::CREATE)?;
    Ok(Vec::new())
}

fn lines(paths: &[PathBuf]) -> Vec<u8> {
    paths
        .iter()
        .map(|path| path.to_str().unwrap())
        .collect::<Vec<_>>()
        .join("\n")
        .into_bytes()
}

async fn message(bench: &Bench, handler: &'static str) -> String {
    match bench.sandbox.call(handler, Vec::new()).await {
        Err(Error::Handler {
            handler: name,
            message,
        }) => {
            assert_eq!(name, handler);
            message
        }
        other => panic!("{other:?}"),
    }
}

pub(crate) async fn calls_come_back_large_and_many(bench: Bench) {
    let calls = (0..16_u8).map(|number| {
        let sandbox = bench.sandbox.clone();
        tokio::spawn(async move {
            let payload = vec![number; 1 + usize::from(number) * 1_000_000];
            assert_eq!(
                sandbox.call("echo", payload.clone()).await.unwrap(),
                payload
            );
        })
    });
    for call in calls.collect::<Vec<_>>() {
        call.await.unwrap();
    }
}

pub(crate) async fn a_failure_or_panic_is_the_calls_own(bench: Bench) {
    assert_eq!(message(&bench, "fail").await, "as asked");
    assert_eq!(message(&bench, "panic").await, "panicked: out of luck");
    assert_eq!(
        message(&bench, "unheard of").await,
        "no handler is registered as \"unheard of\""
    );
    assert_eq!(bench.sandbox.call("echo", vec![1]).await.unwrap(), [1]);
}

pub(crate) async fn a_dead_helper_is_an_error_and_replaced(bench: Bench) {
    if bench.mode == "root" {
        return;
    }
    match bench.sandbox.call("exit", Vec::new()).await {
        Err(Error::Lost {
            process: "helper process",
            ..
        }) => {}
        other => panic!("{other:?}"),
    }
    for _ in 0..20 {
        if let Ok(reply) = bench.sandbox.call("echo", vec![2]).await {
            assert_eq!(reply, [2]);
            return;
        }
    }
    panic!("no new helper was started");
}

/// As the store does when what it made is dropped, wherever that is.
pub(crate) async fn destructors_of_tasks_may_call(bench: Bench) {
    struct Calls(ci_sandbox::Sandbox);
    impl Drop for Calls {
        fn drop(&mut self) {
            assert_eq!(self.0.call_blocking("echo", &[3]).unwrap(), [3]);
        }
    }
    let calls = Calls(bench.sandbox.clone());
    tokio::spawn(async move { drop(calls) }).await.unwrap();
}

pub(crate) async fn handlers_are_root_inside(bench: Bench) {
    assert_eq!(bench.sandbox.call("uid", Vec::new()).await.unwrap(), b"0");
}

pub(crate) async fn layers_are_merged_for_handlers_too(bench: Bench) {
    let mut layers = vec![
        bench.layer("a", &[("file", "a")]),
        bench.layer("b", &[("file", "b")]),
    ];
    let merged = |layers: &[PathBuf]| bench.sandbox.call_blocking("read merged", &lines(layers));
    tokio::task::block_in_place(|| {
        assert_eq!(merged(&layers).unwrap(), b"b");
        assert_eq!(merged(&layers[..1]).unwrap(), b"a");
        assert!(merged(&[]).is_err(), "an empty directory has no such file");
        layers.push(bench.path("upper"));
        layers.push(bench.path("work"));
        bench
            .sandbox
            .call_blocking("write merged", &lines(&layers))
            .unwrap();
        layers.drain(..2);
        bench
            .sandbox
            .call_blocking("write merged", &lines(&layers))
            .unwrap();
    });
    assert_eq!(bench.changes(), ["written"]);
    assert!(Path::new("/proc/self/mountinfo").exists());
}
