//! `Directory`: the table of its fields. The code behind them is in `directory_fields`, Dockerfile builds are in `build`.

use ci_graphql::{Type, arg, field, future, object, ready};

use super::directory_fields as fields;
use super::{
    Connection, EXCLUDE, GITIGNORE, ID, INCLUDE, OF_DIRECTORY, OF_FILE, OF_SECRET, OF_SOCKET,
};

pub(super) static DIRECTORY: Type<Connection> = object(
    "Directory",
    "A tree of files.",
    &["Exportable", "Node", "Syncer"],
    &[
        ID,
        field(
            "sync",
            "ID!",
            "Brings the directory about and answers its id.",
            &[],
            future!(fields::sync),
        )
        .directives(OF_DIRECTORY),
        field(
            "name",
            "String!",
            "Its name; `/` for a root.",
            &[],
            future!(fields::name),
        ),
        field(
            "digest",
            "String!",
            "A digest of everything in it: names, kinds, modes, owners, contents. Times do not count.",
            &[],
            future!(fields::digest),
        ),
        field(
            "entries",
            "[String!]!",
            "What is in it, sorted; directories end in `/`.",
            &[arg("path", "String", "Look in this directory of it.")],
            future!(fields::entries),
        ),
        field(
            "glob",
            "[String!]!",
            "Paths in it, however deep, that match a pattern.",
            &[arg("pattern", "String!", "As in .dockerignore.")],
            future!(fields::glob),
        ),
        field(
            "directory",
            "Directory!",
            "A directory of it.",
            &[arg("path", "String!", "Relative to it.")],
            ready(fields::directory),
        ),
        field(
            "file",
            "File!",
            "A file of it.",
            &[arg("path", "String!", "Relative to it.")],
            ready(fields::file),
        ),
        field(
            "exists",
            "Boolean!",
            "Whether there is something at a path.",
            &[
                arg("path", "String!", "Relative to it."),
                arg("expectedType", "ExistsType", "Only count this kind."),
                arg(
                    "doNotFollowSymlinks",
                    "Boolean = false",
                    "Look at a link itself.",
                ),
            ],
            future!(fields::exists),
        ),
        field(
            "stat",
            "Stat",
            "What is at a path.",
            &[
                arg("path", "String!", "Relative to it."),
                arg(
                    "doNotFollowSymlinks",
                    "Boolean = false",
                    "Look at a link itself.",
                ),
            ],
            future!(fields::stat),
        ),
        field(
            "filter",
            "Directory!",
            "It without what patterns leave out.",
            &[
                EXCLUDE,
                INCLUDE,
                GITIGNORE,
            ],
            ready(fields::filter),
        ),
        field(
            "withDirectory",
            "Directory!",
            "With the contents of a directory at a path.",
            &[
                arg("path", "String!", "Relative to it."),
                arg("source", "ID!", "The directory.").directives(OF_DIRECTORY),
                EXCLUDE,
                INCLUDE,
                GITIGNORE,
                arg("owner", "String = \"\"", "Numeric `user` or `user:group`."),
                arg(
                    "permissions",
                    "Int",
                    "Permission bits of everything copied.",
                ),
            ],
            ready(fields::with_directory),
        ),
        field(
            "withFile",
            "Directory!",
            "With a file at a path.",
            &[
                arg("path", "String!", "Relative to it."),
                arg("source", "ID!", "The file.").directives(OF_FILE),
                arg("permissions", "Int", "Its permission bits."),
                arg("owner", "String = \"\"", "Numeric `user` or `user:group`."),
            ],
            ready(fields::with_file),
        ),
        field(
            "withFiles",
            "Directory!",
            "With files in a directory.",
            &[
                arg("path", "String!", "Relative to it."),
                arg("sources", "[ID!]!", "The files.").directives(OF_FILE),
                arg("permissions", "Int", "Their permission bits."),
            ],
            ready(fields::with_files),
        ),
        field(
            "withNewFile",
            "Directory!",
            "With a file of the given contents at a path.",
            &[
                arg("path", "String!", "Relative to it."),
                arg("contents", "String!", "What it contains."),
                arg("permissions", "Int = 420", "Its permission bits."),
            ],
            ready(fields::with_new_file),
        ),
        field(
            "withNewDirectory",
            "Directory!",
            "With an empty directory at a path.",
            &[
                arg("path", "String!", "Relative to it."),
                arg(
                    "permissions",
                    "Int = 420",
                    "Its permission bits; the execute bits are added.",
                ),
            ],
            ready(fields::with_new_directory),
        ),
        field(
            "withSymlink",
            "Directory!",
            "With a symbolic link.",
            &[
                arg("target", "String!", "Where it points."),
                arg("linkName", "String!", "Relative to it."),
            ],
            ready(fields::with_symlink),
        ),
        field(
            "withoutDirectory",
            "Directory!",
            "Without a directory.",
            &[arg("path", "String!", "Relative to it.")],
            ready(fields::without_path),
        ),
        field(
            "withoutFile",
            "Directory!",
            "Without a file.",
            &[arg("path", "String!", "Relative to it.")],
            ready(fields::without_path),
        ),
        field(
            "withoutFiles",
            "Directory!",
            "Without some files.",
            &[arg("paths", "[String!]!", "Relative to it.")],
            ready(fields::without_files),
        ),
        field(
            "withTimestamps",
            "Directory!",
            "The same: times are no part of what this engine keeps, every file of an image has one and the same.",
            &[arg("timestamp", "Int!", "Taken for compatibility.")],
            ready(|call| super::object(call.object)),
        ),
        field(
            "withError",
            "Directory!",
            "An error in its place, unless the text is empty.",
            &[arg("err", "String!", "What the error says.")],
            ready(fields::with_error),
        ),
        field(
            "export",
            "String!",
            "Writes it to the host and answers the absolute path.",
            &[
                arg(
                    "path",
                    "String!",
                    "Where to, relative to the session's directory.",
                ),
                arg("wipe", "Boolean = false", "Remove what was there before."),
            ],
            future!(fields::export),
        ),
        field(
            "dockerBuild",
            "Container!",
            "The image that a Dockerfile makes, with this directory as build context.",
            &[
                arg(
                    "dockerfile",
                    "String = \"Dockerfile\"",
                    "Path of the Dockerfile in the directory.",
                ),
                arg(
                    "platform",
                    "Platform",
                    "The platform of the image; this machine's if absent.",
                ),
                arg("buildArgs", "[BuildArg!] = []", "Build arguments."),
                arg(
                    "target",
                    "String = \"\"",
                    "The stage to build; the last if empty.",
                ),
                arg(
                    "secrets",
                    "[ID!] = []",
                    "Secrets that RUN --mount=type=secret finds by name.",
                )
                .directives(OF_SECRET),
                arg(
                    "noInit",
                    "Boolean = false",
                    "Taken for compatibility: there is always an init process.",
                ),
                arg(
                    "ssh",
                    "ID",
                    "The SSH agent that RUN --mount=type=ssh and ADD of git repositories use, whatever id they name.",
                )
                .directives(OF_SOCKET),
                arg(
                    "dockerfileDirectory",
                    "ID",
                    "Where the Dockerfile and its own ignore file are, if not in this directory. An addition of the embedded engine.",
                )
                .directives(OF_DIRECTORY),
                arg(
                    "namedContexts",
                    "[NamedContext!] = []",
                    "What names in FROM and --from stand for. An addition of the embedded engine.",
                ),
                arg(
                    "limits",
                    "Limits",
                    "What each RUN step may use up, and each program in the container that is made. An addition of the embedded engine.",
                ),
            ],
            ready(crate::build::docker_build),
        ),
    ],
);
