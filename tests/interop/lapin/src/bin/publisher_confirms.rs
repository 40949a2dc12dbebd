//! Publisher confirms: many outstanding at a time, messages that come back, a queue that is full.

use interop::{Outcome, connect, declare, publish, table, text, unique, waiting};
use lapin::{
    BasicProperties, Channel, Confirmation, options::ConfirmSelectOptions, types::AMQPValue,
    types::FieldTable,
};

const MESSAGES: u32 = 1000;
const ROOM: i32 = 4;

#[tokio::main]
async fn main() -> Outcome {
    let connection = connect(Default::default()).await?;
    let channel = connection.create_channel().await?;
    channel.confirm_select(ConfirmSelectOptions::default()).await?;
    without_waiting(&channel).await?;
    to_nobody(&channel).await?;
    into_a_full_queue(&channel).await?;
    connection.close(200, "done".into()).await?;
    println!("{MESSAGES} confirmed, others returned and refused");
    Ok(())
}

async fn without_waiting(channel: &Channel) -> Outcome {
    let queue = declare(channel, "events", FieldTable::default()).await?;
    let mut outstanding = Vec::new();
    for number in 0..MESSAGES {
        outstanding.push(publish(channel, "", &queue, persistent(), &number.to_string()).await?);
    }
    for confirm in outstanding {
        assert_eq!(confirm.await?, Confirmation::Ack(None));
    }
    assert_eq!(waiting(channel, &queue).await?, MESSAGES);
    Ok(())
}

/// It comes back with its confirmation, or with those that nobody looked at. (One at a time: when
/// several are confirmed at once, the library does not know which of them came back.)
async fn to_nobody(channel: &Channel) -> Outcome {
    let nobody = unique("nobody");
    let properties = persistent().with_headers(table([("origin", text("here"))]));
    let confirmation = publish(channel, "", &nobody, properties, "lost").await?.await?;
    assert!(confirmation.is_ack(), "what nobody can take is confirmed");
    let returned = confirmation.take_message().expect("it comes back");
    assert_eq!((returned.reply_code, returned.reply_text.as_str()), (312, "NO_ROUTE"));
    assert_eq!(interop::body(&returned), "lost");
    assert_eq!(returned.routing_key.as_str(), nobody);
    let headers = returned.properties.headers().as_ref().expect("headers");
    assert_eq!(headers.inner()["origin"], text("here"));

    for body in ["one", "two", "three"] {
        drop(publish(channel, "amq.direct", &nobody, persistent(), body).await?);
        let returned = channel.wait_for_confirms().await?;
        let bodies: Vec<&str> = returned.iter().map(|each| interop::body(each)).collect();
        assert_eq!(bodies, [body]);
    }
    Ok(())
}

async fn into_a_full_queue(channel: &Channel) -> Outcome {
    let arguments =
        table([("x-max-length", AMQPValue::LongInt(ROOM)), ("x-overflow", text("reject-publish"))]);
    let queue = declare(channel, "full", arguments).await?;
    for number in 0..2 * ROOM {
        let confirm = publish(channel, "", &queue, persistent(), &number.to_string()).await?;
        assert_eq!(confirm.await?.is_ack(), number < ROOM, "message {number}");
    }
    assert_eq!(waiting(channel, &queue).await?, ROOM as u32);
    Ok(())
}

fn persistent() -> BasicProperties {
    BasicProperties::default().with_delivery_mode(2)
}
