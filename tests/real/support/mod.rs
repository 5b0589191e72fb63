//! What the real-stack tests stand on: the parts, the processes, and the hands that play kubelet and GitLab Runner.
//!
//! - [`parts`]: Go programs built from the modules beside this folder, and Debian's Prometheus; each missing one is a failure.
//! - [`process`]: a child that never outlives the tests, however they end.
//! - [`folder`]: data and logs of a run; kept when its test fails.
//! - [`cluster`]: etcd, kube-apiserver and kube-scheduler; users, rights, nodes, namespaces.
//! - [`stage`]: the shared cluster, lent to one test at a time and swept before each.
//! - [`job_pod`]: pods as GitLab Runner makes them; [`kubelet`]: what a kubelet would write about them.
//! - [`loopback`]: a server of a test's own.
//! - [`python`]: programs in Python, each in an environment of its own; [`node`]: modules for Node.
//! - [`prometheus`]: both servers, their query API, promtool.
//! - [`alertmanager`]: Alertmanager and amtool.
//! - [`daemon`]: the program itself, as a process.
//! - [`helm`]: Helm 3 and 4 with the chart.
//! - [`gitlab_client`]: the reader built on GitLab's own Go client.
//! - [`boundaries`]: what it says of its tiers' boundaries.
//! - [`tofu`]: OpenTofu, on modules without providers.
//! - [`relay`]: a wire between daemon and API server that can hang or be cut.

pub(crate) mod alertmanager;
pub(crate) mod boundaries;
pub(crate) mod cluster;
pub(crate) mod daemon;
pub(crate) mod folder;
pub(crate) mod gitlab_client;
pub(crate) mod helm;
pub(crate) mod job_pod;
pub(crate) mod kubelet;
#[path = "../../support/loopback.rs"]
pub(crate) mod loopback;
pub(crate) mod node;
pub(crate) mod parts;
pub(crate) mod process;
pub(crate) mod prometheus;
pub(crate) mod python;
pub(crate) mod relay;
pub(crate) mod stage;
pub(crate) mod tofu;
pub(crate) mod webhook;

use std::net::TcpListener;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// How long a test waits for something that must happen before it fails: most comes within a second, and a machine that
/// builds something else at the same time needs longer.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);

/// The time of this machine, for objects that carry one.
#[expect(clippy::disallowed_methods, reason = "the tests play kubelet and GitLab Runner, which read their own clocks")]
pub(crate) fn now() -> jiff::Timestamp {
    jiff::Timestamp::now()
}

/// As many free loopback ports as asked for, all different. They are given away before they are used, so they lie below those
/// that the kernel hands out, and no two tests of this run are given the same.
pub(crate) fn free_ports<const N: usize>() -> [u16; N] {
    const LOWEST: u32 = 10_240;
    const MANY: u32 = 20_000;
    static NEXT: AtomicU32 = AtomicU32::new(0);
    // Another run on the same machine begins elsewhere.
    let own = std::process::id().wrapping_mul(769);
    std::array::from_fn(|_| {
        let mut tried = (0..MANY).map(|_| own.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % MANY + LOWEST);
        let free = tried.find_map(|port| TcpListener::bind(("127.0.0.1", u16::try_from(port).ok()?)).ok());
        free.expect("loopback has a free port").local_addr().expect("a bound listener has an address").port()
    })
}

/// Asks until the answer is there; panics with `what` and the last `Err` when it never comes.
pub(crate) async fn until<T>(what: &str, ask: impl AsyncFnMut() -> Result<T, String>) -> T {
    until_within(PATIENCE, what, ask).await
}

/// As [`until`], with a patience of its own.
pub(crate) async fn until_within<T>(
    patience: Duration,
    what: &str,
    mut ask: impl AsyncFnMut() -> Result<T, String>,
) -> T {
    let mut last = "was never asked".to_owned();
    let asking = async {
        loop {
            match ask().await {
                Ok(answer) => return answer,
                Err(why) => last = why,
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    if let Ok(answer) = tokio::time::timeout(patience, asking).await {
        return answer;
    }
    panic!("{what} did not happen within {patience:?}; last: {last}")
}

/// A line that is seen even when the test passes: libtest captures the print macros only, not the stream itself.
pub(crate) fn say(line: &str) {
    use std::io::Write as _;
    // Nobody to tell is no reason to fail.
    let _ = writeln!(std::io::stderr(), "real part: {line}");
}
