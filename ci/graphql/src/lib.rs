//! GraphQL over one table of types: parser, executor and introspection
