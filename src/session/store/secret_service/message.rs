//! One D-Bus message: the calls we make and whatever arrives.
//!
//! A [`Call`] becomes bytes; a [`Head`] tells from the first sixteen bytes how long an incoming message is, so that its
//! size can be refused before there is room for it; a [`Message`] is the whole of it, its header checked and its body
//! still to be read by whoever knows its type.
//!
//! # Specification
//! D-Bus specification, "Message Protocol".

use zeroize::Zeroizing;

use super::error::{Error, Result};
use super::wire::{Order, Reader, Writer};

/// Largest message sent or accepted, in bytes. The specification allows 128 MiB; a session takes some kilobytes.
pub(super) const SIZE_LIMIT: usize = 16 << 20;

/// The part of a message which tells its length.
pub(super) const HEAD_SIZE: usize = 16;

const FIELD_PATH: u8 = 1;
const FIELD_INTERFACE: u8 = 2;
const FIELD_MEMBER: u8 = 3;
const FIELD_ERROR_NAME: u8 = 4;
const FIELD_REPLY_SERIAL: u8 = 5;
const FIELD_DESTINATION: u8 = 6;
const FIELD_SENDER: u8 = 7;
const FIELD_SIGNATURE: u8 = 8;

const METHOD_CALL: u8 = 1;
const METHOD_RETURN: u8 = 2;
const ERROR: u8 = 3;
const SIGNAL: u8 = 4;

/// A method call about to be sent.
pub(super) struct Call<'a> {
    /// Bus name of who answers.
    pub destination: &'static str,
    /// The object.
    pub path: &'a str,
    /// The interface which has the method.
    pub interface: &'static str,
    /// The method.
    pub member: &'static str,
    /// Types of the arguments; empty if there are none.
    pub signature: &'static str,
    /// The arguments.
    pub body: Writer,
}

impl Call<'_> {
    /// The message's bytes, with `serial` as its number.
    ///
    /// # Errors
    /// [`Error::Protocol`] when the message would be above [`SIZE_LIMIT`] or a text in it cannot be sent.
    pub(super) fn to_bytes(&self, serial: u32) -> Result<Writer> {
        const TOO_LARGE: Error = Error::Protocol("the message to send is above the limit of 16 MiB");
        if !self.body.is_valid() {
            return Err(Error::Protocol("a text to send holds a zero character"));
        }
        let names = self.destination.len() + self.path.len() + self.interface.len() + self.member.len();
        let body_size = u32::try_from(self.body.len()).map_err(|_| TOO_LARGE)?;
        let mut message = Writer::with_capacity(128 + names + self.body.len());
        message.raw(&[b'l', METHOD_CALL, 0, 1]);
        message.u32(body_size);
        message.u32(serial);
        message.array(8, |fields| {
            text_field(fields, FIELD_PATH, "o", self.path);
            text_field(fields, FIELD_INTERFACE, "s", self.interface);
            text_field(fields, FIELD_MEMBER, "s", self.member);
            text_field(fields, FIELD_DESTINATION, "s", self.destination);
            if !self.signature.is_empty() {
                field(fields, FIELD_SIGNATURE, "g");
                fields.signature(self.signature);
            }
        });
        message.align(8);
        message.raw(self.body.as_bytes());
        if message.len() <= SIZE_LIMIT { Ok(message) } else { Err(TOO_LARGE) }
    }
}

fn text_field(fields: &mut Writer, code: u8, signature: &str, value: &str) {
    field(fields, code, signature);
    fields.string(value);
}

fn field(fields: &mut Writer, code: u8, signature: &str) {
    fields.align(8);
    fields.byte(code);
    fields.signature(signature);
}

/// What the first [`HEAD_SIZE`] bytes say.
pub(super) struct Head {
    order: Order,
    kind: u8,
    body: usize,
    /// Length of the whole message, in bytes.
    pub size: usize,
}

impl Head {
    /// Checks the fixed part of a header.
    pub(super) fn parse(head: &[u8; HEAD_SIZE]) -> Result<Self> {
        let number = |at: usize, order: Order| order.u32([head[at], head[at + 1], head[at + 2], head[at + 3]]);
        let order = match head[0] {
            b'l' => Order::Little,
            b'B' => Order::Big,
            _ => return Err(Error::Protocol("a message has no byte order")),
        };
        if head[3] != 1 {
            return Err(Error::Protocol("a message is of an unknown version"));
        }
        if head[1] == 0 || number(8, order) == 0 {
            return Err(Error::Protocol("a message has no type or no serial"));
        }
        // In 64 bits no sum of two lengths overflows.
        let fields = (u64::from(number(12, order)) + HEAD_SIZE as u64).next_multiple_of(8);
        let size = fields + u64::from(number(4, order));
        match (usize::try_from(fields), usize::try_from(size)) {
            (Ok(body), Ok(size)) if size <= SIZE_LIMIT => Ok(Self { order, kind: head[1], body, size }),
            _ => Err(Error::Protocol("a message is above the limit of 16 MiB")),
        }
    }
}

