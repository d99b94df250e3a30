//! A connection to the session bus: authentication, calls and their replies.
//!
//! Calls are queued and leave together, with the authentication before the first of them, when a reply is waited for: a
//! reading process needs two exchanges with the bus in all. Replies are taken by the serial of their call. What the
//! calls ask for is left to the service.
//!
//! # Specification
//! D-Bus specification, "Authentication Protocol" (with "Authentication State Diagrams"), "Message Bus Messages".

use std::time::Instant;

use zeroize::Zeroizing;

use super::address::Address;
use super::error::{Error, Result};
use super::message::{Call, Head, Kind, Message, SIZE_LIMIT};
use super::transport::Transport;
use super::wire::Writer;

/// Bus name of the bus itself.
const BUS: &str = "org.freedesktop.DBus";

/// The authentication, all of it in advance: the mechanism by which the bus asks the system who we are, no claim to be
/// anyone in particular (user numbers differ between a container and its host), and on to messages.
const GREETING: &[u8] = b"AUTH EXTERNAL\r\nDATA\r\nBEGIN\r\n";

/// Most lines in answer to the greeting; two are usual.
const GREETING_LINES: usize = 8;

/// Largest first write, in bytes: the reference bus drops a peer with over 16 KiB outstanding when it authenticates.
const FIRST_WRITE_LIMIT: usize = 8 << 10;

/// An authenticated connection, or one about to be with the first write.
pub(super) struct Connection {
    transport: Transport,
    outgoing: Writer,
    /// Length of the greeting at the start of what is outgoing, or zero when the bus has accepted us.
    greeting: usize,
    /// Serial of the call that gives us our name, as long as it is not answered.
    hello: Option<u32>,
    serial: u32,
    awaited: Vec<u32>,
    replies: Vec<Message>,
    watched: Option<Watched>,
}

/// A signal of one object that is waited for.
struct Watched {
    signal: Kind,
    /// Any peer may send us signals; this one is to be heard.
    sender: Option<String>,
    arrived: Option<Message>,
}

impl Connection {
    /// Connects to the first of `addresses` that answers; nothing is sent yet.
    ///
    /// # Errors
    /// [`Error::NoBus`], [`Error::TimedOut`].
    pub(super) fn open(addresses: &[Address], deadline: Instant) -> Result<Self> {
        Self::start(Transport::connect(addresses, deadline)?)
    }

    fn start(mut transport: Transport) -> Result<Self> {
        let mut outgoing = Writer::with_capacity(1024);
        if !transport.send_credentials()? {
            outgoing.byte(0);
        }
        outgoing.raw(GREETING);
        let mut connection = Self {
            greeting: outgoing.len(),
            transport,
            outgoing,
            hello: None,
            serial: 0,
            awaited: Vec::new(),
            replies: Vec::new(),
            watched: None,
        };
        connection.hello = Some(connection.call_bus("Hello", "", Writer::with_capacity(0))?);
        Ok(connection)
    }

    /// Begins another operation, to be over at `deadline`; replies to earlier ones are of no interest any more.
    ///
    /// Answers whether the connection can still be used.
    pub(super) fn resume(&mut self, deadline: Instant) -> bool {
        self.transport.deadline = deadline;
        self.outgoing.clear();
        self.awaited.clear();
        self.replies.clear();
        self.watched = None;
        self.hello.is_none() && !self.transport.is_closed()
    }

    /// Queues `call` and answers with its serial.
    pub(super) fn call(&mut self, call: &Call<'_>) -> Result<u32> {
        self.serial = self.serial.checked_add(1).unwrap_or(1);
        self.outgoing.raw(call.to_bytes(self.serial)?.as_bytes());
        self.awaited.push(self.serial);
        Ok(self.serial)
    }

    /// Sends what is queued and waits for the answer to the call with this serial.
    ///
    /// # Errors
    /// What the answer says if it is an error; [`Error::TimedOut`] at the deadline.
    pub(super) fn reply(&mut self, serial: u32) -> Result<Message> {
        self.flush()?;
        self.authenticate()?;
        if let Some(hello) = self.hello.take() {
            self.answer_to(hello)?.body("s")?.string()?;
        }
        self.answer_to(serial)
    }

