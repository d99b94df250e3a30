//! The server on its port: threads, the record, and the faults that a test asks for.

use std::collections::BTreeSet;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};

use serde_json::Value;
use url::Url;

use super::provider::{IdTokenMaker, Provider, Settings};
use super::{Answer, Key, Redirect, Request};

/// An authorization server of a test's own; it ends with this value, and the test with it if the client broke a rule.
pub struct Server {
    shared: Arc<Shared>,
    address: SocketAddr,
    acceptor: Option<JoinHandle<()>>,
}

struct Shared {
    provider: Mutex<Provider>,
    rules: Mutex<Vec<Rule>>,
    connections: Mutex<usize>,
    closing: AtomicBool,
}

/// What happens to the next requests to a path.
struct Rule {
    path: String,
    left: usize,
    effect: Effect,
}

enum Effect {
    Instead(Box<dyn Instead>),
    After(Box<dyn After>),
}

/// Makes an answer in place of the strict server.
pub trait Instead: FnMut(&Request) -> Answer + Send {}

impl<F: FnMut(&Request) -> Answer + Send> Instead for F {}

/// Changes an answer of the strict server.
pub trait After: FnMut(&Request, Answer) -> Answer + Send {}

impl<F: FnMut(&Request, Answer) -> Answer + Send> After for F {}

impl Server {
    pub fn start() -> Self {
        Self::listen(TcpListener::bind("127.0.0.1:0").expect("a port"))
    }

    fn listen(listener: TcpListener) -> Self {
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared {
            provider: Mutex::new(Provider::new(&format!("http://{address}"))),
            rules: Mutex::new(Vec::new()),
            connections: Mutex::new(0),
            closing: AtomicBool::new(false),
        });
        let acceptor = thread::spawn({
            let shared = Arc::clone(&shared);
            move || {
                for stream in listener.incoming().flatten() {
                    if shared.closing.load(Ordering::SeqCst) {
                        break;
                    }
                    *shared.connections.lock().expect("no holder panics") += 1;
                    let shared = Arc::clone(&shared);
                    thread::spawn(move || shared.serve(stream));
                }
            }
        });
        Self { shared, address, acceptor: Some(acceptor) }
    }

    fn provider(&self) -> MutexGuard<'_, Provider> {
        self.shared.provider.lock().expect("the strict server does not panic")
    }

    /// Its address, which is its issuer unless a test says otherwise.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Changes what it knows and says.
    pub fn change<T>(&self, change: impl FnOnce(&mut Settings) -> T) -> T {
        change(&mut self.provider().settings)
    }

    /// Replaces ID tokens by what `make` makes of the right claims.
    pub fn id_tokens(&self, make: impl Fn(&Key, Value) -> Value + Send + Sync + 'static) {
        let make: IdTokenMaker = Arc::new(make);
        self.change(|settings| settings.id_token = Some(make));
    }

    pub fn client_secret(&self, client_id: &str) -> Option<String> {
        let secret = self.change(|settings| settings.clients.get(client_id).map(|(_, secret)| secret.clone()));
        secret.filter(|secret| !secret.is_empty())
    }

    /// Answers every request to `path` with `answer`; the strict server does not see them.
    pub fn always(&self, path: &str, answer: Answer) {
        self.instead(path, usize::MAX, move |_| answer.clone());
    }

    /// As [`Server::always`], once.
    pub fn once(&self, path: &str, answer: Answer) {
        self.instead(path, 1, move |_| answer.clone());
    }

    /// Answers the next requests to `path` without the strict server.
    pub fn instead(&self, path: &str, times: usize, effect: impl Instead + 'static) {
        self.rule(path, times, Effect::Instead(Box::new(effect)));
    }

    /// Changes what the strict server answers to the next requests to `path`.
    pub fn after(&self, path: &str, times: usize, effect: impl After + 'static) {
        self.rule(path, times, Effect::After(Box::new(effect)));
    }

    fn rule(&self, path: &str, left: usize, effect: Effect) {
        let rule = Rule { path: path.to_owned(), left, effect };
        self.shared.rules.lock().expect("no rule panics").push(rule);
    }

    /// Strict again from here on.
    pub fn recover(&self) {
        self.shared.rules.lock().expect("no rule panics").clear();
        self.change(|settings| {
            settings.token.clear();
            settings.claims.clear();
            settings.id_token = None;
        });
    }

    /// The person agrees to what `url` asks.
    #[track_caller]
    pub fn allow(&self, url: &str) -> Redirect {
        let parsed = Url::parse(url).expect("an address");
        assert!(url.starts_with(&format!("{}/", self.url())), "{url} is not an address of {}", self.url());
        self.provider().authorize(&parsed)
    }

    /// The server or the person says no.
    #[track_caller]
    pub fn deny(&self, url: &str, error: &str) -> Redirect {
        let url = Url::parse(url).expect("an address");
        let parameter = |name: &str| url.query_pairs().find(|(known, _)| known == name).expect(name).1.into_owned();
        let state = parameter("state");
        self.provider().redirect(&parameter("redirect_uri"), &[("error", error), ("state", &state)])
    }

    /// Every request so far.
    pub fn requests(&self) -> Vec<Request> {
        self.provider().log.clone()
    }

    pub fn requests_to(&self, path: &str) -> Vec<Request> {
        self.requests().into_iter().filter(|request| request.path == path).collect()
    }

    /// The token requests with this `grant_type`.
    pub fn grants(&self, grant_type: &str) -> Vec<Request> {
        let requests = self.requests_to("/token").into_iter();
        requests.filter(|request| request.parameter("grant_type").as_deref() == Some(grant_type)).collect()
    }

    /// How many connections there were, whatever came over them.
    pub fn connections(&self) -> usize {
        *self.shared.connections.lock().expect("no holder panics")
    }

    pub fn forget_requests(&self) {
        self.provider().log.clear();
    }

    /// Everything secret that has passed through.
    pub fn secrets(&self) -> BTreeSet<String> {
        self.provider().secrets.iter().filter(|secret| secret.len() >= 8).cloned().collect()
    }

    /// The rules that the client broke, which then do not end the test.
    pub fn violations(&self) -> Vec<String> {
        std::mem::take(&mut self.provider().violations)
    }
}

impl Shared {
    fn serve(&self, stream: TcpStream) {
        if let Some(request) = Request::read(&stream) {
            self.answer(&request).send(stream);
        }
    }

    fn answer(&self, request: &Request) -> Answer {
        self.provider.lock().expect("the strict server does not panic").log.push(request.clone());
        let mut rules = self.rules.lock().expect("no rule panics");
        let mut rules = rules.iter_mut().filter(|rule| rule.left > 0 && rule.path == request.path);
        let Some(rule) = rules.next() else { return self.strict(request) };
        rule.left -= 1;
        match &mut rule.effect {
            Effect::Instead(effect) => effect(request),
            Effect::After(effect) => {
                let answer = self.strict(request);
                effect(request, answer)
            }
        }
    }

    fn strict(&self, request: &Request) -> Answer {
        self.provider.lock().expect("the strict server does not panic").answer(request)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.closing.store(true, Ordering::SeqCst);
        // Wakes the acceptor, which then lets go of the port.
        drop(TcpStream::connect(self.address));
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
        if !thread::panicking() {
            let violations = self.violations();
            assert!(violations.is_empty(), "the client broke rules: {violations:#?}");
        }
    }
}
