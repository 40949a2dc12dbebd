//! What to do to which broker.

/// How the program is used.
pub const USAGE: &str = "usage: blast [key=value ...]
  host port user pass vhost   the broker                        (127.0.0.1 5672 guest guest /)
  producers consumers         how many, a connection each       (1 1)
  queues                      they are spread over so many      (1)
  exchange                    direct, topic or fanout           (the default exchange)
  newkeys                     1: topic keys never come twice    (0)
  routed                      0: nothing takes the messages     (1)
  type                        x-queue-type                      (none)
  persistent                  1: persistent, durable queues     (0)
  size                        body in bytes                     (16)
  secs, count                 for so long, or so many each      (5, 0)
  rate                        messages/s each, 0 flat out       (0)
  batch                       messages a write                  (64)
  confirm                     window of publisher confirms      (0: none)
  ack                         0 no-ack, n: every n-th, multiple (0)
  prefetch                    of each consumer                  (0: no limit)
  keep                        1: queues and messages stay       (0)";

/// What to do to which broker: the arguments.
pub struct Load {
    pub host: String,
    pub port: u16,
    pub user: String,
    pub pass: String,
    pub vhost: String,
    pub producers: usize,
    pub consumers: usize,
    pub queues: usize,
    /// Type of the exchange; empty for the default exchange.
    pub exchange: String,
    pub new_keys: bool,
    pub routed: bool,
    pub queue_type: String,
    pub persistent: bool,
    pub size: usize,
    pub secs: f64,
    /// Messages of each producer; 0 to go by time.
    pub count: u64,
    /// Messages a second of each producer; 0 for as many as possible.
    pub rate: u64,
    pub batch: usize,
    /// How many messages may be unconfirmed; 0 for no confirms.
    pub confirm: u64,
    /// Consumers ack after so many messages, 0 for no-ack consumers.
    pub ack: u64,
    pub prefetch: u16,
    pub keep: bool,
}

impl Load {
    /// Reads the arguments; an error is a text for the user.
    pub fn from_arguments(arguments: impl Iterator<Item = String>) -> Result<Load, String> {
        let mut load = Load {
            host: "127.0.0.1".into(),
            port: 5672,
            user: "guest".into(),
            pass: "guest".into(),
            vhost: "/".into(),
            producers: 1,
            consumers: 1,
            queues: 1,
            exchange: String::new(),
            new_keys: false,
            routed: true,
            queue_type: String::new(),
            persistent: false,
            size: 16,
            secs: 5.0,
            count: 0,
            rate: 0,
            batch: 64,
            confirm: 0,
            ack: 0,
            prefetch: 0,
            keep: false,
        };
        for argument in arguments {
            load.set(&argument)?;
        }
        load.check()?;
        Ok(load)
    }

    fn set(&mut self, argument: &str) -> Result<(), String> {
        let (key, value) = argument
            .split_once('=')
            .ok_or_else(|| format!("'{argument}' is not key=value"))?;
        match key {
            "host" => self.host = value.into(),
            "port" => self.port = number(key, value)?,
            "user" => self.user = value.into(),
            "pass" => self.pass = value.into(),
            "vhost" => self.vhost = value.into(),
            "producers" => self.producers = number(key, value)?,
            "consumers" => self.consumers = number(key, value)?,
            "queues" => self.queues = number(key, value)?,
            "exchange" => self.exchange = value.into(),
            "newkeys" => self.new_keys = value == "1",
            "routed" => self.routed = value != "0",
            "type" => self.queue_type = value.into(),
            "persistent" => self.persistent = value == "1",
            "size" => self.size = number(key, value)?,
            "secs" => self.secs = number(key, value)?,
            "count" => self.count = number(key, value)?,
            "rate" => self.rate = number(key, value)?,
            "batch" => self.batch = number(key, value)?,
            "confirm" => self.confirm = number(key, value)?,
            "ack" => self.ack = number(key, value)?,
            "prefetch" => self.prefetch = number(key, value)?,
            "keep" => self.keep = value == "1",
            _ => return Err(format!("there is no key '{key}'")),
        }
        Ok(())
    }

    fn check(&self) -> Result<(), String> {
        if !["", "direct", "topic", "fanout"].contains(&self.exchange.as_str()) {
            return Err(format!("exchange cannot be '{}'", self.exchange));
        }
        if self.new_keys && self.exchange != "topic" {
            return Err("newkeys=1 needs exchange=topic".into());
        }
        if self.queues == 0 || self.batch == 0 || self.secs.is_nan() || self.secs <= 0.0 {
            return Err("queues, batch and secs cannot be 0".into());
        }
        if !self.routed && (self.consumers > 0 || !self.exchange.is_empty()) {
            return Err("routed=0 needs consumers=0 and the default exchange".into());
        }
        if self.ack > 1 && self.prefetch > 0 && self.ack > u64::from(self.prefetch) {
            return Err("ack cannot be more than prefetch".into());
        }
        Ok(())
    }

    /// Name of a queue.
    pub fn queue(&self, number: usize) -> String {
        format!("blast-{}", number % self.queues)
    }

    /// Name of the exchange.
    pub fn exchange_name(&self) -> String {
        if self.exchange.is_empty() {
            String::new()
        } else {
            format!("blast-{}", self.exchange)
        }
    }

    /// With which key a queue is bound.
    pub fn binding_key(&self, number: usize) -> String {
        if self.exchange == "topic" {
            format!("blast.{}.*", number % self.queues)
        } else {
            self.queue(number)
        }
    }

    /// With which key a producer publishes. New keys replace the eight zeros at its end.
    pub fn routing_key(&self, number: usize) -> String {
        match self.exchange.as_str() {
            "topic" => format!("blast.{}.00000000", number % self.queues),
            _ if !self.routed => "blast-nowhere".into(),
            _ => self.queue(number),
        }
    }

    /// How many consumers get each message.
    pub fn copies(&self) -> u64 {
        if self.exchange == "fanout" {
            self.queues as u64
        } else {
            1
        }
    }
}

fn number<T: std::str::FromStr>(key: &str, value: &str) -> Result<T, String> {
    value
        .parse()
        .map_err(|_| format!("{key} cannot be '{value}'"))
}
