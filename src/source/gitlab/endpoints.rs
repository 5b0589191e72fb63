//! Endpoints that the `gitlab` crate does not have.

use gitlab::api::endpoint_prelude::{Cow, Endpoint, Method};

/// `GET /runners/:id/managers`: every process that runs with the runner's token; one answer, no pages.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RunnerManagers {
    pub(crate) runner: u64,
}

impl Endpoint for RunnerManagers {
    fn method(&self) -> Method {
        Method::GET
    }

    fn endpoint(&self) -> Cow<'static, str> {
        format!("runners/{}/managers", self.runner).into()
    }
}

/// `GET /personal_access_tokens/self`: the token that is used; any scope will do.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OwnToken;

impl Endpoint for OwnToken {
    fn method(&self) -> Method {
        Method::GET
    }

    fn endpoint(&self) -> Cow<'static, str> {
        "personal_access_tokens/self".into()
    }
}

/// `GET /version`; for every scope that reads.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Version;

impl Endpoint for Version {
    fn method(&self) -> Method {
        Method::GET
    }

    fn endpoint(&self) -> Cow<'static, str> {
        "version".into()
    }
}
