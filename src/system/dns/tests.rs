use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UdpSocket};

use super::message::{Answer, Query, name};
use super::servers::{Adapter, of_adapters};
use super::{Error, Resolver};

const NAME: &str = "_atproto.alice.test";

/// Its question for TXT (16) in class IN (1): a length before each label (RFC 1035 §3.1).
const QUESTION: &str = "085f617470726f746f 05616c696365 0474657374 00 0010 0001";

/// The name of the question, which begins at byte 12, as a pointer (RFC 1035 §4.1.4).
const TXT: &str = "c00c 0010 0001 00000e10";

/// A response without an error, recursion desired and available (RFC 1035 §4.1.1).
const GOOD: &str = "8180";

const NO_SUCH_NAME: &str = "8183";
const SERVFAIL: &str = "8182";
const REFUSED: &str = "8185";
const FORMERR: &str = "8181";
const TRUNCATED: &str = "8380";

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

/// A message about `QUESTION` with these records as its answer; its number is 0.
fn message(flags: &str, records: &[&str]) -> Vec<u8> {
    hex(&format!("0000 {flags} 0001 {:04x} 0000 0000 {QUESTION} {}", records.len(), records.concat()))
}

/// What `message` says to who asked for `NAME` with the number 0.
fn said(message: &[u8]) -> Option<Answer> {
    Query { id: 0, name: &name(NAME).unwrap() }.answer(message)
}

fn texts(texts: &[&str]) -> Option<Answer> {
    Some(Answer::Texts(texts.iter().map(|&text| text.to_owned()).collect()))
}

fn useless(reason: &str) -> Option<Answer> {
    Some(Answer::Useless(reason.to_owned()))
}

// ---------------------------------------------------------------- messages

#[test]
fn a_question_is_laid_out_as_the_specifications_say() {
    let name = name(NAME).unwrap();
    let query = Query { id: 0x1234, name: &name };

    // Root, OPT (41), 1232 bytes, no extended code, version 0, no flags, no options: RFC 6891 §6.1.2.
    let extended = format!("1234 0100 0001 0000 0000 0001 {QUESTION} 00 0029 04d0 00 00 0000 0000");
    assert_eq!(query.bytes(true), hex(&extended));
    assert_eq!(query.bytes(false), hex(&format!("1234 0100 0001 0000 0000 0000 {QUESTION}")));
}

/// As dnsmasq 2.90 sends it: compressed, with an alias and an OPT record.
#[test]
fn an_answer_is_read_with_pointers_aliases_and_joined_strings() {
    let alias = "05616c696173 0474657374 00 0010 0001";
    let answer = format!(
        "0007 8580 0001 0002 0000 0001 {alias} c00c 0005 0001 00000000 000e 07737472696e6773 0474657374 00 \
         c028 0010 0001 00000000 000e 036f6e65 0374776f 057468726565 00 0029 04d0 00000000 0000"
    );

    let said = Query { id: 7, name: &name("alias.test").unwrap() }.answer(&hex(&answer));

    assert_eq!(said, texts(&["onetwothree"]));
}

#[test]
fn records_keep_their_order_and_only_those_of_the_name_count() {
    let of_other = format!("0474657374 00 {} 0002 0178", &TXT[5..]);
    let answer = message(
        GOOD,
        &[
            &format!("{TXT} 0002 0162"),
            // An address, another name, class CH (3), and what would be a flush of caches in multicast DNS.
            "c00c 0001 0001 00000e10 0004 7f000001",
            &of_other,
            "c00c 0010 0003 00000e10 0002 0178",
            "c00c 0010 8001 00000e10 0002 0178",
            &format!("{TXT} 0002 0161"),
        ],
    );

    assert_eq!(said(&answer), texts(&["b", "a"]));
}

