//! The part of `metadata` that tierwatch reads.

use serde::Deserialize;

use super::lenient::{Moment, Shape, Text};

/// `metadata`, with the labels and annotations that the kind at hand wants.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(
    default,
    rename_all = "camelCase",
    bound(deserialize = "L: Default + for<'any> Deserialize<'any>, A: Default + for<'any> Deserialize<'any>")
)]
pub(super) struct Metadata<L = Nothing, A = Nothing> {
    pub(super) uid: Text,
    pub(super) name: Text,
    pub(super) resource_version: Text,
    pub(super) creation_timestamp: Moment,
    pub(super) deletion_timestamp: Moment,
    pub(super) labels: Shape<L>,
    pub(super) annotations: Shape<A>,
}

/// No field of the object is wanted.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Nothing {}
