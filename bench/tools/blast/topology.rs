//! The exchange, queues and bindings of a load.

use std::io::Result;

use crate::connection::Connection;
use crate::frames::*;
use crate::load::Load;

/// Declares everything anew, so that nothing is left from another run.
pub fn declare(load: &Load) -> Result<()> {
    let mut connection = Connection::open(load)?;
    remove(load, &mut connection)?;
    for number in 0..load.queues {
        declare_queue(load, &load.queue(number), &mut connection)?;
    }
    if !load.exchange.is_empty() {
        declare_exchange(load, &mut connection)?;
    }
    connection.close()
}

/// Deletes everything, messages included.
pub fn delete(load: &Load) -> Result<()> {
    let mut connection = Connection::open(load)?;
    remove(load, &mut connection)?;
    connection.close()
}

fn remove(load: &Load, connection: &mut Connection) -> Result<()> {
    for number in 0..load.queues {
        let delete = Fields::default()
            .short(0)
            .short_string(&load.queue(number))
            .octet(0);
        connection.ask(QUEUE_DELETE, delete, QUEUE_DELETE_OK)?;
    }
    if !load.exchange.is_empty() {
        let delete = Fields::default()
            .short(0)
            .short_string(&load.exchange_name())
            .octet(0);
        connection.ask(EXCHANGE_DELETE, delete, EXCHANGE_DELETE_OK)?;
    }
    Ok(())
}

fn declare_queue(load: &Load, name: &str, connection: &mut Connection) -> Result<()> {
    let durable = load.persistent || !load.queue_type.is_empty();
    let mut arguments = Fields::default();
    if !load.queue_type.is_empty() {
        arguments = arguments
            .short_string("x-queue-type")
            .octet(b'S')
            .long_string(&load.queue_type);
    }
    let declare = Fields::default()
        .short(0)
        .short_string(name)
        .octet(if durable { 0b10 } else { 0 })
        .table(arguments);
    connection.ask(QUEUE_DECLARE, declare, QUEUE_DECLARE_OK)?;
    Ok(())
}

fn declare_exchange(load: &Load, connection: &mut Connection) -> Result<()> {
    let exchange = load.exchange_name();
    let declare = Fields::default()
        .short(0)
        .short_string(&exchange)
        .short_string(&load.exchange)
        .octet(0)
        .table(Fields::default());
    connection.ask(EXCHANGE_DECLARE, declare, EXCHANGE_DECLARE_OK)?;
    for number in 0..load.bindings {
        let bind = Fields::default()
            .short(0)
            .short_string(&load.queue(number))
            .short_string(&exchange)
            .short_string(&load.binding_key(number))
            .octet(0)
            .table(Fields::default());
        connection.ask(QUEUE_BIND, bind, QUEUE_BIND_OK)?;
    }
    Ok(())
}
