//! Pods as the Kubernetes executor of GitLab Runner makes them: labels that job authors cannot change, annotations that they can.

use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, PostParams};
use serde_json::{Value, json};

use super::stage::{Hands, object};

const HELPER_IMAGE: &str = "registry.gitlab.com/gitlab-org/gitlab-runner/gitlab-runner-helper:x86_64-v19.3.0";

/// One CI job's pod.
#[derive(Clone, Debug)]
pub(crate) struct JobPod {
    pub(crate) job: u64,
    pub(crate) project: u64,
    pub(crate) project_path: &'static str,
    /// The first nine characters of the runner's token after its prefix.
    pub(crate) runner: &'static str,
    /// The `name` of the runner's section in its `config.toml`.
    pub(crate) manager: &'static str,
    /// The slot of the runner that the job took.
    pub(crate) concurrent: u32,
    pub(crate) image: &'static str,
    pub(crate) cpu: &'static str,
    pub(crate) memory: &'static str,
    pub(crate) node_selector: &'static [(&'static str, &'static str)],
    /// Key, value, effect.
    pub(crate) tolerations: &'static [(&'static str, &'static str, &'static str)],
    pub(crate) privileged: bool,
}

impl JobPod {
    pub(crate) const fn new(job: u64) -> Self {
        Self {
            job,
            project: 42,
            project_path: "platform/shop",
            runner: "zxw6-Rqkp",
            manager: "standard",
            concurrent: 0,
            image: "docker.io/library/alpine:3.22",
            cpu: "500m",
            memory: "512Mi",
            node_selector: &[],
            tolerations: &[],
            privileged: false,
        }
    }

    /// Slot, then eight random characters; the job's number keeps test output readable.
    pub(crate) fn name(&self) -> String {
        format!("{}-{:0>8}", self.slot().to_lowercase(), self.job)
    }

    fn slot(&self) -> String {
        format!("runner-{}-project-{}-concurrent-{}", self.runner, self.project, self.concurrent)
    }

    fn manifest(&self) -> Value {
        let (namespace, project_name) = self.project_path.rsplit_once('/').expect("a project has a namespace");
        let root = namespace.split('/').next().unwrap_or(namespace);
        let name = self.name();
        // What is not allowed in a label value becomes an underscore.
        let namespace_label = namespace.replace('/', "_");
        let selector: serde_json::Map<_, _> =
            self.node_selector.iter().map(|(key, value)| ((*key).to_owned(), Value::from(*value))).collect();
        let tolerations: Vec<_> = self
            .tolerations
            .iter()
            .map(|(key, value, effect)| json!({ "key": key, "operator": "Equal", "value": value, "effect": effect }))
            .collect();
        let mounts = json!([
            { "name": "scripts", "mountPath": format!("/scripts-{}-{}", self.project, self.job) },
            { "name": "logs", "mountPath": format!("/logs-{}-{}", self.project, self.job) },
            { "name": "repo", "mountPath": "/builds" },
        ]);
        let env = json!([
            { "name": "CI_JOB_ID", "value": self.job.to_string() },
            { "name": "CI_PROJECT_ID", "value": self.project.to_string() },
        ]);
        let shell = json!([
            "sh",
            "-c",
            "if [ -x /usr/local/bin/bash ]; then\n\texec /usr/local/bin/bash \nelse\n\techo shell not found\n\texit 1\nfi\n\n"
        ]);
        let container = |name: &str, image: &str, cpu: &str, memory: &str| {
            json!({
                "name": name, "image": image, "command": shell, "env": env, "stdin": true, "imagePullPolicy": "IfNotPresent",
                "resources": { "requests": { "cpu": cpu, "memory": memory }, "limits": { "memory": memory } },
                "volumeMounts": mounts, "securityContext": { "privileged": self.privileged },
            })
        };
        json!({
            "metadata": {
                "name": name,
                "labels": {
                    "pod": self.slot(),
                    "job.runner.gitlab.com/pod": self.slot(),
                    "project.runner.gitlab.com/id": self.project.to_string(),
                    "project.runner.gitlab.com/name": project_name,
                    "project.runner.gitlab.com/namespace": namespace_label,
                    "project.runner.gitlab.com/namespace-id": "7",
                    "project.runner.gitlab.com/root-namespace": root,
                    "manager.runner.gitlab.com/name": self.manager,
                    "manager.runner.gitlab.com/id-short": self.runner,
                },
                "annotations": {
                    "job.runner.gitlab.com/id": self.job.to_string(),
                    "job.runner.gitlab.com/url": format!("https://gitlab.example.com/{}/-/jobs/{}", self.project_path, self.job),
                    "job.runner.gitlab.com/name": "build",
                    "job.runner.gitlab.com/ref": "main",
                    "job.runner.gitlab.com/sha": "5d2e4ae09c3d9dbb1d0b6f0f8c8e0c8f5e4d1f21",
                    "job.runner.gitlab.com/before_sha": "0000000000000000000000000000000000000000",
                    "job.runner.gitlab.com/timeout": "1h0m0s",
                    "project.runner.gitlab.com/id": self.project.to_string(),
                },
            },
            "spec": {
                "restartPolicy": "Never",
                "automountServiceAccountToken": false,
                "nodeSelector": selector,
                "tolerations": tolerations,
                "initContainers": [{
                    "name": "init-permissions", "image": HELPER_IMAGE, "imagePullPolicy": "IfNotPresent",
                    "command": ["sh", "-c", format!("touch /logs-{0}-{1}/output.log && (chmod 777 /logs-{0}-{1}/output.log || exit 0)", self.project, self.job)],
                    "volumeMounts": mounts, "securityContext": { "privileged": false },
                }],
                "containers": [
                    container("build", self.image, self.cpu, self.memory),
                    container("helper", HELPER_IMAGE, "50m", "64Mi"),
                ],
                "volumes": [
                    { "name": "repo", "emptyDir": {} },
                    { "name": "scripts", "emptyDir": {} },
                    { "name": "logs", "emptyDir": {} },
                ],
            },
        })
    }
}

impl Hands {
    /// Makes the job's pod; its name.
    pub(crate) async fn job_pod(&self, namespace: &str, pod: &JobPod) -> String {
        self.job_pod_with(namespace, pod, |_| ()).await
    }

    /// As [`Hands::job_pod`], where admission may refuse it.
    pub(crate) async fn try_job_pod(&self, namespace: &str, pod: &JobPod) -> Result<Pod, kube::Error> {
        self.try_job_pod_with(namespace, pod, |_| ()).await
    }

    /// As [`Hands::job_pod`], with changes of its manifest.
    pub(crate) async fn job_pod_with(&self, namespace: &str, pod: &JobPod, change: impl FnOnce(&mut Value)) -> String {
        let made = self.try_job_pod_with(namespace, pod, change).await;
        made.unwrap_or_else(|e| panic!("making the pod of job {}: {e}", pod.job));
        pod.name()
    }

    /// As [`Hands::job_pod_with`], where admission may refuse it.
    pub(crate) async fn try_job_pod_with(
        &self,
        namespace: &str,
        pod: &JobPod,
        change: impl FnOnce(&mut Value),
    ) -> Result<Pod, kube::Error> {
        let mut manifest = pod.manifest();
        change(&mut manifest);
        let pods = Api::<Pod>::namespaced(self.admin.clone(), namespace);
        pods.create(&PostParams::default(), &object(manifest)).await
    }
}
