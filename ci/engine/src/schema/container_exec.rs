//! Fields of `Container` that run programs, and the mounts and secrets that programs get.

use std::sync::Arc;

use ci_rootfs::copy;

use super::container_files::path_of;
use super::service::new_service;
use super::{
    Answer, FieldCall, argument, container_of, container_state, directory_of, file_of, flag,
    mismatch, new_container, object, secret_of, text,
};
use crate::container::Container;
use crate::error::{Error, Result};
use crate::exec::{CacheMount, ExecOutcome, Expect, Mount, Mounted, SecretEnv, Sharing, Shown};
use crate::layers::Rootfs;
use crate::limits;
use crate::object::Object;
use crate::output::Redirects;
use crate::service::Kind;
use crate::session::Session;

/// What the sandbox never gives, said when it is asked for.
fn refuse_privileges(call: &FieldCall) -> Result<()> {
    if flag(&call.args, "insecureRootCapabilities") {
        return Err(Error::new(
            "insecureRootCapabilities is refused: the embedded engine gives programs no capabilities of the host",
        ));
    }
    if flag(&call.args, "experimentalPrivilegedNesting") {
        return Err(Error::new(
            "experimentalPrivilegedNesting is refused: the embedded engine gives programs no session of its own",
        ));
    }
    Ok(())
}

pub(super) fn with_exec(call: FieldCall) -> Answer {
    refuse_privileges(&call)?;
    let parent = container_of(&call.object)?;
    let args = call.args.clone();
    let group = call.backend.group.clone();
    new_container(&call, move |session| {
        let (parent, args, group) = (parent.clone(), args.clone(), group.clone());
        async move {
            let container = parent.state.get(&session).await?;
            let mut given = args.strings("args");
            if flag(&args, "expand") {
                given = given.iter().map(|arg| container.expand(arg)).collect();
            }
            let mut exec = container.exec(container.command(given, flag(&args, "useEntrypoint"))?);
            exec.stdin = Some(text(&args, "stdin")).filter(|stdin| !stdin.is_empty());
            let redirect = |name: &str| {
                let path = args.opt_string(name).filter(|path| !path.is_empty())?;
                Some(container.path(path))
            };
            exec.redirects = Redirects {
                stdin: redirect("redirectStdin"),
                stdout: redirect("redirectStdout"),
                stderr: redirect("redirectStderr"),
            };
            exec.expect = match args.opt_string("expect") {
                Some("FAILURE") => Expect::Failure,
                Some("ANY") => Expect::Any,
                _ => Expect::Success,
            };
            let name = exec.argv.join(" ");
            let shown = Shown {
                group,
                name: format!("exec {name}"),
                source: None,
            };
            let outcome = session.execute(exec, shown).await?;
            let rootfs = match outcome.layer {
                Some(layer) => container.rootfs.with(layer),
                None => container.rootfs.clone(),
            };
            let rootfs = session.with_redirected(rootfs, &outcome.redirected).await?;
            let mut next = container.with_rootfs(rootfs, name);
            next.last = Some(outcome);
            Ok(next)
        }
    })
}

pub(super) fn with_error(call: FieldCall) -> Answer {
    let text = text(&call.args, "err");
    if text.is_empty() {
        return object(call.object);
    }
    new_container(&call, move |_| {
        let error = Error::new(text.clone());
        async move { Err(error) }
    })
}

async fn last(call: &FieldCall) -> Result<Arc<ExecOutcome>> {
    container_state(call).await?.last.clone().ok_or_else(|| {
        Error::new("nothing has been run in this container yet: call withExec first")
    })
}

pub(super) async fn stdout(call: FieldCall) -> Answer {
    Ok(last(&call).await?.stdout.clone().into())
}

pub(super) async fn stderr(call: FieldCall) -> Answer {
    Ok(last(&call).await?.stderr.clone().into())
}

pub(super) async fn combined_output(call: FieldCall) -> Answer {
    let last = last(&call).await?;
    Ok(format!("{}{}", last.stdout, last.stderr).into())
}

pub(super) async fn exit_code(call: FieldCall) -> Answer {
    Ok(i64::from(last(&call).await?.code).into())
}

/// A container with one more mount, made by `mount`.
pub(super) fn mounted<F, Fut>(call: &FieldCall, mount: F) -> Answer
where
    F: Fn(Arc<Session>, Arc<Container>, String) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Mount>> + Send + 'static,
{
    let parent = container_of(&call.object)?;
    let (path, expand) = (text(&call.args, "path"), flag(&call.args, "expand"));
    let mount = Arc::new(mount);
    new_container(call, move |session| {
        let (parent, path, mount) = (parent.clone(), path.clone(), mount.clone());
        async move {
            let container = parent.state.get(&session).await?;
            let target = path_of(&container, &path, expand);
            let mount = mount(session, container.clone(), target).await?;
            let mut next = Container::clone(&container);
            next.mount(mount);
            Ok(next)
        }
    })
}

pub(super) fn with_mounted_cache(call: FieldCall) -> Answer {
    let Object::CacheVolume(volume) = argument(&call, "cache")? else {
        return Err(mismatch(&argument(&call, "cache")?, "CacheVolume").into());
    };
    let source = match call.args.opt_string("source") {
        Some(_) => Some(directory_of(&argument(&call, "source")?)?),
        None => None,
    };
    let sharing = match call.args.opt_string("sharing") {
        Some("PRIVATE") => Sharing::Private,
        Some("LOCKED") => Sharing::Locked,
        _ => Sharing::Shared,
    };
    let owner = text(&call.args, "owner");
    mounted(&call, move |session, container, target| {
        let (volume, source, owner) = (volume.clone(), source.clone(), owner.clone());
        async move {
            let initial = match source {
                Some(source) => Some(source.state.get(&session).await?.rootfs(&session).await?),
                None => None,
            };
            let owner = owner_or_root(&session, &container, &owner).await?;
            let cache = CacheMount {
                key: volume.key.clone(),
                sharing,
                initial,
                owner,
                mode: 0o755,
            };
            Ok(Mount {
                target,
                source: Mounted::Cache(cache),
                readonly: false,
            })
        }
    })
}

