//! Sources that read the GitLab API.
