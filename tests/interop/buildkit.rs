//! BuildKit, the reference: a daemon for the suite, and builds with it.
//!
//! `tests/tools/install-peers` builds the version that the known differences are of. It is used from `target/peers`, from the folder
//! that `INTEROP_PEERS` names, or from PATH.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use test_support::base::Bases;
use test_support::case::Staged;
use test_support::image::Image;
use test_support::peers::find;
use test_support::report::Built;

use crate::differences::{Peer, Theirs};
use crate::tools::attempt;
use crate::work;

/// A daemon that runs, and the program that speaks to it.
pub(crate) struct BuildKit {
    buildctl: String,
    address: String,
    daemon: Child,
}

/// The suite's daemon, started when it is first asked for; the namespaces of the suite end it. The error is why there is none.
pub(crate) fn daemon() -> Result<&'static BuildKit, &'static str> {
    static DAEMON: OnceLock<Result<BuildKit, String>> = OnceLock::new();
    let daemon = DAEMON.get_or_init(BuildKit::start);
    daemon.as_ref().map_err(String::as_str)
}

impl BuildKit {
    fn start() -> Result<Self, String> {
        let (Some(buildkitd), Some(buildctl)) = (find("buildkitd"), find("buildctl")) else {
            return Err(
                "BuildKit is not installed: tests/tools/install-peers builds it with Go".into(),
            );
        };
        let dir = work::folder("buildkit");
        let address = format!("unix://{}", dir.join("socket").display());
        let log = File::create(dir.join("log")).unwrap();
        let daemon = Command::new(buildkitd)
            .args(["--addr", &address])
            .arg("--root")
            .arg(dir.join("root"))
            .args(["--oci-worker-binary=runc", "--oci-worker-net=host"])
            .args(["--containerd-worker=false", "--config=/dev/null"])
            .args(["--allow-insecure-entitlement=network.host"])
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let deadline = Instant::now() + Duration::from_secs(60);
        let mut daemon = Self {
            buildctl: buildctl.display().to_string(),
            address,
            daemon,
        };
        let answers = ["--addr", daemon.address.as_str(), "debug", "workers"].map(str::to_owned);
        while attempt(&daemon.buildctl, &answers).0 != 0 {
            if daemon.daemon.try_wait().unwrap().is_some() || Instant::now() > deadline {
                let log = std::fs::read_to_string(dir.join("log")).unwrap_or_default();
                panic!("buildkitd does not start:\n{log}");
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(daemon)
    }

    /// Builds a staged case on base images in OCI layouts.
    #[track_caller]
    pub(crate) fn build(&self, staged: &Staged, bases: &Bases) -> Theirs {
        match self.image(staged, bases) {
            Ok((built, warnings)) => Theirs::Built(Peer {
                tree: built.tree,
                config: built.config,
                history: Some(built.history),
                warnings: Some(warnings),
            }),
            Err(reason) => Theirs::Refused(reason),
        }
    }

    /// The image, and what the checks say; the error is what BuildKit says.
    #[track_caller]
    pub(crate) fn image(
        &self,
        staged: &Staged,
        bases: &Bases,
    ) -> Result<(Built, Vec<String>), String> {
        let options = &staged.options;
        let layout = work::folder("buildkit-built").join("layout");
        let place = |path: &str| staged.folder.join(path).display().to_string();
        let dockerfile = Path::new(&options.file);
        let folder = dockerfile.parent().unwrap().to_str().unwrap();
        let fixed = ["--addr", &self.address, "build", "--progress=plain"];
        let mut arguments = fixed.map(str::to_owned).to_vec();
        let mut add = |name: &str, value: String| arguments.extend([format!("--{name}"), value]);
        add("frontend", "dockerfile.v0".to_owned());
        add("allow", "network.host".to_owned());
        add("local", format!("context={}", place(&options.context)));
        add("local", format!("dockerfile={}", place(folder)));
        let file = dockerfile.file_name().unwrap().to_str().unwrap();
        add("opt", format!("filename={file}"));
        // As if the frontend that `# syntax=` names had been fetched already: it is this one.
        add("opt", "cmdline=".to_owned());
        for (name, layout) in &bases.0 {
            let image = Image::open(layout, Some(name));
            let store = name.replace(':', "-");
            add("oci-layout", format!("{store}={}", layout.display()));
            let reference = format!("oci-layout://{store}@{}", image.digest());
            add("opt", format!("context:{name}={reference}"));
        }
        for (name, source) in &options.contexts {
            if let Some(dir) = source.strip_prefix("dir:") {
                add("local", format!("{name}={}", place(dir)));
                add("opt", format!("context:{name}=local:{name}"));
            }
        }
        for (name, value) in &options.args {
            add("opt", format!("build-arg:{name}={value}"));
        }
        for (id, source) in &options.secrets {
            let file = place(source.strip_prefix("file:").unwrap());
            add("secret", format!("id={id},src={file}"));
        }
        if let Some(target) = &options.target {
            add("opt", format!("target={target}"));
        }
        let with = |name: &str, value: &str| {
            let more = [format!("--{name}"), value.to_owned()];
            attempt(&self.buildctl, arguments.iter().chain(&more))
        };
        let output = format!("type=oci,tar=false,dest={}", layout.display());
        let (status, _, err) = with("output", &output);
        if status != 0 {
            return Err(err);
        }
        // Asked for on their own: in the progress of a build some may be missing.
        let (status, checks, err) = with("opt", "requestid=frontend.lint");
        assert!(status == 0, "{err}");
        let mut built = Built::read(&Image::open(&layout, None), bases);
        for step in &mut built.history {
            *step = staged.servers.unnamed(step);
        }
        Ok((built, warnings(&checks)))
    }
}

/// The warnings in the answer to a request for checks: `WARNING: Rule - address`, what it is about, and `Dockerfile:7`.
fn warnings(checks: &str) -> Vec<String> {
    let mut found = BTreeSet::new();
    for (at, warning) in checks.split("WARNING: ").enumerate().skip(1) {
        let rule = warning.split(' ').next().unwrap_or_default();
        let (file, line) = warning.lines().find_map(place).unwrap();
        // The same may be said twice.
        found.insert((file, line, rule, at));
    }
    let found = found.into_iter();
    found
        .map(|(file, line, rule, _)| format!("{rule} {file}:{line}"))
        .collect()
}

/// A line that is `NAME:LINE` and nothing else.
fn place(line: &str) -> Option<(&str, u32)> {
    let (file, number) = line.rsplit_once(':')?;
    Some((file, number.parse().ok()?)).filter(|_| !file.contains(' '))
}
