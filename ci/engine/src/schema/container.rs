//! `Container`: the table of its fields, and those that change its config or its files. What runs programs is in
//! `container_exec`, what only reads in `container_read`.

use std::path::PathBuf;

use ci_graphql::{Type, arg, field, future, object, ready};
use ci_oci::config::Healthcheck;
use ci_rootfs::copy;
use ci_rootfs::write::Change;

use super::container_exec as exec;
use super::container_read as read;
use super::{
    Answer, Connection, EXPAND, FieldCall, OF_CACHE_VOLUME, OF_CONTAINER, OF_DIRECTORY, OF_FILE,
    OF_SECRET, argument, arguments, changed_container, container_of, directory_of, file_of, flag,
    id, new_container, permissions, text,
};
use crate::container::Container;
use crate::error::{Error, Result};

const PATH: &str = "Absolute, or relative to the working directory.";
const OWNER: &str = "`user` or `user:group`, by name or number; `0:0` if empty.";

pub(super) static CONTAINER: Type<Connection> = object(
    "Container",
    "An image with what is needed to run programs on it.",
    &["Exportable", "Node", "Syncer"],
    &[
        field(
            "id",
            "ID!",
            "Names the object in this session.",
            &[],
            ready(id),
        ),
        field(
            "sync",
            "ID!",
            "Brings the container about, running everything it needs, and answers its id.",
            &[],
            future!(read::sync),
        )
        .directives(OF_CONTAINER),
        field(
            "platform",
            "Platform!",
            "The platform of its image.",
            &[],
            future!(read::platform),
        ),
        // What it is made from.
        field(
            "from",
            "Container!",
            "The container of an image in a registry.",
            &[arg("address", "String!", "The image's reference.")],
            ready(from),
        ),
        field(
            "import",
            "Container!",
            "The container of an image in an archive.",
            &[
                arg("source", "ID!", "An OCI image layout in a tar file.").directives(OF_FILE),
                arg("tag", "String = \"\"", "Which image of several."),
            ],
            ready(import),
        ),
        field(
            "withRootfs",
            "Container!",
            "With another root file system.",
            &[arg("directory", "ID!", "Its contents.").directives(OF_DIRECTORY)],
            ready(with_rootfs),
        ),
        // Files.
        field(
            "rootfs",
            "Directory!",
            "Its root file system, without mounts.",
            &[],
            ready(read::rootfs),
        ),
        field(
            "directory",
            "Directory!",
            "A directory of it.",
            &[arg("path", "String!", PATH), EXPAND],
            ready(read::directory),
        ),
        field(
            "file",
            "File!",
            "A file of it.",
            &[arg("path", "String!", PATH), EXPAND],
            ready(read::file),
        ),
        field(
            "exists",
            "Boolean!",
            "Whether there is something at a path.",
            &[
                arg("path", "String!", PATH),
                arg("expectedType", "ExistsType", "Only count this kind."),
                arg(
                    "doNotFollowSymlinks",
                    "Boolean = false",
                    "Look at a link itself.",
                ),
                EXPAND,
            ],
            future!(read::exists),
        ),
        field(
            "stat",
            "Stat",
            "What is at a path.",
            &[
                arg("path", "String!", PATH),
                arg(
                    "doNotFollowSymlinks",
                    "Boolean = false",
                    "Look at a link itself.",
                ),
            ],
            future!(read::stat),
        ),
        field(
            "withDirectory",
            "Container!",
            "With the contents of a directory at a path.",
            &[
                arg("path", "String!", PATH),
                arg("source", "ID!", "The directory.").directives(OF_DIRECTORY),
                arg(
                    "exclude",
                    "[String!] = []",
                    "Patterns, as in .dockerignore, of what to leave out.",
                ),
                arg(
                    "include",
                    "[String!] = []",
                    "If not empty, only what matches one of these patterns.",
                ),
                arg(
                    "gitignore",
                    "Boolean = false",
                    "Leave out what .gitignore files say.",
                ),
                arg("owner", "String = \"\"", OWNER),
                EXPAND,
                arg(
                    "permissions",
                    "Int",
                    "Permission bits of everything copied.",
                ),
            ],
            ready(with_directory),
        ),
        field(
            "withFile",
            "Container!",
            "With a file at a path.",
            &[
                arg("path", "String!", PATH),
                arg("source", "ID!", "The file.").directives(OF_FILE),
                arg("permissions", "Int", "Its permission bits."),
                arg("owner", "String = \"\"", OWNER),
                EXPAND,
            ],
            ready(with_file),
        ),
        field(
            "withFiles",
            "Container!",
            "With files in a directory.",
            &[
                arg("path", "String!", PATH),
                arg("sources", "[ID!]!", "The files.").directives(OF_FILE),
                arg("permissions", "Int", "Their permission bits."),
                arg("owner", "String = \"\"", OWNER),
                EXPAND,
            ],
            ready(with_files),
        ),
        field(
            "withNewFile",
            "Container!",
            "With a file of the given contents at a path.",
            &[
                arg("path", "String!", PATH),
                arg("contents", "String!", "What it contains."),
                arg("permissions", "Int = 420", "Its permission bits."),
                arg("owner", "String = \"\"", OWNER),
                EXPAND,
            ],
            ready(with_new_file),
        ),
        field(
            "withSymlink",
            "Container!",
            "With a symbolic link.",
            &[
                arg("target", "String!", "Where it points."),
                arg("linkName", "String!", PATH),
                EXPAND,
            ],
            ready(with_symlink),
        ),
        field(
            "withoutDirectory",
            "Container!",
            "Without a directory.",
            &[arg("path", "String!", PATH), EXPAND],
            ready(without_path),
        ),
        field(
            "withoutFile",
            "Container!",
            "Without a file.",
            &[arg("path", "String!", PATH), EXPAND],
            ready(without_path),
        ),
        field(
            "withoutFiles",
            "Container!",
            "Without some files.",
            &[arg("paths", "[String!]!", PATH), EXPAND],
            ready(without_files),
        ),
        // Config.
        field(
            "withEnvVariable",
            "Container!",
            "With an environment variable.",
            &[
                arg("name", "String!", "Its name."),
                arg("value", "String!", "Its value."),
                EXPAND,
            ],
            ready(with_env_variable),
        ),
        field(
            "withoutEnvVariable",
            "Container!",
            "Without an environment variable.",
            &[arg("name", "String!", "Its name.")],
            ready(without_env_variable),
        ),
        field(
            "envVariable",
            "String",
            "The value of an environment variable.",
            &[arg("name", "String!", "Its name.")],
            future!(read::env_variable),
        ),
        field(
            "envVariables",
            "[EnvVariable!]!",
            "All environment variables.",
            &[],
            future!(read::env_variables),
        ),
        field(
            "withWorkdir",
            "Container!",
            "With another working directory.",
            &[arg("path", "String!", PATH), EXPAND],
            ready(with_workdir),
        ),
        field(
            "withoutWorkdir",
            "Container!",
            "With `/` as working directory.",
            &[],
            ready(without_workdir),
        ),
        field(
            "workdir",
            "String!",
            "The working directory.",
            &[],
            future!(read::workdir),
        ),
        field(
            "withUser",
            "Container!",
            "With another user.",
            &[arg(
                "name",
                "String!",
                "`user` or `user:group`, by name or number.",
            )],
            ready(with_user),
        ),
        field(
            "withoutUser",
            "Container!",
            "With root as user.",
            &[],
            ready(without_user),
        ),
        field("user", "String!", "The user.", &[], future!(read::user)),
        field(
            "withEntrypoint",
            "Container!",
            "With another entrypoint.",
            &[
                arg("args", "[String!]!", "Program and first arguments."),
                arg(
                    "keepDefaultArgs",
                    "Boolean = false",
                    "Keep the default arguments.",
                ),
            ],
            ready(with_entrypoint),
        ),
        field(
            "withoutEntrypoint",
            "Container!",
            "Without an entrypoint.",
            &[arg(
                "keepDefaultArgs",
                "Boolean = false",
                "Keep the default arguments.",
            )],
            ready(without_entrypoint),
        ),
        field(
            "entrypoint",
            "[String!]!",
            "The entrypoint.",
            &[],
            future!(read::entrypoint),
        ),
        field(
            "withDefaultArgs",
            "Container!",
            "With other default arguments.",
            &[arg("args", "[String!]!", "The arguments.")],
            ready(with_default_args),
        ),
        field(
            "withoutDefaultArgs",
            "Container!",
            "Without default arguments.",
            &[],
            ready(without_default_args),
        ),
        field(
            "defaultArgs",
            "[String!]!",
            "The default arguments.",
            &[],
            future!(read::default_args),
        ),
        field(
            "withLabel",
            "Container!",
            "With a label.",
            &[
                arg("name", "String!", "Its name."),
                arg("value", "String!", "Its value."),
            ],
            ready(with_label),
        ),
        field(
            "withoutLabel",
            "Container!",
            "Without a label.",
            &[arg("name", "String!", "Its name.")],
            ready(without_label),
        ),
        field(
            "label",
            "String",
            "The value of a label.",
            &[arg("name", "String!", "Its name.")],
            future!(read::label),
        ),
        field(
            "labels",
            "[Label!]!",
            "All labels.",
            &[],
            future!(read::labels),
        ),
        field(
            "withAnnotation",
            "Container!",
            "With an annotation of the manifest.",
            &[
                arg("name", "String!", "Its name."),
                arg("value", "String!", "Its value."),
            ],
            ready(with_annotation),
        ),
        field(
            "withoutAnnotation",
            "Container!",
            "Without an annotation of the manifest.",
            &[arg("name", "String!", "Its name.")],
            ready(without_annotation),
        ),
        field(
            "withExposedPort",
            "Container!",
            "With an exposed port; a service is up when its exposed ports accept connections.",
            &[
                arg("port", "Int!", "Its number."),
                arg("protocol", "NetworkProtocol = TCP", "Its protocol."),
                arg("description", "String", "What it is for."),
                arg(
                    "experimentalSkipHealthcheck",
                    "Boolean = false",
                    "Taken for compatibility.",
                ),
            ],
            ready(with_exposed_port),
        ),
        field(
            "withoutExposedPort",
            "Container!",
            "Without an exposed port.",
            &[
                arg("port", "Int!", "Its number."),
                arg("protocol", "NetworkProtocol = TCP", "Its protocol."),
            ],
            ready(without_exposed_port),
        ),
        field(
            "exposedPorts",
            "[Port!]!",
            "The exposed ports.",
            &[],
            future!(read::exposed_ports),
        ),
        field(
            "withDockerHealthcheck",
            "Container!",
            "With Docker's health check.",
            &[
                arg("args", "[String!]!", "The command."),
                arg("shell", "Boolean", "Run the command by the shell."),
                arg(
                    "interval",
                    "String",
                    "Time between two checks, such as `30s`.",
                ),
                arg("timeout", "String", "Time after which a check has failed."),
                arg(
                    "startPeriod",
                    "String",
                    "Time in which failures do not count.",
                ),
                arg(
                    "startInterval",
                    "String",
                    "Time between two checks in the start period.",
                ),
                arg("retries", "Int", "Failures in a row that count as one."),
            ],
            ready(with_healthcheck),
        ),
        field(
            "withoutDockerHealthcheck",
            "Container!",
            "Without Docker's health check.",
            &[],
            ready(without_healthcheck),
        ),
        field(
            "dockerHealthcheck",
            "HealthcheckConfig",
            "Docker's health check.",
            &[],
            future!(read::healthcheck),
        ),
        // Executions.
        field(
            "withExec",
            "Container!",
            "With what a program changes in it.",
            &[
                arg(
                    "args",
                    "[String!]!",
                    "Program and arguments; none means the default arguments. There is no shell.",
                ),
                arg(
                    "useEntrypoint",
                    "Boolean = false",
                    "Put the entrypoint in front.",
                ),
                arg("stdin", "String = \"\"", "Written to its standard input."),
                arg(
                    "expect",
                    "ReturnType = SUCCESS",
                    "Which exit codes count as success.",
                ),
                arg(
                    "experimentalPrivilegedNesting",
                    "Boolean = false",
                    "Refused: programs get no session of this engine.",
                ),
                arg(
                    "insecureRootCapabilities",
                    "Boolean = false",
                    "Refused: programs never get the host's capabilities.",
                ),
                arg(
                    "expand",
                    "Boolean = false",
                    "Replace variables in the arguments.",
                ),
                arg(
                    "noInit",
                    "Boolean = false",
                    "Taken for compatibility: there is always an init process.",
                ),
            ],
            ready(exec::with_exec),
        ),
        field(
            "stdout",
            "String!",
            "What the last program printed.",
            &[],
            future!(exec::stdout),
        ),
        field(
            "stderr",
            "String!",
            "What the last program printed as errors.",
            &[],
            future!(exec::stderr),
        ),
        field(
            "combinedOutput",
            "String!",
            "Both outputs of the last program, one after the other.",
            &[],
            future!(exec::combined_output),
        ),
        field(
            "exitCode",
            "Int!",
            "The exit code of the last program.",
            &[],
            future!(exec::exit_code),
        ),
        field(
            "withMountedCache",
            "Container!",
            "With a cache volume mounted for programs.",
            &[
                arg("path", "String!", PATH),
                arg("cache", "ID!", "The volume.").directives(OF_CACHE_VOLUME),
                arg("source", "ID", "What a new volume begins with.").directives(OF_DIRECTORY),
                arg(
                    "sharing",
                    "CacheSharingMode = SHARED",
                    "Who else may use it at the same time.",
                ),
                arg("owner", "String = \"\"", "Owner of a new volume."),
                EXPAND,
            ],
            ready(exec::with_mounted_cache),
        ),
        field(
            "withMountedDirectory",
            "Container!",
            "With a directory mounted for programs. What a program writes there is gone when it ends.",
            &[
                arg("path", "String!", PATH),
                arg("source", "ID!", "The directory.").directives(OF_DIRECTORY),
                arg("owner", "String = \"\"", OWNER),
                arg("readOnly", "Boolean = false", "Refuse writes."),
                EXPAND,
            ],
            ready(exec::with_mounted_directory),
        ),
        field(
            "withMountedFile",
            "Container!",
            "With a file mounted for programs.",
            &[
                arg("path", "String!", PATH),
                arg("source", "ID!", "The file.").directives(OF_FILE),
                arg("owner", "String = \"\"", OWNER),
                EXPAND,
            ],
            ready(exec::with_mounted_file),
        ),
        field(
            "withMountedSecret",
            "Container!",
            "With a secret as a file, in memory, for programs.",
            &[
                arg("path", "String!", PATH),
                arg("source", "ID!", "The secret.").directives(OF_SECRET),
                arg("owner", "String = \"\"", OWNER),
                arg("mode", "Int = 256", "Its permission bits."),
                EXPAND,
            ],
            ready(exec::with_mounted_secret),
        ),
        field(
            "withMountedTemp",
            "Container!",
            "With empty memory mounted for programs.",
            &[
                arg("path", "String!", PATH),
                arg("size", "Int", "Largest size in bytes."),
                EXPAND,
            ],
            ready(exec::with_mounted_temp),
        ),
        field(
            "withoutMount",
            "Container!",
            "Without a mount.",
            &[arg("path", "String!", PATH), EXPAND],
            ready(exec::without_mount),
        ),
        field(
            "mounts",
            "[String!]!",
            "Where something is mounted.",
            &[],
            future!(exec::mounts),
        ),
        field(
            "withSecretVariable",
            "Container!",
            "With an environment variable for programs whose value is a secret.",
            &[
                arg("name", "String!", "Its name."),
                arg("secret", "ID!", "Its value.").directives(OF_SECRET),
            ],
            ready(exec::with_secret_variable),
        ),
        field(
            "withoutSecretVariable",
            "Container!",
            "Without a secret variable.",
            &[arg("name", "String!", "Its name.")],
            ready(exec::without_secret_variable),
        ),
        field(
            "asService",
            "Service!",
            "A service that runs a command in it, in a network of its own.",
            &[
                arg(
                    "args",
                    "[String!] = []",
                    "The command; what the image runs if empty.",
                ),
                arg(
                    "useEntrypoint",
                    "Boolean = false",
                    "Put the entrypoint in front.",
                ),
                arg(
                    "experimentalPrivilegedNesting",
                    "Boolean = false",
                    "Refused: programs get no session of this engine.",
                ),
                arg(
                    "insecureRootCapabilities",
                    "Boolean = false",
                    "Refused: programs never get the host's capabilities.",
                ),
                arg(
                    "expand",
                    "Boolean = false",
                    "Replace variables in the arguments.",
                ),
                arg(
                    "noInit",
                    "Boolean = false",
                    "Taken for compatibility: there is always an init process.",
                ),
            ],
            ready(exec::as_service),
        ),
        // Its image.
        field(
            "asTarball",
            "File!",
            "Its image as one file: an OCI image layout in a tar archive.",
            &[
                arg(
                    "platformVariants",
                    "[ID!] = []",
                    "The image for other platforms.",
                )
                .directives(OF_CONTAINER),
                arg(
                    "forcedCompression",
                    "ImageLayerCompression",
                    "Only Gzip, which is also the default.",
                ),
                arg(
                    "mediaTypes",
                    "ImageMediaTypes = OCIMediaTypes",
                    "Only OCIMediaTypes.",
                ),
            ],
            ready(read::as_tarball),
        ),
        field(
            "export",
            "String!",
            "Writes its image as one file to the host and answers the absolute path.",
            &[
                arg(
                    "path",
                    "String!",
                    "Where to, relative to the session's directory.",
                ),
                arg(
                    "platformVariants",
                    "[ID!] = []",
                    "The image for other platforms.",
                )
                .directives(OF_CONTAINER),
                arg(
                    "forcedCompression",
                    "ImageLayerCompression",
                    "Only Gzip, which is also the default.",
                ),
                arg(
                    "mediaTypes",
                    "ImageMediaTypes = OCIMediaTypes",
                    "Only OCIMediaTypes.",
                ),
                arg(
                    "expand",
                    "Boolean = false",
                    "Replace variables in the path.",
                ),
            ],
            future!(read::export),
        ),
    ],
);

