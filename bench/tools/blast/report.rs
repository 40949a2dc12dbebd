//! The one line that is printed.

use std::time::Duration;

use crate::load::Load;
use crate::progress::{Progress, Sample};

/// Rates between two samples, accounts of the whole run, and latencies, as JSON.
pub fn line(load: &Load, progress: &Progress, from: Sample, to: Sample, drain: Duration) -> String {
    let seconds = (to.at - from.at).as_secs_f64();
    let rate = |before: u64, after: u64| (after - before) as f64 / seconds;
    let sent = rate(from.sent, to.sent);
    let received = rate(from.received, to.received);
    let confirmed = rate(from.confirmed, to.confirmed);
    let end = progress.sample();
    let latencies = progress.sorted_latencies();
    let percentile = |share: f64| match latencies.len() {
        0 => 0.0,
        count => latencies[((count - 1) as f64 * share) as usize] as f64 / 1e6,
    };
    let fields = [
        ("sent_per_s", format!("{sent:.0}")),
        ("received_per_s", format!("{received:.0}")),
        ("confirmed_per_s", format!("{confirmed:.0}")),
        (
            "mb_per_s",
            format!("{:.1}", sent.max(received) * load.size as f64 / 1e6),
        ),
        (
            "churned_per_s",
            format!("{:.1}", rate(from.churned, to.churned)),
        ),
        ("sent", end.sent.to_string()),
        ("received", end.received.to_string()),
        ("confirmed", end.confirmed.to_string()),
        ("drain_s", format!("{:.2}", drain.as_secs_f64())),
        ("p50_ms", format!("{:.3}", percentile(0.5))),
        ("p99_ms", format!("{:.3}", percentile(0.99))),
        ("p999_ms", format!("{:.3}", percentile(0.999))),
    ];
    let fields = fields.map(|(name, value)| format!("\"{name}\":{value}"));
    format!("{{{}}}", fields.join(","))
}
