//! D-Bus values to bytes and back.
//!
//! [`Writer`] builds what we send, always little-endian; [`Reader`] takes apart what came, in either byte order, and
//! treats every length, padding byte, text and path as hostile: it answers with [`Error::Protocol`], never with a panic
//! and never with more memory than the message itself has. What the values mean is left to the messages.
//!
//! # Specification
//! D-Bus specification, "Type System" and "Marshaling (Wire Format)".

use std::str;

use zeroize::{Zeroize, Zeroizing};

use super::error::{Error, Result};

/// Order of the bytes within a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// Least significant byte first, `l`.
    Little,
    /// Most significant byte first, `B`.
    Big,
}

impl Order {
    /// A number of 32 bits in this order.
    pub(super) fn u32(self, bytes: [u8; 4]) -> u32 {
        match self {
            Self::Little => u32::from_le_bytes(bytes),
            Self::Big => u32::from_be_bytes(bytes),
        }
    }
}

/// Values in the making. Its memory is wiped when it is dropped, and when it has to move to a larger place.
pub(super) struct Writer {
    bytes: Zeroizing<Vec<u8>>,
    is_valid: bool,
}

impl Writer {
    /// Room for `capacity` bytes without moving.
    pub(super) fn with_capacity(capacity: usize) -> Self {
        Self { bytes: Zeroizing::new(Vec::with_capacity(capacity)), is_valid: true }
    }

    /// What was written so far.
    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether every text can be sent: one that holds a zero character cannot, and would end the connection.
    pub(super) fn is_valid(&self) -> bool {
        self.is_valid
    }

    /// Number of bytes written so far.
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Wipes what was written.
    pub(super) fn clear(&mut self) {
        self.bytes.zeroize();
    }

    /// Bytes as they are, without a length.
    pub(super) fn raw(&mut self, bytes: &[u8]) {
        let needed = self.bytes.len() + bytes.len();
        if needed > self.bytes.capacity() {
            let mut larger = Zeroizing::new(Vec::with_capacity(needed.max(2 * self.bytes.capacity())));
            larger.extend_from_slice(&self.bytes);
            self.bytes = larger;
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// Zero bytes up to the next multiple of `alignment`.
    pub(super) fn align(&mut self, alignment: usize) {
        const ZEROES: [u8; 8] = [0; 8];
        self.raw(&ZEROES[..self.bytes.len().next_multiple_of(alignment) - self.bytes.len()]);
    }

    /// `y`.
    pub(super) fn byte(&mut self, value: u8) {
        self.raw(&[value]);
    }

    /// `u`.
    pub(super) fn u32(&mut self, value: u32) {
        self.align(4);
        self.raw(&value.to_le_bytes());
    }

    /// `b`.
    pub(super) fn boolean(&mut self, value: bool) {
        self.u32(value.into());
    }

    /// `s` or `o`.
    pub(super) fn string(&mut self, value: &str) {
        self.is_valid &= !value.contains('\0');
        self.length(value.len());
        self.raw(value.as_bytes());
        self.byte(0);
    }

    /// `g`. Ours are constants of a few characters.
    pub(super) fn signature(&mut self, value: &str) {
        self.byte(u8::try_from(value.len()).expect("our signatures are short"));
        self.raw(value.as_bytes());
        self.byte(0);
    }

    /// `ay`.
    pub(super) fn bytes(&mut self, value: &[u8]) {
        self.length(value.len());
        self.raw(value);
    }

    /// An array whose elements `fill` writes; `alignment` is that of the element type.
    pub(super) fn array(&mut self, alignment: usize, fill: impl FnOnce(&mut Self)) {
        self.u32(0);
        let length_at = self.bytes.len() - 4;
        self.align(alignment);
        let start = self.bytes.len();
        fill(self);
        let length = saturated(self.bytes.len() - start);
        self.bytes[length_at..length_at + 4].copy_from_slice(&length.to_le_bytes());
    }

    /// `a{ss}`.
    pub(super) fn text_map(&mut self, entries: &[(&str, &str)]) {
        self.array(8, |array| {
            for (key, value) in entries {
                array.align(8);
                array.string(key);
                array.string(value);
            }
        });
    }

    fn length(&mut self, length: usize) {
        self.u32(saturated(length));
    }
}

/// A length on the wire. One that does not fit makes a message far above the limit, which is never sent.
fn saturated(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

/// A position within received values.
#[derive(Clone)]
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    order: Order,
}

impl<'a> Reader<'a> {
    /// Reads `bytes`, whose first byte lies on a multiple of eight.
    pub(super) fn new(bytes: &'a [u8], order: Order) -> Self {
        Self { bytes, at: 0, order }
    }

    /// How many bytes were read.
    #[cfg(test)]
    pub(super) fn position(&self) -> usize {
        self.at
    }

    /// Whether everything was read.
    pub(super) fn is_empty(&self) -> bool {
        self.at == self.bytes.len()
    }

    /// Refuses what is left over.
    pub(super) fn end(&self) -> Result<()> {
        if self.is_empty() { Ok(()) } else { Err(Error::Protocol("a message is longer than its values")) }
    }

    /// Passes over padding, which has to be zero.
    pub(super) fn align(&mut self, alignment: usize) -> Result<()> {
        let padding = self.take(self.at.next_multiple_of(alignment) - self.at)?;
        if padding.iter().all(|&byte| byte == 0) { Ok(()) } else { Err(Error::Protocol("padding is not zero")) }
    }

    /// `y`.
    pub(super) fn byte(&mut self) -> Result<u8> {
        Ok(self.take(1)?[0])
    }

    /// `u`.
    pub(super) fn u32(&mut self) -> Result<u32> {
        let order = self.order;
        Ok(order.u32(self.number()?))
    }

    /// `t`.
    pub(super) fn u64(&mut self) -> Result<u64> {
        let bytes = self.number()?;
        Ok(match self.order {
            Order::Little => u64::from_le_bytes(bytes),
            Order::Big => u64::from_be_bytes(bytes),
        })
    }

    /// `b`.
    pub(super) fn boolean(&mut self) -> Result<bool> {
        match self.u32()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Error::Protocol("a boolean is neither 0 nor 1")),
        }
    }

