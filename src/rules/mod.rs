//! Rules for Prometheus, made of the configuration: the conditions as alerts, the start budget as burn rates.
//!
//! A threshold stands in the configuration and is judged by the daemon; a rule adds how long and how urgent. Nothing
//! here is newer than Prometheus 2.42.

mod board;
mod budget;
mod conditions;
mod link;
mod rule;
mod texts;
mod yaml;

use crate::config::Config;
pub use board::{board, wakes};
pub use budget::{BURNS, Burn};
pub(crate) use budget::{bad_part, burns, starts};
pub use rule::{Group, Rule};
pub use texts::{SEE_THE_PAGE, Texts};
pub use yaml::text;

/// In which form rules are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A rule file.
    File,
    /// A `PrometheusRule` of the Prometheus operator.
    Crd,
}

/// Every group for this configuration.
#[must_use]
pub fn groups(config: &Config) -> Vec<Group> {
    let links = link::Links::new(&config.links, &config.policy);
    [budget::groups(&config.policy, &links), conditions::groups(config, &links)].concat()
}

/// The rules of this configuration as text.
#[must_use]
pub fn print(config: &Config, form: Form) -> String {
    text(&groups(config), form)
}
