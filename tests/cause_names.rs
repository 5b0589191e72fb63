//! Names that people give to quotas, volumes, webhooks and nodes change no cause of admission and runtime.

use proptest::prelude::*;
use tierwatch::cause::{Admission, Runtime, admission, runtime};

/// `NAME` stands for a name, `COUNT` for a number. The programs are those of `src/cause/admission.rs`.
const REFUSALS: &[(&str, Admission)] = &[
    (
        r#"pods "NAME" is forbidden: exceeded quota: NAME, requested: pods=1, used: pods=COUNT, limited: pods=COUNT"#,
        Admission::Quota,
    ),
    (
        r#"pods "NAME" is forbidden: failed quota: NAME: must specify limits.cpu for: NAME"#,
        Admission::QuotaMissingRequest,
    ),
    (
        r#"pods "NAME" is forbidden: violates PodSecurity "restricted:v1.COUNT": privileged (container "NAME" must not set securityContext.privileged=true)"#,
        Admission::PodSecurity,
    ),
    (
        r#"pods "NAME" is forbidden: [maximum cpu usage per Container is COUNT, but limit is COUNTm, maximum memory usage per Pod is COUNTGi, but limit is COUNT]"#,
        Admission::LimitRange,
    ),
    (r#"admission webhook "NAME.example.com" denied the request: NAME"#, Admission::WebhookDenied),
    (
        r#"pods "NAME" is forbidden: ValidatingAdmissionPolicy 'NAME' with binding 'NAME' denied request: NAME"#,
        Admission::WebhookDenied,
    ),
    (
        r#"Internal error occurred: failed calling webhook "NAME.example.com": failed to call webhook: Post "https://NAME.NAME.svc:443/NAME?timeout=COUNTs": dial tcp 10.0.0.1:443: connect: connection refused"#,
        Admission::WebhookUnavailable,
    ),
    (
        r#"Internal error occurred: failed calling webhook "NAME.example.com": failed to call webhook: Post "https://NAME.NAME.svc:443/NAME?timeout=COUNTs": context deadline exceeded"#,
        Admission::WebhookTimeout,
    ),
];

const TROUBLES: &[(&str, &str, Runtime)] = &[
    (
        "FailedCreatePodSandBox",
        r#"Failed to create pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox "COUNTab": plugin type="aws-cni" name="aws-cni" failed (add): add cmd: failed to assign an IP address to container"#,
        Runtime::CniIpExhausted,
    ),
    (
        "FailedMount",
        r#"MountVolume.SetUp failed for volume "NAME" : configmap "NAME" not found"#,
        Runtime::VolumeMountOther,
    ),
    (
        "FailedMount",
        r#"MountVolume.SetUp failed for volume "NAME" : secret "NAME" not found"#,
        Runtime::VolumeMountOther,
    ),
    (
        "FailedMount",
        r#"Unable to attach or mount volumes: unmounted volumes=[NAME], unattached volumes=[NAME NAME], failed to process volumes=[]: timed out waiting for the condition"#,
        Runtime::VolumeMountTimeout,
    ),
    (
        "FailedAttachVolume",
        r#"Multi-Attach error for volume "NAME" Volume is already used by pod(s) NAME"#,
        Runtime::VolumeAttach,
    ),
    (
        "Evicted",
        r#"The node was low on resource: memory. Threshold quantity: COUNTMi, available: COUNTKi. Container NAME was using COUNTKi, request is COUNT, has larger consumption of memory. "#,
        Runtime::EvictedMemory,
    ),
    ("Evicted", r#"Usage of EmptyDir volume "NAME" exceeds the limit "COUNTGi". "#, Runtime::EvictedEphemeralStorage),
    (
        "Evicted",
        r#"Container NAME exceeded its local ephemeral storage limit "COUNTGi". "#,
        Runtime::EvictedEphemeralStorage,
    ),
    ("Preempted", r#"Preempted by pod COUNTab on node NAME"#, Runtime::Preempted),
    (
        "OutOfcpu",
        r#"Node didn't have enough resource: cpu, requested: COUNT, used: COUNT, capacity: COUNT"#,
        Runtime::KubeletAdmissionOutOfResource,
    ),
];

/// Names as Kubernetes allows them, many of which say something else in English.
fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z][-a-z0-9]{0,14}[a-z0-9]",
        prop::sample::select(vec![
            "timed-out",
            "exceeded-quota",
            "denied",
            "unauthorized",
            "no-free-ip",
            "timeout",
            "violates-podsecurity",
            "exec-format-error",
            "attachvolume",
            "429",
            "eof",
            "memory",
            "not-found",
            "range-is-full",
            "webhook",
        ])
        .prop_map(str::to_owned),
    ]
}

fn fill(template: &str, names: &[String], counts: &[u32]) -> String {
    let mut names = names.iter().cycle();
    let mut counts = counts.iter().cycle();
    let mut out = String::new();
    let mut rest = template;
    while let Some(at) = rest.find(['N', 'C']) {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        rest = if let Some(after) = from.strip_prefix("NAME") {
            out.push_str(names.next().expect("a cycle"));
            after
        } else if let Some(after) = from.strip_prefix("COUNT") {
            out.push_str(&counts.next().expect("a cycle").to_string());
            after
        } else {
            out.push_str(&from[..1]);
            &from[1..]
        };
    }
    out + rest
}

proptest! {
    #[test]
    fn of_an_admission_refusal(
        at in 0..REFUSALS.len(),
        names in prop::collection::vec(name(), 4),
        counts in prop::collection::vec(0..5000_u32, 3),
        start in prop::sample::select(vec!["", "Error creating: ", "prepare environment: setting up build pod: ", "(combined from similar events): "]),
    ) {
        let (template, cause) = REFUSALS[at];
        let message = format!("{start}{}", fill(template, &names, &counts));
        prop_assert_eq!(admission::classify(&message), cause, "{}", message);
        prop_assert_eq!(admission::refusal(&message), Some(cause), "{}", message);
    }

    #[test]
    fn of_trouble_on_a_node(
        at in 0..TROUBLES.len(),
        names in prop::collection::vec(name(), 4),
        counts in prop::collection::vec(0..5000_u32, 3),
    ) {
        let (reason, template, cause) = TROUBLES[at];
        let message = fill(template, &names, &counts);
        prop_assert_eq!(runtime::classify(reason, &message), cause, "{}", message);
    }
}
