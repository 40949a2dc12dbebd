//! A queue that comes and goes: while a load runs, it is bound to the exchange and unbound again.

use std::io::Result;
use std::sync::Arc;
use std::thread::{sleep, spawn, JoinHandle};
use std::time::{Duration, Instant};

use crate::connection::Connection;
use crate::frames::*;
use crate::load::Load;
use crate::progress::Progress;

const QUEUE: &str = "blast-churn";
/// Every key that is published could match but for its last word.
const KEY: &str = "blast.*.churn";
const EXCLUSIVE: u8 = 0b100;

/// Starts it if the load wants it. It ends when producers are told to stop; the queue goes with its
/// connection.
pub fn start(load: &Arc<Load>, progress: &Arc<Progress>) -> Result<Option<JoinHandle<Result<()>>>> {
    if load.churn == 0 {
        return Ok(None);
    }
    let mut connection = Connection::open(load)?;
    let declare = Fields::default()
        .short(0)
        .short_string(QUEUE)
        .octet(EXCLUSIVE)
        .table(Fields::default());
    connection.ask(QUEUE_DECLARE, declare, QUEUE_DECLARE_OK)?;
    let (load, progress) = (load.clone(), progress.clone());
    Ok(Some(spawn(move || {
        let pause = Duration::from_secs(1) / load.churn as u32;
        let mut due = Instant::now();
        while !progress.stopped() {
            turn(&load, &mut connection)?;
            progress.add_churned(1);
            due += pause;
            sleep(due.saturating_duration_since(Instant::now()));
        }
        connection.close()
    })))
}

/// Binds and unbinds, once.
fn turn(load: &Load, connection: &mut Connection) -> Result<()> {
    let names = || {
        Fields::default()
            .short(0)
            .short_string(QUEUE)
            .short_string(&load.exchange_name())
            .short_string(KEY)
    };
    let bind = names().octet(0).table(Fields::default());
    connection.ask(QUEUE_BIND, bind, QUEUE_BIND_OK)?;
    let unbind = names().table(Fields::default());
    connection.ask(QUEUE_UNBIND, unbind, QUEUE_UNBIND_OK)?;
    Ok(())
}
