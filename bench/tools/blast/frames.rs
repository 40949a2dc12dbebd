//! Writing frames and the elementary types of AMQP 0-9-1 into a buffer.

pub const METHOD: u8 = 1;
pub const HEADER: u8 = 2;
pub const BODY: u8 = 3;
pub const HEARTBEAT: u8 = 8;
pub const FRAME_END: u8 = 0xce;
/// Type, channel and size before a payload.
pub const HEAD_SIZE: usize = 7;
/// With the end octet.
pub const OVERHEAD: usize = HEAD_SIZE + 1;

/// A method by class and number.
pub type MethodId = (u16, u16);

pub const CONNECTION_START: MethodId = (10, 10);
pub const CONNECTION_START_OK: MethodId = (10, 11);
pub const CONNECTION_TUNE: MethodId = (10, 30);
pub const CONNECTION_TUNE_OK: MethodId = (10, 31);
pub const CONNECTION_OPEN: MethodId = (10, 40);
pub const CONNECTION_OPEN_OK: MethodId = (10, 41);
pub const CONNECTION_CLOSE: MethodId = (10, 50);
pub const CONNECTION_CLOSE_OK: MethodId = (10, 51);
pub const CHANNEL_OPEN: MethodId = (20, 10);
pub const CHANNEL_OPEN_OK: MethodId = (20, 11);
pub const CHANNEL_CLOSE: MethodId = (20, 40);
pub const CHANNEL_CLOSE_OK: MethodId = (20, 41);
pub const EXCHANGE_DECLARE: MethodId = (40, 10);
pub const EXCHANGE_DECLARE_OK: MethodId = (40, 11);
pub const EXCHANGE_DELETE: MethodId = (40, 20);
pub const EXCHANGE_DELETE_OK: MethodId = (40, 21);
pub const QUEUE_DECLARE: MethodId = (50, 10);
pub const QUEUE_DECLARE_OK: MethodId = (50, 11);
pub const QUEUE_BIND: MethodId = (50, 20);
pub const QUEUE_BIND_OK: MethodId = (50, 21);
pub const QUEUE_UNBIND: MethodId = (50, 50);
pub const QUEUE_UNBIND_OK: MethodId = (50, 51);
pub const QUEUE_DELETE: MethodId = (50, 40);
pub const QUEUE_DELETE_OK: MethodId = (50, 41);
pub const BASIC_QOS: MethodId = (60, 10);
pub const BASIC_QOS_OK: MethodId = (60, 11);
pub const BASIC_CONSUME: MethodId = (60, 20);
pub const BASIC_CONSUME_OK: MethodId = (60, 21);
pub const BASIC_PUBLISH: MethodId = (60, 40);
pub const BASIC_DELIVER: MethodId = (60, 60);
pub const BASIC_ACK: MethodId = (60, 80);
pub const BASIC_NACK: MethodId = (60, 120);
pub const CONFIRM_SELECT: MethodId = (85, 10);
pub const CONFIRM_SELECT_OK: MethodId = (85, 11);

/// The fields of a method while they are put together.
#[derive(Default)]
pub struct Fields(pub Vec<u8>);

impl Fields {
    pub fn octet(mut self, value: u8) -> Self {
        self.0.push(value);
        self
    }

    pub fn short(mut self, value: u16) -> Self {
        self.0.extend_from_slice(&value.to_be_bytes());
        self
    }

    pub fn long(mut self, value: u32) -> Self {
        self.0.extend_from_slice(&value.to_be_bytes());
        self
    }

    pub fn long_long(mut self, value: u64) -> Self {
        self.0.extend_from_slice(&value.to_be_bytes());
        self
    }

    pub fn short_string(mut self, text: &str) -> Self {
        self.0
            .push(u8::try_from(text.len()).expect("a short string"));
        self.0.extend_from_slice(text.as_bytes());
        self
    }

    pub fn long_string(self, text: &str) -> Self {
        let mut fields = self.long(text.len() as u32);
        fields.0.extend_from_slice(text.as_bytes());
        fields
    }

    /// A table, from its fields.
    pub fn table(self, fields: Fields) -> Self {
        let mut all = self.long(fields.0.len() as u32);
        all.0.extend_from_slice(&fields.0);
        all
    }
}

/// Appends a frame.
pub fn frame(out: &mut Vec<u8>, kind: u8, channel: u16, payload: &[u8]) {
    out.push(kind);
    out.extend_from_slice(&channel.to_be_bytes());
    out.extend_from_slice(&(payload.len() as u32).to_be_bytes());
    out.extend_from_slice(payload);
    out.push(FRAME_END);
}

/// Appends a method frame.
pub fn method(out: &mut Vec<u8>, channel: u16, id: MethodId, fields: Fields) {
    let mut payload = Fields::default().short(id.0).short(id.1);
    payload.0.extend_from_slice(&fields.0);
    frame(out, METHOD, channel, &payload.0);
}

/// The method that a payload begins with.
pub fn method_id(payload: &[u8]) -> MethodId {
    (
        u16::from_be_bytes([payload[0], payload[1]]),
        u16::from_be_bytes([payload[2], payload[3]]),
    )
}

/// The eight octets at a place as a number.
pub fn long_long_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_be_bytes(bytes[at..at + 8].try_into().expect("eight octets"))
}