pub(super) async fn owner_or_root(
    session: &Session,
    container: &Container,
    owner: &str,
) -> Result<(u32, u32)> {
    if owner.is_empty() {
        Ok((0, 0))
    } else {
        session.owner(&container.rootfs, owner).await
    }
}

pub(super) fn with_mounted_directory(call: FieldCall) -> Answer {
    let source = directory_of(&argument(&call, "source")?)?;
    let (owner, readonly) = (text(&call.args, "owner"), flag(&call.args, "readOnly"));
    mounted(&call, move |session, container, target| {
        let (source, owner) = (source.clone(), owner.clone());
        async move {
            let (rootfs, path) = source.state.get(&session).await?.rootfs(&session).await?;
            mount_of(
                &session,
                &container,
                (rootfs, path),
                &owner,
                target,
                readonly,
            )
            .await
        }
    })
}

pub(super) fn with_mounted_file(call: FieldCall) -> Answer {
    let source = file_of(&argument(&call, "source")?)?;
    let owner = text(&call.args, "owner");
    mounted(&call, move |session, container, target| {
        let (source, owner) = (source.clone(), owner.clone());
        async move {
            let place = source.state.get(&session).await?.rootfs(&session).await?;
            mount_of(&session, &container, place, &owner, target, false).await
        }
    })
}

/// A mount of a path of a root file system, its owner changed where one is asked for.
async fn mount_of(
    session: &Arc<Session>,
    container: &Container,
    (rootfs, path): (Rootfs, String),
    owner: &str,
    target: String,
    readonly: bool,
) -> Result<Mount> {
    if owner.is_empty() {
        return Ok(Mount {
            target,
            source: Mounted::Layers { rootfs, path },
            readonly,
        });
    }
    let owner = session.owner(&container.rootfs, owner).await?;
    let request = copy::Request {
        sources: vec![path],
        root: "/".into(),
        dest: "/mount".into(),
        owner: Some(owner),
        ..copy::Request::default()
    };
    let layer = session
        .copy(&Rootfs::default(), vec![(rootfs, request)])
        .await?;
    let source = Mounted::Layers {
        rootfs: Rootfs::default().with(layer),
        path: "/mount".into(),
    };
    Ok(Mount {
        target,
        source,
        readonly,
    })
}

pub(super) fn with_mounted_secret(call: FieldCall) -> Answer {
    let secret = secret_of(&argument(&call, "source")?)?;
    let owner = text(&call.args, "owner");
    let mode = super::permissions(&call.args, "mode")?.unwrap_or(0o400);
    mounted(&call, move |session, container, target| {
        let (secret, owner) = (secret.clone(), owner.clone());
        async move {
            let (uid, gid) = owner_or_root(&session, &container, &owner).await?;
            let value = secret.value().await?;
            Ok(Mount {
                target,
                source: Mounted::Secret {
                    mode,
                    uid,
                    gid,
                    value,
                },
                readonly: true,
            })
        }
    })
}

pub(super) fn with_mounted_temp(call: FieldCall) -> Answer {
    let size = call
        .args
        .opt_int("size")
        .and_then(|size| u64::try_from(size).ok());
    mounted(&call, move |_, _, target| async move {
        Ok(Mount {
            target,
            source: Mounted::Tmpfs { size },
            readonly: false,
        })
    })
}

pub(super) fn without_mount(call: FieldCall) -> Answer {
    super::changed_container(call, |container, args| {
        let target = path_of(container, &text(args, "path"), flag(args, "expand"));
        container.mounts.retain(|mount| mount.target != target);
        Ok(())
    })
}

pub(super) async fn mounts(call: FieldCall) -> Answer {
    let targets: Vec<String> = container_state(&call)
        .await?
        .mounts
        .iter()
        .map(|mount| mount.target.clone())
        .collect();
    Ok(targets.into())
}

pub(super) fn with_limits(call: FieldCall) -> Answer {
    // Refused at once, not when something runs.
    limits::decode(&call.args)?;
    super::changed_container(call, |container, args| {
        container.limits = limits::decode(args).unwrap_or_default();
        Ok(())
    })
}

pub(super) fn with_secret_variable(call: FieldCall) -> Answer {
    let secret = secret_of(&argument(&call, "secret")?)?;
    let parent = container_of(&call.object)?;
    let name = text(&call.args, "name");
    new_container(&call, move |session| {
        let (secret, parent, name) = (secret.clone(), parent.clone(), name.clone());
        async move {
            let mut container = Container::clone(&*parent.state.get(&session).await?);
            let value = secret.value().await?;
            container.secret_env.retain(|known| known.name != name);
            container.secret_env.push(SecretEnv { name, value });
            Ok(container)
        }
    })
}

pub(super) fn without_secret_variable(call: FieldCall) -> Answer {
    super::changed_container(call, |container, args| {
        let name = text(args, "name");
        container.secret_env.retain(|known| known.name != name);
        Ok(())
    })
}

pub(super) fn as_service(call: FieldCall) -> Answer {
    refuse_privileges(&call)?;
    let container = container_of(&call.object)?;
    let (args, use_entrypoint) = (call.args.strings("args"), flag(&call.args, "useEntrypoint"));
    let kind = Kind::Container {
        container,
        args,
        use_entrypoint,
    };
    new_service(&call, kind)
}
