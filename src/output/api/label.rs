//! A value of a closed list in JSON: its spelling, and every other one that it could have in the schema.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};

use crate::cause::Closed;

/// One value of the list `C`.
pub(super) struct Label<C> {
    text: &'static str,
    of: PhantomData<C>,
}

impl<C: Closed> From<C> for Label<C> {
    fn from(value: C) -> Self {
        Self { text: value.label(), of: PhantomData }
    }
}

impl<C> Serialize for Label<C> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.text)
    }
}

// Keys of maps: in the order of their spelling.
impl<C> PartialEq for Label<C> {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl<C> Eq for Label<C> {}

impl<C> PartialOrd for Label<C> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<C> Ord for Label<C> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.text.cmp(other.text)
    }
}

impl<C: Closed> JsonSchema for Label<C> {
    fn schema_name() -> Cow<'static, str> {
        C::NAME.into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "enum": C::labels() })
    }
}

/// Numbers by the values of a list.
pub(super) type Counts<C> = BTreeMap<Label<C>, u64>;

/// Those that were counted.
pub(super) fn counts<C: Closed>(counted: &BTreeMap<C, u64>) -> Counts<C> {
    counted.iter().map(|(value, count)| (Label::from(*value), *count)).collect()
}

/// Every value of the list, also those that were not met.
pub(super) fn all_counts<C: Closed + Ord>(all: &[C], counted: &BTreeMap<C, u64>) -> Counts<C> {
    all.iter().map(|value| (Label::from(*value), counted.get(value).copied().unwrap_or(0))).collect()
}