fn from(call: FieldCall) -> Answer {
    let address = text(&call.args, "address");
    let error = format!(
        "cannot pull {address}: this engine does not reach registries yet; use the image of another service or an OCI layout on disk as a named context"
    );
    Err(Error::new(error).into())
}

fn import(call: FieldCall) -> Answer {
    let source = file_of(&argument(&call, "source")?)?;
    let tag = Some(text(&call.args, "tag")).filter(|tag| !tag.is_empty());
    let parent = container_of(&call.object)?;
    new_container(&call, move |session| {
        let (source, tag, parent) = (source.clone(), tag.clone(), parent.clone());
        async move {
            let file = source.state.get(&session).await?;
            let platform = parent.state.get(&session).await?.image.platform();
            let staging = session.store.stage()?;
            let archive = staging.work.join("image.tar");
            file.export(&session, &archive).await?;
            let dir: PathBuf = staging.work.join("layout");
            let (from, to) = (archive, dir.clone());
            tokio::task::spawn_blocking(move || -> Result<()> {
                let layout = ci_oci::Layout::create(&to)?;
                ci_oci::archive::read(
                    &mut std::io::BufReader::new(std::fs::File::open(from)?),
                    &layout,
                )?;
                Ok(())
            })
            .await??;
            crate::archive::import_layout(&session, &dir, tag, platform).await
        }
    })
}

