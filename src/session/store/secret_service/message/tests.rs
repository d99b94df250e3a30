//! Messages in both byte orders, whole and damaged.

use super::super::testing::Reply;
use super::super::wire::tests::Numbers;
use super::*;

/// An answer to call 2 with the text `ä`, in big-endian, put together by hand from the specification's tables.
const BIG: &[u8] = b"B\x02\x01\x01\0\0\0\x07\0\0\0\x05\0\0\0\x0f\
    \x05\x01u\0\0\0\0\x02\x08\x01g\0\x01s\0\0\
    \0\0\0\x02\xc3\xa4\0";

fn parsed(bytes: &[u8]) -> Result<Message> {
    let head = Head::parse(bytes[..HEAD_SIZE].try_into().expect("sixteen bytes"))?;
    let mut whole = bytes.to_vec();
    whole.resize(head.size, 0);
    Message::parse(&head, Zeroizing::new(whole))
}

fn with(at: usize, byte: u8) -> Vec<u8> {
    let mut bytes = BIG.to_vec();
    bytes[at] = byte;
    bytes
}

#[test]
fn a_big_endian_answer_is_understood() {
    let message = parsed(BIG).unwrap();

    assert_eq!((&message.kind, message.size()), (&Kind::Return(2), BIG.len()));
    assert_eq!(message.body("s").unwrap().string().unwrap(), "ä");
    assert!(matches!(message.body("o"), Err(Error::Protocol(_))));
}

#[test]
fn a_little_endian_error_is_understood() {
    let message = parsed(&Reply::error("com.example.No").to_bytes(7)).unwrap();

    assert_eq!(message.kind, Kind::Error(7, "com.example.No".to_owned()));
    assert_eq!(message.error_text(), "no");
    assert_eq!(message.sender.as_deref(), Some(":1.1"));
}

#[test]
fn a_call_is_laid_out_as_the_specification_says() {
    let mut body = Writer::with_capacity(0);
    body.string("default");
    let call = Call { destination: "a.b", path: "/p", interface: "i.j", member: "M", signature: "s", body };

    let message = call.to_bytes(9).unwrap();

    let expected = b"l\x01\0\x01\x0c\0\0\0\x09\0\0\0\x47\0\0\0\
        \x01\x01o\0\x02\0\0\0/p\0\0\0\0\0\0\
        \x02\x01s\0\x03\0\0\0i.j\0\0\0\0\0\
        \x03\x01s\0\x01\0\0\0M\0\0\0\0\0\0\0\
        \x06\x01s\0\x03\0\0\0a.b\0\0\0\0\0\
        \x08\x01g\0\x01s\0\0\
        \x07\0\0\0default\0";
    assert_eq!(message.as_bytes(), expected);
}

#[test]
fn a_header_that_breaks_a_rule_is_refused() {
    for (what, bytes) in [
        ("byte order", with(0, b'x')),
        ("type 0", with(1, 0)),
        ("version", with(3, 2)),
        ("serial 0", with(11, 0)),
        ("a size above the limit", with(4, 1)),
        ("fields above the limit", with(12, 0x7f)),
        ("fields that end within one", with(15, 5)),
        ("a field of another type", with(18, b'i')),
        ("a field without a code", with(16, 0)),
        ("an answer to nothing", with(16, 9)),
        ("the same field twice", with(24, 5)),
        ("padding between header and body", with(31, 1)),
    ] {
        assert!(matches!(parsed(&bytes), Err(Error::Protocol(_))), "{what}");
    }
}

#[test]
fn fields_of_later_specifications_are_passed_over() {
    let message = parsed(&with(24, 200)).map(|message| message.kind);

    // Without its signature the message has values of no type.
    assert!(matches!(message, Err(Error::Protocol("a message has values without types"))));
}

#[test]
fn damaged_messages_end_in_an_error_or_a_value_but_never_in_a_panic() {
    let whole = [
        BIG.to_vec(),
        Reply::secret(b"secret").to_bytes(1),
        Reply::new("aoao").paths(&["/a", "/b"]).paths(&["/c"]).to_bytes(2),
        Reply::completed("/p", ":1.1", false, &["/a"]).to_bytes(3),
        Reply::property("a{ss}", |value| value.text_map(&[("a", "b")])).to_bytes(4),
    ];
    let mut numbers = Numbers(0xD1CE);
    for round in 0..20_000 {
        let mut bytes = whole[round % whole.len()].clone();
        for _ in 0..=numbers.below(3) {
            let at = numbers.below(bytes.len());
            bytes[at] = if numbers.below(2) == 0 { numbers.next().to_le_bytes()[0] } else { bytes[at] ^ 1 };
        }
        // A larger one takes only time here.
        if Head::parse(bytes[..HEAD_SIZE].try_into().expect("sixteen bytes")).is_ok_and(|head| head.size > 1 << 16) {
            continue;
        }
        let Ok(message) = parsed(&bytes) else { continue };
        let _ = message.error_text();
        for signature in ["s", "(oayays)", "aoao", "bv", "v"] {
            let Ok(mut body) = message.body(signature) else { continue };
            let _ = body.skip(&format!("({signature})"));
        }
    }
}
