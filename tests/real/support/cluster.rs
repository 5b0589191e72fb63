//! A Kubernetes control plane on loopback: etcd, kube-apiserver with RBAC, kube-scheduler; kube-controller-manager where
//! a test asks for it. No kubelet, and mostly no controllers: the tests write what those would have written.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use kube::Client;
use kube::config::{KubeConfigOptions, Kubeconfig};
use serde_json::json;

use super::folder::Folder;
use super::process::Process;
use super::{free_ports, parts, until};

/// Who may speak to the API server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum User {
    /// `system:masters`: the hands of the tests.
    Admin,
    /// Nothing but what a test grants: the daemon under test.
    Tierwatch,
    /// The scheduler's own user, whose rights the API server itself sets up.
    Scheduler,
}

impl User {
    const ALL: [Self; 3] = [Self::Admin, Self::Tierwatch, Self::Scheduler];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            // The service account that `print rbac` binds, so that its output is applied as it is.
            Self::Tierwatch => "system:serviceaccount:tierwatch:tierwatch",
            Self::Scheduler => "system:kube-scheduler",
        }
    }

    fn groups(self) -> &'static str {
        match self {
            Self::Admin => "system:masters",
            Self::Tierwatch => "system:serviceaccounts,system:serviceaccounts:tierwatch",
            Self::Scheduler => "",
        }
    }

    fn token(self) -> String {
        format!("{}-token", self.name().replace(':', "-"))
    }
}

/// How a cluster differs from the plain one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Options {
    /// How often history is dropped from etcd (default: 5 min); a watch from before then gets 410.
    pub(crate) compaction: Option<Duration>,
    /// Whether kube-controller-manager runs, too: Deployments then make pods, and what is deleted goes.
    pub(crate) controllers: bool,
}

/// A running control plane. All of it ends when it is dropped.
#[derive(Debug)]
pub(crate) struct Cluster {
    options: Options,
    program: PathBuf,
    ports: Ports,
    // Dropped in this order: nobody loses what it still talks to.
    controllers: Option<Process>,
    scheduler: Option<Process>,
    api: Option<Process>,
    etcd: Process,
    folder: Folder,
}

#[derive(Debug)]
struct Ports {
    api: u16,
    etcd_client: u16,
}

impl Cluster {
    /// Starts all three and waits until the API server says that it is ready.
    pub(crate) async fn start(options: Options) -> Self {
        let program = parts::kube();
        let folder = Folder::new("cluster");
        let [api, etcd_client, etcd_peer] = free_ports();
        let keys = Command::new(&program).arg("keys").arg(folder.join("service-accounts.key")).output();
        let keys = keys.expect("the kube binary runs");
        assert!(keys.status.success(), "making the service account key: {}", String::from_utf8_lossy(&keys.stderr));
        let users: Vec<_> = User::ALL
            .iter()
            .map(|user| format!("{},{1},{1},\"{2}\"\n", user.token(), user.name(), user.groups()))
            .collect();
        fs::write(folder.join("users.csv"), users.concat()).expect("the temp folder takes a file");
        let etcd = Process::start(
            "etcd",
            &program,
            [
                "etcd".to_owned(),
                format!("--data-dir={}", folder.join("etcd").display()),
                format!("--client-url=http://127.0.0.1:{etcd_client}"),
                format!("--peer-url=http://127.0.0.1:{etcd_peer}"),
            ],
            folder.path(),
        );
        let ports = Ports { api, etcd_client };
        let mut cluster = Self { options, program, ports, controllers: None, scheduler: None, api: None, etcd, folder };
        cluster.start_api().await;
        cluster.start_scheduler();
        if cluster.options.controllers {
            cluster.start_controllers();
        }
        cluster
    }

    /// Starts the API server, on the port and the data it had before if it was stopped.
    pub(crate) async fn start_api(&mut self) {
        assert!(self.api.is_none(), "the API server runs already");
        let file = |name: &str| self.folder.join(name).display().to_string();
        let mut args = vec![
            "apiserver".to_owned(),
            format!("--etcd-servers=http://127.0.0.1:{}", self.ports.etcd_client),
            "--bind-address=127.0.0.1".to_owned(),
            format!("--secure-port={}", self.ports.api),
            format!("--cert-dir={}", file("certs")),
            format!("--token-auth-file={}", file("users.csv")),
            "--anonymous-auth=false".to_owned(),
            "--authorization-mode=RBAC".to_owned(),
            "--allow-privileged=true".to_owned(),
            "--service-account-issuer=https://kubernetes.default.svc".to_owned(),
            format!("--service-account-signing-key-file={}", file("service-accounts.key")),
            format!("--service-account-key-file={}", file("service-accounts.key")),
            "--service-cluster-ip-range=10.96.0.0/24".to_owned(),
            "--endpoint-reconciler-type=none".to_owned(),
            // Without a period of grace for them, open watches hold up its end for a minute.
            "--shutdown-watch-termination-grace-period=1s".to_owned(),
        ];
        if !self.options.controllers {
            // No controller makes the service accounts' default objects, so its admission would refuse each pod.
            args.push("--disable-admission-plugins=ServiceAccount".to_owned());
        }
        if let Some(interval) = self.options.compaction {
            args.push(format!("--etcd-compaction-interval={}s", interval.as_secs()));
        }
        let mut api = Process::start("kube-apiserver", &self.program, args, self.folder.path());
        let config = self.kubeconfig(User::Admin, self.ports.api);
        until("the API server's readiness", async || {
            if let Some(status) = api.ended() {
                panic!("kube-apiserver ended with {status}:\n{}", api.last_words());
            }
            // A client each time: one that read the certificate while it was being written would never trust the server.
            let config = kube::Config::from_custom_kubeconfig(config.clone(), &KubeConfigOptions::default()).await;
            let client = Client::try_from(config.map_err(|e| format!("{e:?}"))?).map_err(|e| format!("{e:?}"))?;
            let request = http::Request::get("/readyz").body(Vec::new()).expect("a path is a request");
            client.request_text(request).await.map_err(|e| format!("{e:?}"))
        })
        .await;
        self.api = Some(api);
    }

