//! Why a command ends early, and with which exit code.

use std::process::ExitCode;

use crate::config::Problems;

/// How a command ended. The numbers are a promise: scripts test them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// All is well.
    Fine,
    /// It ran, and what it looked at has problems.
    Found,
    /// The configuration or the command line is wrong.
    Wrong,
    /// Something outside keeps it from running.
    CannotRun,
}

impl Exit {
    /// The number.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Fine => 0,
            Self::Found => 1,
            Self::Wrong => 2,
            Self::CannotRun => 3,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        exit.code().into()
    }
}

/// Why a command cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The configuration is wrong.
    #[error(transparent)]
    Config(#[from] Problems),
    /// A flag or variable has a value that nothing can be done with.
    #[error("{0}")]
    Usage(String),
    /// Something outside keeps it from running: the chain is told, outermost first.
    #[error(transparent)]
    CannotRun(#[from] anyhow::Error),
}

impl Fault {
    /// A fault of the world outside.
    #[must_use]
    pub fn cannot_run(error: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::CannotRun(anyhow::Error::new(error))
    }

    /// How the command ends with it.
    #[must_use]
    pub const fn exit(&self) -> Exit {
        match self {
            Self::Config(_) | Self::Usage(_) => Exit::Wrong,
            Self::CannotRun(_) => Exit::CannotRun,
        }
    }

    /// For people, the causes included.
    #[must_use]
    pub fn told(&self) -> String {
        match self {
            Self::Config(problems) => problems.to_string().trim_end().to_owned(),
            Self::Usage(text) => text.clone(),
            Self::CannotRun(error) => format!("{error:#}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_causes_are_told() {
        let cause = std::io::Error::other("no route");
        let fault = Fault::CannotRun(anyhow::Error::new(cause).context("connecting to the cluster"));
        assert_eq!((fault.told().as_str(), fault.exit()), ("connecting to the cluster: no route", Exit::CannotRun));
    }
}
