//! TLS by the system's OpenSSL, which is looked for when a run asks for it: blast itself needs nothing
//! but the standard library. Whom it talks to is not checked.

use std::ffi::{c_char, c_int, c_long, c_void, CStr};
use std::io::{Error, ErrorKind, Read, Result, Write};
use std::net::TcpStream;
use std::os::fd::AsRawFd;
use std::sync::OnceLock;

#[cfg(target_os = "macos")]
const LIBRARY: &CStr = c"libssl.3.dylib";
#[cfg(not(target_os = "macos"))]
const LIBRARY: &CStr = c"libssl.so.3";

const RTLD_NOW: c_int = 2;
const SSL_ERROR_ZERO_RETURN: c_int = 6;
const SSL_CTRL_SET_READ_AHEAD: c_int = 41;

extern "C" {
    fn dlopen(name: *const c_char, flags: c_int) -> *mut c_void;
    fn dlsym(library: *mut c_void, name: *const c_char) -> *mut c_void;
}

type Pointer = *mut c_void;

/// What is used of OpenSSL, and what all connections share.
struct OpenSsl {
    context: Pointer,
    new: unsafe extern "C" fn(Pointer) -> Pointer,
    set_fd: unsafe extern "C" fn(Pointer, c_int) -> c_int,
    connect: unsafe extern "C" fn(Pointer) -> c_int,
    read: unsafe extern "C" fn(Pointer, *mut u8, c_int) -> c_int,
    write: unsafe extern "C" fn(Pointer, *const u8, c_int) -> c_int,
    get_error: unsafe extern "C" fn(Pointer, c_int) -> c_int,
    shutdown: unsafe extern "C" fn(Pointer) -> c_int,
    free: unsafe extern "C" fn(Pointer),
}

// SAFETY: OpenSSL lets threads share a context and its functions
unsafe impl Send for OpenSsl {}
// SAFETY: as above
unsafe impl Sync for OpenSsl {}

impl OpenSsl {
    fn load() -> Option<OpenSsl> {
        type Method = unsafe extern "C" fn() -> *const c_void;
        type NewContext = unsafe extern "C" fn(*const c_void) -> Pointer;
        type Control = unsafe extern "C" fn(Pointer, c_int, c_long, Pointer) -> c_long;
        // SAFETY: names end with a zero, and each function has the type that OpenSSL 3 declares it with
        unsafe {
            let library = dlopen(LIBRARY.as_ptr(), RTLD_NOW);
            if library.is_null() {
                return None;
            }
            macro_rules! find {
                ($name:literal as $kind:ty) => {{
                    let found = dlsym(library, $name.as_ptr());
                    if found.is_null() {
                        return None;
                    }
                    std::mem::transmute::<Pointer, $kind>(found)
                }};
            }
            let client = find!(c"TLS_client_method" as Method);
            let context = find!(c"SSL_CTX_new" as NewContext)(client());
            find!(c"SSL_CTX_ctrl" as Control)(
                context,
                SSL_CTRL_SET_READ_AHEAD,
                1,
                std::ptr::null_mut(),
            );
            Some(OpenSsl {
                context,
                new: find!(c"SSL_new" as unsafe extern "C" fn(Pointer) -> Pointer),
                set_fd: find!(c"SSL_set_fd" as unsafe extern "C" fn(Pointer, c_int) -> c_int),
                connect: find!(c"SSL_connect" as unsafe extern "C" fn(Pointer) -> c_int),
                read: find!(c"SSL_read" as unsafe extern "C" fn(Pointer, *mut u8, c_int) -> c_int),
                write: find!(
                    c"SSL_write" as unsafe extern "C" fn(Pointer, *const u8, c_int) -> c_int
                ),
                get_error: find!(c"SSL_get_error" as unsafe extern "C" fn(Pointer, c_int) -> c_int),
                shutdown: find!(c"SSL_shutdown" as unsafe extern "C" fn(Pointer) -> c_int),
                free: find!(c"SSL_free" as unsafe extern "C" fn(Pointer)),
            })
        }
    }
}

static OPENSSL: OnceLock<Option<OpenSsl>> = OnceLock::new();

/// An encrypted connection; one thread uses it at a time.
pub struct Tls {
    ssl: Pointer,
    open_ssl: &'static OpenSsl,
    /// Below; open as long as this is.
    pub socket: TcpStream,
}

// SAFETY: OpenSSL lets a connection go from thread to thread
unsafe impl Send for Tls {}

impl Tls {
    /// Shakes hands over a socket.
    pub fn connect(socket: TcpStream) -> Result<Tls> {
        let open_ssl = OPENSSL.get_or_init(OpenSsl::load).as_ref().ok_or_else(|| {
            Error::new(
                ErrorKind::NotFound,
                "tls=1 needs OpenSSL 3, which is not here",
            )
        })?;
        // SAFETY: the context is valid, and the descriptor open as long as what uses it
        unsafe {
            let ssl = (open_ssl.new)(open_ssl.context);
            let tls = Tls {
                ssl,
                open_ssl,
                socket,
            };
            (open_ssl.set_fd)(ssl, tls.socket.as_raw_fd());
            let result = (open_ssl.connect)(ssl);
            if result == 1 {
                Ok(tls)
            } else {
                Err(tls.error(result))
            }
        }
    }

    fn error(&self, result: c_int) -> Error {
        // SAFETY: the connection is valid
        let code = unsafe { (self.open_ssl.get_error)(self.ssl, result) };
        Error::other(format!("TLS failed: SSL_get_error says {code}"))
    }
}

impl Read for Tls {
    fn read(&mut self, into: &mut [u8]) -> Result<usize> {
        let size = c_int::try_from(into.len()).unwrap_or(c_int::MAX);
        // SAFETY: there is room for so many bytes
        let count = unsafe { (self.open_ssl.read)(self.ssl, into.as_mut_ptr(), size) };
        if count > 0 {
            return Ok(count as usize);
        }
        // SAFETY: the connection is valid
        match unsafe { (self.open_ssl.get_error)(self.ssl, count) } {
            SSL_ERROR_ZERO_RETURN => Ok(0),
            _ => Err(self.error(count)),
        }
    }
}

impl Write for Tls {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        let size = c_int::try_from(bytes.len()).unwrap_or(c_int::MAX);
        // SAFETY: there are so many bytes
        let count = unsafe { (self.open_ssl.write)(self.ssl, bytes.as_ptr(), size) };
        if count > 0 {
            Ok(count as usize)
        } else {
            Err(self.error(count))
        }
    }

    fn flush(&mut self) -> Result<()> {
        Ok(())
    }
}

impl Drop for Tls {
    fn drop(&mut self) {
        // SAFETY: nobody uses it any more
        unsafe {
            (self.open_ssl.shutdown)(self.ssl);
            (self.open_ssl.free)(self.ssl);
        }
    }
}
