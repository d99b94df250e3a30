//! Values by the specification's examples, and against bytes that are none.

use super::*;

/// A reproducible stream of numbers (xorshift64*), so that a failure can be seen again.
pub(in super::super) struct Numbers(pub u64);

impl Numbers {
    pub(in super::super) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    pub(in super::super) fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit as u64).expect("below a usize")
    }
}

fn little(bytes: &[u8]) -> Reader<'_> {
    Reader::new(bytes, Order::Little)
}

fn refuses<T>(result: Result<T>) -> bool {
    matches!(result, Err(Error::Protocol(_)))
}

/// D-Bus specification, "Marshaling (Wire Format)": the strings `foo`, `+` and `bar` in little-endian.
const THREE_STRINGS: &[u8] = b"\x03\0\0\0foo\0\x01\0\0\0+\0\0\0\x03\0\0\0bar\0";

#[test]
fn strings_are_written_and_read_as_in_the_specification() {
    let mut writer = Writer::with_capacity(0);
    ["foo", "+", "bar"].iter().for_each(|text| writer.string(text));
    assert_eq!(writer.as_bytes(), THREE_STRINGS);

    let mut reader = little(THREE_STRINGS);
    assert_eq!([(); 3].map(|()| reader.string().unwrap()), ["foo", "+", "bar"]);
    assert!(reader.end().is_ok());
}

#[test]
fn an_array_of_64_bit_numbers_is_padded_as_in_the_specification() {
    // "Marshaling (Wire Format)": an array with the single number 5, in big-endian.
    let bytes = b"\0\0\0\x08\0\0\0\0\0\0\0\0\0\0\0\x05";

    let mut elements = Reader::new(bytes, Order::Big).array(8).unwrap();

    assert_eq!(elements.u64().unwrap(), 5);
    assert!(elements.is_empty());
}

#[test]
fn an_empty_array_still_has_its_padding() {
    let mut writer = Writer::with_capacity(0);
    writer.array(8, |_| {});
    writer.byte(7);

    assert_eq!(writer.as_bytes(), b"\0\0\0\0\0\0\0\0\x07");
}

#[test]
fn maps_come_back_as_they_were_written() {
    let mut writer = Writer::with_capacity(0);
    writer.text_map(&[("a", "ä"), ("key", "")]);

    let read = little(writer.as_bytes()).text_map().unwrap();

    assert_eq!(read, [("a".to_owned(), "ä".to_owned()), ("key".to_owned(), String::new())]);
}

#[test]
fn every_type_can_be_passed_over() {
    let mut writer = Writer::with_capacity(0);
    writer.array(8, |properties| {
        properties.align(8);
        properties.string("name");
        properties.signature("(bsu)");
        properties.align(8);
        properties.boolean(true);
        properties.string("x");
        properties.u32(1);
    });
    writer.byte(9);

    let mut reader = little(writer.as_bytes());

    reader.skip("a{sv}").unwrap();
    assert_eq!(reader.byte().unwrap(), 9);
}

#[test]
fn malformed_values_are_refused() {
    assert!(refuses(little(b"\x02\0\0\0").boolean()));
    assert!(refuses(little(b"\x03\0\0\0foo").string()), "no end");
    assert!(refuses(little(b"\x03\0\0\0fooo").string()), "not zero");
    assert!(refuses(little(b"\x03\0\0\0f\0o\0").string()), "zero inside");
    assert!(refuses(little(b"\x01\0\0\0\xff\0").string()), "not UTF-8");
    assert!(refuses(little(b"\xff\xff\xff\xffabc").string()), "longer than the message");
    assert!(refuses(little(b"\xff\xff\xff\xff").bytes()));
    assert!(refuses(little(b"\x04\0\0\0").array(4)));
    let mut reader = little(b"\x01\x01\0\0\0\0\0\0");
    reader.byte().unwrap();
    assert!(refuses(reader.u32()), "padding");
    assert!(refuses(little(THREE_STRINGS).end()));
}

#[test]
fn malformed_signatures_are_refused() {
    for signature in ["", "ss", "a", "(", "()", "a()", "(s", "{ss}", "a{s}", "a{vs}", "a{(s)s}", "z", ")", "a{ss", "r"]
    {
        assert!(refuses(little(&[0; 64]).skip(signature)), "`{signature}`");
    }
}

#[test]
fn nesting_has_an_end() {
    let signature = "a".repeat(200) + "y";
    assert!(refuses(little(&[0; 8]).skip(&signature)));

    // A variant in a variant, and so on.
    let nested = b"\x01v\0".repeat(1000);
    assert!(refuses(little(&nested).skip_variant()));
}

#[test]
fn object_paths_are_checked() {
    for path in ["/", "/a", "/org/freedesktop/secrets/collection/login/7", "/_1"] {
        assert!(is_object_path(path), "{path}");
    }
    for path in ["", "a", "/a/", "//", "/a//b", "/a'b", "/ä", "/a-b"] {
        assert!(!is_object_path(path), "{path}");
    }
}

#[test]
fn arbitrary_bytes_end_in_an_error_or_a_value_but_never_in_a_panic() {
    const SIGNATURES: [&str; 9] =
        ["a{sv}", "(oayays)", "aoao", "v", "a(yv)", "a{s(ab)}", "aaaas", "(nqiuxtdsogv)", "a{ya{ss}}"];
    let mut numbers = Numbers(0x5EED);
    for round in 0..20_000 {
        let length = numbers.below(96);
        // Small values are likely lengths and types; wholly random ones are refused at once.
        let likely = b"\0\0\0\0\0\x01\x02\x04\x08\x10asvoy({)}/l";
        let bytes: Vec<u8> = (0..length)
            .map(|_| if numbers.below(8) == 0 { numbers.next() as u8 } else { likely[numbers.below(likely.len())] })
            .collect();
        let order = if round % 2 == 0 { Order::Little } else { Order::Big };

        let mut reader = Reader::new(&bytes, order);
        if reader.skip(SIGNATURES[numbers.below(SIGNATURES.len())]).is_ok() {
            assert!(reader.position() <= bytes.len());
        }
    }
}

#[test]
fn a_writer_that_has_to_move_keeps_what_it_holds() {
    let mut writer = Writer::with_capacity(1);
    (0..100_u8).for_each(|byte| writer.byte(byte));

    assert_eq!(writer.as_bytes(), (0..100).collect::<Vec<u8>>());
}
