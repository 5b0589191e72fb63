//! GitLab's job hooks on their way to the daemon, and what may befall them there.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use reqwest::Client;
use serde_json::Value;
use tokio::fs;
use tokio::task::JoinSet;

use super::gitlab_api::hook;
use super::stage::Stage;
use super::world::chance::Chance;

/// The secret of the demo's hook.
const SECRET: &str = "demo-hook-secret";

/// GitLab gives up after this time.
const PATIENCE: Duration = Duration::from_secs(10);

/// How often the world is asked for news, in the story's time.
const EVERY: Duration = Duration::from_millis(500);

/// How hooks fare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Habit {
    /// Each comes once, within a second.
    Reliable,
    /// One in five is lost, one in five comes up to a minute late and so after later ones, one in ten comes twice.
    Unreliable,
}

/// One hook: its number, its body, and after which delays it is delivered.
struct Hook {
    number: u64,
    body: Value,
    delays: Vec<SignedDuration>,
}

/// The file that the daemon reads.
pub(super) fn secret_text() -> String {
    format!("{SECRET}\n")
}

/// Takes the file with the secret away while the story says that it is lost.
pub(super) async fn keep_secret(stage: Arc<Stage>, file: PathBuf) {
    let mut lost = false;
    loop {
        let now_lost = stage.with(|world| world.hook_secret_lost);
        if now_lost != lost {
            let done = if now_lost { fs::remove_file(&file).await } else { fs::write(&file, secret_text()).await };
            if let Err(error) = done {
                tracing::warn!(%error, "the demo's hook secret stays as it is");
            }
            lost = now_lost;
        }
        stage.clock().sleep(Duration::from_secs(5)).await;
    }
}

/// Delivers what happens on `stage` to `url` until dropped.
pub(super) async fn deliver(stage: Arc<Stage>, habit: Habit, url: String) {
    let client = match Client::builder().no_proxy().timeout(PATIENCE).build() {
        Ok(client) => client,
        Err(error) => return tracing::warn!(%error, "the demo sends no hooks"),
    };
    stage.with(|world| world.listen());
    // A chance of its own: with and without hooks the story is the same.
    let mut chance = Chance::new(7);
    let mut number = 0;
    let mut under_way = JoinSet::new();
    loop {
        let bodies: Vec<Value> =
            stage.with(|world| world.take_news().iter().map(|job| hook::body(world, job)).collect());
        for body in bodies {
            number += 1;
            let hook = Hook { number, body, delays: delays(habit, &mut chance) };
            under_way.spawn(send(client.clone(), url.clone(), Arc::clone(&stage), hook));
        }
        while under_way.try_join_next().is_some() {}
        stage.clock().sleep(EVERY).await;
    }
}

fn delays(habit: Habit, chance: &mut Chance) -> Vec<SignedDuration> {
    let soon = chance.between(0.1, 1.0);
    match habit {
        Habit::Reliable => vec![soon],
        Habit::Unreliable if chance.happens(0.2) => Vec::new(),
        Habit::Unreliable => {
            let mut delays = vec![if chance.happens(0.25) { chance.between(1.0, 60.0) } else { soon }];
            if chance.happens(0.1) {
                delays.push(chance.between(0.1, 30.0));
            }
            delays
        }
    }
}

async fn send(client: Client, url: String, stage: Arc<Stage>, hook: Hook) {
    for delay in hook.delays {
        stage.clock().sleep(delay.unsigned_abs()).await;
        let request = client
            .post(&url)
            .header("X-Gitlab-Event", "Job Hook")
            .header("X-Gitlab-Token", SECRET)
            .header("Idempotency-Key", format!("00000000-0000-4000-8000-{:012x}", hook.number))
            .json(&hook.body);
        // GitLab does not tell the daemon of a hook that it could not deliver either.
        if let Err(error) = request.send().await.and_then(reqwest::Response::error_for_status) {
            tracing::debug!(%error, "a hook was not delivered");
        }
    }
}
