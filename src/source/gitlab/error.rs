//! Why a request to GitLab failed: one closed class each, and a sentence without secrets.

use std::path::PathBuf;
use std::time::Duration;

use crate::config::SecretError;
use crate::metrics::Operation;
use crate::observation::{Failure, FailureClass};

/// Why a request to GitLab failed. No text holds the token, and none more than a line of an answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The token file cannot be read.
    #[error(transparent)]
    Token(#[from] SecretError),
    /// The token is no header value.
    #[error("the token file {} holds characters that no GitLab token has; it should hold one token on one line", path.display())]
    TokenText {
        /// The file.
        path: PathBuf,
    },
    /// The file with extra certificate authorities cannot be used.
    #[error("reading the certificate authorities in {}: {detail}", path.display())]
    CaFile {
        /// The file.
        path: PathBuf,
        /// Why.
        detail: String,
    },
    /// The HTTP client could not be made, or a request could not be written.
    #[error("preparing requests to GitLab: {detail}")]
    Prepare {
        /// Why.
        detail: String,
    },
    /// No answer, or one that broke off.
    #[error("{}: {detail}", doing(*operation))]
    NoAnswer {
        /// What was being done.
        operation: Operation,
        /// How the connection failed.
        class: FailureClass,
        /// In words.
        detail: String,
    },
    /// An answer that says no.
    #[error("{}: GitLab answered {status}: {detail}", doing(*operation))]
    Status {
        /// What was being done.
        operation: Operation,
        /// The HTTP status.
        status: u16,
        /// The first words of the answer.
        detail: String,
    },
    /// 429, or the wait after one.
    #[error("{}: GitLab limits the rate of requests: {detail}", doing(*operation))]
    RateLimited {
        /// What was being done.
        operation: Operation,
        /// How long GitLab asked us to wait.
        retry_after: Option<Duration>,
        /// The first words of the answer.
        detail: String,
    },
    /// The answer or the list is longer than we read.
    #[error("{}: {detail}", doing(*operation))]
    TooLarge {
        /// What was being done.
        operation: Operation,
        /// Which bound was passed.
        detail: String,
    },
    /// A link or a redirect leads to another host.
    #[error(
        "{}: GitLab points to {origin}, which is not the origin of gitlab.url; the token was not sent there \
         (is gitlab.url the external URL that GitLab is configured with?)",
        doing(*operation)
    )]
    ForeignOrigin {
        /// What was being done.
        operation: Operation,
        /// Where it leads: scheme, host and port.
        origin: String,
    },
    /// The answer is not what the API documents.
    #[error("{}: {detail}", doing(*operation))]
    Decode {
        /// What was being done.
        operation: Operation,
        /// What is wrong with it.
        detail: String,
    },
    /// GraphQL answered with errors.
    #[error("{}: GraphQL says: {detail}", doing(*operation))]
    Graphql {
        /// What was being done.
        operation: Operation,
        /// Nearest class.
        class: FailureClass,
        /// The messages.
        detail: String,
    },
    /// The token may not see what is asked for, although GitLab answered.
    #[error("{}: {detail}", doing(*operation))]
    Blind {
        /// What was being done.
        operation: Operation,
        /// What is missing, and what token would do.
        detail: String,
    },
}

impl ClientError {
    /// The class for the `class` label.
    #[must_use]
    pub fn class(&self) -> FailureClass {
        match self {
            Self::Token(_) | Self::TokenText { .. } => FailureClass::Secret,
            Self::CaFile { .. } => FailureClass::Tls,
            Self::Prepare { .. } => FailureClass::Other,
            Self::NoAnswer { class, .. } | Self::Graphql { class, .. } => *class,
            Self::Status { status, .. } => match status {
                401 => FailureClass::Unauthorized,
                403 => FailureClass::Forbidden,
                404 | 410 => FailureClass::NotFound,
                408 => FailureClass::Timeout,
                500..=599 => FailureClass::ServerError,
                _ => FailureClass::Other,
            },
            Self::RateLimited { .. } => FailureClass::RateLimited,
            Self::TooLarge { .. } => FailureClass::TooLarge,
            Self::ForeignOrigin { .. } => FailureClass::ForeignOrigin,
            Self::Decode { .. } => FailureClass::Decode,
            Self::Blind { .. } => FailureClass::Blind,
        }
    }

