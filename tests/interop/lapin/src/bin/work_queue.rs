//! A work queue: tasks with prefetch share the jobs, give some of them back, and leave nothing.

use std::collections::{HashMap, HashSet};

use futures_lite::StreamExt;
use interop::{Outcome, PATIENCE, body, connect, consume, declare, next, publish, waiting};
use lapin::{
    BasicProperties, Channel, Connection, Consumer,
    options::{BasicAckOptions, BasicCancelOptions, BasicNackOptions, BasicQosOptions},
    types::FieldTable,
};
use tokio::{
    sync::mpsc::{UnboundedSender, unbounded_channel},
    time::timeout,
};

const JOBS: usize = 300;
const WORKERS: usize = 3;
const PREFETCH: u16 = 5;

#[tokio::main]
async fn main() -> Outcome {
    let connection = connect(Default::default()).await?;
    let channel = connection.create_channel().await?;
    let queue = declare(&channel, "jobs", FieldTable::default()).await?;
    prefetch_is_a_limit(&connection, &channel, &queue).await?;
    share_the_jobs(&connection, &channel, &queue).await?;
    connection.close(200, "done".into()).await?;
    println!("{JOBS} jobs done by {WORKERS} workers, a tenth of them at the second try");
    Ok(())
}

/// One that acks nothing gets no more than it may have; what it gives back comes first again.
async fn prefetch_is_a_limit(connection: &Connection, channel: &Channel, queue: &str) -> Outcome {
    for number in 0..2 * PREFETCH {
        publish(channel, "", queue, BasicProperties::default(), &number.to_string()).await?;
    }
    let (holding, mut consumer) = worker(connection, queue).await?;
    let mut held = Vec::new();
    for number in 0..PREFETCH {
        let delivery = next(&mut consumer).await?;
        assert_eq!(body(&delivery), number.to_string());
        assert!(!delivery.redelivered);
        held.push(delivery);
    }
    assert_eq!(waiting(&holding, queue).await?, u32::from(PREFETCH), "those beyond its prefetch");

    // an ack makes room for one more; the others go back
    held[0].ack(BasicAckOptions::default()).await?;
    let sixth = next(&mut consumer).await?;
    assert_eq!(body(&sixth), PREFETCH.to_string());
    holding.basic_cancel(consumer.tag(), BasicCancelOptions::default()).await?;
    sixth.nack(BasicNackOptions { multiple: true, requeue: true }).await?;

    let (taking, mut consumer) = worker(connection, queue).await?;
    for number in 1..2 * PREFETCH {
        let delivery = next(&mut consumer).await?;
        assert_eq!(body(&delivery), number.to_string(), "in its old place");
        assert_eq!(delivery.redelivered, number <= PREFETCH);
        delivery.ack(BasicAckOptions::default()).await?;
    }
    taking.close(200, "done".into()).await?;
    holding.close(200, "done".into()).await?;
    assert_eq!(waiting(channel, queue).await?, 0);
    Ok(())
}

async fn share_the_jobs(connection: &Connection, channel: &Channel, queue: &str) -> Outcome {
    let (results, mut done) = unbounded_channel();
    let mut workers = Vec::new();
    for number in 0..WORKERS {
        let (channel, consumer) = worker(connection, queue).await?;
        let tag = consumer.tag();
        let task = tokio::spawn(work(consumer, number, results.clone()));
        workers.push((channel, tag, task));
    }
    for number in 0..JOBS {
        publish(channel, "", queue, BasicProperties::default(), &number.to_string()).await?;
    }
    let mut by_job = HashMap::new();
    while by_job.len() < JOBS {
        let (job, worker) = timeout(PATIENCE, done.recv()).await?.ok_or("no worker is left")?;
        assert_eq!(by_job.insert(job, worker), None, "job {job} is done twice");
    }
    let busy: HashSet<_> = by_job.into_values().collect();
    assert_eq!(busy.len(), WORKERS, "all of them had something to do");

    let mut again = 0;
    for (channel, tag, task) in workers {
        channel.basic_cancel(tag, BasicCancelOptions::default()).await?; // which ends its stream
        again += timeout(PATIENCE, task).await???;
        channel.close(200, "done".into()).await?; // acks are handled before that
    }
    assert_eq!(again, JOBS / 10);
    assert_eq!(waiting(channel, queue).await?, 0);
    Ok(())
}

/// Consumes on a channel of its own.
async fn worker(connection: &Connection, queue: &str) -> Outcome<(Channel, Consumer)> {
    let channel = connection.create_channel().await?;
    channel.basic_qos(PREFETCH, BasicQosOptions::default()).await?;
    let consumer = consume(&channel, queue).await?;
    Ok((channel, consumer))
}

/// Does jobs until it is cancelled, and gives each tenth back once: how many came again.
async fn work(
    mut consumer: Consumer,
    worker: usize,
    results: UnboundedSender<(usize, usize)>,
) -> Outcome<usize> {
    let mut again = 0;
    while let Some(delivery) = consumer.next().await {
        let delivery = delivery?;
        let job = body(&delivery).parse()?;
        if job % 10 == 0 && !delivery.redelivered {
            delivery.nack(BasicNackOptions { requeue: true, ..Default::default() }).await?;
            continue;
        }
        again += usize::from(delivery.redelivered);
        delivery.ack(BasicAckOptions::default()).await?;
        results.send((job, worker))?;
    }
    Ok(again)
}