fn with_rootfs(call: FieldCall) -> Answer {
    let directory = directory_of(&argument(&call, "directory")?)?;
    let parent = container_of(&call.object)?;
    new_container(&call, move |session| {
        let (directory, parent) = (directory.clone(), parent.clone());
        async move {
            let mut container = Container::clone(&*parent.state.get(&session).await?);
            let rootfs = directory
                .state
                .get(&session)
                .await?
                .as_root(&session)
                .await?;
            container.image.history.clear();
            container.rootfs = crate::layers::Rootfs::default();
            Ok(container.with_rootfs(rootfs, "withRootfs".into()))
        }
    })
}

/// What a copy into a container asks for, beside its source.
struct CopyArgs {
    path: String,
    owner: String,
    mode: Option<u32>,
    request: copy::Request,
}

impl CopyArgs {
    fn new(call: &FieldCall) -> Result<Self> {
        let args = &call.args;
        if flag(args, "gitignore") {
            return Err(Error::new(
                "withDirectory(gitignore: true) is not available on the embedded engine; name the patterns in `exclude`",
            ));
        }
        let request = copy::Request {
            exclude: args.strings("exclude"),
            include: args.strings("include"),
            ..copy::Request::default()
        };
        Ok(Self {
            path: text(args, "path"),
            owner: text(args, "owner"),
            mode: permissions(args, "permissions")?,
            request,
        })
    }
}

