//! Sharding by a consistent hash exchange: a key always goes to one shard, shards get their share,
//! and all of them together get everything once.

use std::collections::HashMap;

use interop::{Outcome, body, connect, declare, next, publish, table, text, unique, waiting};
use lapin::{
    BasicProperties, Channel, ExchangeKind,
    options::{
        BasicCancelOptions, BasicConsumeOptions, ConfirmSelectOptions, ExchangeDeclareOptions,
        QueueBindOptions,
    },
    types::FieldTable,
};

const KEYS: usize = 1000;
/// The binding keys: how much of the keys each shard is to get.
const WEIGHTS: [usize; 4] = [1, 1, 2, 4];

#[tokio::main]
async fn main() -> Outcome {
    let connection = connect(Default::default()).await?;
    let channel = connection.create_channel().await?;
    channel.confirm_select(ConfirmSelectOptions::default()).await?;
    by_routing_key(&channel).await?;
    by_header(&channel).await?;
    connection.close(200, "done".into()).await?;
    println!("{KEYS} keys on {} shards", WEIGHTS.len());
    Ok(())
}

async fn by_routing_key(channel: &Channel) -> Outcome {
    let exchange = exchange(channel, FieldTable::default()).await?;
    let shards = shards(channel, &exchange).await?;
    let first = spread(channel, &exchange, &shards).await?;
    let mut counts = [0; WEIGHTS.len()];
    for shard in first.values() {
        counts[*shard] += 1;
    }
    for (shard, weight) in WEIGHTS.iter().enumerate() {
        let share = KEYS * weight / WEIGHTS.iter().sum::<usize>();
        let difference = share.abs_diff(counts[shard]);
        assert!(difference < share / 2, "shard {shard} of weight {weight}: {counts:?}");
    }
    assert_eq!(spread(channel, &exchange, &shards).await?, first, "the same keys, the same shards");

    // without its last shard, whose keys go to the others
    let last = WEIGHTS.len() - 1;
    let weight = WEIGHTS[last].to_string();
    let (queue, from, none) = (shards[last].as_str(), exchange.as_str(), FieldTable::default());
    channel.queue_unbind(queue.into(), from.into(), weight.as_str().into(), none).await?;
    let rest = spread(channel, &exchange, &shards).await?;
    assert!(rest.values().all(|shard| *shard != last));
    let moved = first.iter().filter(|(_, shard)| **shard == last).count();
    assert_eq!(moved, counts[last]);
    assert_eq!(rest.len(), KEYS, "nothing is lost");
    Ok(())
}

/// By a header instead of the routing key: orders of a customer stay together.
async fn by_header(channel: &Channel) -> Outcome {
    let exchange = exchange(channel, table([("hash-header", text("customer"))])).await?;
    let shards = shards(channel, &exchange).await?;
    for order in 0..200 {
        let customer = format!("customer-{}", order % 20);
        let headers = table([("customer", text(&customer))]);
        let properties = BasicProperties::default().with_headers(headers);
        publish(channel, &exchange, &unique("order"), properties, &customer).await?.await?;
    }
    let mut shard_of = HashMap::new();
    let mut orders = 0;
    for (shard, queue) in shards.iter().enumerate() {
        for customer in drain(channel, queue).await? {
            orders += 1;
            assert_eq!(*shard_of.entry(customer).or_insert(shard), shard);
        }
    }
    assert_eq!((orders, shard_of.len()), (200, 20));
    Ok(())
}

async fn exchange(channel: &Channel, arguments: FieldTable) -> Outcome<String> {
    let name = unique("shards");
    let kind = ExchangeKind::Custom("x-consistent-hash".into());
    let options = ExchangeDeclareOptions { auto_delete: true, ..Default::default() };
    channel.exchange_declare(name.as_str().into(), kind, options, arguments).await?;
    Ok(name)
}

/// A queue for each weight.
async fn shards(channel: &Channel, exchange: &str) -> Outcome<Vec<String>> {
    let mut queues = Vec::new();
    for weight in WEIGHTS {
        let queue = declare(channel, "shard", FieldTable::default()).await?;
        let (key, options) = (weight.to_string(), QueueBindOptions::default());
        let (to, none) = (queue.as_str(), FieldTable::default());
        channel.queue_bind(to.into(), exchange.into(), key.as_str().into(), options, none).await?;
        queues.push(queue);
    }
    Ok(queues)
}

/// Publishes each key once, and tells in which shard it was found.
async fn spread(
    channel: &Channel,
    exchange: &str,
    shards: &[String],
) -> Outcome<HashMap<String, usize>> {
    let mut outstanding = Vec::new();
    for number in 0..KEYS {
        let key = format!("key-{number}");
        let properties = BasicProperties::default();
        outstanding.push(publish(channel, exchange, &key, properties, &key).await?);
    }
    for confirm in outstanding {
        assert_eq!(confirm.await?.take_message(), None);
    }
    let mut found = HashMap::new();
    for (shard, queue) in shards.iter().enumerate() {
        for key in drain(channel, queue).await? {
            assert_eq!(found.insert(key, shard), None, "one message, one shard");
        }
    }
    assert_eq!(found.len(), KEYS);
    Ok(found)
}

/// Takes all that waits in a queue.
async fn drain(channel: &Channel, queue: &str) -> Outcome<Vec<String>> {
    let count = waiting(channel, queue).await?;
    let options = BasicConsumeOptions { no_ack: true, ..Default::default() };
    let none = FieldTable::default();
    let mut consumer = channel.basic_consume(queue.into(), "".into(), options, none).await?;
    let mut bodies = Vec::new();
    for _ in 0..count {
        let delivery = next(&mut consumer).await?;
        bodies.push(body(&delivery).to_owned());
    }
    channel.basic_cancel(consumer.tag(), BasicCancelOptions::default()).await?;
    Ok(bodies)
}
