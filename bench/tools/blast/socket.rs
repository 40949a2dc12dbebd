//! A socket, encrypted or not, and what the standard library cannot set on one.

use std::ffi::{c_int, c_void};
use std::io::{Error, Read, Result, Write};
use std::net::TcpStream;
use std::os::fd::AsRawFd;

use crate::load::Load;
use crate::tls::Tls;

/// What carries AMQP.
pub enum Socket {
    Plain(TcpStream),
    Encrypted(Tls),
}

impl Socket {
    /// Connects.
    pub fn open(load: &Load) -> Result<Socket> {
        let tcp = TcpStream::connect((load.host.as_str(), load.port))?;
        tcp.set_nodelay(true)?;
        Ok(if load.tls {
            Socket::Encrypted(Tls::connect(tcp)?)
        } else {
            Socket::Plain(tcp)
        })
    }

    /// What it stands on.
    pub fn tcp(&self) -> &TcpStream {
        match self {
            Socket::Plain(tcp) => tcp,
            Socket::Encrypted(tls) => &tls.socket,
        }
    }
}

impl Read for Socket {
    fn read(&mut self, into: &mut [u8]) -> Result<usize> {
        match self {
            Socket::Plain(tcp) => tcp.read(into),
            Socket::Encrypted(tls) => tls.read(into),
        }
    }
}

impl Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        match self {
            Socket::Plain(tcp) => tcp.write(bytes),
            Socket::Encrypted(tls) => tls.write(bytes),
        }
    }

    fn flush(&mut self) -> Result<()> {
        Ok(())
    }
}

#[cfg(target_os = "linux")]
const SOL_SOCKET: c_int = 1;
#[cfg(target_os = "linux")]
const SO_SNDBUF: c_int = 7;
#[cfg(not(target_os = "linux"))]
const SOL_SOCKET: c_int = 0xffff;
#[cfg(not(target_os = "linux"))]
const SO_SNDBUF: c_int = 0x1001;

extern "C" {
    fn setsockopt(
        socket: c_int,
        level: c_int,
        name: c_int,
        value: *const c_void,
        size: u32,
    ) -> c_int;
}

/// Sets how much of what was written, and not yet taken by the peer's kernel, this side's kernel
/// keeps. Without it, it makes room as it likes, some MiB on loopback.
pub fn set_send_buffer(socket: &TcpStream, bytes: u32) -> Result<()> {
    let value = c_int::try_from(bytes).map_err(Error::other)?;
    // SAFETY: the descriptor is open, and the option's value is an int that outlives the call
    let result = unsafe {
        setsockopt(
            socket.as_raw_fd(),
            SOL_SOCKET,
            SO_SNDBUF,
            std::ptr::addr_of!(value).cast(),
            std::mem::size_of::<c_int>() as u32,
        )
    };
    if result == 0 {
        Ok(())
    } else {
        Err(Error::last_os_error())
    }
}
