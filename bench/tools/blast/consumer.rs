//! A consumer: counts what is delivered, acks it, and takes the time that messages were under way.

use std::io::{Error, Result};
use std::net::TcpStream;
use std::sync::Arc;
use std::thread::{spawn, JoinHandle};

use crate::connection::{fail_on_close, Connection, CHANNEL};
use crate::frames::*;
use crate::load::Load;
use crate::progress::Progress;

/// Flat out, looking at the clock for every message would cost more than the message.
const TIMED_ONE_IN: u64 = 64;

/// A consumer that runs; shutting its socket down ends it.
pub struct Running {
    pub thread: JoinHandle<Result<()>>,
    pub socket: TcpStream,
}

/// Starts a consumer and returns when the broker knows it.
pub fn start(number: usize, load: Arc<Load>, progress: Arc<Progress>) -> Result<Running> {
    let mut connection = Connection::open(&load)?;
    if load.prefetch > 0 {
        let qos = Fields::default().long(0).short(load.prefetch).octet(0);
        connection.ask(BASIC_QOS, qos, BASIC_QOS_OK)?;
    }
    for queue in load.queues_of(number) {
        let consume = Fields::default()
            .short(0)
            .short_string(&queue)
            .short_string("")
            .octet(if load.ack == 0 { 0b10 } else { 0 })
            .table(Fields::default());
        connection.ask(BASIC_CONSUME, consume, BASIC_CONSUME_OK)?;
    }
    let socket = connection.socket.tcp().try_clone()?;
    let thread = spawn(move || {
        let mut consumer = Consumer::new(&load, &progress);
        let error = loop {
            if let Err(error) = consumer.step(&mut connection) {
                break error;
            }
        };
        progress.add_latencies(consumer.latencies);
        // when all is over its socket is shut down, which is an error as well
        if progress.finished() {
            Ok(())
        } else {
            Err(error)
        }
    });
    Ok(Running { thread, socket })
}

struct Consumer<'run> {
    load: &'run Load,
    progress: &'run Progress,
    received: u64,
    delivery_tag: u64,
    /// Bytes of the body that have not come.
    missing: usize,
    body_begins: bool,
    timed_one_in: u64,
    latencies: Vec<u64>,
}

impl<'run> Consumer<'run> {
    fn new(load: &'run Load, progress: &'run Progress) -> Consumer<'run> {
        Consumer {
            load,
            progress,
            received: 0,
            delivery_tag: 0,
            missing: 0,
            body_begins: false,
            timed_one_in: if load.rate > 0 { 1 } else { TIMED_ONE_IN },
            latencies: Vec::with_capacity(1 << 20),
        }
    }

    /// Takes one frame.
    fn step(&mut self, connection: &mut Connection) -> Result<()> {
        let frame = connection.next()?;
        let payload = &connection.bytes[frame.payload];
        match frame.kind {
            METHOD if method_id(payload) == BASIC_DELIVER => {
                let tag_at = 5 + payload[4] as usize;
                self.delivery_tag = long_long_at(payload, tag_at);
            }
            HEADER => {
                self.missing = long_long_at(payload, 4) as usize;
                self.body_begins = true;
                if self.missing == 0 {
                    self.take(&mut connection.out);
                }
            }
            BODY => {
                if self.body_begins {
                    self.body_begins = false;
                    self.take_time(payload);
                }
                self.missing -= payload.len();
                if self.missing == 0 {
                    self.take(&mut connection.out);
                }
            }
            METHOD => fail_on_close(method_id(payload), payload)?,
            HEARTBEAT => {}
            other => return Err(Error::other(format!("a frame of type {other} came"))),
        }
        Ok(())
    }

    fn take_time(&mut self, body: &[u8]) {
        // messages of another run carry the times of another clock
        if body.len() >= 8 && self.load.drain == 0 && self.received % self.timed_one_in == 0 {
            let published = long_long_at(body, 0);
            if self.progress.counts(published) {
                self.latencies
                    .push(self.progress.now().saturating_sub(published));
            }
        }
    }

    /// A whole message has come. Its ack goes out when there is nothing more to read.
    fn take(&mut self, out: &mut Vec<u8>) {
        self.received += 1;
        self.progress.add_received(1);
        if self.load.ack > 0 && self.received % self.load.ack == 0 {
            write_ack(out, self.delivery_tag, self.load.ack > 1);
        }
    }
}

/// `basic.ack`, by hand since there is one for each message.
fn write_ack(out: &mut Vec<u8>, delivery_tag: u64, multiple: bool) {
    let mut frame = [
        METHOD,
        0,
        CHANNEL as u8,
        0,
        0,
        0,
        13,
        0,
        60,
        0,
        80,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        FRAME_END,
    ];
    frame[11..19].copy_from_slice(&delivery_tag.to_be_bytes());
    frame[19] = u8::from(multiple);
    out.extend_from_slice(&frame);
}
