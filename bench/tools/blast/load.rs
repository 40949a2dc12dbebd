//! What to do to which broker.

/// How the program is used.
pub const USAGE: &str = "usage: blast [key=value ...]
  host port user pass vhost   the broker                        (127.0.0.1 5672 guest guest /)
  producers consumers         how many, a connection each       (1 1)
  queues                      they are spread over so many      (1)
  exchange                    direct, topic or fanout           (the default exchange)
  bindings                    of a topic exchange, over queues  (one a queue)
  keys                        topic keys, one after the other   (0: one a producer)
  newkeys                     1: topic keys never come twice    (0)
  churn                       a queue more is bound to the topic
                              exchange and unbound, times/s     (0)
  routed                      0: nothing takes the messages     (1)
  type                        x-queue-type                      (none)
  persistent                  1: persistent, durable queues     (0)
  size                        body in bytes                     (16)
  warm                        seconds before it counts          (1)
  secs, count                 then for so long; or so many each,
                              all of which count                (5, 0)
  rate                        messages/s each, 0 flat out       (0)
  batch                       messages a write                  (64)
  confirm                     window of publisher confirms      (0: none)
  ack                         0 no-ack, n: every n-th, multiple (0)
  prefetch                    of each consumer                  (0: no limit)
  tls                         1: over TLS                       (0)
  sndbuf                      SO_SNDBUF of producers in bytes   (0: the kernel's)
  keep                        1: queues and messages stay       (0)
  drain                       take so many that wait from a run
                              with keep=1, publish nothing      (0)";

/// What five digits can name.
const BINDINGS_MAX: usize = 100_000;

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
    /// Of a topic exchange; they go to the queues in turn.
    pub bindings: usize,
    /// How many routing keys each producer publishes with, in turn; 0 for one.
    pub keys: usize,
    pub new_keys: bool,
    /// How often a second one more queue is bound and unbound; 0 for never.
    pub churn: u64,
    pub routed: bool,
    pub queue_type: String,
    pub persistent: bool,
    pub size: usize,
    /// Seconds at the start that no figure is of: a broker that compiles as it runs is slow in them.
    pub warm: f64,
    /// Seconds that figures are of.
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
    /// Whether the broker is asked by TLS; whose certificate it shows is not looked at.
    pub tls: bool,
    /// What the kernel keeps of a producer's writes, in bytes; 0 for what it likes.
    pub send_buffer: u32,
    pub keep: bool,
    /// How many messages wait already and are to be consumed; 0 to publish.
    pub drain: u64,
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
            bindings: 0,
            keys: 0,
            new_keys: false,
            churn: 0,
            routed: true,
            queue_type: String::new(),
            persistent: false,
            size: 16,
            warm: 1.0,
            secs: 5.0,
            count: 0,
            rate: 0,
            batch: 64,
            confirm: 0,
            ack: 0,
            prefetch: 0,
            tls: false,
            send_buffer: 0,
            keep: false,
            drain: 0,
        };
        for argument in arguments {
            load.set(&argument)?;
        }
        if load.bindings == 0 {
            load.bindings = load.queues;
        }
        if load.drain > 0 {
            load.producers = 0;
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
            "bindings" => self.bindings = number(key, value)?,
            "keys" => self.keys = number(key, value)?,
            "churn" => self.churn = number(key, value)?,
            "newkeys" => self.new_keys = value == "1",
            "routed" => self.routed = value != "0",
            "type" => self.queue_type = value.into(),
            "persistent" => self.persistent = value == "1",
            "size" => self.size = number(key, value)?,
            "warm" => self.warm = number(key, value)?,
            "secs" => self.secs = number(key, value)?,
            "count" => self.count = number(key, value)?,
            "rate" => self.rate = number(key, value)?,
            "batch" => self.batch = number(key, value)?,
            "confirm" => self.confirm = number(key, value)?,
            "ack" => self.ack = number(key, value)?,
            "prefetch" => self.prefetch = number(key, value)?,
            "tls" => self.tls = value == "1",
            "sndbuf" => self.send_buffer = number(key, value)?,
            "keep" => self.keep = value == "1",
            "drain" => self.drain = number(key, value)?,
            _ => return Err(format!("there is no key '{key}'")),
        }
        Ok(())
    }

    fn check(&self) -> Result<(), String> {
        if !["", "direct", "topic", "fanout"].contains(&self.exchange.as_str()) {
            return Err(format!("exchange cannot be '{}'", self.exchange));
        }
        let topic_only = self.new_keys || self.keys > 0 || self.churn > 0;
        if (topic_only || self.bindings != self.queues) && self.exchange != "topic" {
            return Err("bindings, keys, newkeys and churn need exchange=topic".into());
        }
        if self.bindings < self.queues || self.bindings > BINDINGS_MAX {
            return Err(format!("bindings go from queues to {BINDINGS_MAX}"));
        }
        if self.keys > self.bindings || (self.keys > 0 && self.new_keys) {
            return Err("keys cannot be more than bindings, nor new as well".into());
        }
        if self.queues == 0 || self.batch == 0 || self.secs.is_nan() || self.secs <= 0.0 {
            return Err("queues, batch and secs cannot be 0".into());
        }
        if self.warm.is_nan() || self.warm < 0.0 {
            return Err("warm cannot be below 0".into());
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

    /// The queues of a consumer: its share of them, or one when there are more consumers.
    pub fn queues_of(&self, consumer: usize) -> Vec<String> {
        (consumer % self.queues..self.queues)
            .step_by(self.consumers)
            .map(|number| self.queue(number))
            .collect()
    }

    /// Name of the exchange.
    pub fn exchange_name(&self) -> String {
        if self.exchange.is_empty() {
            String::new()
        } else {
            format!("blast-{}", self.exchange)
        }
    }

    /// The key of a binding.
    pub fn binding_key(&self, number: usize) -> String {
        if self.exchange == "topic" {
            format!("blast.{number:05}.*")
        } else {
            self.queue(number)
        }
    }

    /// With which key a producer publishes. Where keys change, the five digits that name the binding
    /// are replaced, and the eight zeros at the end.
    pub fn routing_key(&self, number: usize) -> String {
        match self.exchange.as_str() {
            "topic" => format!("blast.{:05}.00000000", number % self.bindings),
            _ if !self.routed => "blast-nowhere".into(),
            _ => self.queue(number),
        }
    }

    /// The binding that a message is for when keys are repeated: they are spread over all of them.
    pub fn binding_of(&self, message: u64) -> u64 {
        message % self.keys as u64 * self.bindings as u64 / self.keys as u64
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