    /// `s`.
    pub(super) fn string(&mut self) -> Result<&'a str> {
        let length = self.length()?;
        self.text(length)
    }

    /// `o`.
    pub(super) fn object_path(&mut self) -> Result<&'a str> {
        let path = self.string()?;
        if is_object_path(path) { Ok(path) } else { Err(Error::Protocol("an object path is malformed")) }
    }

    /// `g`.
    pub(super) fn signature(&mut self) -> Result<&'a str> {
        let length = self.byte()?;
        self.text(length.into())
    }

    /// `ay`.
    pub(super) fn bytes(&mut self) -> Result<&'a [u8]> {
        let length = self.length()?;
        self.take(length)
    }

    /// A reader of an array's elements, which have to be aligned by `alignment`; this one goes on behind them.
    pub(super) fn array(&mut self, alignment: usize) -> Result<Self> {
        let length = self.length()?;
        self.align(alignment)?;
        let start = self.at;
        self.take(length)?;
        Ok(Self { bytes: &self.bytes[..self.at], at: start, order: self.order })
    }

    /// `ao`.
    pub(super) fn object_paths(&mut self) -> Result<Vec<String>> {
        let mut elements = self.array(4)?;
        let mut paths = Vec::new();
        while !elements.is_empty() {
            paths.push(elements.object_path()?.to_owned());
        }
        Ok(paths)
    }

    /// `a{ss}`.
    pub(super) fn text_map(&mut self) -> Result<Vec<(String, String)>> {
        let mut elements = self.array(8)?;
        let mut entries = Vec::new();
        while !elements.is_empty() {
            elements.align(8)?;
            entries.push((elements.string()?.to_owned(), elements.string()?.to_owned()));
        }
        Ok(entries)
    }

    /// The head of a `v` whose value is of the type `expected`; the value follows.
    pub(super) fn variant(&mut self, expected: &str) -> Result<()> {
        if self.signature()? == expected { Ok(()) } else { Err(Error::Protocol("a value is not of its type")) }
    }

    /// The bytes of a number, aligned by their count.
    pub(super) fn number<const SIZE: usize>(&mut self) -> Result<[u8; SIZE]> {
        self.align(SIZE)?;
        let mut number = [0; SIZE];
        number.copy_from_slice(self.take(SIZE)?);
        Ok(number)
    }

    fn length(&mut self) -> Result<usize> {
        usize::try_from(self.u32()?).map_err(|_| TRUNCATED)
    }

    fn text(&mut self, length: usize) -> Result<&'a str> {
        let text = self.take(length)?;
        if self.byte()? != 0 || text.contains(&0) {
            return Err(Error::Protocol("a text is not ended by its only zero"));
        }
        str::from_utf8(text).map_err(|_| Error::Protocol("a text is not UTF-8"))
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8]> {
        let end = self.at.checked_add(length).filter(|&end| end <= self.bytes.len()).ok_or(TRUNCATED)?;
        let taken = &self.bytes[self.at..end];
        self.at = end;
        Ok(taken)
    }
}

const TRUNCATED: Error = Error::Protocol("a message is shorter than its values");

/// Whether `path` may name an object.
///
/// # Specification
/// D-Bus specification, "Valid Object Paths".
fn is_object_path(path: &str) -> bool {
    let named =
        |element: &str| !element.is_empty() && element.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    path == "/" || path.strip_prefix('/').is_some_and(|rest| rest.split('/').all(named))
}

#[cfg(test)]
pub(super) mod tests;
