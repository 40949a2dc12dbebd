//! A load generator for AMQP 0-9-1 brokers. It spends as little CPU per message as it can, so that
//! what it measures is the broker, and it knows nothing of any broker in particular.
//!
//! ```text
//! rustc --edition 2021 -O main.rs -o blast
//! ./blast port=5672 secs=5 size=16 ack=1 prefetch=200
//! ```
//!
//! Arguments are `key=value`; `load.rs` has the keys and their defaults. The output is one line of
//! JSON, made in `report.rs`. Nothing but the standard library is needed,
//! and for `tls=1` OpenSSL 3.

mod churn;
mod connection;
mod consumer;
mod frames;
mod load;
mod producer;
mod progress;
mod report;
mod socket;
mod tls;
mod topology;

use std::io::Result;
use std::net::Shutdown;
use std::process::ExitCode;
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use load::Load;
use progress::{Progress, Sample};

/// How often the counters are looked at.
const TICK: Duration = Duration::from_millis(20);
/// How long consumers may take for what is left when producers have stopped.
const DRAIN_MAX: Duration = Duration::from_secs(30);
/// A bound on everything, for brokers that answer nothing.
const RUN_MAX: Duration = Duration::from_secs(600);

fn main() -> ExitCode {
    let load = match Load::from_arguments(std::env::args().skip(1)) {
        Ok(load) => load,
        Err(reason) => {
            eprintln!("blast: {reason}\n{}", load::USAGE);
            return ExitCode::from(2);
        }
    };
    match run(load) {
        Ok(line) => {
            println!("{line}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("blast: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(load: Load) -> Result<String> {
    let load = Arc::new(load);
    if load.drain == 0 {
        topology::declare(&load)?;
    }
    let progress = Arc::new(Progress::new());
    let consumers = (0..load.consumers)
        .map(|number| consumer::start(number, load.clone(), progress.clone()))
        .collect::<Result<Vec<_>>>()?;
    let churn = churn::start(&load, &progress)?;
    let began = Instant::now();
    let producers = (0..load.producers)
        .map(|number| producer::start(number, load.clone(), progress.clone()))
        .collect::<Vec<_>>();

    let (from, mut to) = measure(&load, &progress, began, || {
        producers.iter().all(|producer| producer.is_finished())
    });
    progress.stop();
    for producer in producers {
        producer.join().expect("a producer panicked")?;
    }
    if load.count > 0 {
        // producers end when the broker has handled their last message: that is the moment
        to = progress.sample();
        to.at = progress.last_producer_ended().unwrap_or(to.at);
    }
    if let Some(churn) = churn {
        churn.join().expect("the churn panicked")?;
    }
    let drain = drain(&load, &progress, || {
        consumers
            .iter()
            .any(|consumer| consumer.thread.is_finished())
    });
    progress.finish();
    for consumer in consumers {
        // it waits for a frame that will not come; an error means that its thread was quicker
        let _ = consumer.socket.shutdown(Shutdown::Both);
        consumer.thread.join().expect("a consumer panicked")?;
    }
    if !load.keep {
        topology::delete(&load)?;
    }
    Ok(report::line(&load, &progress, from, to, drain))
}

/// Waits until time is over, or all is published. Returns the counters after a warm-up and at the end.
fn measure(
    load: &Load,
    progress: &Progress,
    began: Instant,
    all_published: impl Fn() -> bool,
) -> (Sample, Sample) {
    let to_the_end = load.count > 0 || load.drain > 0;
    let mut from = progress.sample();
    let mut warm = to_the_end;
    if warm {
        progress.start_counting(from);
    }
    loop {
        sleep(TICK);
        let now = progress.sample();
        let elapsed = began.elapsed();
        if !warm && elapsed.as_secs_f64() >= load.warm {
            warm = true;
            from = now;
            progress.start_counting(from);
        }
        let over = elapsed.as_secs_f64() >= load.warm + load.secs && !to_the_end;
        let done = all_published() && (load.consumers == 0 || now.received >= expected(load, now));
        if over || done || elapsed > RUN_MAX {
            return (from, now);
        }
    }
}

/// Waits until consumers have got what was published, or one has failed. Returns how long that took.
fn drain(load: &Load, progress: &Progress, failed: impl Fn() -> bool) -> Duration {
    let began = Instant::now();
    let expected = expected(load, progress.sample());
    while load.consumers > 0
        && progress.sample().received < expected
        && began.elapsed() < DRAIN_MAX
        && !failed()
    {
        sleep(TICK);
    }
    began.elapsed()
}

/// How many deliveries there must be for what was sent, or waited.
fn expected(load: &Load, sample: Sample) -> u64 {
    load.drain + sample.sent * load.copies()
}
