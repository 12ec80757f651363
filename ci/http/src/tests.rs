//! The client against servers that do as they like.