fn with_directory(call: FieldCall) -> Answer {
    let source = directory_of(&argument(&call, "source")?)?;
    let parent = container_of(&call.object)?;
    let args = std::sync::Arc::new((CopyArgs::new(&call)?, flag(&call.args, "expand")));
    new_container(&call, move |session| {
        let (source, parent, args) = (source.clone(), parent.clone(), args.clone());
        async move {
            let container = parent.state.get(&session).await?;
            let source = source.state.get(&session).await?;
            let (rootfs, root) = source.rootfs(&session).await?;
            let dest = path_of(&container, &args.0.path, args.1);
            let request = copy::Request {
                sources: vec![".".into()],
                root,
                dest: format!("{}/", dest.trim_end_matches('/')),
                ..args.0.request.clone()
            };
            copied(
                &session,
                &container,
                vec![(rootfs, request)],
                &args.0,
                "withDirectory",
            )
            .await
        }
    })
}

fn with_file(call: FieldCall) -> Answer {
    let source = file_of(&argument(&call, "source")?)?;
    let parent = container_of(&call.object)?;
    let args = std::sync::Arc::new((CopyArgs::new(&call)?, flag(&call.args, "expand")));
    new_container(&call, move |session| {
        let (source, parent, args) = (source.clone(), parent.clone(), args.clone());
        async move {
            let container = parent.state.get(&session).await?;
            let (rootfs, path) = source.state.get(&session).await?.rootfs(&session).await?;
            let mut dest = path_of(&container, &args.0.path, args.1);
            if args.0.path.ends_with('/') {
                dest.push('/');
            }
            let request = copy::Request {
                sources: vec![path],
                root: "/".into(),
                dest,
                ..args.0.request.clone()
            };
            copied(
                &session,
                &container,
                vec![(rootfs, request)],
                &args.0,
                "withFile",
            )
            .await
        }
    })
}

