//! A bus and a service for the tests: a socket in a directory of its own, and a thread that answers as it is told.

use std::io::Write as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::message::{HEAD_SIZE, Head};
use super::transport::Transport;
use super::wire::{Order, Reader, Writer};
use super::{Options, Prompting, SecretService};

/// Not a message: the end of the connection.
const HANG_UP: u8 = 0;

/// Unique name of the service.
pub(super) const SERVICE: &str = ":1.1";

/// A bus, for as many connections as the script takes.
pub(super) struct FakeBus {
    directory: tempfile::TempDir,
    thread: JoinHandle<()>,
    connections: mpsc::Receiver<()>,
}

impl FakeBus {
    /// Runs `script` on each connection, one after the other; it gets the connection's number, from zero.
    pub(super) fn start(mut script: impl FnMut(usize, UnixStream) + Send + 'static) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let listener = UnixListener::bind(directory.path().join("bus")).expect("a socket");
        let (seen, connections) = mpsc::channel();
        let thread = thread::spawn(move || {
            for (number, stream) in listener.incoming().enumerate() {
                if seen.send(()).is_err() {
                    return;
                }
                script(number, stream.expect("a connection"));
            }
        });
        Self { directory, thread, connections }
    }

    /// A bus whose service answers each call with what `answer` makes of it; with nothing, it hangs up.
    pub(super) fn answering(mut answer: impl FnMut(&Called) -> Option<Vec<Reply>> + Send + 'static) -> Self {
        Self::start(move |_, stream| serve(stream, &mut answer))
    }

    /// The directory in which the bus is.
    pub(super) fn runtime_dir(&self) -> &Path {
        self.directory.path()
    }

    /// A client of this bus.
    pub(super) fn client(&self, prompting: Prompting, deadline: Duration) -> SecretService {
        let runtime_dir = Some(self.runtime_dir().to_owned());
        SecretService::new(Options { address: None, runtime_dir, deadline, prompting })
    }

    /// How many connections there were. Ends the bus; a failed claim in its script fails the test.
    pub(super) fn finish(self) -> usize {
        let count = self.connections.try_iter().count();
        drop(self.connections);
        let _ = UnixStream::connect(self.directory.path().join("bus"));
        self.thread.join().expect("the script's claims hold");
        count
    }
}

/// Answers calls until the client hangs up or `answer` has nothing to say.
pub(super) fn serve(stream: UnixStream, answer: &mut impl FnMut(&Called) -> Option<Vec<Reply>>) {
    let mut writer = stream.try_clone().expect("a second handle");
    let mut peer = Transport::new(stream, Instant::now() + Duration::from_secs(20));
    // A client that gives up before it says anything is none.
    let Ok(first) = peer.line() else { return };
    assert_eq!(first, b"\0AUTH EXTERNAL");
    assert_eq!(peer.line().expect("the greeting"), b"DATA");
    assert_eq!(peer.line().expect("the greeting"), b"BEGIN");
    writer.write_all(b"DATA\r\nOK 0123456789abcdef0123456789abcdef\r\n").expect("a client");
    while let Some(call) = Called::receive(&mut peer) {
        let replies = match call.member.as_str() {
            "Hello" => Some(vec![Reply::new("s").text(":1.2")]),
            "AddMatch" => Some(vec![Reply::new("")]),
            _ => answer(&call),
        };
        let Some(replies) = replies else { return };
        for reply in replies {
            if reply.kind == HANG_UP {
                return;
            }
            if writer.write_all(&reply.to_bytes(call.serial)).is_err() {
                return;
            }
        }
    }
}

/// A call as the service sees it.
pub(super) struct Called {
    /// The object.
    pub path: String,
    /// The method.
    pub member: String,
    serial: u32,
    body: Vec<u8>,
}

