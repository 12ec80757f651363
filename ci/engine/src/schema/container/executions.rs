//! The fields of `Container` about programs: running them, what is mounted for them, limits, secrets, services.

use ci_graphql::{Arg, Field, arg, field, future, ready};

use super::super::container_exec as exec;
use super::super::{
    Connection, EXPAND, OF_CACHE_VOLUME, OF_DIRECTORY, OF_FILE, OF_SECRET, OF_SOCKET, sockets,
};
use super::{OWNER, PATH};

// Of whatever runs a program.
const USE_ENTRYPOINT: Arg = arg(
    "useEntrypoint",
    "Boolean = false",
    "Put the entrypoint in front.",
);
const NESTING: Arg = arg(
    "experimentalPrivilegedNesting",
    "Boolean = false",
    "Refused: programs get no session of this engine.",
);
const CAPABILITIES: Arg = arg(
    "insecureRootCapabilities",
    "Boolean = false",
    "Refused: programs never get the host's capabilities.",
);
const EXPAND_ARGS: Arg = arg(
    "expand",
    "Boolean = false",
    "Replace variables in the arguments.",
);
const NO_INIT: Arg = arg(
    "noInit",
    "Boolean = false",
    "Taken for compatibility: there is always an init process.",
);

pub(super) const EXECUTIONS: &[Field<Connection>] = &[
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
            USE_ENTRYPOINT,
            arg("stdin", "String = \"\"", "Written to its standard input."),
            arg(
                "redirectStdin",
                "String = \"\"",
                "A file of the container that is its standard input.",
            ),
            arg(
                "redirectStdout",
                "String = \"\"",
                "A file of the container that gets what it prints, too.",
            ),
            arg(
                "redirectStderr",
                "String = \"\"",
                "A file of the container that gets what it prints as errors, too.",
            ),
            arg(
                "expect",
                "ReturnType = SUCCESS",
                "Which exit codes count as success.",
            ),
            NESTING,
            CAPABILITIES,
            EXPAND_ARGS,
            NO_INIT,
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
        "withUnixSocket",
        "Container!",
        "With a socket for programs that leads to one of the host.",
        &[
            arg("path", "String!", PATH),
            arg("source", "ID!", "The socket of the host.").directives(OF_SOCKET),
            arg("owner", "String = \"\"", OWNER),
            EXPAND,
        ],
        ready(sockets::with_unix_socket),
    ),
    field(
        "withoutUnixSocket",
        "Container!",
        "Without a socket.",
        &[arg("path", "String!", PATH), EXPAND],
        ready(exec::without_mount),
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
            USE_ENTRYPOINT,
            NESTING,
            CAPABILITIES,
            EXPAND_ARGS,
            NO_INIT,
        ],
        ready(exec::as_service),
    ),
    field(
        "withError",
        "Container!",
        "An error in its place, unless the text is empty.",
        &[arg("err", "String!", "What the error says.")],
        ready(exec::with_error),
    ),
];