fn with_files(call: FieldCall) -> Answer {
    let sources = arguments(&call, "sources")?
        .iter()
        .map(file_of)
        .collect::<Result<Vec<_>>>()?;
    let parent = container_of(&call.object)?;
    let args = std::sync::Arc::new((CopyArgs::new(&call)?, flag(&call.args, "expand")));
    new_container(&call, move |session| {
        let (sources, parent, args) = (sources.clone(), parent.clone(), args.clone());
        async move {
            let container = parent.state.get(&session).await?;
            let dest = format!(
                "{}/",
                path_of(&container, &args.0.path, args.1).trim_end_matches('/')
            );
            let mut items = Vec::new();
            for source in sources {
                let (rootfs, path) = source.state.get(&session).await?.rootfs(&session).await?;
                items.push((
                    rootfs,
                    copy::Request {
                        sources: vec![path],
                        root: "/".into(),
                        dest: dest.clone(),
                        ..args.0.request.clone()
                    },
                ));
            }
            copied(&session, &container, items, &args.0, "withFiles").await
        }
    })
}

async fn copied(
    session: &std::sync::Arc<crate::session::Session>,
    container: &Container,
    mut items: Vec<(crate::layers::Rootfs, copy::Request)>,
    args: &CopyArgs,
    what: &str,
) -> Result<Container> {
    let owner = if args.owner.is_empty() {
        (0, 0)
    } else {
        session.owner(&container.rootfs, &args.owner).await?
    };
    for (_, request) in &mut items {
        request.owner = Some(owner);
        request.mode = args.mode.map(|mode| format!("{mode:o}"));
    }
    let layer = session.copy(&container.rootfs, items).await?;
    Ok(container.with_rootfs(
        container.rootfs.with(layer),
        format!("{what} {}", args.path),
    ))
}

