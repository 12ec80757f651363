//! The build context: what of it a build reads, and what its ignore file leaves out.

use std::path::Path;
use std::sync::Arc;

use ci_dockerfile::glob::has_wildcards;
use ci_dockerfile::graph::{Copy, CopyFrom, Mount, Op, Source as CopySource};
use ci_dockerfile::ignore::{self, Patterns};
use ci_rootfs::import;

use super::plan::Plan;
use crate::directory::Directory;
use crate::error::{Error, Result};
use crate::host::{HostDirectory, read_below};
use crate::session::Session;

/// Largest Dockerfile or ignore file, in bytes.
const TEXT_LIMIT: u64 = 1 << 20;

/// Reads a file of the build context; of a host directory without copying anything.
pub(super) async fn read(
    session: &Arc<Session>,
    directory: &Directory,
    path: &str,
) -> Result<Option<Vec<u8>>> {
    match directory {
        Directory::Host(host) => {
            let (root, path) = (host.root.clone(), path.to_owned());
            tokio::task::spawn_blocking(move || read_below(&root, &path, TEXT_LIMIT)).await?
        }
        Directory::Layers { rootfs, path: base } => {
            let path = crate::directory::below(base, path);
            let mut contents = session.read_files(rootfs, &[&path], TEXT_LIMIT).await?;
            Ok(contents.pop().flatten())
        }
    }
}

/// The Dockerfile's path as the user knows it.
pub(super) fn shown_name(session: &Session, directory: &Directory, path: &str) -> String {
    match directory {
        Directory::Host(host) => {
            let whole = host.root.join(path);
            whole
                .strip_prefix(&session.options.workdir)
                .unwrap_or(&whole)
                .display()
                .to_string()
        }
        Directory::Layers { .. } => path.to_owned(),
    }
}

/// The ignore file of a build: `NAME.dockerignore` beside the Dockerfile, or `.dockerignore`.
#[derive(Default)]
pub(super) struct Ignore {
    pub(super) patterns: Patterns,
    /// The patterns as texts.
    list: Vec<String>,
}

/// Reads the ignore file of a build: the Dockerfile's own, beside it, or the context's. None ignores nothing.
pub(super) async fn ignore(
    session: &Arc<Session>,
    dockerfiles: &Directory,
    context: &Directory,
    dockerfile: &str,
) -> Result<Ignore> {
    for (directory, name) in [
        (dockerfiles, format!("{dockerfile}.dockerignore")),
        (context, ".dockerignore".to_owned()),
    ] {
        if let Some(text) = read(session, directory, &name).await? {
            let text = String::from_utf8_lossy(&text).into_owned();
            let patterns = Patterns::parse(&text)
                .map_err(|error| Error::dockerfile(format!("{name}: {error}")))?;
            return Ok(Ignore {
                patterns,
                list: ignore::list(&text),
            });
        }
    }
    Ok(Ignore::default())
}

/// The build context without what its ignore file leaves out, and reduced to what the steps name.
pub(super) async fn filtered(
    session: &Arc<Session>,
    plan: &Plan,
    ignore: Ignore,
) -> Result<Arc<Directory>> {
    let exclude = ignore.list;
    let mut roots = context_roots(plan);
    if let Directory::Host(host) = &*plan.context
        && roots.iter().any(|root| has_link(&host.root, root))
    {
        // Where a link leads is only known inside the context, so all of it is read.
        roots.clear();
    }
    match &*plan.context {
        Directory::Host(host) => {
            let mut filter = host.filter.clone();
            filter.exclude.extend(exclude);
            filter.roots = roots;
            Ok(Arc::new(Directory::Host(HostDirectory::new(
                host.root.clone(),
                filter,
                plan.request.group.clone(),
            ))))
        }
        Directory::Layers { rootfs, path } if !exclude.is_empty() => {
            let request = ci_rootfs::copy::Request {
                sources: vec![".".into()],
                root: path.clone(),
                dest: "/".into(),
                exclude,
                ..ci_rootfs::copy::Request::default()
            };
            let layer = session
                .copy(
                    &crate::layers::Rootfs::default(),
                    vec![(rootfs.clone(), request)],
                )
                .await?;
            Ok(Arc::new(Directory::Layers {
                rootfs: crate::layers::Rootfs::default().with(layer),
                path: "/".into(),
            }))
        }
        Directory::Layers { .. } => Ok(plan.context.clone()),
    }
}

/// The paths of the build context that steps name, up to their first wildcard. The whole context is the empty path; a
/// context that nothing uses has a root that is never there.
fn context_roots(plan: &Plan) -> Vec<String> {
    let mut roots = Vec::new();
    for stage in plan.stages.values() {
        for step in &stage.steps {
            match &step.op {
                Op::Copy(copy) if copy.from == CopyFrom::Context => {
                    for source in &copy.sources {
                        roots.extend(source_root(source));
                    }
                }
                Op::Run(run) => roots.extend(run.mounts.iter().filter_map(|mount| match mount {
                    Mount::Bind(bind) if bind.from == CopyFrom::Context => {
                        Some(trimmed(&bind.source))
                    }
                    Mount::Cache(cache) if cache.from == CopyFrom::Context => {
                        Some(trimmed(&cache.source))
                    }
                    _ => None,
                })),
                _ => {}
            }
        }
    }
    if roots.is_empty() {
        // A name that no file has.
        roots.push("\0".to_owned());
    }
    roots
}

/// The path below which a source of a COPY lies; a heredoc has none.
pub(super) fn source_root(source: &CopySource) -> Option<String> {
    match source {
        CopySource::Path(path) => Some(import::literal_prefix(path)),
        CopySource::Parents { root, pattern, .. } => Some(import::literal_prefix(&format!(
            "{}/{pattern}",
            root.trim_end_matches('/')
        ))),
        CopySource::Inline { .. } | CopySource::Url { .. } | CopySource::Git(_) => None,
    }
}

fn trimmed(path: &str) -> String {
    path.trim_matches('/').to_owned()
}

/// Whether a path below a directory, or one of its parents there, is a symbolic link.
fn has_link(dir: &Path, path: &str) -> bool {
    Path::new(path).ancestors().any(|path| {
        dir.join(path)
            .symlink_metadata()
            .is_ok_and(|found| found.is_symlink())
            && !path.as_os_str().is_empty()
    })
}

/// What was probably meant by the first source of a COPY that is not in the build context, where that is on the host. A copy that failed
/// looked only at what its sources name.
pub(super) fn meant(context: &Directory, copy: &Copy) -> Option<String> {
    let Directory::Host(host) = context else {
        return None;
    };
    if copy.from != CopyFrom::Context {
        return None;
    }
    let missing = copy.sources.iter().find_map(|source| match source {
        CopySource::Path(path) if !has_wildcards(path) => {
            let path = Path::new(path.trim_start_matches('/'));
            (!host.root.join(path).exists()).then_some(path)
        }
        _ => None,
    })?;
    let left_out = Patterns::from_list(&host.filter.exclude).ok()?;
    let parent = missing.parent()?;
    let names = std::fs::read_dir(host.root.join(parent)).ok()?;
    let names = names.filter_map(|name| name.ok()?.file_name().into_string().ok());
    let kept = names.filter(|name| !left_out.matches(&parent.join(name).to_string_lossy()));
    let nearest = ci_rootfs::copy::nearest(missing.file_name()?.to_str()?, kept)?;
    Some(parent.join(nearest).display().to_string())
}
