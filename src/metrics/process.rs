//! The process's own use of the machine, read from `/proc` at scrape; absent where there is no `/proc`.

use std::fs;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
use prometheus_client::metrics::counter::ConstCounter;

use super::catalogue as rows;
use super::levels::gauge;

/// Ticks a second in `/proc`, which Linux fixes for user space on every architecture we build for.
const USER_HZ: f64 = 100.0;

/// Renders the `process_*` families.
#[derive(Debug)]
pub struct Process {
    boot: Option<f64>,
}

impl Process {
    /// Remembers when the machine was booted, the origin of process start times.
    #[must_use]
    pub fn new() -> Self {
        Self { boot: fs::read_to_string("/proc/stat").ok().and_then(|text| field(&text, "btime ")) }
    }
}

impl Default for Process {
    fn default() -> Self {
        Self::new()
    }
}

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), std::fmt::Error> {
        let stat = fs::read_to_string("/proc/self/stat").ok();
        if let Some(usage) = stat.as_deref().and_then(parse) {
            let row = rows::PROCESS_CPU;
            let counter = ConstCounter::new(usage.cpu_seconds);
            let metric = encoder.encode_descriptor(row.registered_name(), row.help, None, counter.metric_type())?;
            counter.encode(metric)?;
            if let Some(boot) = self.boot {
                gauge(&mut encoder, rows::PROCESS_START_TIME, [(vec![], boot + usage.started_after_boot)])?;
            }
        }
        let status = fs::read_to_string("/proc/self/status").ok();
        if let Some(kibibytes) = status.as_deref().and_then(|text| field(text, "VmRSS:")) {
            gauge(&mut encoder, rows::PROCESS_RESIDENT_MEMORY, [(vec![], kibibytes * 1024.0)])?;
        }
        if let Ok(entries) = fs::read_dir("/proc/self/fd") {
            // The directory itself is open while it is read.
            let open = u32::try_from(entries.count().saturating_sub(1)).unwrap_or(u32::MAX);
            gauge(&mut encoder, rows::PROCESS_OPEN_FDS, [(vec![], f64::from(open))])?;
        }
        Ok(())
    }
}

struct Usage {
    cpu_seconds: f64,
    started_after_boot: f64,
}

/// Reads `/proc/self/stat`; the name in brackets may hold spaces, so fields are counted after it.
fn parse(stat: &str) -> Option<Usage> {
    let (_, rest) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    let ticks = |number: usize| fields.get(number - 3)?.parse::<f64>().ok();
    Some(Usage { cpu_seconds: (ticks(14)? + ticks(15)?) / USER_HZ, started_after_boot: ticks(22)? / USER_HZ })
}

/// The number that follows `key` at the start of a line.
fn field(text: &str, key: &str) -> Option<f64> {
    text.lines().find_map(|line| line.strip_prefix(key))?.split_ascii_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_and_spaces_does_not_shift_the_fields() {
        let stat = "42 (tier) watch (x)) S 1 2 3 4 5 6 7 8 9 10 250 150 0 0 20 0 1 0 12345 1 2";
        let usage = parse(stat).unwrap();
        assert_eq!((usage.cpu_seconds, usage.started_after_boot), (4.0, 123.45));
    }

    #[test]
    fn a_line_that_is_not_there_is_absent() {
        assert_eq!(field("VmSize: 1 kB\nVmRSS:\t  640 kB\n", "VmRSS:"), Some(640.0));
        assert_eq!(field("VmSize: 1 kB\n", "VmRSS:"), None);
    }
}
