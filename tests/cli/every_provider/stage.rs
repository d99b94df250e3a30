//! The port on which one provider is played.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};

use super::entry::Entry;
use super::play::Play;
use crate::support::Request;

/// One provider on a port of its own, until this is dropped.
pub struct Stage {
    play: Arc<Mutex<Play>>,
    address: SocketAddr,
    closing: Arc<AtomicBool>,
    acceptor: Option<JoinHandle<()>>,
}

impl Stage {
    pub fn open(entry: &Entry) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let play = Arc::new(Mutex::new(Play::new(entry.clone(), &format!("http://{address}"))));
        let closing = Arc::new(AtomicBool::new(false));
        let (shared, ending) = (Arc::clone(&play), Arc::clone(&closing));
        let acceptor = thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if ending.load(Ordering::SeqCst) {
                    break;
                }
                // One at a time is enough for one program.
                if let Some(request) = Request::read(&stream) {
                    let answer = lock(&shared).answer(&request);
                    answer.send(stream);
                }
            }
        });
        Self { play, address, closing, acceptor: Some(acceptor) }
    }

    pub fn play(&self) -> MutexGuard<'_, Play> {
        lock(&self.play)
    }
}

/// What a panic has left is still worth reading: it says what was wrong before.
fn lock(play: &Mutex<Play>) -> MutexGuard<'_, Play> {
    play.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.closing.store(true, Ordering::SeqCst);
        drop(TcpStream::connect(self.address));
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
    }
}