    /// How long GitLab asked us to wait.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        if let Self::RateLimited { retry_after, .. } = self { *retry_after } else { None }
    }

    /// GitLab does not know this object or does not show it to us; other objects may be fine.
    #[must_use]
    pub fn is_hidden(&self) -> bool {
        // A token without the scope gets 403 for everything: that is no matter of one object.
        if let Self::Status { status, detail, .. } = self {
            *status == 404 || (*status == 403 && !detail.contains("insufficient_"))
        } else {
            false
        }
    }

    /// The token is good, but not for this: another request of the same kind fails, too.
    #[must_use]
    pub fn lacks_scope(&self) -> bool {
        if let Self::Status { status, detail, .. } = self {
            *status == 403 && detail.contains("insufficient_")
        } else {
            false
        }
    }

    /// The token itself is refused: another one might do.
    #[must_use]
    pub fn is_the_tokens(&self) -> bool {
        [FailureClass::Unauthorized, FailureClass::Forbidden, FailureClass::Blind].contains(&self.class())
    }

    /// The trouble may lie in the one object asked for: the next one deserves its request.
    #[must_use]
    pub fn may_be_local(&self) -> bool {
        let class = self.class();
        self.is_hidden()
            || [FailureClass::ServerError, FailureClass::Decode, FailureClass::TooLarge, FailureClass::Timeout]
                .contains(&class)
    }
}

impl From<&ClientError> for Failure {
    fn from(error: &ClientError) -> Self {
        Self { class: error.class(), detail: error.to_string(), retry_after: error.retry_after() }
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        Self::from(&error)
    }
}

/// What was being done, for errors and logs.
pub(crate) const fn doing(operation: Operation) -> &'static str {
    match operation {
        Operation::QueueInstance => "listing the pending jobs of the instance",
        Operation::RunningInstance => "listing the running jobs of the instance",
        Operation::ProjectJobs => "listing the jobs of a project",
        Operation::Job => "looking up a job",
        Operation::GroupProjects => "listing the projects of a group",
        Operation::ProtectedRefs => "reading the protected branches and tags of a project",
        Operation::Runners => "listing the runners",
        Operation::RunnerDetails => "reading one runner",
        Operation::QueueRunner => "listing the pending jobs that a runner would take",
        Operation::RunnerJobs => "listing the jobs of a runner",
        Operation::Trace => "reading the end of a job's log",
        Operation::OwnToken => "reading what the token may do",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(status: u16, detail: &str) -> ClientError {
        ClientError::Status { operation: Operation::ProjectJobs, status, detail: detail.into() }
    }

    #[test]
    fn statuses_have_classes() {
        let expected = [
            (401, FailureClass::Unauthorized),
            (403, FailureClass::Forbidden),
            (404, FailureClass::NotFound),
            (500, FailureClass::ServerError),
            (502, FailureClass::ServerError),
            (418, FailureClass::Other),
        ];
        for (code, class) in expected {
            assert_eq!(status(code, "").class(), class, "{code}");
        }
    }

    #[test]
    fn a_missing_scope_is_no_matter_of_one_project() {
        assert!(status(403, "403 Forbidden").is_hidden());
        assert!(!status(403, "insufficient_scope: needs api read_api").is_hidden());
        assert!(status(502, "").may_be_local());
        assert!(!status(401, "401 Unauthorized").may_be_local());
    }

    #[test]
    fn an_error_says_what_was_being_done() {
        insta::assert_snapshot!(status(403, "403 Forbidden"), @"listing the jobs of a project: GitLab answered 403: 403 Forbidden");
    }
}
