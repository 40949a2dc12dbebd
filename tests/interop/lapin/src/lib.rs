//! What the programs share: where the broker is, fresh names, waiting.

use std::{
    collections::hash_map::RandomState,
    env,
    error::Error,
    hash::{BuildHasher, Hasher},
    time::Duration,
};

use futures_lite::StreamExt;
use lapin::{
    BasicProperties, Channel, Connection, ConnectionProperties, Consumer, PublisherConfirm,
    message::Delivery,
    options::{BasicConsumeOptions, BasicPublishOptions, QueueDeclareOptions},
    types::{AMQPValue, FieldTable},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// What the programs end with.
pub type Outcome<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

/// How long something that should come may take.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Connects as guest.
pub async fn connect(properties: ConnectionProperties) -> Outcome<Connection> {
    Ok(Connection::connect(&env::var("AMQP_URL")?, properties).await?)
}

/// A name that no other run uses.
pub fn unique(name: &str) -> String {
    format!("{name}-{:016x}", RandomState::new().build_hasher().finish())
}

/// Arguments or headers.
pub fn table<const N: usize>(fields: [(&str, AMQPValue); N]) -> FieldTable {
    let mut table = FieldTable::default();
    for (name, value) in fields {
        table.insert(name.into(), value);
    }
    table
}

/// A text in a table.
pub fn text(value: &str) -> AMQPValue {
    AMQPValue::LongString(value.into())
}

/// Declares a queue that goes with its connection, and has a name of ours.
pub async fn declare(channel: &Channel, name: &str, arguments: FieldTable) -> Outcome<String> {
    let queue = unique(name);
    let options = QueueDeclareOptions { exclusive: true, ..Default::default() };
    channel.queue_declare(queue.as_str().into(), options, arguments).await?;
    Ok(queue)
}

/// How many messages wait in a queue.
pub async fn waiting(channel: &Channel, queue: &str) -> Outcome<u32> {
    let options = QueueDeclareOptions { passive: true, ..Default::default() };
    let queue = channel.queue_declare(queue.into(), options, FieldTable::default()).await?;
    Ok(queue.message_count())
}

/// Publishes a text; what it gives resolves when the broker has it.
pub async fn publish(
    channel: &Channel,
    exchange: &str,
    key: &str,
    properties: BasicProperties,
    body: &str,
) -> Outcome<PublisherConfirm> {
    let options = BasicPublishOptions { mandatory: true, ..Default::default() };
    let confirm = channel
        .basic_publish(exchange.into(), key.into(), options, body.as_bytes(), properties)
        .await?;
    Ok(confirm)
}

/// Consumes under a tag that the broker chooses.
pub async fn consume(channel: &Channel, queue: &str) -> Outcome<Consumer> {
    let options = BasicConsumeOptions::default();
    Ok(channel.basic_consume(queue.into(), "".into(), options, FieldTable::default()).await?)
}

/// The next delivery, which must come.
pub async fn next(consumer: &mut Consumer) -> Outcome<Delivery> {
    let delivery = timeout(PATIENCE, consumer.next()).await?;
    Ok(delivery.ok_or("the consumer was cancelled")??)
}

/// The body as text.
pub fn body(delivery: &Delivery) -> &str {
    std::str::from_utf8(&delivery.data).expect("text")
}

/// Returns when the broker has been stopped and listens again.
pub async fn restart_broker() -> Outcome {
    let url = env::var("INTEROP_CONTROL_URL")?;
    let address = url.trim_start_matches("http://").trim_end_matches('/');
    let mut stream = TcpStream::connect(address).await?;
    let request = format!(
        "POST /restart HTTP/1.1\r\nhost: {address}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    assert!(answer.starts_with("HTTP/1.1 204 "), "{answer}");
    Ok(())
}
