//! `Container`: the table of its fields. The code behind them is in `container_files`, `container_config`,
//! `container_exec` and `container_read`.

use ci_graphql::{Type, arg, field, future, object, ready};

use super::container_config as config;
use super::container_exec as exec;
use super::container_files as files;
use super::container_read as read;
use super::{
    Connection, EXPAND, ID, OF_CACHE_VOLUME, OF_CONTAINER, OF_DIRECTORY, OF_FILE, OF_SECRET,
};

const PATH: &str = "Absolute, or relative to the working directory.";
const OWNER: &str = "`user` or `user:group`, by name or number; `0:0` if empty.";

pub(super) static CONTAINER: Type<Connection> = object(
    "Container",
    "An image with what is needed to run programs on it.",
    &["Exportable", "Node", "Syncer"],
    &[
        ID,
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
            ready(files::from),
        ),
        field(
            "imageRef",
            "String!",
            "The reference of the image it was made from, with its digest; right after `from`.",
            &[],
            future!(read::image_ref),
        ),
        field(
            "import",
            "Container!",
            "The container of an image in an archive.",
            &[
                arg("source", "ID!", "An OCI image layout in a tar file.").directives(OF_FILE),
                arg("tag", "String = \"\"", "Which image of several."),
            ],
            ready(files::import),
        ),
        field(
            "withRootfs",
            "Container!",
            "With another root file system.",
            &[arg("directory", "ID!", "Its contents.").directives(OF_DIRECTORY)],
            ready(files::with_rootfs),
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
            ready(files::with_directory),
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
            ready(files::with_file),
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
            ready(files::with_files),
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
            ready(files::with_new_file),
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
            ready(files::with_symlink),
        ),
        field(
            "withoutDirectory",
            "Container!",
            "Without a directory.",
            &[arg("path", "String!", PATH), EXPAND],
            ready(files::without_path),
        ),
        field(
            "withoutFile",
            "Container!",
            "Without a file.",
            &[arg("path", "String!", PATH), EXPAND],
            ready(files::without_path),
        ),
        field(
            "withoutFiles",
            "Container!",
            "Without some files.",
            &[arg("paths", "[String!]!", PATH), EXPAND],
            ready(files::without_files),
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
            ready(config::with_env_variable),
        ),
        field(
            "withoutEnvVariable",
            "Container!",
            "Without an environment variable.",
            &[arg("name", "String!", "Its name.")],
            ready(config::without_env_variable),
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
            ready(config::with_workdir),
        ),
        field(
            "withoutWorkdir",
            "Container!",
            "With `/` as working directory.",
            &[],
            ready(config::without_workdir),
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
            ready(config::with_user),
        ),
        field(
            "withoutUser",
            "Container!",
            "With root as user.",
            &[],
            ready(config::without_user),
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
            ready(config::with_entrypoint),
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
            ready(config::without_entrypoint),
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
            ready(config::with_default_args),
        ),
        field(
            "withoutDefaultArgs",
            "Container!",
            "Without default arguments.",
            &[],
            ready(config::without_default_args),
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
            ready(config::with_label),
        ),
        field(
            "withoutLabel",
            "Container!",
            "Without a label.",
            &[arg("name", "String!", "Its name.")],
            ready(config::without_label),
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
            ready(config::with_annotation),
        ),
        field(
            "withoutAnnotation",
            "Container!",
            "Without an annotation of the manifest.",
            &[arg("name", "String!", "Its name.")],
            ready(config::without_annotation),
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
            ready(config::with_exposed_port),
        ),
        field(
            "withoutExposedPort",
            "Container!",
            "Without an exposed port.",
            &[
                arg("port", "Int!", "Its number."),
                arg("protocol", "NetworkProtocol = TCP", "Its protocol."),
            ],
            ready(config::without_exposed_port),
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
            ready(config::with_healthcheck),
        ),
        field(
            "withoutDockerHealthcheck",
            "Container!",
            "Without Docker's health check.",
            &[],
            ready(config::without_healthcheck),
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
            "withLimits",
            "Container!",
            "With limits on what each of its programs may use up, in place of those it had. An addition of the embedded engine.",
            &[arg(
                "limits",
                "Limits!",
                "The limits; what they leave open is the engine's.",
            )],
            ready(exec::with_limits),
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
