//! One question for TXT records, and what an answer to it says.
//!
//! The packing and unpacking of messages is left to the simple-dns package, which bounds names and follows compression pointers
//! backwards only; what they mean is decided here.

use simple_dns::rdata::{OPT, RData};
use simple_dns::{CLASS, Name, Packet, PacketFlag, QCLASS, QTYPE, Question, RCODE, ResourceRecord, TYPE};

use crate::system::Error;

/// Bytes that an answer by UDP may have: what passes every network in one piece, IPv6's smallest packet of 1280 bytes (RFC 8200
/// §5) without the headers of IPv6 and UDP.
const DATAGRAM: u16 = 1232;

/// How many aliases lead from a name to its records at most. Real chains have one or two.
const ALIASES: usize = 8;

/// A question for the TXT records of a name.
#[derive(Debug)]
pub(super) struct Query<'a> {
    /// The number by which its answer is known.
    pub id: u16,
    pub name: &'a Name<'a>,
}

/// What a server says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// The texts; none when it says that there are none.
    Texts(Vec<String>),
    /// There is more than fits into a datagram.
    Truncated,
    /// It does not understand the question, which may be because of EDNS0.
    NoExtensions,
    /// Nothing that would help: what it does instead.
    Useless(String),
}

/// A name as it is asked for; a point at its end is allowed.
///
/// Letters, digits, `-` and `_` only: others are possible in the domain name system, and occur in no name of a host or of a
/// record that belongs to one.
///
/// # Errors
/// [`Error::DomainName`] for anything else, and for lengths that are not allowed.
///
/// # Specification
/// RFC 1035 §2.3.4 (lengths), §2.3.1; RFC 8552 (the underscore).
pub(super) fn name(text: &str) -> Result<Name<'_>, Error> {
    let refuse = |reason| Err(Error::DomainName { name: text.to_owned(), reason });
    let labels = text.strip_suffix('.').unwrap_or(text);
    if !labels.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_')) {
        return refuse("only letters, digits, `-` and `_` are allowed between points");
    }
    if labels.len() > 253 || labels.split('.').any(|label| !(1..=63).contains(&label.len())) {
        return refuse("it must have at most 253 characters, and 1 to 63 between points");
    }
    Ok(Name::new(labels).expect("its lengths were checked"))
}

impl Query<'_> {
    /// The question as it is sent: recursion is desired, and answers may be `DATAGRAM` long when `extended` (RFC 6891 §6.1.2).
    pub fn bytes(&self, extended: bool) -> Vec<u8> {
        let mut packet = Packet::new_query(self.id);
        packet.set_flags(PacketFlag::RECURSION_DESIRED);
        packet.questions.push(Question::new(self.name.clone(), TYPE::TXT.into(), CLASS::IN.into(), false));
        *packet.opt_mut() = extended.then(|| OPT { opt_codes: Vec::new(), udp_packet_size: DATAGRAM, version: 0 });
        packet.build_bytes_vec().expect("a vector takes every byte")
    }

    /// What a message says, if it answers this question: number, direction, kind, name, type and class must be the question's.
    ///
    /// # Specification
    /// RFC 5452 §9.1; RFC 1035 §4.1.1, §7.3.
    pub fn answer(&self, message: &[u8]) -> Option<Answer> {
        let [high, low, flags, ..] = *message else { return None };
        let is_response = flags & 0x80 != 0;
        if u16::from_be_bytes([high, low]) != self.id || !is_response {
            return None;
        }
        let packet = match Packet::parse(message) {
            Ok(packet) => packet,
            // Some cut in the midst of a record.
            Err(_) if flags & 0x02 != 0 => return Some(Answer::Truncated),
            Err(_) => return Some(Answer::Useless("gives an answer that cannot be read".to_owned())),
        };
        // What a server does not understand, it need not repeat.
        let unread = packet.rcode() == RCODE::FormatError && packet.questions.is_empty();
        (unread || self.is_repeated_by(&packet)).then(|| self.meaning(&packet))
    }

    fn is_repeated_by(&self, packet: &Packet<'_>) -> bool {
        let [question] = packet.questions.as_slice() else { return false };
        packet.opcode() == simple_dns::OPCODE::StandardQuery
            && question.qname == *self.name
            && question.qtype == QTYPE::TYPE(TYPE::TXT)
            && question.qclass == QCLASS::CLASS(CLASS::IN)
            && !question.unicast_response
    }

    fn meaning(&self, packet: &Packet<'_>) -> Answer {
        if packet.has_flags(PacketFlag::TRUNCATION) {
            return Answer::Truncated;
        }
        let useless = |reason: &str| Answer::Useless(reason.to_owned());
        match packet.rcode() {
            RCODE::NoError => {}
            RCODE::NameError => return Answer::Texts(Vec::new()),
            // Servers older than EDNS0 answer the one or the other (RFC 6891 §6.2.2, §7).
            RCODE::FormatError | RCODE::NotImplemented => return Answer::NoExtensions,
            RCODE::ServerFailure => return useless("answers SERVFAIL"),
            RCODE::Refused => return useless("answers REFUSED"),
            other => return Answer::Useless(format!("answers with code {}", other as u16)),
        }
        match texts(&packet.answers, self.name) {
            None => useless("gives more aliases than can be followed"),
            // Who neither knows the name itself nor asks others has only said who might (RFC 2308 §2.2).
            Some(texts)
                if texts.is_empty()
                    && !packet.has_flags(PacketFlag::AUTHORITATIVE_ANSWER)
                    && !packet.has_flags(PacketFlag::RECURSION_AVAILABLE) =>
            {
                useless("asks no other server for us")
            }
            Some(texts) => Answer::Texts(texts),
        }
    }
}

/// The texts of `name`, or of what it is an alias of; `None` when there is no end to the aliases.
///
/// # Specification
/// RFC 1034 §3.6.2.
fn texts(records: &[ResourceRecord<'_>], name: &Name<'_>) -> Option<Vec<String>> {
    let mut name = name;
    for _ in 0..=ALIASES {
        // The highest bit of a class has a meaning in multicast answers only (RFC 6762 §10.2).
        let of_name = || {
            let its = move |record: &&ResourceRecord<'_>| {
                record.name == *name && record.class == CLASS::IN && !record.cache_flush
            };
            records.iter().filter(its)
        };
        let alias = of_name().find_map(|record| match &record.rdata {
            RData::CNAME(alias) => Some(&alias.0),
            _ => None,
        });
        let Some(alias) = alias else {
            return Some(of_name().filter_map(|record| text(&record.rdata)).collect());
        };
        name = alias;
    }
    None
}

/// The character strings of a TXT record, joined; `None` for other records and for what is no text.
fn text(data: &RData<'_>) -> Option<String> {
    let RData::TXT(strings) = data else { return None };
    String::try_from(strings.clone()).ok()
}
