//! A connection with one channel: the handshake, and frames both ways.

use std::io::{Error, ErrorKind, Read, Result, Write};
use std::ops::Range;

use crate::frames::*;
use crate::load::Load;
use crate::socket::Socket;

/// The one channel that is used.
pub const CHANNEL: u16 = 1;

const READ_BUFFER: usize = 256 * 1024;
const DEFAULT_FRAME_MAX: usize = 131_072;

/// A frame that came: its payload is a range of `Connection::bytes`, until the next one is read.
pub struct Frame {
    pub kind: u8,
    pub payload: Range<usize>,
}

/// A connection with one channel open.
pub struct Connection {
    pub socket: Socket,
    /// What came.
    pub bytes: Vec<u8>,
    /// What is to be sent; it goes out by `flush`, and before this side waits for more to come.
    pub out: Vec<u8>,
    /// As agreed on.
    pub frame_max: usize,
    low: usize,
    high: usize,
}

impl Connection {
    /// Connects, logs in and opens the channel.
    pub fn open(load: &Load) -> Result<Connection> {
        let mut connection = Connection {
            socket: Socket::open(load)?,
            bytes: vec![0; READ_BUFFER],
            out: b"AMQP\x00\x00\x09\x01".to_vec(),
            frame_max: DEFAULT_FRAME_MAX,
            low: 0,
            high: 0,
        };
        connection.log_in(load)?;
        connection.ask(CHANNEL_OPEN, Fields::default().octet(0), CHANNEL_OPEN_OK)?;
        Ok(connection)
    }

    fn log_in(&mut self, load: &Load) -> Result<()> {
        self.expect(CONNECTION_START)?;
        let start_ok = Fields::default()
            .table(Fields::default())
            .short_string("PLAIN")
            .long_string(&format!("\0{}\0{}", load.user, load.pass))
            .short_string("en_US");
        method(&mut self.out, 0, CONNECTION_START_OK, start_ok);

        let tune = self.expect(CONNECTION_TUNE)?;
        let channel_max = u16::from_be_bytes([tune[0], tune[1]]);
        let frame_max = u32::from_be_bytes([tune[2], tune[3], tune[4], tune[5]]) as usize;
        if frame_max > 0 {
            self.frame_max = frame_max;
        }
        let tune_ok = Fields::default()
            .short(channel_max)
            .long(self.frame_max as u32)
            .short(0); // no heartbeats
        method(&mut self.out, 0, CONNECTION_TUNE_OK, tune_ok);
        let open = Fields::default()
            .short_string(&load.vhost)
            .octet(0)
            .octet(0);
        method(&mut self.out, 0, CONNECTION_OPEN, open);
        self.expect(CONNECTION_OPEN_OK)?;
        Ok(())
    }

    /// Sends a method and waits for its reply.
    pub fn ask(&mut self, id: MethodId, fields: Fields, reply: MethodId) -> Result<Vec<u8>> {
        method(&mut self.out, CHANNEL, id, fields);
        self.expect(reply)
    }

    /// Closes the connection in an orderly way.
    pub fn close(mut self) -> Result<()> {
        let close = Fields::default().short(200).short_string("").long(0);
        method(&mut self.out, 0, CONNECTION_CLOSE, close);
        self.expect(CONNECTION_CLOSE_OK)?;
        Ok(())
    }

    /// Closes the channel; when that is confirmed, all that was sent on it has been handled.
    pub fn close_channel(&mut self) -> Result<()> {
        let close = Fields::default().short(200).short_string("").long(0);
        self.ask(CHANNEL_CLOSE, close, CHANNEL_CLOSE_OK)?;
        Ok(())
    }

    /// Waits for a method and returns its fields; what else comes is dropped.
    fn expect(&mut self, id: MethodId) -> Result<Vec<u8>> {
        loop {
            let frame = self.next()?;
            if frame.kind != METHOD {
                continue;
            }
            let payload = &self.bytes[frame.payload];
            let came = method_id(payload);
            if came == id {
                return Ok(payload[4..].to_vec());
            }
            fail_on_close(came, payload)?;
        }
    }

    /// The next frame.
    pub fn next(&mut self) -> Result<Frame> {
        loop {
            let waiting = self.high - self.low;
            let mut needed = OVERHEAD;
            if waiting >= HEAD_SIZE {
                let head = &self.bytes[self.low..];
                let size = u32::from_be_bytes([head[3], head[4], head[5], head[6]]) as usize;
                needed = size + OVERHEAD;
                if waiting >= needed {
                    return self.take(size);
                }
            }
            self.read(needed)?;
        }
    }

    fn take(&mut self, size: usize) -> Result<Frame> {
        let start = self.low + HEAD_SIZE;
        let frame = Frame {
            kind: self.bytes[self.low],
            payload: start..start + size,
        };
        if self.bytes[start + size] != FRAME_END {
            return Err(Error::new(
                ErrorKind::InvalidData,
                "a frame without its end octet came",
            ));
        }
        self.low = start + size + 1;
        Ok(frame)
    }

    /// Reads more, into a buffer that has room for a frame of that size.
    fn read(&mut self, needed: usize) -> Result<()> {
        self.flush()?;
        if self.low == self.high {
            self.low = 0;
            self.high = 0;
        } else if self.low + needed > self.bytes.len() || self.high == self.bytes.len() {
            self.bytes.copy_within(self.low..self.high, 0);
            self.high -= self.low;
            self.low = 0;
        }
        if needed > self.bytes.len() {
            self.bytes.resize(needed * 2, 0);
        }
        let count = self.socket.read(&mut self.bytes[self.high..])?;
        if count == 0 {
            return Err(Error::new(
                ErrorKind::UnexpectedEof,
                "the broker closed the connection",
            ));
        }
        self.high += count;
        Ok(())
    }

    /// Writes what is to be sent.
    pub fn flush(&mut self) -> Result<()> {
        if !self.out.is_empty() {
            self.socket.write_all(&self.out)?;
            self.out.clear();
        }
        Ok(())
    }
}

/// Turns a close that the broker sent into an error with its text.
pub fn fail_on_close(id: MethodId, payload: &[u8]) -> Result<()> {
    if id != CONNECTION_CLOSE && id != CHANNEL_CLOSE {
        return Ok(());
    }
    let text = &payload[7..7 + payload[6] as usize];
    Err(Error::other(format!(
        "the broker says: {}",
        String::from_utf8_lossy(text)
    )))
}
