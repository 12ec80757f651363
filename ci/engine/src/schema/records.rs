//! Small types of the schema: records, interfaces, inputs, enums, scalars, directives.

use ci_graphql::{
    DirectiveDef, FieldError, Type, Value, arg, directive_def, enumeration, field, future, input,
    interface, object, ready, scalar, signature, value,
};

use super::{Answer, Connection, FieldCall, ID, OF_CONTAINER, mismatch, record_field};
use crate::object::Object;

pub(super) static DIRECTIVES: &[DirectiveDef] = &[directive_def(
    "expectedType",
    "Names the type of object that an id belongs to.",
    &[arg("name", "String!", "The type's name.")],
    &["ARGUMENT_DEFINITION", "FIELD_DEFINITION"],
)];

pub(super) static NODE: Type<Connection> =
    interface("Node", "An object that has an id.", &[], &[ID.def]);

pub(super) static SYNCER: Type<Connection> = interface(
    "Syncer",
    "An object that can be brought about without asking for anything of it.",
    &["Node"],
    &[
        ID.def,
        signature(
            "sync",
            "ID!",
            "Brings the object about and answers its id.",
            &[],
        )
        .directives(&[super::expected(&[("name", "\"Syncer\"")])]),
    ],
);

pub(super) static EXPORTABLE: Type<Connection> = interface(
    "Exportable",
    "An object that can be written to the host.",
    &["Node"],
    &[
        ID.def,
        signature(
            "export",
            "String!",
            "Writes it to a path of the host and answers the absolute path.",
            &[arg(
                "path",
                "String!",
                "Where to, relative to the session's directory.",
            )],
        ),
    ],
);

pub(super) static SECRET: Type<Connection> = object(
    "Secret",
    "A value that reaches programs and is shown nowhere.",
    &["Node"],
    &[
        ID,
        field(
            "name",
            "String!",
            "The name it was given.",
            &[],
            ready(secret_name),
        ),
        field(
            "uri",
            "String!",
            "Where its value comes from.",
            &[],
            ready(secret_name),
        ),
        field(
            "plaintext",
            "String!",
            "Its value. Never cached.",
            &[],
            future!(plaintext),
        ),
    ],
);

pub(super) static CACHE_VOLUME: Type<Connection> = object(
    "CacheVolume",
    "A directory that outlives builds and is part of no image.",
    &["Node"],
    &[ID],
);

pub(super) static ENV_VARIABLE: Type<Connection> = object(
    "EnvVariable",
    "An environment variable.",
    &["Node"],
    &[
        ID,
        field("name", "String!", "Its name.", &[], ready(record_field)),
        field("value", "String!", "Its value.", &[], ready(record_field)),
    ],
);

pub(super) static LABEL: Type<Connection> = object(
    "Label",
    "A label of an image.",
    &["Node"],
    &[
        ID,
        field("name", "String!", "Its name.", &[], ready(record_field)),
        field("value", "String!", "Its value.", &[], ready(record_field)),
    ],
);

pub(super) static PORT: Type<Connection> = object(
    "Port",
    "A port that a container exposes.",
    &["Node"],
    &[
        ID,
        field("port", "Int!", "Its number.", &[], ready(record_field)),
        field(
            "protocol",
            "NetworkProtocol!",
            "Its protocol.",
            &[],
            ready(record_field),
        ),
        field(
            "description",
            "String",
            "What it is for.",
            &[],
            ready(record_field),
        ),
        field(
            "experimentalSkipHealthcheck",
            "Boolean!",
            "Whether a service is up before the port accepts connections.",
            &[],
            ready(record_field),
        ),
    ],
);

pub(super) static HEALTHCHECK_CONFIG: Type<Connection> = object(
    "HealthcheckConfig",
    "How a container proves to be well.",
    &["Node"],
    &[
        ID,
        field(
            "args",
            "[String!]!",
            "The command.",
            &[],
            ready(record_field),
        ),
        field(
            "shell",
            "Boolean!",
            "Whether the command is run by the shell.",
            &[],
            ready(record_field),
        ),
        field(
            "interval",
            "String!",
            "Time between two checks.",
            &[],
            ready(record_field),
        ),
        field(
            "timeout",
            "String!",
            "Time after which a check has failed.",
            &[],
            ready(record_field),
        ),
        field(
            "startPeriod",
            "String!",
            "Time in which failures do not count.",
            &[],
            ready(record_field),
        ),
        field(
            "startInterval",
            "String!",
            "Time between two checks in the start period.",
            &[],
            ready(record_field),
        ),
        field(
            "retries",
            "Int!",
            "Failures in a row that count as one.",
            &[],
            ready(record_field),
        ),
    ],
);

pub(super) static STAT: Type<Connection> = object(
    "Stat",
    "What is known of a file without reading it.",
    &["Node"],
    &[
        ID,
        field("name", "String!", "Its name.", &[], ready(record_field)),
        field(
            "fileType",
            "FileType",
            "Its kind.",
            &[],
            ready(record_field),
        ),
        field(
            "permissions",
            "Int!",
            "Its permission bits.",
            &[],
            ready(record_field),
        ),
        field(
            "size",
            "Int!",
            "Its size in bytes.",
            &[],
            ready(record_field),
        ),
    ],
);

