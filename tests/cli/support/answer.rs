//! What the server sends back, however odd.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use serde_json::Value;

/// More than any limit allows, and yet an end for a client that would read for ever.
const ENDLESS: usize = 256 << 20;

/// One answer, with the manner in which it is sent.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    manner: Manner,
    delay: Duration,
    gate: Option<Gate>,
}

#[derive(Clone, Debug, PartialEq)]
enum Manner {
    Proper,
    /// The body is the whole answer, status line and all.
    Raw,
    /// The body says one length and is shorter.
    Cut(usize),
    /// The body comes in pieces of so many bytes, with so much time between them.
    Trickle(usize, Duration),
    /// The body is repeated without an end.
    Endless,
    /// The connection is closed without a byte.
    Drop,
    /// Nothing comes, and the connection stays.
    Silence,
}

impl Answer {
    pub fn new(status: u16, kind: &str, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status,
            headers: vec![("Content-Type".into(), kind.into()), ("Cache-Control".into(), "no-store".into())],
            body: body.into(),
            manner: Manner::Proper,
            delay: Duration::ZERO,
            gate: None,
        }
    }

    pub fn json(status: u16, body: &Value) -> Self {
        Self::new(status, "application/json", body.to_string())
    }

    pub fn html(status: u16, body: &str) -> Self {
        Self::new(status, "text/html; charset=utf-8", body)
    }

    /// An error answer of RFC 6749 §5.2.
    pub fn error(status: u16, error: &str) -> Self {
        Self::json(status, &serde_json::json!({ "error": error }))
    }

    pub fn redirect(status: u16, location: &str) -> Self {
        Self::new(status, "text/plain", "").with("Location", location)
    }

    /// Exactly these bytes.
    pub fn raw(bytes: impl Into<Vec<u8>>) -> Self {
        Self { manner: Manner::Raw, ..Self::new(200, "", bytes) }
    }

    pub fn dropped() -> Self {
        Self { manner: Manner::Drop, ..Self::new(200, "", "") }
    }

    pub fn silent() -> Self {
        Self { manner: Manner::Silence, ..Self::new(200, "", "") }
    }

    /// Announces `missing` more bytes than come.
    pub fn cut(self, missing: usize) -> Self {
        Self { manner: Manner::Cut(missing), ..self }
    }

    pub fn trickled(self, piece: usize, pause: Duration) -> Self {
        Self { manner: Manner::Trickle(piece, pause), ..self }
    }

    pub fn endless(self) -> Self {
        Self { manner: Manner::Endless, ..self }
    }

    pub fn delayed(self, delay: Duration) -> Self {
        Self { delay, ..self }
    }

    /// Sent only once `gate` is open.
    pub fn behind(self, gate: &Gate) -> Self {
        Self { gate: Some(gate.clone()), ..self }
    }

    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    pub fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(header, _)| !header.eq_ignore_ascii_case(name));
        self
    }

    /// A JSON answer with one member more.
    pub fn adding(self, name: &str, value: &Value) -> Self {
        let mut object = self.value();
        object[name] = value.clone();
        Self::json(200, &object)
    }

    /// The body as JSON, which the strict server's own answers are.
    pub fn value(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    pub fn send(&self, mut stream: TcpStream) {
        if let Some(gate) = &self.gate {
            gate.wait();
        }
        thread::sleep(self.delay);
        // A client that has left is part of many tests.
        let _ = self.write(&mut stream);
        let _ = stream.shutdown(Shutdown::Write);
    }

    fn write(&self, stream: &mut TcpStream) -> std::io::Result<()> {
        match &self.manner {
            Manner::Raw => stream.write_all(&self.body),
            Manner::Drop => Ok(()),
            Manner::Silence => {
                stream.set_read_timeout(None)?;
                stream.read_exact(&mut [0]).or(Ok(()))
            }
            Manner::Proper | Manner::Cut(_) | Manner::Trickle(..) => {
                let missing = if let Manner::Cut(missing) = self.manner { missing } else { 0 };
                let mut head = self.head();
                head.push_str(&format!("Content-Length: {}\r\n\r\n", self.body.len() + missing));
                match self.manner {
                    Manner::Trickle(piece, pause) => trickle(stream, head.as_bytes(), &self.body, piece, pause),
                    _ => stream.write_all(&[head.as_bytes(), &self.body].concat()),
                }
            }
            Manner::Endless => {
                stream.write_all(format!("{}\r\n", self.head()).as_bytes())?;
                let piece = self.body.repeat(64 * 1024 / self.body.len().max(1));
                for _ in 0..ENDLESS / piece.len() {
                    stream.write_all(&piece)?;
                }
                Ok(())
            }
        }
    }

    fn head(&self) -> String {
        let mut head = format!("HTTP/1.1 {} Answer\r\nConnection: close\r\n", self.status);
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head
    }
}

fn trickle(stream: &mut TcpStream, head: &[u8], body: &[u8], piece: usize, pause: Duration) -> std::io::Result<()> {
    stream.write_all(head)?;
    for piece in body.chunks(piece) {
        stream.write_all(piece)?;
        stream.flush()?;
        thread::sleep(pause);
    }
    Ok(())
}

/// Holds answers back until a test opens it.
#[derive(Clone, Debug, Default)]
pub struct Gate(Arc<(Mutex<bool>, Condvar)>);

impl Gate {
    pub fn open(&self) {
        *self.0.0.lock().expect("no holder panics") = true;
        self.0.1.notify_all();
    }

    fn wait(&self) {
        let shut = self.0.0.lock().expect("no holder panics");
        // A test that has failed opens nothing any more.
        let limit = Duration::from_secs(60);
        drop(self.0.1.wait_timeout_while(shut, limit, |open| !*open).expect("no holder panics"));
    }
}
