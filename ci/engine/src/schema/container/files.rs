//! The fields of `Container` about its files.

use ci_graphql::{Field, arg, field, future, ready};

use super::super::container_files as files;
use super::super::container_read as read;
use super::super::{Connection, EXCLUDE, EXPAND, GITIGNORE, INCLUDE, OF_DIRECTORY, OF_FILE};
use super::{OWNER, PATH};

pub(super) const FILES: &[Field<Connection>] = &[
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
            EXCLUDE,
            INCLUDE,
            GITIGNORE,
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
];
