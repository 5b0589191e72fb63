//! One object by its name, or one question.

use std::pin::pin;

use futures::AsyncReadExt;
use http::header::{ACCEPT, CONTENT_TYPE};
use kube::Client;
use serde::de::DeserializeOwned;
use serde_json::Value;

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
    send(client, http::Request::get(path).header(ACCEPT, accept), Vec::new()).await
}

/// Posts a question, which makes no object, and reads the answer.
pub(super) async fn post<T: DeserializeOwned>(client: &Client, path: &str, body: &Value) -> Result<T, Failure> {
    let request = http::Request::post(path).header(ACCEPT, "application/json");
    send(client, request.header(CONTENT_TYPE, "application/json"), body.to_string().into_bytes()).await
}

async fn send<T: DeserializeOwned>(
    client: &Client,
    request: http::request::Builder,
    body: Vec<u8>,
) -> Result<T, Failure> {
    let request = request
        .body(body)
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