/// A path argument as an absolute path of the container.
pub(super) fn path_of(container: &Container, path: &str, expand: bool) -> String {
    if expand {
        container.path(&container.expand(path))
    } else {
        container.path(path)
    }
}

/// A container with small changes to its files.
fn written<F>(call: &FieldCall, change: F) -> Answer
where
    F: Fn(&Container) -> Vec<Change> + Send + Sync + 'static,
{
    let parent = container_of(&call.object)?;
    let owner = text(&call.args, "owner");
    let what = call.field.name;
    let change = std::sync::Arc::new(change);
    new_container(call, move |session| {
        let (parent, owner, change) = (parent.clone(), owner.clone(), change.clone());
        async move {
            let container = parent.state.get(&session).await?;
            let mut changes = change(&container);
            if !owner.is_empty() {
                let numeric = session.owner(&container.rootfs, &owner).await?;
                for change in &mut changes {
                    if let Change::File { owner, .. } | Change::Directory { owner, .. } = change {
                        *owner = numeric;
                    }
                }
            }
            let layer = session.write(&container.rootfs, changes).await?;
            Ok(container.with_rootfs(container.rootfs.with(layer), what.into()))
        }
    })
}

fn with_new_file(call: FieldCall) -> Answer {
    let (path, expand) = (text(&call.args, "path"), flag(&call.args, "expand"));
    let content = text(&call.args, "contents").into_bytes();
    let mode = permissions(&call.args, "permissions")?.unwrap_or(0o644);
    written(&call, move |container| {
        vec![Change::File {
            path: path_of(container, &path, expand),
            content: content.clone(),
            mode,
            owner: (0, 0),
        }]
    })
}

