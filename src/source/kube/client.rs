//! The way to the API server.

use std::path::PathBuf;
use std::time::Duration;

use http::HeaderValue;
use http::header::USER_AGENT;
use kube::client::Client;
use kube::config::{KubeConfigOptions, Kubeconfig, KubeconfigError};

use crate::config::Kubernetes;
use crate::observation::FailureClass;

/// To a server in reach a connection takes milliseconds, also across continents with TLS.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// The last resort: each request has a tighter bound of its own, and the server ends a watch within a minute.
const READ_TIMEOUT: Duration = Duration::from_secs(120);

/// Why there is no way to the API server. The texts name files and contexts, never what is in them; nor is there a cause
/// beneath them that anybody could print.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The kubeconfig that was named, or its context, cannot be used.
    #[error("reading the kubeconfig {}: {why}", path.display())]
    Kubeconfig {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The context is in none of the usual kubeconfigs.
    #[error("looking for the context {context} in $KUBECONFIG or ~/.kube/config: {why}")]
    Context {
        /// The context.
        context: String,
        /// What is wrong.
        why: String,
    },
    /// Neither a kubeconfig nor the service account of a pod.
    #[error(
        "no cluster found: neither $KUBECONFIG or ~/.kube/config ({kubeconfig}) nor a service account in a pod ({in_cluster})"
    )]
    Nowhere {
        /// What is wrong with the kubeconfig.
        kubeconfig: String,
        /// What is missing in the pod.
        in_cluster: String,
    },
    /// Certificates or credentials cannot be used.
    #[error("preparing the connection to the cluster: {detail}")]
    Prepare {
        /// Whose fault it is.
        class: FailureClass,
        /// In words.
        detail: String,
    },
}

impl ConnectError {
    /// The class, as for any failed attempt.
    #[must_use]
    pub const fn class(&self) -> FailureClass {
        match self {
            Self::Kubeconfig { .. } | Self::Context { .. } | Self::Nowhere { .. } => FailureClass::Secret,
            Self::Prepare { class, .. } => *class,
        }
    }
}

/// A parser's error quotes the line at fault, which may be a token.
fn describe(error: &KubeconfigError) -> String {
    if matches!(error, KubeconfigError::Parse(_)) { "it is no valid kubeconfig".to_owned() } else { error.to_string() }
}

/// A client for the cluster that the configuration means: the kubeconfig it names, else `KUBECONFIG` or
/// `~/.kube/config`, else the service account of the pod we run in. No request is made yet.
///
/// A service account's token and CA are read again by the client when they are rotated.
///
/// # Errors
/// When there is no usable configuration of a cluster.
pub async fn connect(kubernetes: &Kubernetes) -> Result<Client, ConnectError> {
    let mut config = read(kubernetes).await?;
    config.connect_timeout = Some(CONNECT_TIMEOUT);
    config.read_timeout = Some(READ_TIMEOUT);
    // Otherwise the time that a pooled connection lay idle counts against the next answer on it.
    config.reset_reader_on_write = true;
    // By default the client repeats a 429 or 503 up to fifteen times, over an hour, in silence. Here a failure is an
    // observation, and the watch has its own back-off.
    config.default_retry = false;
    config.headers.push((USER_AGENT, HeaderValue::from_static(concat!("tierwatch/", env!("CARGO_PKG_VERSION")))));
    Client::try_from(config).map_err(|error| {
        let failure = super::failure(&error);
        ConnectError::Prepare { class: failure.class, detail: failure.detail }
    })
}

async fn read(kubernetes: &Kubernetes) -> Result<kube::Config, ConnectError> {
    let options = KubeConfigOptions { context: kubernetes.context.clone(), ..KubeConfigOptions::default() };
    if let Some(path) = &kubernetes.kubeconfig {
        let failed = |error| ConnectError::Kubeconfig { path: path.clone(), why: describe(&error) };
        let kubeconfig = Kubeconfig::read_from(path).map_err(failed)?;
        return kube::Config::from_custom_kubeconfig(kubeconfig, &options).await.map_err(failed);
    }
    match (kube::Config::from_kubeconfig(&options).await, &kubernetes.context) {
        (Ok(config), _) => Ok(config),
        (Err(error), Some(context)) => Err(ConnectError::Context { context: context.clone(), why: describe(&error) }),
        (Err(outside), None) => kube::Config::incluster()
            .map_err(|error| ConnectError::Nowhere { kubeconfig: describe(&outside), in_cluster: error.to_string() }),
    }
}
