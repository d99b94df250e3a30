//! Look-ups of TXT records at dnsmasq. No command prints records, so this is the one journey that starts in the library.

use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use keyfob::system::Error;
use keyfob::system::dns::Resolver;

use crate::support::needs;

/// Longer than one character string, which has at most 255 bytes.
const LONG: usize = 300;

/// So many that they do not fit into a datagram of 1232 bytes.
const MANY: usize = 50;

/// A name server of a test's own for the names below `test`, which knows no other; it ends with this value.
struct Dnsmasq {
    process: Child,
    address: SocketAddr,
}

impl Dnsmasq {
    fn start(records: &[String]) -> Self {
        // It takes no port of the system's choice, and another may take the one that was free a moment ago.
        (0..10).find_map(|_| Self::start_at(free_port(), records)).expect("dnsmasq gets ready at some port")
    }

    fn start_at(port: u16, records: &[String]) -> Option<Self> {
        let mut process = Command::new("dnsmasq")
            .args(["--keep-in-foreground", "--conf-file=/dev/null", "--pid-file=", "--log-facility=-"])
            .args(["--no-resolv", "--no-hosts", "--local=/test/", "--bind-interfaces", "--listen-address=127.0.0.1"])
            .arg(format!("--port={port}"))
            .args(records)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("dnsmasq can be started");
        let stderr = process.stderr.take().expect("piped");
        let (sender, ready) = channel();
        // Reads to the end: whoever writes into a closed pipe is killed.
        thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                if line.contains(": started, version") {
                    let _ = sender.send(());
                }
            }
        });
        let server = Self { process, address: (Ipv4Addr::LOCALHOST, port).into() };
        // Its end is the end of the channel, too.
        ready.recv_timeout(Duration::from_secs(30)).is_ok().then_some(server)
    }

    fn texts(&self, name: &str) -> Result<Vec<String>, Error> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(Resolver::of(vec![self.address]).texts(name))
    }
}

impl Drop for Dnsmasq {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn free_port() -> u16 {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a socket on loopback");
    socket.local_addr().expect("it has an address").port()
}

#[test]
fn texts_of_a_name_server_are_read_long_many_and_by_way_of_an_alias() {
    needs!(Dnsmasq);
    let long = "x".repeat(LONG);
    let many: Vec<_> =
        (0..MANY).map(|number| format!("{number:02} of a list that is too long for a datagram")).collect();
    let mut records = vec![
        "--txt-record=_atproto.alice.test,did=did:plc:ewvi7nxzyoun6zhxrhs64oiz".to_owned(),
        "--txt-record=_atproto.alice.test,v=other".to_owned(),
        format!("--txt-record=long.test,{long}"),
        "--txt-record=strings.test,one ,two ,three".to_owned(),
        "--cname=alias.test,strings.test".to_owned(),
        "--host-record=host.test,127.0.0.1".to_owned(),
    ];
    records.extend(many.iter().map(|text| format!("--txt-record=many.test,{text}")));
    let server = Dnsmasq::start(&records);
    let texts = |name: &str| {
        let mut texts = server.texts(name).expect("an answer");
        texts.sort();
        texts
    };

    assert_eq!(texts("_atproto.alice.test"), ["did=did:plc:ewvi7nxzyoun6zhxrhs64oiz", "v=other"]);
    assert_eq!(texts("_ATPROTO.Alice.Test."), texts("_atproto.alice.test"));
    assert_eq!(texts("long.test"), [long]);
    assert_eq!(texts("strings.test"), ["one two three"]);
    assert_eq!(texts("alias.test"), ["one two three"]);
    assert_eq!(texts("many.test"), many);
    assert_eq!(texts("host.test"), [] as [&str; 0], "a name with other records");
    assert_eq!(texts("_atproto.nobody.test"), [] as [&str; 0], "no such name");
}

#[test]
fn a_name_server_that_knows_nobody_to_ask_cannot_tell() {
    needs!(Dnsmasq);
    let server = Dnsmasq::start(&[]);

    let error = server.texts("_atproto.alice.example").expect_err("nobody to ask");

    let expected =
        format!("cannot look up the TXT records of `_atproto.alice.example`: {} answers REFUSED", server.address);
    assert_eq!(error.to_string(), expected);
}
