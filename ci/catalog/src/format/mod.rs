//! The shapes of the two files on disk, with their defaults and the documentation editors show.
//!
//! One set of types serves twice: `serde` reads files into them, and the JSON schema is generated from them. Whether
//! the values make sense is decided by `lower`; unknown keys are found by comparing a file with the schema (`shape`),
//! which is why only the schema, not `serde`, forbids them.

mod lock;
mod pipeline;
mod service;

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::ops::Range;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub(crate) use lock::LockFile;
pub(crate) use pipeline::{LimitsTable, PipelineFile, RegistryTable, SigningTable};
pub(crate) use service::{
    BuilderKind, CargoTable, CheckTable, ContractTable, DockerfileTable, ImageTable,
    KindOfContract, ServiceFile,
};

/// A value and the bytes of the file it was read from; defaults have no bytes.
#[derive(Clone, Debug)]
pub(crate) struct At<T> {
    pub(crate) value: T,
    pub(crate) span: Option<Range<usize>>,
}

/// Free keys with text values.
pub(crate) type Texts = BTreeMap<At<String>, At<String>>;

impl<T> At<T> {
    /// A value that stands in no file.
    pub(crate) fn default_value(value: impl Into<T>) -> Self {
        Self {
            value: value.into(),
            span: None,
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for At<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = toml::Spanned::<T>::deserialize(deserializer)?;
        Ok(Self {
            span: Some(spanned.span()),
            value: spanned.into_inner(),
        })
    }
}

/// Only the value: this is how defaults reach the schema.
impl<T: Serialize> Serialize for At<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value.serialize(serializer)
    }
}

/// The same schema as the value's: where it stands does not show.
impl<T: JsonSchema> JsonSchema for At<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn schema_id() -> Cow<'static, str> {
        T::schema_id()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

// Equal and ordered by value alone, so that it can be the key of a map.
impl<T: PartialEq> PartialEq for At<T> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl<T: Eq> Eq for At<T> {}

impl<T: PartialOrd> PartialOrd for At<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        self.value.partial_cmp(&other.value)
    }
}

impl<T: Ord> Ord for At<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.value.cmp(&other.value)
    }
}