#[test]
fn a_record_that_is_no_text_is_left_out() {
    let not_utf_8 = format!("{TXT} 0002 01ff");
    let without_strings = format!("{TXT} 0000");
    // Two strings may share a letter: `é`.
    let split = format!("{TXT} 0004 01c3 01a9");
    let empty = format!("{TXT} 0001 00");

    assert_eq!(said(&message(GOOD, &[&not_utf_8, &without_strings, &split, &empty])), texts(&["é", ""]));
}

#[test]
fn aliases_are_followed_in_any_order_and_to_an_end() {
    // One letter each: a, b and so on, and the alias of each.
    let alias = |from: &str, to: &str| format!("{from} 0005 0001 00000e10 0003 {to}");
    let letter = |number: usize| format!("01{:02x}00", 0x61 + number);
    let chain = |length: usize| {
        let mut records = vec![alias("c00c", &letter(0))];
        records.extend((1..length).map(|number| alias(&letter(number - 1), &letter(number))));
        records.push(format!("{} 0010 0001 00000e10 0002 0178", letter(length - 1)));
        records.reverse();
        message(GOOD, &records.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let endless = message(GOOD, &[&alias("c00c", "016100"), &alias("016100", "016200"), &alias("016200", "016100")]);
    let too_many = useless("gives more aliases than can be followed");

    assert_eq!(said(&chain(1)), texts(&["x"]));
    assert_eq!(said(&chain(8)), texts(&["x"]));
    assert_eq!(said(&chain(9)), too_many);
    assert_eq!(said(&endless), too_many);
    assert_eq!(said(&message(GOOD, &[&alias("c00c", "016100")])), texts(&[]), "the last name has none");
    assert_eq!(said(&message(NO_SUCH_NAME, &[&alias("c00c", "016100")])), texts(&[]), "there is no last name");
}

#[test]
fn only_what_repeats_the_question_is_an_answer() {
    let record = format!("{TXT} 0002 0178");
    let good = message(GOOD, &[&record]);
    let with = |at: usize, byte: u8| {
        let mut other = good.clone();
        other[at] = byte;
        other
    };
    let another_case = with(13, b'_').iter().map(u8::to_ascii_uppercase).collect::<Vec<_>>();
    let end = 12 + hex(QUESTION).len();

    assert_eq!(said(&good), texts(&["x"]));
    assert_eq!(said(&another_case), texts(&["X"]));
    for (other, what) in [
        (with(0, 1), "number"),
        (with(1, 1), "number"),
        (with(2, 0x01), "a question"),
        (with(2, 0x91), "kind: a status"),
        (with(14, b'b'), "name"),
        (with(end - 3, 1), "type: A"),
        (with(end - 1, 3), "class: CH"),
        (with(end - 2, 0x80), "class, of multicast"),
        (hex("0000 8180 0000 0000 0000 0000"), "no question"),
        (hex(&format!("0000 8180 0002 0000 0000 0000 {QUESTION} {QUESTION}")), "two questions"),
        (hex("0000"), "too short"),
    ] {
        assert_eq!(said(&other), None, "{what}");
    }
}

#[test]
fn what_is_not_there_differs_from_what_cannot_be_told() {
    for (flags, expected) in [
        (GOOD, texts(&[])),
        (NO_SUCH_NAME, texts(&[])),
        // Authoritative, without recursion.
        ("8500", texts(&[])),
        // Neither: a server that knows others only.
        ("8100", useless("asks no other server for us")),
        (SERVFAIL, useless("answers SERVFAIL")),
        (REFUSED, useless("answers REFUSED")),
        ("8186", useless("answers with code 6")),
        (FORMERR, Some(Answer::NoExtensions)),
        ("8184", Some(Answer::NoExtensions)),
        (TRUNCATED, Some(Answer::Truncated)),
    ] {
        assert_eq!(said(&message(flags, &[])), expected, "{flags}");
    }
    let found = message("8100", &[&format!("{TXT} 0002 0178")]);
    assert_eq!(said(&found), texts(&["x"]), "what it has it may say");
    let without_question = hex("0000 8181 0000 0000 0000 0000");
    assert_eq!(said(&without_question), Some(Answer::NoExtensions), "a server need not repeat what it cannot read");
}

#[test]
fn pointers_that_lead_nowhere_are_refused() {
    let unreadable = useless("gives an answer that cannot be read");
    let at = 12 + hex(QUESTION).len();
    let pointer = |to: usize| format!("{:04x}", 0xc000 | to);
    let owner = |owner: &str| said(&message(GOOD, &[&format!("{owner} 0010 0001 00000e10 0002 0178")]));

    assert_eq!(owner(&pointer(at)), unreadable, "to itself");
    assert_eq!(owner(&pointer(at + 4)), unreadable, "forwards");
    assert_eq!(owner(&pointer(0x3fff)), unreadable, "to what is not there");
    assert_eq!(owner(&format!("0161 {}", pointer(at))), unreadable, "in a circle with a label");
    assert_eq!(owner(&format!("3f{}00", "61".repeat(63))), texts(&[]), "63 letters are allowed");
    assert_eq!(owner(&format!("40{}00", "61".repeat(64))), unreadable, "64 letters");
    assert_eq!(owner(&format!("{}00", format!("3f{}", "61".repeat(63)).repeat(4))), unreadable, "257 bytes");
    assert_eq!(said(&hex("0000 8180 0001 0000 0000 0000 c00c 0010 0001")), unreadable, "the question itself");
}

#[test]
fn a_message_that_is_cut_off_is_no_answer() {
    let long = format!("{TXT} 0102 ff{} 0178", "61".repeat(255));
    let whole = message(GOOD, &[&format!("{TXT} 0002 0178"), &long]);

    for length in 0..whole.len() {
        assert!(!matches!(said(&whole[..length]), Some(Answer::Texts(_))), "{length} of {} bytes", whole.len());
    }
    let mut cut = message(TRUNCATED, &[&long]);
    cut.truncate(100);
    assert_eq!(said(&cut), Some(Answer::Truncated), "a server may cut in the midst of a record, when it says so");
}

#[test]
fn a_damaged_message_is_read_without_a_panic() {
    let alias = "c00c 0005 0001 00000e10 0004 0161 c015";
    let texts = format!("{TXT} 0006 0178 03616263");
    let mut whole = message(GOOD, &[alias, &texts]);
    whole.extend(hex("00 0029 04d0 00000000 0004 000f 0000"));
    whole[11] = 1;
    assert!(matches!(said(&whole), Some(Answer::Texts(_))));

    for at in 0..whole.len() {
        for byte in 0..=u8::MAX {
            let mut damaged = whole.clone();
            damaged[at] = byte;
            let _ = said(&damaged);
        }
    }
}

#[test]
fn names_are_checked_before_anybody_is_asked() {
    let long = |last: usize| {
        [&"a".repeat(63), &"b".repeat(63), &"c".repeat(63), &"d".repeat(last)].map(String::as_str).join(".")
    };
    let wire = |text: &str| Query { id: 0, name: &name(text).unwrap() }.bytes(false)[12..].to_vec();

    assert_eq!(wire("_atproto.Alice-1.test."), wire("_atproto.Alice-1.test"));
    assert_eq!(wire(NAME), hex(QUESTION));
    assert_eq!(wire(&long(61)).len(), 255 + 4);
    let lengths = "it must have at most 253 characters, and 1 to 63 between points";
    let letters = "only letters, digits, `-` and `_` are allowed between points";
    for (text, expected) in [
        (long(62).as_str(), lengths),
        (&"a".repeat(64), lengths),
        ("", lengths),
        (".", lengths),
        ("a..b", lengths),
        (".a", lengths),
        ("a..", lengths),
        ("a b", letters),
        (r"a\.b", letters),
        ("bücher.test", letters),
        ("a\0", letters),
    ] {
        match name(text) {
            Err(Error::DomainName { name, reason }) => assert_eq!((name.as_str(), reason), (text, expected)),
            other => panic!("{text}: {other:?}"),
        }
    }
}

// ---------------------------------------------------------------- servers on loopback

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Udp,
    Tcp,
}

/// Questions with their numbers set to 0, and how they came.
type Asked = Vec<(Way, Vec<u8>)>;

/// A name server that sends what it was made to, on both ways at the same port. It ends with the test's runtime.
struct Server {
    address: SocketAddr,
    asked: Arc<Mutex<Asked>>,
    numbers: Arc<Mutex<Vec<u16>>>,
}

impl Server {
    /// `answers` gives what is sent for each question, in which the number 0 becomes the question's.
    async fn start(answers: impl Fn(Way, &[u8]) -> Vec<Vec<u8>> + Send + Sync + 'static) -> Self {
        let (udp, tcp) = loop {
            let udp = UdpSocket::bind("127.0.0.1:0").await.unwrap();
            // The port may be somebody else's for TCP.
            if let Ok(tcp) = TcpListener::bind(udp.local_addr().unwrap()).await {
                break (udp, tcp);
            }
        };
        let address = udp.local_addr().unwrap();
        let (asked, numbers) = (Arc::<Mutex<Asked>>::default(), Arc::<Mutex<Vec<_>>>::default());
        let reply = {
            let (asked, numbers) = (asked.clone(), numbers.clone());
            Arc::new(move |way, question: &[u8]| {
                let number = [question[0], question[1]];
                let question = [&[0, 0], &question[2..]].concat();
                numbers.lock().unwrap().push(u16::from_be_bytes(number));
                let mut replies = answers(way, &question);
                asked.lock().unwrap().push((way, question));
                for reply in &mut replies {
                    if reply[..2] == [0, 0] {
                        reply[..2].copy_from_slice(&number);
                    }
                }
                replies
            })
        };
        let by_udp = reply.clone();
        tokio::spawn(async move {
            let mut datagram = [0; 1500];
            while let Ok((length, from)) = udp.recv_from(&mut datagram).await {
                for answer in by_udp(Way::Udp, &datagram[..length]) {
                    udp.send_to(&answer, from).await.unwrap();
                }
            }
        });
        tokio::spawn(async move {
            while let Ok((mut connection, _)) = tcp.accept().await {
                let length = connection.read_u16().await.unwrap();
                let mut question = vec![0; length.into()];
                connection.read_exact(&mut question).await.unwrap();
                for answer in reply(Way::Tcp, &question) {
                    connection.write_u16(answer.len().try_into().unwrap()).await.unwrap();
                    connection.write_all(&answer).await.unwrap();
                }
            }
        });
        Self { address, asked, numbers }
    }

    /// One that says the same by either way.
    async fn saying(answer: Vec<u8>) -> Self {
        Self::start(move |_, _| vec![answer.clone()]).await
    }

    async fn silent() -> Self {
        Self::start(|_, _| Vec::new()).await
    }

    async fn good() -> Self {
        Self::saying(message(GOOD, &[&format!("{TXT} 0002 0178")])).await
    }

    fn asked(&self) -> Asked {
        self.asked.lock().unwrap().clone()
    }
}

fn extended() -> Vec<u8> {
    Query { id: 0, name: &name(NAME).unwrap() }.bytes(true)
}

fn plain() -> Vec<u8> {
    Query { id: 0, name: &name(NAME).unwrap() }.bytes(false)
}

/// What fails, as a person sees it, with the addresses of `servers` as A, B and so on.
async fn failure(resolver: &Resolver) -> String {
    let error = resolver.texts(NAME).await.unwrap_err();
    assert!(matches!(error, Error::Resolution { .. }), "{error:?}");
    let names = ["A", "B", "C"].into_iter().zip(&resolver.servers);
    names.fold(error.to_string(), |text, (name, server)| text.replace(&server.to_string(), name))
}

#[tokio::test]
async fn texts_come_by_one_datagram() {
    let server = Server::good().await;

    let texts = Resolver::of(vec![server.address]).texts(NAME).await.unwrap();

    assert_eq!(texts, ["x"]);
    assert_eq!(server.asked(), [(Way::Udp, extended())]);
}

#[tokio::test]
async fn datagrams_and_messages_that_answer_something_else_are_passed_over() {
    let record = |text: &str| message(GOOD, &[&format!("{TXT} 0002 01{text}")]);
    let noise = move || {
        let mut other_number = record("61");
        other_number[..2].copy_from_slice(&[0xff, 0xff]);
        let mut other_name = record("61");
        other_name[14] = b'b';
        // Neither a name nor a number of ours: it could not be read, and nobody has to.
        vec![vec![0xff; 30], other_number, other_name, hex("ffff")]
    };
    let server = Server::start(move |way, _| {
        let mut all = noise();
        all.push(if way == Way::Udp { message(TRUNCATED, &[]) } else { record("78") });
        all
    })
    .await;

    let texts = Resolver::of(vec![server.address]).texts(NAME).await.unwrap();

    assert_eq!(texts, ["x"]);
}

#[tokio::test]
async fn a_truncated_answer_is_asked_for_by_tcp_whatever_its_length() {
    // 254 strings of 255 letters with their lengths: 65 076 bytes with all around them, of 65 535.
    let string = format!("ff{}", "61".repeat(255));
    let long = message(GOOD, &[&format!("{TXT} {:04x} {}", 254 * 256, string.repeat(254))]);
    let server =
        Server::start(move |way, _| vec![if way == Way::Udp { message(TRUNCATED, &[]) } else { long.clone() }]).await;

    let texts = Resolver::of(vec![server.address]).texts(NAME).await.unwrap();

    assert_eq!(texts, ["a".repeat(254 * 255)]);
    assert_eq!(server.asked(), [(Way::Udp, extended()), (Way::Tcp, extended())]);
}

#[tokio::test]
async fn a_server_that_knows_no_edns0_is_asked_without() {
    let good = message(GOOD, &[&format!("{TXT} 0002 0178")]);
    let server = Server::start(move |_, question| {
        let is_plain = question == plain();
        vec![if is_plain { good.clone() } else { hex("0000 8181 0000 0000 0000 0000") }]
    })
    .await;
    let never = Server::saying(message(FORMERR, &[])).await;

    let texts = Resolver::of(vec![server.address]).texts(NAME).await.unwrap();

    assert_eq!(texts, ["x"]);
    assert_eq!(server.asked(), [(Way::Udp, extended()), (Way::Udp, plain())]);
    let never = Resolver::of(vec![never.address]);
    assert_eq!(failure(&never).await, format!("cannot look up the TXT records of `{NAME}`: A answers FORMERR"));
}

#[tokio::test]
async fn only_tcp_is_used_where_the_system_says_so() {
    let server = Server::good().await;
    let resolver = Resolver { tcp_only: true, ..Resolver::of(vec![server.address]) };

    let texts = resolver.texts(NAME).await.unwrap();

    assert_eq!(texts, ["x"]);
    assert_eq!(server.asked(), [(Way::Tcp, extended())]);
}

#[tokio::test]
async fn the_next_server_is_asked_when_one_cannot_tell() {
    let unreadable = hex(&format!("0000 8180 0001 0001 0000 0000 {QUESTION}"));
    let referral = message("8100", &[]);
    for answer in [message(SERVFAIL, &[]), message(REFUSED, &[]), unreadable, referral, message(TRUNCATED, &[])] {
        let (first, second, third) = (Server::saying(answer.clone()).await, Server::good().await, Server::good().await);

        let texts = Resolver::of(vec![first.address, second.address, third.address]).texts(NAME).await.unwrap();

        assert_eq!(texts, ["x"], "{answer:?}");
        assert!(!first.asked().is_empty(), "{answer:?}");
        assert_eq!(third.asked(), [], "{answer:?}");
    }
}

#[tokio::test]
async fn the_next_server_is_not_asked_for_what_the_first_says_is_not_there() {
    for flags in [GOOD, NO_SUCH_NAME] {
        let (first, second) = (Server::saying(message(flags, &[])).await, Server::good().await);

        let texts = Resolver::of(vec![first.address, second.address]).texts(NAME).await.unwrap();

        assert_eq!(texts, [] as [&str; 0], "{flags}");
        assert_eq!(second.asked(), [], "{flags}");
    }
}

#[tokio::test]
async fn a_silent_server_is_asked_again_and_one_that_has_spoken_is_not() {
    let (silent, refusing) = (Server::silent().await, Server::saying(message(REFUSED, &[])).await);
    let timeout = Duration::from_millis(250);
    let resolver = Resolver { timeout, ..Resolver::of(vec![silent.address, refusing.address]) };

    let told = failure(&resolver).await;

    let expected = "B answers REFUSED; A gives no answer within 0.25 s";
    assert_eq!(told, format!("cannot look up the TXT records of `{NAME}`: {expected}"));
    assert_eq!(silent.asked().len(), 2);
    assert_eq!(refusing.asked().len(), 1);
}

#[tokio::test]
async fn a_silent_server_gives_way_to_the_next() {
    let (silent, good) = (Server::silent().await, Server::good().await);
    let timeout = Duration::from_millis(250);
    let resolver = Resolver { timeout, ..Resolver::of(vec![silent.address, good.address]) };

    assert_eq!(resolver.texts(NAME).await.unwrap(), ["x"]);
    assert_eq!(silent.asked().len(), 1);
}

#[tokio::test]
async fn what_each_server_did_is_told_when_none_can_tell() {
    let failing = Server::saying(message(SERVFAIL, &[])).await;
    let cut = Server::start(|way, _| if way == Way::Udp { vec![message(TRUNCATED, &[])] } else { Vec::new() }).await;
    let resolver = Resolver::of(vec![failing.address, cut.address]);

    let told = failure(&resolver).await;

    let name = format!("cannot look up the TXT records of `{NAME}`");
    let (expected, of_system) = told.rsplit_once(": ").unwrap();
    assert_eq!(expected, format!("{name}: A answers SERVFAIL; B gives no answer"));
    assert!(!of_system.is_empty(), "{told}");
    let nobody = Resolver::of(Vec::new());
    assert_eq!(failure(&nobody).await, format!("{name}: no name server is known"));
}

#[tokio::test]
async fn questions_have_numbers_that_nobody_can_guess() {
    let server = Server::good().await;
    let resolver = Resolver::of(vec![server.address]);

    for _ in 0..4 {
        resolver.texts(NAME).await.unwrap();
    }

    let mut numbers = server.numbers.lock().unwrap().clone();
    numbers.sort_unstable();
    numbers.dedup();
    assert!(numbers.len() > 1, "four times the same: {numbers:?}");
}

// ---------------------------------------------------------------- what systems say

#[cfg(unix)]
mod resolv_conf {
    use std::time::Duration;

    use super::super::Resolver;
    use super::super::servers::{interface, of_file};

    /// Interfaces made up for the test.
    fn number(name: &str) -> Option<u32> {
        ["lo", "eth0.10", "br-lan"].iter().position(|known| *known == name).map(|at| at as u32 + 1)
    }

    fn read(text: &str) -> Resolver {
        of_file(text, number)
    }

    fn servers(text: &str) -> Vec<String> {
        read(text).servers.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_first_three_servers_are_asked_in_their_order() {
        let text = "# made by hand\nsearch example.test\nnameserver 192.0.2.9 ; office\n  nameserver\t2001:db8::1\r\n\
                    nameserver 192.0.2.1\nnameserver 192.0.2.2\n";

        assert_eq!(servers(text), ["192.0.2.9:53", "[2001:db8::1]:53", "192.0.2.1:53"]);
    }

    #[test]
    fn this_machine_is_asked_where_no_server_is_named() {
        for text in ["", "search example.test\n", "nameserver\n", "nameserver example.test\n"] {
            assert_eq!(servers(text), ["127.0.0.1:53"], "{text}");
        }
    }

    #[test]
    fn lines_that_nobody_understands_are_passed_over() {
        let text = "family inet7\nnameserver 192.0.2.300\nkeyword value\n\u{fffd}\noptions new-option:1 timeout:x\n\
                    nameserver 192.0.2.1 extra\n";

        assert_eq!(read(text), Resolver { servers: vec!["192.0.2.1:53".parse().unwrap()], ..Resolver::of(Vec::new()) });
    }

    #[test]
    fn link_local_servers_have_the_scope_of_their_interface() {
        let text = "nameserver fe80::1%br-lan\nnameserver fe80::1%eth0.10 # VLAN\nnameserver fe80::1%7";

        assert_eq!(servers(text), ["[fe80::1%3]:53", "[fe80::1%2]:53", "[fe80::1%7]:53"]);
        assert_eq!(servers("nameserver fe80::1%gone\nnameserver ::1"), ["[fe80::1]:53", "[::1]:53"]);
    }

    #[test]
    fn times_and_attempts_are_the_systems_within_limits() {
        let of = |text: &str| {
            let resolver = read(text);
            (resolver.timeout, resolver.attempts, resolver.tcp_only)
        };

        assert_eq!(of(""), (Duration::from_secs(3), 2, false));
        assert_eq!(of("options timeout:2 attempts:1"), (Duration::from_secs(2), 1, false));
        assert_eq!(of("options timeout:30 attempts:5"), (Duration::from_secs(3), 2, false));
        assert_eq!(of("options timeout:0 attempts:0"), (Duration::from_secs(1), 1, false));
        assert_eq!(of("options use-vc"), (Duration::from_secs(3), 2, true));
    }

    #[test]
    fn the_system_knows_its_interfaces_by_name() {
        let loopback = if cfg!(target_os = "linux") { "lo" } else { "lo0" };

        assert!(interface(loopback).is_some());
        assert_eq!(interface("no such one"), None);
        assert_eq!(interface("zero\0inside"), None);
    }
}

#[test]
fn the_servers_of_windows_are_those_of_the_cheapest_adapter_first() {
    let adapter = |metrics, index, servers: &[&str]| Adapter {
        metrics,
        index,
        servers: servers.iter().map(|server| server.parse().unwrap()).collect(),
    };
    let servers = |adapters: &[Adapter]| of_adapters(adapters).iter().map(ToString::to_string).collect::<Vec<_>>();
    let adapters = [
        adapter((50, 10), 4, &["192.0.2.1", "fe80::1"]),
        adapter((25, 25), 5, &["192.0.2.2", "192.0.2.1", "fec0:0:0:ffff::1"]),
        adapter((60, 60), 6, &["192.0.2.1", "192.0.2.2", "fe80::1", "2001:db8::1"]),
    ];

    assert_eq!(servers(&adapters), ["[fe80::1%4]:53", "192.0.2.2:53", "192.0.2.1:53"]);
    assert_eq!(servers(&adapters[1..]), ["192.0.2.2:53", "192.0.2.1:53", "[fe80::1%6]:53"], "each once");
    assert_eq!(servers(&adapters[2..]).len(), 3, "at most three");
    assert_eq!(servers(&[adapter((1, 1), 7, &["2001:db8::1"])]), ["[2001:db8::1]:53"], "without a scope");
    assert_eq!(servers(&[adapter((1, 1), 1, &["fec0:0:0:ffff::2"])]), [] as [&str; 0]);
}
