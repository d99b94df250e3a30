//! JSON documents, read strictly.
//!
//! Everything a server says in JSON — key sets, token headers, claims — passes here first. Two readers of one
//! document must never see different things in it, so whatever RFC 8259 leaves to the reader is refused: duplicate
//! member names, a byte order mark, lone surrogates, NUL in any spelling, unbounded nesting. What the members mean is
//! left to the callers.

use std::cell::Cell;
use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::error::Category;
use serde_json::{Map, Value};

/// How deep objects and arrays may nest; the deepest document of any specification here needs fewer than ten.
const MAX_DEPTH: usize = 64;

/// Why a document is not strict JSON, and where; never what it contains.
///
/// # Specification
/// RFC 8259; RFC 7493 (I-JSON) §2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{fault} at line {line}, column {column}")]
pub struct JsonError {
    /// What is wrong.
    pub fault: Fault,
    /// The line, counted from 1.
    pub line: usize,
    /// The column in bytes, about where reading stopped.
    pub column: usize,
}

/// What is wrong with a document that is not strict JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// Some bytes are not UTF-8; UTF-16 ends here as well.
    #[error("not UTF-8")]
    Encoding,
    /// The document begins with U+FEFF.
    #[error("a byte order mark")]
    ByteOrderMark,
    /// A NUL, as a byte or escaped; programs written in C would read the text differently.
    #[error("a NUL character")]
    Nul,
    /// An object names a member twice.
    #[error("a duplicate member name")]
    DuplicateMember,
    /// Objects and arrays nest deeper than 64 levels.
    #[error("nesting deeper than {MAX_DEPTH} levels")]
    Depth,
    /// The document ends too early.
    #[error("an unexpected end")]
    End,
    /// The document does not follow the grammar, has a lone surrogate, a number out of range, or text after its end.
    #[error("not JSON")]
    Syntax,
    /// The document is JSON, but not an object.
    #[error("not a JSON object")]
    NotAnObject,
}

/// The value of a strict JSON document.
///
/// # Errors
/// The first fault found, with its place and without any content of the document.
pub fn parse(bytes: &[u8]) -> Result<Value, JsonError> {
    let text = std::str::from_utf8(bytes).map_err(|at| JsonError::at(Fault::Encoding, bytes, at.valid_up_to()))?;
    if text.starts_with('\u{feff}') {
        return Err(JsonError::at(Fault::ByteOrderMark, bytes, 0));
    }
    if let Some(offset) = bytes.iter().position(|byte| *byte == 0) {
        return Err(JsonError::at(Fault::Nul, bytes, offset));
    }

    let fault = Cell::new(None);
    let mut reader = serde_json::Deserializer::from_str(text);
    let strict = Strict { depth: 0, fault: &fault };
    strict.deserialize(&mut reader).and_then(|value| reader.end().map(|()| value)).map_err(|error| {
        let of_category = if error.classify() == Category::Eof { Fault::End } else { Fault::Syntax };
        JsonError { fault: fault.get().unwrap_or(of_category), line: error.line(), column: error.column() }
    })
}

/// The members of a strict JSON document that is an object, in their order.
///
/// # Errors
/// As [`parse`], and [`Fault::NotAnObject`] for any other value.
pub fn parse_object(bytes: &[u8]) -> Result<Map<String, Value>, JsonError> {
    match parse(bytes)? {
        Value::Object(members) => Ok(members),
        _ => Err(JsonError { fault: Fault::NotAnObject, line: 1, column: 1 }),
    }
}

impl JsonError {
    fn at(fault: Fault, bytes: &[u8], offset: usize) -> Self {
        let before = &bytes[..offset];
        let line_start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;

        Self { fault, line, column: offset - line_start + 1 }
    }
}

/// Builds a value and remembers which rule stopped it, because serde's errors carry text only.
#[derive(Clone, Copy)]
struct Strict<'a> {
    depth: usize,
    fault: &'a Cell<Option<Fault>>,
}

impl<'a> Strict<'a> {
    fn refuse<E: de::Error>(&self, fault: Fault) -> E {
        self.fault.set(Some(fault));
        E::custom(fault)
    }