/// What an incoming message is for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The answer to the call with this serial.
    Return(u32),
    /// The refusal of the call with this serial, by the error of this name.
    Error(u32, String),
    /// Something happened to an object.
    Signal {
        /// The object.
        path: String,
        /// The interface which has the signal.
        interface: String,
        /// The signal.
        member: String,
    },
    /// A call of a method of ours, or a type of a later specification: of no use to a client.
    Other,
}

/// An incoming message, wiped when it is dropped.
pub(super) struct Message {
    /// What it is for.
    pub kind: Kind,
    /// Unique name of who sent it; the bus fills it in.
    pub sender: Option<String>,
    signature: String,
    order: Order,
    bytes: Zeroizing<Vec<u8>>,
    body: usize,
}

impl Message {
    /// Checks the header fields of `bytes`, which are the whole message that `head` announced.
    pub(super) fn parse(head: &Head, bytes: Zeroizing<Vec<u8>>) -> Result<Self> {
        let fields = Fields::parse(head, &bytes)?;
        let text = |text: Option<&str>, what| text.map(str::to_owned).ok_or(Error::Protocol(what));
        let reply_to = fields.reply_serial.ok_or(Error::Protocol("a reply does not say to which call"));
        let kind = match head.kind {
            METHOD_RETURN => Kind::Return(reply_to?),
            ERROR => Kind::Error(reply_to?, text(fields.error_name, "an error has no name")?),
            SIGNAL => Kind::Signal {
                path: text(fields.path, "a signal has no path")?,
                interface: text(fields.interface, "a signal has no interface")?,
                member: text(fields.member, "a signal has no name")?,
            },
            _ => Kind::Other,
        };
        let signature = fields.signature.unwrap_or_default().to_owned();
        if signature.is_empty() && head.body != head.size {
            return Err(Error::Protocol("a message has values without types"));
        }
        let sender = fields.sender.map(str::to_owned);
        Ok(Self { kind, sender, signature, order: head.order, bytes, body: head.body })
    }

    /// Length of the whole message, in bytes.
    pub(super) fn size(&self) -> usize {
        self.bytes.len()
    }

    /// The call which this is the answer to.
    pub(super) fn answers(&self) -> Option<u32> {
        match self.kind {
            Kind::Return(serial) | Kind::Error(serial, _) => Some(serial),
            Kind::Signal { .. } | Kind::Other => None,
        }
    }

    /// The body, if it has the types `signature`.
    pub(super) fn body(&self, signature: &str) -> Result<Reader<'_>> {
        if self.signature == signature {
            Ok(Reader::new(&self.bytes[self.body..], self.order))
        } else {
            Err(Error::Protocol("an answer is not of its type"))
        }
    }

    /// The text that goes with an error: its first value, if that is one.
    pub(super) fn error_text(&self) -> &str {
        if !self.signature.starts_with('s') {
            return "";
        }
        Reader::new(&self.bytes[self.body..], self.order).string().unwrap_or_default()
    }
}

/// The variable part of a header, as far as it is used here.
#[derive(Default)]
struct Fields<'a> {
    path: Option<&'a str>,
    interface: Option<&'a str>,
    member: Option<&'a str>,
    error_name: Option<&'a str>,
    reply_serial: Option<u32>,
    sender: Option<&'a str>,
    signature: Option<&'a str>,
}

impl<'a> Fields<'a> {
    fn parse(head: &Head, bytes: &'a [u8]) -> Result<Self> {
        let mut reader = Reader::new(&bytes[..head.body], head.order);
        reader.skip("(yyyyuu)")?;
        let mut array = reader.array(8)?;
        reader.align(8)?;
        let mut fields = Self::default();
        while !array.is_empty() {
            array.align(8)?;
            fields.read_one(&mut array)?;
        }
        Ok(fields)
    }

    fn read_one(&mut self, array: &mut Reader<'a>) -> Result<()> {
        let text = |array: &mut Reader<'a>| {
            array.variant("s")?;
            array.string()
        };
        match array.byte()? {
            FIELD_PATH => {
                array.variant("o")?;
                once(&mut self.path, array.object_path()?)
            }
            FIELD_INTERFACE => once(&mut self.interface, text(array)?),
            FIELD_MEMBER => once(&mut self.member, text(array)?),
            FIELD_ERROR_NAME => once(&mut self.error_name, text(array)?),
            FIELD_REPLY_SERIAL => {
                array.variant("u")?;
                once(&mut self.reply_serial, array.u32()?)
            }
            FIELD_SENDER => once(&mut self.sender, text(array)?),
            FIELD_SIGNATURE => {
                array.variant("g")?;
                once(&mut self.signature, array.signature()?)
            }
            0 => Err(Error::Protocol("a header field has no code")),
            _ => array.skip_variant(),
        }
    }
}

fn once<T>(field: &mut Option<T>, value: T) -> Result<()> {
    match field.replace(value) {
        None => Ok(()),
        Some(_) => Err(Error::Protocol("a header field comes twice")),
    }
}

#[cfg(test)]
mod tests;
