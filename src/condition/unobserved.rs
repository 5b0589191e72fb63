//! Neither the queue nor the pods of the tier are seen: whatever happens there, nobody would be told.

use super::judge::Ground;
use super::line::Finding;

pub(super) fn judge(on: &Ground<'_>) -> Finding {
    if on.tier.queue.is_some() || on.tier.pods.is_some() {
        return Finding::Fine;
    }
    Finding::So("neither its queue nor its pods can be seen: no other alert of the tier can be trusted".to_owned())
}