pub(super) static BUILD_ARG: Type<Connection> = input(
    "BuildArg",
    "A build argument of a Dockerfile.",
    &[
        arg("name", "String!", "Its name."),
        arg("value", "String!", "Its value."),
    ],
);

pub(super) static NAMED_CONTEXT: Type<Connection> = input(
    "NamedContext",
    "Something a Dockerfile can refer to by name. An addition of the embedded engine.",
    &[
        arg(
            "name",
            "String!",
            "The name that FROM, COPY --from and RUN --mount=from= use.",
        ),
        arg("container", "ID", "The image it stands for.").directives(OF_CONTAINER),
        arg("directory", "ID", "The directory it stands for.").directives(super::OF_DIRECTORY),
        arg(
            "ociLayout",
            "String",
            "Path on the host of an OCI image layout with the image it stands for; `PATH:NAME` chooses one of several.",
        ),
        arg(
            "image",
            "String",
            "Reference of the image in a registry that it stands for, on whatever platform it is used for. With the name of that image and a digest it only decides on the image's content.",
        ),
    ],
);

pub(super) static LIMITS: Type<Connection> = input(
    "Limits",
    "What an execution may use up. An addition of the embedded engine.",
    &[
        arg(
            "memory",
            "Int",
            "Bytes of memory, of all its processes together.",
        ),
        arg("pids", "Int", "Processes and threads."),
        arg(
            "seconds",
            "Int",
            "Time until it is ended; services run until they are stopped.",
        ),
    ],
);

pub(super) static PORT_FORWARD: Type<Connection> = input(
    "PortForward",
    "A port of the host that leads to a port of a service.",
    &[
        arg("frontend", "Int", "On the host; any free one if absent."),
        arg("backend", "Int!", "Of the service."),
        arg("protocol", "NetworkProtocol = TCP", "Its protocol."),
    ],
);

pub(super) static CACHE_SHARING_MODE: Type<Connection> = enumeration(
    "CacheSharingMode",
    "Who else may use a cache volume at the same time.",
    &[
        value("SHARED", "Anybody."),
        value("PRIVATE", "Nobody; another user gets another directory."),
        value("LOCKED", "Nobody; another user waits."),
    ],
);

pub(super) static RETURN_TYPE: Type<Connection> = enumeration(
    "ReturnType",
    "Which exit codes count as success.",
    &[
        value("SUCCESS", "Only 0."),
        value("FAILURE", "1 to 127 and 192 to 255."),
        value("ANY", "All but those of death by a signal, 128 to 191."),
    ],
);

pub(super) static NETWORK_PROTOCOL: Type<Connection> = enumeration(
    "NetworkProtocol",
    "A transport protocol.",
    &[value("TCP", "TCP."), value("UDP", "UDP.")],
);

pub(super) static IMAGE_LAYER_COMPRESSION: Type<Connection> = enumeration(
    "ImageLayerCompression",
    "How the layers of an image are compressed.",
    &[
        value("Gzip", "gzip, which every registry and runtime takes."),
        value("Zstd", "zstd."),
        value("EStarGZ", "gzip with an index for lazy pulling.").means("EStarGZ"),
        value("ESTARGZ", "Another name of EStarGZ.").means("EStarGZ"),
        value("Uncompressed", "Not at all."),
    ],
);

pub(super) static IMAGE_MEDIA_TYPES: Type<Connection> = enumeration(
    "ImageMediaTypes",
    "Under which names an image's documents go.",
    &[
        value("OCIMediaTypes", "Those of the OCI image specification."),
        value("DockerMediaTypes", "Docker's own."),
        value("OCI", "Another name of OCIMediaTypes.").means("OCIMediaTypes"),
        value("DOCKER", "Another name of DockerMediaTypes.").means("DockerMediaTypes"),
    ],
);

pub(super) static EXISTS_TYPE: Type<Connection> = enumeration(
    "ExistsType",
    "What is looked for.",
    &[
        value("REGULAR_TYPE", "A regular file."),
        value("DIRECTORY_TYPE", "A directory."),
        value("SYMLINK_TYPE", "A symbolic link."),
    ],
);

pub(super) static FILE_TYPE: Type<Connection> = enumeration(
    "FileType",
    "A kind of file.",
    &[
        value("REGULAR", "A regular file."),
        value("DIRECTORY", "A directory."),
        value("SYMLINK", "A symbolic link."),
        value("UNKNOWN", "Something else."),
    ],
);

pub(super) static PLATFORM: Type<Connection> = scalar(
    "Platform",
    "An operating system and architecture, such as `linux/arm64` or `linux/arm/v7`.",
);

pub(super) static VOID: Type<Connection> =
    scalar("Void", "No value: the call is made for what it does.");

fn secret_name(call: FieldCall) -> Answer {
    match &call.object {
        Object::Secret(secret) => Ok(secret.name.clone().into()),
        other => Err(mismatch(other, "Secret").into()),
    }
}

async fn plaintext(call: FieldCall) -> Answer {
    let Object::Secret(secret) = &call.object else {
        return Err(mismatch(&call.object, "Secret").into());
    };
    let value = secret.value().await?;
    let text = std::str::from_utf8(&value)
        .map_err(|_| FieldError::new(format!("secret {} is not text", secret.name)))?;
    Ok(Value::String(text.to_owned()))
}
