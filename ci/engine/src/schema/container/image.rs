//! The fields of `Container` about where it comes from and where it goes: images of registries, archives and the host.

use ci_graphql::{Arg, Field, arg, field, future, ready};

use super::super::container_files as files;
use super::super::container_read as read;
use super::super::{Connection, ID, OF_CONTAINER, OF_DIRECTORY, OF_FILE};

// Of whatever writes an image.
const VARIANTS: Arg = arg(
    "platformVariants",
    "[ID!] = []",
    "The image for other platforms.",
)
.directives(OF_CONTAINER);
const COMPRESSION: Arg = arg(
    "forcedCompression",
    "ImageLayerCompression",
    "Only Gzip, which is also the default.",
);
const MEDIA_TYPES: Arg = arg(
    "mediaTypes",
    "ImageMediaTypes = OCIMediaTypes",
    "Only OCIMediaTypes.",
);

pub(super) const IMAGE: &[Field<Connection>] = &[
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
    field(
        "asTarball",
        "File!",
        "Its image as one file: an OCI image layout in a tar archive.",
        &[VARIANTS, COMPRESSION, MEDIA_TYPES],
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
            VARIANTS,
            COMPRESSION,
            MEDIA_TYPES,
            arg(
                "expand",
                "Boolean = false",
                "Replace variables in the path.",
            ),
        ],
        future!(read::export),
    ),
];