impl Called {
    /// The arguments.
    pub(super) fn arguments(&self) -> Reader<'_> {
        Reader::new(&self.body, Order::Little)
    }

    fn receive(peer: &mut Transport) -> Option<Self> {
        let first: [u8; HEAD_SIZE] = peer.peek().ok()?;
        let mut bytes = vec![0; Head::parse(&first).expect("a message").size];
        peer.read(&mut bytes).ok()?;
        let mut reader = Reader::new(&bytes, Order::Little);
        reader.skip("(yyyyu)").expect("a header");
        let serial = reader.u32().expect("a serial");
        let mut fields = reader.array(8).expect("fields");
        let (mut path, mut member) = (String::new(), String::new());
        while !fields.is_empty() {
            fields.align(8).expect("padding");
            match (fields.byte().expect("a code"), fields.signature().expect("a type")) {
                (1, "o") => fields.object_path().expect("a path").clone_into(&mut path),
                (3, "s") => fields.string().expect("a name").clone_into(&mut member),
                (_, signature) => fields.skip(signature).expect("a value"),
            }
        }
        reader.align(8).expect("padding");
        let body = bytes.split_off(reader.position());
        Some(Self { path, member, serial, body })
    }
}

/// What the service sends: the answer to the call, unless it is made something else.
pub(super) struct Reply {
    kind: u8,
    names: Vec<(u8, &'static str, String)>,
    sender: &'static str,
    signature: &'static str,
    body: Writer,
}

impl Reply {
    /// An answer with values of the types `signature`.
    pub(super) fn new(signature: &'static str) -> Self {
        Self { kind: 2, names: Vec::new(), sender: SERVICE, signature, body: Writer::with_capacity(64) }
    }

    /// An error with this name.
    pub(super) fn error(name: &str) -> Self {
        Self { kind: 3, names: vec![(4, "s", name.to_owned())], ..Self::new("s").text("no") }
    }

    /// The end of the connection.
    pub(super) fn hang_up() -> Self {
        Self { kind: HANG_UP, ..Self::new("") }
    }

    /// The signal that a prompt is over.
    pub(super) fn completed(path: &str, sender: &'static str, dismissed: bool, unlocked: &[&str]) -> Self {
        let interface = "org.freedesktop.Secret.Prompt".to_owned();
        let names = vec![(1, "o", path.to_owned()), (2, "s", interface), (3, "s", "Completed".to_owned())];
        let mut reply = Self { kind: 4, names, sender, ..Self::new("bv") };
        reply.body.boolean(dismissed);
        reply.body.signature("ao");
        reply.paths(unlocked)
    }

    /// The value of a property.
    pub(super) fn property(signature: &'static str, value: impl FnOnce(&mut Writer)) -> Self {
        let mut reply = Self::new("v");
        reply.body.signature(signature);
        value(&mut reply.body);
        reply
    }

    /// Adds `s` or `o`.
    pub(super) fn text(mut self, value: &str) -> Self {
        self.body.string(value);
        self
    }

    /// Adds `ao`.
    pub(super) fn paths(mut self, paths: &[&str]) -> Self {
        self.body.array(4, |array| paths.iter().for_each(|path| array.string(path)));
        self
    }

    /// Adds `v` with a text in it.
    pub(super) fn text_variant(mut self, value: &str) -> Self {
        self.body.signature("s");
        self.text(value)
    }

    /// A secret as an item hands it out.
    pub(super) fn secret(value: &[u8]) -> Self {
        let mut reply = Self::new("(oayays)").text("/session");
        reply.body.bytes(&[]);
        reply.body.bytes(value);
        reply.text("text/plain")
    }

    /// The whole message.
    pub(super) fn to_bytes(&self, reply_to: u32) -> Vec<u8> {
        let mut message = Writer::with_capacity(256);
        message.raw(&[b'l', self.kind, 1, 1]);
        message.u32(self.body.len().try_into().expect("a short body"));
        message.u32(1000);
        message.array(8, |fields| {
            for (code, signature, value) in &self.names {
                fields.align(8);
                fields.byte(*code);
                fields.signature(signature);
                fields.string(value);
            }
            if self.kind != 4 {
                fields.align(8);
                fields.byte(5);
                fields.signature("u");
                fields.u32(reply_to);
            }
            fields.align(8);
            fields.byte(7);
            fields.signature("s");
            fields.string(self.sender);
            fields.align(8);
            fields.byte(8);
            fields.signature("g");
            fields.signature(self.signature);
        });
        message.align(8);
        message.raw(self.body.as_bytes());
        message.as_bytes().to_vec()
    }
}
