//! The fields of `Container` about what its image says: environment, user, command, labels, ports.

use ci_graphql::{Field, arg, field, future, ready};

use super::super::container_config as config;
use super::super::container_read as read;
use super::super::{Connection, EXPAND};
use super::PATH;

pub(super) const CONFIG: &[Field<Connection>] = &[
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
];
