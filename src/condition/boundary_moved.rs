//! What is at the tier's boundary is not what was declared; each check by itself.

use std::sync::Arc;

use super::judge::Ground;
use super::line::Finding;
use crate::model::posture::Verdict;

pub(super) fn judge(on: &Ground<'_>) -> Vec<(Arc<str>, Finding)> {
    let checks = on.tier.boundary.checks().filter_map(|line| {
        let finding = match line.verdict {
            Verdict::Moved => Finding::So(format!("found {}; declared {}", line.found, line.expected)),
            Verdict::AsDeclared => Finding::Fine,
            Verdict::Unknown => Finding::Withheld("what it rests on cannot be seen"),
            Verdict::NotDeclared => return None,
        };
        Some((Arc::from(line.check.as_str()), finding))
    });
    checks.collect()
}
