//! A producer: publishes one message again and again. It is encoded once; only its timestamp, and its
//! routing key if keys are new, are written anew each time, in place.

use std::collections::BTreeSet;
use std::io::{Error, Result, Write};
use std::sync::Arc;
use std::thread::{sleep, spawn, JoinHandle};
use std::time::{Duration, Instant};

use crate::connection::{fail_on_close, Connection, CHANNEL};
use crate::frames::*;
use crate::load::Load;
use crate::progress::Progress;
use crate::socket::set_send_buffer;

/// A batch takes at most so many bytes.
const BATCH_BYTES_MAX: usize = 1 << 20;
/// How long a producer that is ahead of its rate sleeps.
const PAUSE: Duration = Duration::from_micros(200);
/// Digits at the end of a topic key: they make it new.
const KEY_DIGITS: usize = 8;
/// Digits before them and the dot: they name the binding.
const BINDING_DIGITS: usize = 5;

/// Starts a producer. It ends when it is stopped or has published its count, and the broker has
/// handled, and confirmed, all of it.
pub fn start(number: usize, load: Arc<Load>, progress: Arc<Progress>) -> JoinHandle<Result<()>> {
    spawn(move || Producer::open(number, &load, &progress)?.run())
}

struct Producer<'run> {
    load: &'run Load,
    progress: &'run Progress,
    connection: Connection,
    /// The message, so many times as a batch has.
    batch: Vec<u8>,
    message: Message,
    sent: u64,
    confirms: Confirms,
}

impl<'run> Producer<'run> {
    fn open(number: usize, load: &'run Load, progress: &'run Progress) -> Result<Producer<'run>> {
        let mut connection = Connection::open(load)?;
        if load.send_buffer > 0 {
            set_send_buffer(connection.socket.tcp(), load.send_buffer)?;
        }
        if load.confirm > 0 {
            connection.ask(
                CONFIRM_SELECT,
                Fields::default().octet(0),
                CONFIRM_SELECT_OK,
            )?;
        }
        let message = Message::encode(number, load, connection.frame_max);
        let size = message.bytes.len();
        let batch = message
            .bytes
            .repeat(load.batch.min(BATCH_BYTES_MAX / size).max(1));
        Ok(Producer {
            load,
            progress,
            connection,
            batch,
            message,
            sent: 0,
            confirms: Confirms::default(),
        })
    }

    fn run(mut self) -> Result<()> {
        let began = Instant::now();
        while !self.progress.stopped() && (self.load.count == 0 || self.sent < self.load.count) {
            let count = self.due(began);
            if count == 0 {
                sleep(PAUSE);
                continue;
            }
            if self.load.confirm > 0 {
                self.await_confirms(self.load.confirm - count)?;
            }
            self.publish(count)?;
        }
        if self.load.confirm > 0 {
            self.await_confirms(0)?;
        }
        self.connection.close_channel()?;
        self.progress.producer_ended();
        Ok(())
    }

    /// How many messages to publish now.
    fn due(&self, began: Instant) -> u64 {
        let mut count = (self.batch.len() / self.message.bytes.len()) as u64;
        if self.load.count > 0 {
            count = count.min(self.load.count - self.sent);
        }
        if self.load.confirm > 0 {
            count = count.min(self.load.confirm);
        }
        if self.load.rate > 0 {
            let planned = (began.elapsed().as_secs_f64() * self.load.rate as f64) as u64;
            count = count.min(planned.saturating_sub(self.sent));
        }
        count
    }

    fn publish(&mut self, count: u64) -> Result<()> {
        let size = self.message.bytes.len();
        let now = self.progress.now().to_be_bytes();
        for index in 0..count as usize {
            let message = &mut self.batch[index * size..(index + 1) * size];
            if let Some(at) = self.message.timestamp_at {
                message[at..at + 8].copy_from_slice(&now);
            }
            if let Some(at) = self.message.key_digits_at {
                let binding = &mut message[at - BINDING_DIGITS - 1..at - 1];
                let number = self.sent + index as u64;
                if self.load.new_keys {
                    write_digits(binding, number % self.load.bindings as u64);
                    write_digits(&mut message[at..at + KEY_DIGITS], number);
                } else {
                    write_digits(binding, self.load.binding_of(number));
                }
            }
        }
        self.connection
            .socket
            .write_all(&self.batch[..count as usize * size])?;
        self.sent += count;
        self.progress.add_sent(count);
        Ok(())
    }

    /// Waits until no more than so many messages are unconfirmed.
    fn await_confirms(&mut self, most: u64) -> Result<()> {
        while self.sent - self.confirms.count() > most {
            let frame = self.connection.next()?;
            if frame.kind != METHOD {
                continue;
            }
            let payload = &self.connection.bytes[frame.payload];
            match method_id(payload) {
                BASIC_ACK => {
                    let before = self.confirms.count();
                    self.confirms
                        .settle(long_long_at(payload, 4), payload[12] & 1 == 1);
                    self.progress.add_confirmed(self.confirms.count() - before);
                }
                BASIC_NACK => return Err(Error::other("the broker nacked a message")),
                other => fail_on_close(other, payload)?,
            }
        }
        Ok(())
    }
}

/// Which messages are confirmed; the broker may do that in any order.
#[derive(Default)]
struct Confirms {
    /// All up to this one are.
    through: u64,
    /// And these.
    beyond: BTreeSet<u64>,
}

impl Confirms {
    fn count(&self) -> u64 {
        self.through + self.beyond.len() as u64
    }

    fn settle(&mut self, delivery_tag: u64, multiple: bool) {
        if multiple {
            self.through = self.through.max(delivery_tag);
            self.beyond = self.beyond.split_off(&(self.through + 1));
        } else if delivery_tag == self.through + 1 {
            self.through = delivery_tag;
        } else if delivery_tag > self.through {
            self.beyond.insert(delivery_tag);
        }
        while self.beyond.remove(&(self.through + 1)) {
            self.through += 1;
        }
    }
}

/// An encoded message, and the places in it that change.
struct Message {
    bytes: Vec<u8>,
    timestamp_at: Option<usize>,
    key_digits_at: Option<usize>,
}

impl Message {
    fn encode(number: usize, load: &Load, frame_max: usize) -> Message {
        let mut bytes = Vec::new();
        let publish = Fields::default()
            .short(0)
            .short_string(&load.exchange_name())
            .short_string(&load.routing_key(number))
            .octet(0);
        method(&mut bytes, CHANNEL, BASIC_PUBLISH, publish);
        // the key's end is followed by the octet of flags and the end octet
        let keys_change = load.new_keys || load.keys > 0;
        let key_digits_at = keys_change.then_some(bytes.len() - 2 - KEY_DIGITS);

        let header = Fields::default()
            .short(60)
            .short(0)
            .long_long(load.size as u64);
        let header = if load.persistent {
            header.short(1 << 12).octet(2)
        } else {
            header.short(0)
        };
        frame(&mut bytes, HEADER, CHANNEL, &header.0);
        let timestamp_at = (load.size >= 8).then_some(bytes.len() + HEAD_SIZE);
        for part in vec![b'x'; load.size].chunks(frame_max - OVERHEAD) {
            frame(&mut bytes, BODY, CHANNEL, part);
        }
        Message {
            bytes,
            timestamp_at,
            key_digits_at,
        }
    }
}

fn write_digits(place: &mut [u8], mut number: u64) {
    for digit in place.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}
