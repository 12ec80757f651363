//! The fields of `Container` about where it comes from and where it goes: images of registries, archives and the host.

use ci_graphql::{Field, arg, field, future, ready};

use super::super::container_files as files;
use super::super::container_read as read;
use super::super::{Connection, ID, OF_CONTAINER, OF_DIRECTORY, OF_FILE};

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
];
