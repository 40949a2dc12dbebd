//! What producers and consumers count while they run.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// The counters of a run, shared by all threads.
pub struct Progress {
    began: Instant,
    /// Latencies of what was published after this count, in nanoseconds since the start.
    counts_from: AtomicU64,
    stopped: AtomicBool,
    finished: AtomicBool,
    sent: AtomicU64,
    received: AtomicU64,
    confirmed: AtomicU64,
    churned: AtomicU64,
    /// From publish to delivery, in nanoseconds.
    latencies: Mutex<Vec<u64>>,
    last_producer_ended: Mutex<Option<Duration>>,
}

/// The counters at a moment.
#[derive(Clone, Copy)]
pub struct Sample {
    pub at: Duration,
    pub sent: u64,
    pub received: u64,
    pub confirmed: u64,
    /// How often a queue was bound and unbound.
    pub churned: u64,
}

impl Progress {
    pub fn new() -> Progress {
        Progress {
            began: Instant::now(),
            counts_from: AtomicU64::new(u64::MAX),
            stopped: AtomicBool::new(false),
            finished: AtomicBool::new(false),
            sent: AtomicU64::new(0),
            received: AtomicU64::new(0),
            confirmed: AtomicU64::new(0),
            churned: AtomicU64::new(0),
            latencies: Mutex::new(Vec::new()),
            last_producer_ended: Mutex::new(None),
        }
    }

    /// Nanoseconds since the start: what messages carry.
    pub fn now(&self) -> u64 {
        self.began.elapsed().as_nanos() as u64
    }

    pub fn sample(&self) -> Sample {
        Sample {
            at: self.began.elapsed(),
            sent: self.sent.load(Relaxed),
            received: self.received.load(Relaxed),
            confirmed: self.confirmed.load(Relaxed),
            churned: self.churned.load(Relaxed),
        }
    }

    /// The warm-up is over at this moment.
    pub fn start_counting(&self, from: Sample) {
        self.counts_from.store(from.at.as_nanos() as u64, Relaxed);
    }

    /// Says whether what was published at this time counts.
    pub fn counts(&self, published: u64) -> bool {
        published >= self.counts_from.load(Relaxed)
    }

    /// Tells producers to publish no more.
    pub fn stop(&self) {
        self.stopped.store(true, Relaxed);
    }

    pub fn stopped(&self) -> bool {
        self.stopped.load(Relaxed)
    }

    /// Says that consumers have got all there is, or will not get it any more.
    pub fn finish(&self) {
        self.finished.store(true, Relaxed);
    }

    pub fn finished(&self) -> bool {
        self.finished.load(Relaxed)
    }

    pub fn add_sent(&self, count: u64) {
        self.sent.fetch_add(count, Relaxed);
    }

    pub fn add_received(&self, count: u64) {
        self.received.fetch_add(count, Relaxed);
    }

    pub fn add_confirmed(&self, count: u64) {
        self.confirmed.fetch_add(count, Relaxed);
    }

    pub fn add_churned(&self, count: u64) {
        self.churned.fetch_add(count, Relaxed);
    }

    pub fn add_latencies(&self, nanoseconds: Vec<u64>) {
        self.latencies.lock().unwrap().extend(nanoseconds);
    }

    /// All latencies, shortest first.
    pub fn sorted_latencies(&self) -> Vec<u64> {
        let mut all = std::mem::take(&mut *self.latencies.lock().unwrap());
        all.sort_unstable();
        all
    }

    /// The broker has handled all that a producer sent.
    pub fn producer_ended(&self) {
        *self.last_producer_ended.lock().unwrap() = Some(self.began.elapsed());
    }

    pub fn last_producer_ended(&self) -> Option<Duration> {
        *self.last_producer_ended.lock().unwrap()
    }
}
