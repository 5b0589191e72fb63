//! ServiceAccounts of one namespace: which cloud roles they take.

use std::sync::Arc;

use serde::Deserialize;

use super::lenient::{Dictionary, Flag, Shape, Text};
use super::rbac::Need;
use crate::observation::{AccountReport, Body, Change, SourceKind};
use crate::source::Texts;
use crate::source::watch::Watched;

/// Annotations with which clouds bind a role to an account: EKS, Google, Azure.
const ROLE_ANNOTATIONS: [&str; 3] =
    ["eks.amazonaws.com/role-arn", "iam.gke.io/gcp-service-account", "azure.workload.identity/client-id"];

/// A ServiceAccount as the API writes it, trimmed while it is parsed.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(transparent)]
pub struct AccountObject(Shape<Account>);

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Account {
    metadata: Shape<AccountMetadata>,
    automount_service_account_token: Flag,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct AccountMetadata {
    name: Text,
    resource_version: Text,
    annotations: Dictionary,
}

/// The watch of one namespace's accounts.
#[derive(Debug)]
pub(super) struct Accounts {
    namespace: Arc<str>,
    texts: Texts,
}

impl Accounts {
    pub(super) fn new(namespace: Arc<str>) -> Self {
        Self { namespace, texts: Texts::default() }
    }
}

impl Watched for Accounts {
    type Object = AccountObject;
    type Report = AccountReport;

    fn path(&self) -> String {
        Need::of(SourceKind::KubeAccounts).path(Some(&self.namespace))
    }

    fn version(object: &AccountObject) -> Option<&str> {
        object.0.metadata.resource_version.get()
    }

    fn key(object: &AccountObject) -> Option<Arc<str>> {
        object.0.metadata.name.get().map(Arc::from)
    }

    fn translate(&mut self, object: &AccountObject) -> Option<AccountReport> {
        translate(object, &mut self.texts)
    }

    fn body(change: Change<Box<AccountReport>>) -> Body {
        Body::Account(change)
    }
}

/// What the account says, or nothing where it has no name. Of its annotations only the named cloud roles are kept.
#[must_use]
pub fn translate(object: &AccountObject, texts: &mut Texts) -> Option<AccountReport> {
    let Account { metadata, automount_service_account_token } = &*object.0;
    let roles = ROLE_ANNOTATIONS.iter().filter_map(|key| metadata.annotations.get(key));
    Some(AccountReport {
        name: metadata.name.get()?.into(),
        roles: roles.filter(|role| !role.is_empty()).map(|role| texts.name(role)).collect(),
        automount: automount_service_account_token.0,
    })
}
