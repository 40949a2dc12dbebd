//! Exchanges behind exchanges: news go through a topic exchange for each region to fanouts and
//! queues, each queue gets a message once however many ways there are, and a way can be taken down.

use interop::{Outcome, body, connect, consume, declare, next, publish};
use lapin::{
    BasicProperties, Channel, Consumer, ExchangeKind,
    options::{
        BasicAckOptions, ConfirmSelectOptions, ExchangeBindOptions, ExchangeDeclareOptions,
        ExchangeUnbindOptions, QueueBindOptions,
    },
    types::FieldTable,
};

#[tokio::main]
async fn main() -> Outcome {
    let connection = connect(Default::default()).await?;
    let channel = connection.create_channel().await?;
    let news = exchange(&channel, "news", ExchangeKind::Topic, false).await?;
    let europe = exchange(&channel, "europe", ExchangeKind::Topic, true).await?;
    let sports = exchange(&channel, "sports", ExchangeKind::Fanout, true).await?;
    bind(&channel, &europe, &news, "eu.#").await?;
    bind(&channel, &sports, &news, "*.sport").await?;
    bind(&channel, &sports, &europe, "#.football").await?;
    bind(&channel, &news, &sports, "").await?; // a circle

    let mut desk = subscribe(&channel, &europe, "eu.#").await?;
    let mut fan = subscribe(&channel, &sports, "").await?;
    let mut archive = subscribe(&channel, &news, "#").await?;

    channel.confirm_select(ConfirmSelectOptions::default()).await?;
    for key in
        ["eu.politics", "eu.sport", "us.sport", "eu.sport.football", "us.politics", "end.sport"]
    {
        publish_routed(&channel, &news, key).await?;
    }
    expect(&mut desk, &["eu.politics", "eu.sport", "eu.sport.football"]).await?;
    expect(&mut fan, &["eu.sport", "us.sport", "eu.sport.football", "end.sport"]).await?;
    let all =
        ["eu.politics", "eu.sport", "us.sport", "eu.sport.football", "us.politics", "end.sport"];
    expect(&mut archive, &all).await?;

    let options = ExchangeUnbindOptions::default();
    channel
        .exchange_unbind(
            sports.as_str().into(),
            news.as_str().into(),
            "*.sport".into(),
            options,
            FieldTable::default(),
        )
        .await?;
    for key in ["us.sport", "eu.sport", "eu.football"] {
        publish_routed(&channel, &news, key).await?;
    }
    expect(&mut fan, &["eu.football"]).await?;
    expect(&mut desk, &["eu.sport", "eu.football"]).await?;

    // nobody outside may publish to what is behind; it closes the channel
    publish(&channel, &sports, "", BasicProperties::default(), "").await?;
    let refused = next(&mut fan).await.expect_err("the channel is closed");
    assert!(refused.to_string().contains("ACCESS"), "{refused}");
    connection.close(200, "done".into()).await?;
    println!("routed through exchanges behind exchanges");
    Ok(())
}

async fn exchange(
    channel: &Channel,
    name: &str,
    kind: ExchangeKind,
    internal: bool,
) -> Outcome<String> {
    let name = interop::unique(name);
    let options = ExchangeDeclareOptions { auto_delete: true, internal, ..Default::default() };
    channel.exchange_declare(name.as_str().into(), kind, options, FieldTable::default()).await?;
    Ok(name)
}

async fn bind(channel: &Channel, to: &str, from: &str, key: &str) -> Outcome {
    let options = ExchangeBindOptions::default();
    let none = FieldTable::default();
    Ok(channel.exchange_bind(to.into(), from.into(), key.into(), options, none).await?)
}

async fn subscribe(channel: &Channel, exchange: &str, key: &str) -> Outcome<Consumer> {
    let queue = declare(channel, "subscriber", FieldTable::default()).await?;
    let options = QueueBindOptions::default();
    let none = FieldTable::default();
    channel.queue_bind(queue.as_str().into(), exchange.into(), key.into(), options, none).await?;
    consume(channel, &queue).await
}

async fn publish_routed(channel: &Channel, exchange: &str, key: &str) -> Outcome {
    let confirmation =
        publish(channel, exchange, key, BasicProperties::default(), key).await?.await?;
    assert_eq!(confirmation.take_message(), None, "{key} was returned");
    Ok(())
}

async fn expect(consumer: &mut Consumer, keys: &[&str]) -> Outcome {
    for key in keys {
        let delivery = next(consumer).await?;
        assert_eq!((delivery.routing_key.as_str(), body(&delivery)), (*key, *key));
        delivery.ack(BasicAckOptions::default()).await?;
    }
    Ok(())
}
