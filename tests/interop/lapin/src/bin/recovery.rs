//! The library's own recovery: the broker stops and starts again, and the program goes on with the
//! channel and the consumer that it had.

use futures_lite::StreamExt;
use interop::{Outcome, PATIENCE, body, connect, consume, next, restart_broker, unique};
use lapin::{
    BasicProperties, Channel, ConnectionProperties, Consumer, ExchangeKind,
    message::Delivery,
    options::{
        BasicAckOptions, BasicPublishOptions, BasicQosOptions, ConfirmSelectOptions,
        ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions, QueueDeleteOptions,
    },
    types::FieldTable,
};
use tokio::time::timeout;

#[tokio::main]
async fn main() -> Outcome {
    let connection = connect(ConnectionProperties::default().enable_auto_recover()).await?;
    let publisher = connection.create_channel().await?;
    publisher.confirm_select(ConfirmSelectOptions::default()).await?;
    let working = connection.create_channel().await?;
    working.basic_qos(1, BasicQosOptions::default()).await?;

    // A transient exchange in front of a durable queue: one has to be declared again. The library does
    // that for a channel before its consumers, but on one with confirms not before it may be used.
    let (exchange, queue) = (unique("orders"), unique("orders"));
    let (from, to, none) = (exchange.as_str(), queue.as_str(), FieldTable::default);
    let options = ExchangeDeclareOptions { auto_delete: true, ..Default::default() };
    working.exchange_declare(from.into(), ExchangeKind::Direct, options, none()).await?;
    let options = QueueDeclareOptions { durable: true, ..Default::default() };
    working.queue_declare(to.into(), options, none()).await?;
    let options = QueueBindOptions::default();
    working.queue_bind(to.into(), from.into(), "order".into(), options, none()).await?;

    for number in ["1", "2"] {
        send(&publisher, from, number).await?;
    }
    let mut consumer = consume(&working, to).await?;
    let first = next(&mut consumer).await?;
    assert_eq!(body(&first), "1");
    restart_broker().await?; // with "1" in our hands

    let again = next_after_recovery(&working, &mut consumer).await?;
    assert_eq!((body(&again), again.redelivered), ("1", true));
    send(&publisher, from, "3").await?;
    assert!(!first.acker.usable(), "its tag is of a channel that is no more");
    again.ack(BasicAckOptions::default()).await?;
    for number in ["2", "3"] {
        let delivery = next(&mut consumer).await?;
        assert_eq!(body(&delivery), number);
        delivery.ack(BasicAckOptions::default()).await?;
    }
    working.close(200, "done".into()).await?;
    let left = publisher.queue_delete(to.into(), QueueDeleteOptions::default()).await?;
    assert_eq!(left, 0);
    connection.close(200, "done".into()).await?;
    println!("a transient exchange, its binding and a consumer outlived a restart");
    Ok(())
}

/// Publishes until it is confirmed, by whichever broker.
async fn send(channel: &Channel, exchange: &str, body: &str) -> Outcome {
    loop {
        match try_to_send(channel, exchange, body).await {
            Ok(()) => return Ok(()),
            Err(error) => timeout(PATIENCE, channel.wait_for_recovery(error)).await??,
        }
    }
}

async fn try_to_send(channel: &Channel, exchange: &str, body: &str) -> Result<(), lapin::Error> {
    let properties = BasicProperties::default().with_delivery_mode(2);
    let options = BasicPublishOptions { mandatory: true, ..Default::default() };
    let (to, key) = (exchange.into(), "order".into());
    let confirm = channel.basic_publish(to, key, options, body.as_bytes(), properties).await?;
    let confirmation = confirm.await?;
    assert!(confirmation.is_ack());
    assert_eq!(confirmation.take_message(), None);
    Ok(())
}

/// The next delivery; before it may come the news that the connection was lost.
async fn next_after_recovery(channel: &Channel, consumer: &mut Consumer) -> Outcome<Delivery> {
    loop {
        match timeout(PATIENCE, consumer.next()).await?.ok_or("the consumer has ended")? {
            Ok(delivery) => return Ok(delivery),
            Err(error) => timeout(PATIENCE, channel.wait_for_recovery(error)).await??,
        }
    }
}
