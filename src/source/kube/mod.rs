//! Sources that watch the Kubernetes API.