fn with_symlink(call: FieldCall) -> Answer {
    let (target, link, expand) = (
        text(&call.args, "target"),
        text(&call.args, "linkName"),
        flag(&call.args, "expand"),
    );
    written(&call, move |container| {
        vec![Change::Symlink {
            path: path_of(container, &link, expand),
            target: target.clone(),
        }]
    })
}

fn without_path(call: FieldCall) -> Answer {
    let (path, expand) = (text(&call.args, "path"), flag(&call.args, "expand"));
    written(&call, move |container| {
        vec![Change::Remove {
            path: path_of(container, &path, expand),
        }]
    })
}

fn without_files(call: FieldCall) -> Answer {
    let (paths, expand) = (call.args.strings("paths"), flag(&call.args, "expand"));
    written(&call, move |container| {
        paths
            .iter()
            .map(|path| Change::Remove {
                path: path_of(container, path, expand),
            })
            .collect()
    })
}

fn with_env_variable(call: FieldCall) -> Answer {
    changed_container(call, |container, args| {
        let (name, mut value) = (text(args, "name"), text(args, "value"));
        if flag(args, "expand") {
            value = container.expand(&value);
        }
        if name.is_empty() || name.contains(['=', '\0']) || value.contains('\0') {
            return Err(Error::new(format!(
                "{name:?} cannot be the name of an environment variable"
            )));
        }
        container.set_variable(&name, Some(&value));
        Ok(())
    })
}

fn without_env_variable(call: FieldCall) -> Answer {
    changed_container(call, |container, args| {
        container.set_variable(&text(args, "name"), None);
        Ok(())
    })
}

