//! Time to live, of messages and of a queue: what is not taken in time is dead-lettered with its
//! history, and a published expiration is gone so that it does not expire again.

use std::time::{Duration, Instant};

use interop::{
    Outcome, body, connect, consume, declare, next, publish, table, text, unique, waiting,
};
use lapin::{
    BasicProperties, Channel, ExchangeKind,
    message::Delivery,
    options::{
        BasicAckOptions, BasicGetOptions, BasicRejectOptions, ExchangeDeclareOptions,
        QueueBindOptions,
    },
    types::{AMQPValue, FieldTable},
};

const QUEUE_TTL: Duration = Duration::from_millis(300);

#[tokio::main]
async fn main() -> Outcome {
    let connection = connect(Default::default()).await?;
    let channel = connection.create_channel().await?;
    let dead = unique("dead");
    let options = ExchangeDeclareOptions { auto_delete: true, ..Default::default() };
    let (name, kind) = (dead.as_str(), ExchangeKind::Topic);
    channel.exchange_declare(name.into(), kind, options, FieldTable::default()).await?;
    let letters = declare(&channel, "letters", FieldTable::default()).await?;
    let (to, options) = (letters.as_str(), QueueBindOptions::default());
    let none = FieldTable::default();
    channel.queue_bind(to.into(), name.into(), "expired.#".into(), options, none).await?;

    let offers = declare(
        &channel,
        "offers",
        table([
            ("x-message-ttl", AMQPValue::LongInt(QUEUE_TTL.as_millis() as i32)),
            ("x-dead-letter-exchange", text(&dead)),
            ("x-dead-letter-routing-key", text("expired.offer")),
        ]),
    )
    .await?;
    expire(&channel, &offers, &letters).await?;
    taken_in_time(&channel).await?;
    connection.close(200, "done".into()).await?;
    println!("expired after their own time or the queue's");
    Ok(())
}

async fn expire(channel: &Channel, offers: &str, letters: &str) -> Outcome {
    let started = Instant::now();
    let mut consumer = consume(channel, letters).await?;
    // the shorter time counts; behind one another they expire in order, from the head of the queue
    for (body, expiration) in [("quick", Some("50")), ("slow", None), ("patient", Some("60000"))] {
        let mut properties = BasicProperties::default().with_delivery_mode(2);
        if let Some(expiration) = expiration {
            properties = properties.with_expiration(expiration.into());
        }
        publish(channel, "", offers, properties, body).await?;
    }

    let quick = next(&mut consumer).await?;
    assert_eq!(body(&quick), "quick");
    assert!(started.elapsed() >= Duration::from_millis(50));
    died(&quick, offers, Some("50"))?;
    quick.ack(BasicAckOptions::default()).await?;
    for (name, expiration) in [("slow", None), ("patient", Some("60000"))] {
        let delivery = next(&mut consumer).await?;
        assert_eq!(body(&delivery), name);
        assert!(started.elapsed() >= QUEUE_TTL, "{name} after {:?}", started.elapsed());
        died(&delivery, offers, expiration)?;
        delivery.ack(BasicAckOptions::default()).await?;
    }
    assert_eq!(waiting(channel, offers).await?, 0);
    Ok(())
}

/// Checks what the headers of a dead letter tell.
fn died(delivery: &Delivery, queue: &str, expiration: Option<&str>) -> Outcome {
    assert_eq!(delivery.routing_key.as_str(), "expired.offer");
    assert_eq!(*delivery.properties.expiration(), None, "it may stay");
    let headers = delivery.properties.headers().as_ref().ok_or("no headers")?.inner();
    assert_eq!(headers["x-first-death-reason"], text("expired"));
    assert_eq!(headers["x-first-death-queue"], text(queue));
    assert_eq!(headers["x-first-death-exchange"], text(""));
    let AMQPValue::FieldArray(deaths) = &headers["x-death"] else {
        return Err("x-death is no array".into());
    };
    let [AMQPValue::FieldTable(death)] = deaths.as_slice() else {
        return Err(format!("not one death: {deaths:?}").into());
    };
    let death = death.inner();
    assert_eq!(death["count"], AMQPValue::LongLongInt(1));
    assert_eq!(death["reason"], text("expired"));
    assert!(matches!(death["time"], AMQPValue::Timestamp(_)));
    assert_eq!(death.get("original-expiration"), expiration.map(text).as_ref());
    Ok(())
}

/// What is taken before its time stays with who has it, and is too late when it goes back.
async fn taken_in_time(channel: &Channel) -> Outcome {
    let queue = declare(channel, "held", FieldTable::default()).await?;
    let options = BasicGetOptions::default();
    // a machine that was too slow has more time at its next try
    for expiration in [200, 2000, 20_000] {
        let text = expiration.to_string();
        let properties = BasicProperties::default().with_expiration(text.as_str().into());
        publish(channel, "", &queue, properties, "held").await?;
        let Some(held) = channel.basic_get(queue.as_str().into(), options).await? else { continue };
        assert_eq!(held.properties.expiration().as_ref().map(|text| text.as_str()), Some(&*text));
        tokio::time::sleep(Duration::from_millis(expiration + 50)).await;
        held.reject(BasicRejectOptions { requeue: true }).await?;
        let again = channel.basic_get(queue.as_str().into(), options).await?;
        assert!(again.is_none(), "it came back after its time");
        return Ok(());
    }
    Err("it is gone already".into())
}
