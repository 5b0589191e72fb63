//! One object by its name.

use std::pin::pin;

use futures::AsyncReadExt;
use http::header::ACCEPT;
use kube::Client;
use serde::de::DeserializeOwned;

use super::failure::{failure, told, undecodable};
use crate::observation::{Failure, FailureClass};

/// An object of a few kilobytes; annotations may make it larger.
const MOST_BYTES: u64 = 2 << 20;

/// How much of the object is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    /// All of it.
    Whole,
    /// Its metadata.
    Metadata,
}

/// Gets the object. Not through the client's own decoding, which logs an answer that it cannot read.
pub(super) async fn get<T: DeserializeOwned>(client: &Client, path: &str, asked: Asked) -> Result<T, Failure> {
    let accept = match asked {
        Asked::Whole => "application/json",
        Asked::Metadata => "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1",
    };
    let request = http::Request::get(path)
        .header(ACCEPT, accept)
        .body(Vec::new())
        .map_err(|error| told(FailureClass::Other, &format!("the request could not be made: {error}")))?;
    let body = client.request_stream(request).await.map_err(|error| failure(&error))?;
    let mut text = Vec::new();
    let mut limited = pin!(body.take(MOST_BYTES + 1));
    limited
        .read_to_end(&mut text)
        .await
        .map_err(|error| told(FailureClass::Connection, &format!("reading the object: {error}")))?;
    if text.len() as u64 > MOST_BYTES {
        return Err(told(FailureClass::TooLarge, "the object is larger than 2 MiB"));
    }
    serde_json::from_slice(&text).map_err(|error| undecodable(&error))
}