    fn deeper<E: de::Error>(self) -> Result<Strict<'a>, E> {
        if self.depth == MAX_DEPTH {
            return Err(self.refuse(Fault::Depth));
        }
        Ok(Strict { depth: self.depth + 1, ..self })
    }

    fn text<E: de::Error>(&self, text: String) -> Result<String, E> {
        if text.contains('\0') { Err(self.refuse(Fault::Nul)) } else { Ok(text) }
    }
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Value, E> {
        self.visit_string(value.to_owned())
    }

    fn visit_string<E: de::Error>(self, value: String) -> Result<Value, E> {
        self.text(value).map(Value::String)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut elements = Vec::new();
        while let Some(element) = sequence.next_element_seed(inner)? {
            elements.push(element);
        }
        Ok(Value::Array(elements))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut members = Map::new();
        while let Some(name) = entries.next_key::<String>()? {
            let name = self.text(name)?;
            if members.contains_key(&name) {
                return Err(self.refuse(Fault::DuplicateMember));
            }
            members.insert(name, entries.next_value_seed(inner)?);
        }
        Ok(Value::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Fault, JsonError, parse, parse_object};

    fn fault(document: impl AsRef<[u8]>) -> Fault {
        parse(document.as_ref()).unwrap_err().fault
    }

    #[test]
    fn a_plain_document_is_read_in_its_order() {
        let document = br#" {"b": [1, -2, 2.5, true, null], "a": {"x": "\u00e9\ud83d\ude00"}} "#;

        let members = parse_object(document).unwrap();

        assert_eq!(members.keys().collect::<Vec<_>>(), ["b", "a"]);
        assert_eq!(parse(document).unwrap(), json!({"b": [1, -2, 2.5, true, null], "a": {"x": "é😀"}}));
    }

    #[test]
    fn any_value_is_a_document_but_only_an_object_has_members() {
        assert_eq!(parse(b"42").unwrap(), json!(42));
        for document in ["42", "[]", "null", "\"{}\""] {
            assert_eq!(parse_object(document.as_bytes()).unwrap_err().fault, Fault::NotAnObject, "{document}");
        }
    }

    #[test]
    fn a_duplicate_member_is_refused_at_every_depth_and_in_every_spelling() {
        for document in
            [r#"{"a":1,"a":1}"#, r#"[{"x":{"a":1,"b":2,"a":3}}]"#, r#"{"alg":1,"\u0061lg":2}"#, r#"{"":1,"":2}"#]
        {
            assert_eq!(fault(document), Fault::DuplicateMember, "{document}");
        }
    }

    #[test]
    fn names_that_differ_in_case_are_different() {
        assert_eq!(parse(br#"{"a":1,"A":2}"#).unwrap(), json!({"a": 1, "A": 2}));
    }

    #[test]
    fn other_encodings_are_refused() {
        assert_eq!(fault(b"{\"a\":\"\xff\"}"), Fault::Encoding);
        assert_eq!(fault(b"{\"a\":\"\xed\xa0\x80\"}"), Fault::Encoding, "a surrogate in UTF-8");
        assert_eq!(fault(b"{\"a\":\"\xc0\x80\"}"), Fault::Encoding, "an overlong NUL");
        assert_eq!(fault(b"\xff\xfe{\0}\0"), Fault::Encoding, "UTF-16 with a mark");
        assert_eq!(fault(b"{\0}\0"), Fault::Nul, "UTF-16 without a mark");
        assert_eq!(fault(b"\xef\xbb\xbf{}"), Fault::ByteOrderMark);
    }

    #[test]
    fn nul_is_refused_as_a_byte_and_escaped() {
        assert_eq!(fault(b"{\"a\":\"x\0\"}"), Fault::Nul);
        assert_eq!(fault(b"{}\0"), Fault::Nul);
        assert_eq!(fault(r#"{"a":"x\u0000"}"#), Fault::Nul);
        assert_eq!(fault(r#"{"a\u0000":1}"#), Fault::Nul);
    }

    #[test]
    fn lone_surrogates_are_refused() {
        for text in [r"\ud800", r"\udc00", r"\ud800x", r"\ud800\u0041", r"\udc00\ud800"] {
            assert_eq!(fault(format!("\"{text}\"")), Fault::Syntax, "{text}");
            assert_eq!(fault(format!("{{\"{text}\":1}}")), Fault::Syntax, "{text}");
        }
    }

    #[test]
    fn nesting_is_read_up_to_the_limit_and_refused_beyond() {
        let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));

        assert!(parse(nested(64).as_bytes()).is_ok());
        assert_eq!(fault(nested(65)), Fault::Depth);
        assert_eq!(fault("[".repeat(1_000_000)), Fault::Depth);
        assert_eq!(fault("{\"a\":".repeat(1_000_000)), Fault::Depth);
    }

    #[test]
    fn what_is_not_the_grammar_is_refused() {
        for document in [
            "{} x",
            "{}{}",
            "{\"a\":1,}",
            "[1,]",
            "{a:1}",
            "{'a':1}",
            "NaN",
            "Infinity",
            "1e999",
            "-1e999",
            "01",
            "+1",
            ".5",
            "1.",
            "0x10",
            "// c\n{}",
            "\"\t\"",
            "\"\\x41\"",
            "nul",
            "\u{a0}{}",
            "<html>",
        ] {
            let found = fault(document);
            assert!(matches!(found, Fault::Syntax | Fault::End), "{document}: {found}");
        }
    }

    #[test]
    fn a_truncated_document_is_told_from_a_wrong_one() {
        let document = r#"{"a":[1,"x",{"b":null}]}"#;
        for end in 0..document.len() {
            assert_eq!(fault(&document[..end]), Fault::End, "{end}");
        }
    }

    #[test]
    fn an_error_tells_the_place_and_nothing_of_the_content() {
        let error = parse(b"{\n  \"hunter2\": hunter2}").unwrap_err();
        assert_eq!(error.to_string(), "not JSON at line 2, column 14");

        let error = parse(b"{\n\n  \"hunter2\": \"\xff\"}").unwrap_err();
        assert_eq!(error, JsonError { fault: Fault::Encoding, line: 3, column: 15 });

        let error = parse(b"{\"hunter2\":1,\n\"hunter2\":2}").unwrap_err();
        assert_eq!(error.to_string(), "a duplicate member name at line 2, column 9");
    }
}