    /// Stops the API server as an upgrade would: it closes its watches and goes.
    pub(crate) async fn stop_api(&mut self) {
        let mut api = self.api.take().expect("the API server runs");
        api.stop().await;
    }

    fn start_scheduler(&mut self) {
        self.scheduler = Some(self.component("kube-scheduler", "scheduler", User::Scheduler, vec![]));
    }

    fn start_controllers(&mut self) {
        let file = |name: &str| self.folder.join(name).display().to_string();
        let more = vec![
            // No kubelet keeps nodes alive.
            "--controllers=*,-node-lifecycle-controller".to_owned(),
            format!("--root-ca-file={}", file("certs/apiserver.crt")),
            format!("--service-account-private-key-file={}", file("service-accounts.key")),
        ];
        // It would take on a user for each controller, whose roles the API server has; one for all is enough here.
        self.controllers = Some(self.component("kube-controller-manager", "controllers", User::Admin, more));
    }

    /// A client of the API server that runs alone.
    fn component(&self, name: &str, command: &str, user: User, more: Vec<String>) -> Process {
        let kubeconfig = self.kubeconfig_file(user, self.ports.api);
        let kubeconfig = kubeconfig.display();
        let mut args = vec![
            command.to_owned(),
            format!("--kubeconfig={kubeconfig}"),
            format!("--authentication-kubeconfig={kubeconfig}"),
            format!("--authorization-kubeconfig={kubeconfig}"),
            "--leader-elect=false".to_owned(),
            // Nobody asks it anything.
            "--secure-port=0".to_owned(),
        ];
        args.extend(more);
        Process::start(name, &self.program, args, self.folder.path())
    }

    /// A kubeconfig file for whoever holds this token.
    pub(crate) fn kubeconfig_of(&self, token: &str) -> PathBuf {
        let mut config = self.kubeconfig(User::Tierwatch, self.ports.api);
        for user in &mut config.auth_infos {
            if let Some(user) = &mut user.auth_info {
                user.token = Some(token.to_owned().into());
            }
        }
        let file = self.folder.join("token.kubeconfig");
        let text = serde_json::to_string_pretty(&config).expect("a kubeconfig is JSON");
        fs::write(&file, text).unwrap_or_else(|e| panic!("writing {}: {e}", file.display()));
        file
    }

    /// The port that the API server listens on, for a relay in front of it.
    pub(crate) fn api_port(&self) -> u16 {
        self.ports.api
    }

    /// A kubeconfig file of that user for the API server, or for a relay to it, on `port`.
    pub(crate) fn kubeconfig_file(&self, user: User, port: u16) -> PathBuf {
        let file = self.folder.join(&format!("{}-{port}.kubeconfig", user.name().replace(':', "-")));
        let text = serde_json::to_string_pretty(&self.kubeconfig(user, port)).expect("a kubeconfig is JSON");
        fs::write(&file, text).unwrap_or_else(|e| panic!("writing {}: {e}", file.display()));
        file
    }

    fn kubeconfig(&self, user: User, port: u16) -> Kubeconfig {
        let value = json!({
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{ "name": "real", "cluster": {
                "server": format!("https://127.0.0.1:{port}"),
                "certificate-authority": self.folder.join("certs/apiserver.crt"),
            }}],
            "users": [{ "name": user.name(), "user": { "token": user.token() }}],
            "contexts": [{ "name": "real", "context": { "cluster": "real", "user": user.name() }}],
            "current-context": "real",
        });
        serde_json::from_value(value).expect("a kubeconfig as kubectl writes it")
    }

    /// A client of that user, bound to the runtime that it is made on: never share one between tests.
    pub(crate) async fn client(&self, user: User) -> Client {
        let kubeconfig = self.kubeconfig(user, self.ports.api);
        let config = kube::Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await;
        Client::try_from(config.expect("the kubeconfig names a cluster")).expect("the certificate can be read")
    }

    /// Where the logs and the data are, while it runs.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// What the parts said last, for a message.
    pub(crate) fn last_words(&self) -> String {
        let mut words = format!("etcd:\n{}", self.etcd.last_words());
        for (name, part) in [
            ("kube-apiserver", &self.api),
            ("kube-scheduler", &self.scheduler),
            ("kube-controller-manager", &self.controllers),
        ] {
            if let Some(part) = part {
                words.push_str(&format!("\n{name}:\n{}", part.last_words()));
            }
        }
        words
    }
}
