//! GraphQL on the same client. An HTTP 200 with `errors` is a failure, save for the fields that a document
//! asks as a probe.

use jiff::Timestamp;
use serde_json::Value;

use crate::observation::FailureClass;

use super::client::Call;
use super::error::ClientError;
use super::queries::Document;
use super::text::{MAX_DETAIL, one_line};

/// What a document answered.
#[derive(Debug)]
pub(crate) struct Data {
    /// `data`, an object.
    pub(crate) data: Value,
    /// The probed fields that GitLab refused, and what it said.
    pub(crate) refused: Vec<String>,
    /// The server's clock when it answered.
    pub(crate) date: Option<Timestamp>,
}

impl Call {
    /// Asks `document`. An error at one of its probes is an answer; any other is a failure, because data beside
    /// errors is incomplete in a way nobody can tell from zero.
    pub(crate) async fn graphql(&self, document: &Document, variables: &Value) -> Result<Data, ClientError> {
        let mut answer = self.post_graphql(document.body(variables)).await?;
        let errors = match answer.json.get("errors") {
            None | Some(Value::Null) => &[][..],
            Some(Value::Array(errors)) => errors.as_slice(),
            Some(_) => return Err(self.malformed("the GraphQL errors are no list")),
        };
        let (refused, failed): (Vec<&Value>, Vec<&Value>) =
            errors.iter().partition(|error| is_at(error, document.probes));
        if !failed.is_empty() {
            return Err(ClientError::Graphql {
                operation: self.operation(),
                class: class(&failed),
                detail: one_line(&failed.iter().take(3).map(|e| message(e)).collect::<Vec<_>>().join("; "), MAX_DETAIL),
            });
        }
        let refused = refused.into_iter().map(|error| one_line(message(error), MAX_DETAIL)).collect();
        let date = answer.date;
        match answer.json.get_mut("data").map(Value::take) {
            Some(data @ Value::Object(_)) => Ok(Data { data, refused, date }),
            _ => Err(self.malformed("the GraphQL answer holds no data")),
        }
    }
}

fn is_at(error: &Value, probes: &[&str]) -> bool {
    error.pointer("/path/0").and_then(Value::as_str).is_some_and(|field| probes.contains(&field))
}

fn message(error: &Value) -> &str {
    error.get("message").and_then(Value::as_str).unwrap_or("an error without a message")
}

/// GraphQL has no status codes: GitLab's own phrases are all there is.
fn class(errors: &[&Value]) -> FailureClass {
    let is = |code: &str| errors.iter().any(|e| e.pointer("/extensions/code").and_then(Value::as_str) == Some(code));
    let says = |text: &str| errors.iter().any(|e| message(e).to_ascii_lowercase().contains(text));
    if is("undefinedField") || is("argumentNotAccepted") || says("doesn't exist on type") {
        FailureClass::Decode
    } else if says("don't have permission") {
        FailureClass::Forbidden
    } else if says("timed out") || says("timeout") {
        FailureClass::Timeout
    } else if says("requested too many times") {
        FailureClass::RateLimited
    } else if says("internal server error") {
        FailureClass::ServerError
    } else {
        FailureClass::Other
    }
}
