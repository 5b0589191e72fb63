//! The Lease as an object of Kubernetes.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;

use super::election::Record;

/// What it says. Who wrote it may be anybody: what makes no sense is taken as absent.
pub(super) fn record(lease: &Lease) -> Record {
    let Some(spec) = &lease.spec else { return Record::default() };
    let seconds = spec.lease_duration_seconds.and_then(|seconds| u64::try_from(seconds).ok());
    Record {
        holder: spec.holder_identity.clone().filter(|holder| !holder.is_empty()),
        duration: Duration::from_secs(seconds.unwrap_or(0)),
        acquired: spec.acquire_time.as_ref().map(|time| time.0),
        renewed: spec.renew_time.as_ref().map(|time| time.0),
        transitions: spec.lease_transitions.unwrap_or(0),
    }
}

/// The object with what it shall say; whatever else stands in it stays.
pub(super) fn with(mut lease: Lease, record: &Record) -> Lease {
    let micro = |time: Option<Timestamp>| time.map(MicroTime);
    let spec = lease.spec.get_or_insert_with(LeaseSpec::default);
    spec.holder_identity = Some(record.holder.clone().unwrap_or_default());
    spec.lease_duration_seconds = Some(i32::try_from(record.duration.as_secs()).unwrap_or(i32::MAX));
    spec.acquire_time = micro(record.acquired);
    spec.renew_time = micro(record.renewed);
    spec.lease_transitions = Some(record.transitions);
    lease
}