fn with_workdir(call: FieldCall) -> Answer {
    changed_container(call, |container, args| {
        container.image.config.working_dir =
            path_of(container, &text(args, "path"), flag(args, "expand"));
        Ok(())
    })
}

fn without_workdir(call: FieldCall) -> Answer {
    changed_container(call, |container, _| {
        container.image.config.working_dir = String::new();
        Ok(())
    })
}

fn with_user(call: FieldCall) -> Answer {
    changed_container(call, |container, args| {
        container.image.config.user = text(args, "name");
        Ok(())
    })
}

fn without_user(call: FieldCall) -> Answer {
    changed_container(call, |container, _| {
        container.image.config.user = String::new();
        Ok(())
    })
}

fn with_entrypoint(call: FieldCall) -> Answer {
    changed_container(call, |container, args| {
        container.image.config.entrypoint = Some(args.strings("args"));
        if !flag(args, "keepDefaultArgs") {
            container.image.config.cmd = None;
        }
        Ok(())
    })
}

fn without_entrypoint(call: FieldCall) -> Answer {
    changed_container(call, |container, args| {
        container.image.config.entrypoint = None;
        if !flag(args, "keepDefaultArgs") {
            container.image.config.cmd = None;
        }
        Ok(())
    })
}

fn with_default_args(call: FieldCall) -> Answer {
    changed_container(call, |container, args| {
        container.image.config.cmd = Some(args.strings("args"));
        container.args_were_set = true;
        Ok(())
    })
}

fn without_default_args(call: FieldCall) -> Answer {
    changed_container(call, |container, _| {
        container.image.config.cmd = None;
        container.args_were_set = false;
        Ok(())
    })
}

fn with_label(call: FieldCall) -> Answer {
    changed_container(call, |container, args| {
        container
            .image
            .config
            .labels
            .insert(text(args, "name"), text(args, "value"));
        Ok(())
    })
}

fn without_label(call: FieldCall) -> Answer {
    changed_container(call, |container, args| {
        container.image.config.labels.remove(&text(args, "name"));
        Ok(())
    })
}

fn with_annotation(call: FieldCall) -> Answer {
    changed_container(call, |container, args| {
        container
            .annotations
            .insert(text(args, "name"), text(args, "value"));
        Ok(())
    })
}

fn without_annotation(call: FieldCall) -> Answer {
    changed_container(call, |container, args| {
        container.annotations.remove(&text(args, "name"));
        Ok(())
    })
}

fn port(args: &ci_graphql::Args) -> Result<String> {
    let port = args
        .opt_int("port")
        .and_then(|port| u16::try_from(port).ok())
        .ok_or_else(|| Error::new("a port is between 0 and 65535"))?;
    Ok(format!("{port}/{}", text(args, "protocol").to_lowercase()))
}

fn with_exposed_port(call: FieldCall) -> Answer {
    changed_container(call, |container, args| {
        container.image.config.exposed_ports.insert(port(args)?);
        Ok(())
    })
}

fn without_exposed_port(call: FieldCall) -> Answer {
    changed_container(call, |container, args| {
        container.image.config.exposed_ports.remove(&port(args)?);
        Ok(())
    })
}

fn with_healthcheck(call: FieldCall) -> Answer {
    changed_container(call, |container, args| {
        let kind = if flag(args, "shell") {
            "CMD-SHELL"
        } else {
            "CMD"
        };
        let time = |name: &str| args.opt_string(name).map_or(Ok(0), read::nanoseconds);
        container.image.config.healthcheck = Some(Healthcheck {
            test: std::iter::once(kind.to_owned())
                .chain(args.strings("args"))
                .collect(),
            interval: time("interval")?,
            timeout: time("timeout")?,
            start_period: time("startPeriod")?,
            start_interval: time("startInterval")?,
            retries: args.opt_int("retries").unwrap_or(0),
        });
        Ok(())
    })
}

fn without_healthcheck(call: FieldCall) -> Answer {
    changed_container(call, |container, _| {
        container.image.config.healthcheck = None;
        Ok(())
    })
}
