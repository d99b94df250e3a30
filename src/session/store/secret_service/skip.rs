//! Passing over values whose types only the message itself tells.
//!
//! Header fields of later specifications and results nobody needs come as variants: a type, then a value of it. The type
//! is checked before the value, so that neither its depth nor its form leads anywhere.
//!
//! # Specification
//! D-Bus specification, "Type System: Signature Strings", "Valid Signatures".

use super::error::{Error, Result};
use super::wire::Reader;

/// Deepest nesting of containers: 32 arrays and 32 structures, as the specification allows.
const DEPTH_LIMIT: usize = 64;

const TOO_DEEP: Error = Error::Protocol("values are nested too deep");

impl Reader<'_> {
    /// Passes over a `v` of any type.
    pub(super) fn skip_variant(&mut self) -> Result<()> {
        self.skip_variant_within(DEPTH_LIMIT)
    }

    /// Passes over one value of the single complete type that `signature` names.
    pub(super) fn skip(&mut self, signature: &str) -> Result<()> {
        self.skip_single(signature, DEPTH_LIMIT)
    }

    fn skip_variant_within(&mut self, depth: usize) -> Result<()> {
        let signature = self.signature()?;
        self.skip_single(signature, depth)
    }

    fn skip_single(&mut self, signature: &str, depth: usize) -> Result<()> {
        let signature = signature.as_bytes();
        if complete_type(signature, depth)? == signature.len() {
            self.skip_type(signature, depth)
        } else {
            Err(Error::Protocol("a signature is not a single type"))
        }
    }

    /// `kind` is one complete type, checked.
    fn skip_type(&mut self, kind: &[u8], depth: usize) -> Result<()> {
        match kind[0] {
            b'y' => self.byte().map(drop),
            b'b' => self.boolean().map(drop),
            b'n' | b'q' => self.number::<2>().map(drop),
            b'i' | b'u' | b'h' => self.number::<4>().map(drop),
            b'x' | b't' | b'd' => self.number::<8>().map(drop),
            b's' => self.string().map(drop),
            b'o' => self.object_path().map(drop),
            b'g' => self.signature().map(drop),
            b'v' => self.skip_variant_within(depth.checked_sub(1).ok_or(TOO_DEEP)?),
            b'a' => {
                let element = &kind[1..];
                let mut elements = self.array(alignment(element[0]))?;
                while !elements.is_empty() {
                    elements.skip_type(element, depth.checked_sub(1).ok_or(TOO_DEEP)?)?;
                }
                Ok(())
            }
            _ => {
                self.align(8)?;
                let mut members = &kind[1..kind.len() - 1];
                while !members.is_empty() {
                    let length = complete_type(members, depth)?;
                    self.skip_type(&members[..length], depth.checked_sub(1).ok_or(TOO_DEEP)?)?;
                    members = &members[length..];
                }
                Ok(())
            }
        }
    }
}

/// Length of the first complete type in `signature`.
fn complete_type(signature: &[u8], depth: usize) -> Result<usize> {
    const MALFORMED: Error = Error::Protocol("a signature is malformed");
    let depth = depth.checked_sub(1).ok_or(TOO_DEEP)?;
    match signature {
        [b'y' | b'b' | b'n' | b'q' | b'i' | b'u' | b'x' | b't' | b'd' | b's' | b'o' | b'g' | b'v' | b'h', ..] => Ok(1),
        [b'a', b'{', key, rest @ ..] => {
            if complete_type(&[*key], depth)? != 1 || *key == b'v' {
                return Err(MALFORMED);
            }
            let value = complete_type(rest, depth)?;
            if rest.get(value) == Some(&b'}') { Ok(value + 4) } else { Err(MALFORMED) }
        }
        [b'a', element @ ..] => Ok(1 + complete_type(element, depth)?),
        // An empty structure would take no room, and an array of them no end.
        [b'(', members @ ..] if members.first() != Some(&b')') => {
            let mut length = 0;
            while members.get(length) != Some(&b')') {
                length += complete_type(members.get(length..).unwrap_or_default(), depth)?;
            }
            Ok(length + 2)
        }
        _ => Err(MALFORMED),
    }
}

fn alignment(kind: u8) -> usize {
    match kind {
        b'y' | b'g' | b'v' => 1,
        b'n' | b'q' => 2,
        b'x' | b't' | b'd' | b'(' | b'{' => 8,
        _ => 4,
    }
}
