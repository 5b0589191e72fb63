//! Bodies of answers, read as far as a bound allows: whoever answers may never stop sending.

use bytes::{Buf as _, Bytes, BytesMut};
use http::header::CONTENT_LENGTH;
use reqwest::Response;

/// Why there is no body.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unread {
    /// It is longer than the bound.
    #[error("the answer is larger than {0} bytes")]
    TooLarge(u64),
    /// It broke off.
    #[error(transparent)]
    Broken(#[from] reqwest::Error),
}

/// The whole body, of `most` bytes at most.
///
/// # Errors
/// When it is longer or breaks off.
pub(crate) async fn whole(answer: &mut Response, most: u64) -> Result<Bytes, Unread> {
    end(answer, most, usize::MAX).await
}

/// The last `kept` bytes of a body that is read to its end, of `most` bytes at most.
///
/// # Errors
/// When it is longer or breaks off.
pub(crate) async fn end(answer: &mut Response, most: u64, kept: usize) -> Result<Bytes, Unread> {
    let announced = answer.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    if announced.is_some_and(|length: u64| length > most) {
        return Err(Unread::TooLarge(most));
    }
    let mut body = BytesMut::new();
    let mut read = 0;
    while let Some(chunk) = answer.chunk().await? {
        read += chunk.len() as u64;
        if read > most {
            return Err(Unread::TooLarge(most));
        }
        body.extend_from_slice(&chunk);
        body.advance(body.len().saturating_sub(kept));
    }
    Ok(body.freeze())
}

/// The first `most` bytes of a body, or as many as came before it broke off; what follows is not read.
pub(crate) async fn beginning(answer: &mut Response, most: usize) -> Bytes {
    let mut body = BytesMut::new();
    while body.len() < most
        && let Ok(Some(chunk)) = answer.chunk().await
    {
        body.extend_from_slice(&chunk);
    }
    body.truncate(most);
    body.freeze()
}