    /// From now on keeps `signal`, if it comes from the peer with the unique name `sender`.
    ///
    /// Its path came from the service and is checked to hold nothing but letters, digits, `_` and `/`.
    pub(super) fn watch(&mut self, signal: Kind, sender: Option<String>) -> Result<u32> {
        let Kind::Signal { path, interface, member } = &signal else {
            return Err(Error::Protocol("only a signal can be watched"));
        };
        let rule = format!("type='signal',interface='{interface}',member='{member}',path='{path}'");
        let mut body = Writer::with_capacity(rule.len() + 8);
        body.string(&rule);
        self.watched = Some(Watched { signal, sender, arrived: None });
        self.call_bus("AddMatch", "s", body)
    }

    /// Waits for the watched signal.
    pub(super) fn signal(&mut self) -> Result<Message> {
        loop {
            let arrived = self.watched.as_mut().and_then(|watched| watched.arrived.take());
            match arrived {
                Some(signal) => return Ok(signal),
                None => self.receive()?,
            }
        }
    }

    fn call_bus(&mut self, member: &'static str, signature: &'static str, body: Writer) -> Result<u32> {
        self.call(&Call { destination: BUS, path: "/org/freedesktop/DBus", interface: BUS, member, signature, body })
    }

    fn flush(&mut self) -> Result<()> {
        if self.greeting > 0 && self.outgoing.len() > FIRST_WRITE_LIMIT {
            // Rare, so it may cost an exchange: the rest follows when the bus is past the limited stage.
            let greeting = self.greeting;
            self.transport.write(&self.outgoing.as_bytes()[..greeting])?;
            self.authenticate()?;
            self.transport.write(&self.outgoing.as_bytes()[greeting..])?;
        } else {
            self.transport.write(self.outgoing.as_bytes())?;
        }
        self.outgoing.clear();
        Ok(())
    }

    /// Reads the answers to the greeting, unless that is done.
    fn authenticate(&mut self) -> Result<()> {
        for _ in 0..GREETING_LINES {
            if self.greeting == 0 {
                return Ok(());
            }
            let line = self.transport.line()?;
            if line.starts_with(b"OK ") || line == b"OK" {
                self.greeting = 0;
            } else if line.starts_with(b"REJECTED") {
                let message = "the bus does not accept this user".to_owned();
                return Err(Error::Refused { name: "REJECTED".to_owned(), message });
            } else if !line.starts_with(b"DATA") {
                return Err(Error::Protocol("the bus does not answer the authentication"));
            }
        }
        Err(Error::Protocol("the bus does not end the authentication"))
    }

    fn answer_to(&mut self, serial: u32) -> Result<Message> {
        loop {
            let found = self.replies.iter().position(|reply| reply.answers() == Some(serial));
            if let Some(index) = found {
                let reply = self.replies.swap_remove(index);
                return match &reply.kind {
                    Kind::Error(_, name) => Err(Error::from_reply(name, reply.error_text())),
                    _ => Ok(reply),
                };
            }
            self.receive()?;
        }
    }

    fn receive(&mut self) -> Result<()> {
        let message = self.next_message()?;
        match &message.kind {
            Kind::Return(serial) | Kind::Error(serial, _) => {
                if let Some(index) = self.awaited.iter().position(|awaited| awaited == serial) {
                    self.awaited.swap_remove(index);
                    self.replies.push(message);
                }
            }
            Kind::Signal { .. } => {
                if let Some(watched) = &mut self.watched
                    && (&watched.signal, &watched.sender) == (&message.kind, &message.sender)
                {
                    watched.arrived = Some(message);
                }
            }
            Kind::Other => {}
        }
        Ok(())
    }

    fn next_message(&mut self) -> Result<Message> {
        let head = Head::parse(&self.transport.peek()?)?;
        let held: usize = self.replies.iter().map(Message::size).sum();
        if held + head.size > SIZE_LIMIT {
            return Err(Error::Protocol("unread answers are above the limit of 16 MiB"));
        }
        let mut bytes = Zeroizing::new(vec![0; head.size]);
        self.transport.read(&mut bytes)?;
        Message::parse(&head, bytes)
    }
}
