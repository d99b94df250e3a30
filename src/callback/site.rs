//! What is at which address of the listener, and how far the login has come.

use std::fmt;
use std::sync::Arc;

use http::StatusCode;
use tokio::sync::{mpsc, oneshot, watch};

use super::page::Page;
use super::request::Head;
use super::{Mode, Outcome, Parameters};

/// How far the login has come.
#[derive(Clone)]
enum Phase {
    /// No candidate was accepted.
    Waiting,
    /// One was; what will come of it is not known.
    Accepted(Arc<Parameters>),
    /// The outcome is known; a candidate need not have been accepted.
    Finished(Option<Arc<Parameters>>, Page),
}

impl Phase {
    fn accepted(&self) -> Option<&Arc<Parameters>> {
        match self {
            Phase::Waiting => None,
            Phase::Accepted(parameters) => Some(parameters),
            Phase::Finished(parameters, _) => parameters.as_ref(),
        }
    }
}

/// How far the login has come, and how many browsers were sent to the final page and have not seen it.
#[derive(Clone)]
pub(super) struct Progress {
    phase: watch::Sender<Phase>,
    owed: watch::Sender<usize>,
}

impl Progress {
    /// Tells everybody who waits for the final page.
    pub fn finish(&self, outcome: Outcome) {
        let page = Page::outcome(outcome);
        self.phase.send_modify(|phase| *phase = Phase::Finished(phase.accepted().cloned(), page));
    }

    /// Waits until every browser that was sent to the final page has seen it.
    pub async fn settled(&self) {
        // The sender lives in `self`, so that waiting cannot fail.
        let _ = self.owed.subscribe().wait_for(|owed| *owed == 0).await;
    }

    /// Notes that a final page went out.
    pub fn delivered(&self) {
        self.owed.send_modify(|owed| *owed = owed.saturating_sub(1));
    }

    fn accept(&self, parameters: Parameters) -> bool {
        let accepted = self.phase.send_if_modified(|phase| {
            let waiting = matches!(phase, Phase::Waiting);
            if waiting {
                *phase = Phase::Accepted(Arc::new(parameters));
            }
            waiting
        });
        if accepted {
            // Before the connection task runs: the outcome may follow at once.
            self.owed.send_modify(|owed| *owed += 1);
        }
        accepted
    }
}

impl fmt::Debug for Progress {
    /// Without the parameters, which hold a code.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let phase = match *self.phase.borrow() {
            Phase::Waiting => "Waiting",
            Phase::Accepted(_) => "Accepted",
            Phase::Finished(..) => "Finished",
        };
        write!(f, "Progress({phase})")
    }
}

/// A well-formed request at the redirect URI, whose parameters nobody has checked.
///
/// Dropped without an answer, it is refused.
pub struct Candidate {
    /// The parameters, decoded once, in the order they came in, duplicates kept.
    pub parameters: Parameters,
    received: Parameters,
    progress: Progress,
    verdict: oneshot::Sender<Verdict>,
}

/// What became of a candidate.
enum Verdict {
    Accepted,
    Refused(String),
}

impl Candidate {
    /// Answers with an error page that gives `reason`; the wait goes on.
    pub fn refuse(self, reason: &str) {
        // The other side may be gone, which changes nothing.
        let _ = self.verdict.send(Verdict::Refused(reason.to_owned()));
    }

    /// Takes this request as the one that was waited for: its browser is sent to the page that will show the outcome.
    pub fn accept(self) {
        if self.progress.accept(self.received) {
            let _ = self.verdict.send(Verdict::Accepted);
        }
    }

    /// Whether nobody has been accepted yet; what was queued before that needs no judging any more.
    pub(super) fn is_open(&self) -> bool {
        self.progress.phase.borrow().accepted().is_none()
    }
}

impl fmt::Debug for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Candidate(…)")
    }
}

/// What a connection is to be answered with.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// A page that changes nothing.
    Page(Page),
    /// 303 to the final page.
    SeeOther,
    /// The final page.
    Outcome(Page),
}

/// Where a request belongs.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Route {
    /// The redirect URI, with parameters in the query.
    Query(Vec<u8>),
    /// The redirect URI, with parameters in the body.
    Form,
    /// The final page.
    Final,
}

/// The listener as a browser sees it.
#[derive(Debug)]
pub(super) struct Site {
    scheme: &'static str,
    authority: String,
    path: String,
    final_path: String,
    mode: Mode,
    progress: Progress,
    candidates: mpsc::Sender<Candidate>,
}

impl Site {
    /// The site at `{scheme}://{authority}{path}`.
    pub fn new(
        scheme: &'static str,
        authority: String,
        path: String,
        mode: Mode,
        candidates: mpsc::Sender<Candidate>,
    ) -> Self {
        let final_path = format!("{}/done", path.trim_end_matches('/'));
        let progress = Progress { phase: watch::Sender::new(Phase::Waiting), owed: watch::Sender::new(0) };
        Self { scheme, authority, path, final_path, mode, progress, candidates }
    }

    /// How far the login has come.
    pub fn progress(&self) -> &Progress {
        &self.progress
    }

    /// The address of the final page.
    pub fn final_path(&self) -> &str {
        &self.final_path
    }

    /// Where the request belongs, or the page that refuses it. Authority, path and method are checked in this order, so
    /// that a foreign site learns nothing about the others.
    pub fn route(&self, head: &Head) -> Result<Route, Page> {
        let target = self.origin_form(head)?;
        let (path, query) = target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
        if path == self.final_path && query.is_none() {
            return if head.method == "GET" { Ok(Route::Final) } else { Err(Page::method("GET")) };
        }
        if path != self.path {
            return Err(Page::refusal(StatusCode::NOT_FOUND, "There is nothing at this address."));
        }
        match (self.mode, head.method.as_str()) {
            (Mode::Query, "GET") => {
                only_navigation(head)?;
                Ok(Route::Query(query.unwrap_or_default().as_bytes().to_vec()))
            }
            (Mode::FormPost, "POST") if query.is_some() => Err(Page::refusal(
                StatusCode::BAD_REQUEST,
                "The answer must come in the form alone, not in the address as well.",
            )),
            (Mode::FormPost, "POST") => {
                only_navigation(head)?;
                Ok(Route::Form)
            }
            (Mode::Query, _) => Err(Page::method("GET")),
            (Mode::FormPost, _) => Err(Page::method("POST")),
        }
    }

    /// The path and query of a request that names this listener and no other. A page of another site can have its name
    /// resolve to a loopback address, but it cannot have the browser send another `Host` (DNS rebinding).
    fn origin_form<'a>(&self, head: &'a Head) -> Result<&'a str, Page> {
        let foreign = || Page::refusal(StatusCode::MISDIRECTED_REQUEST, "The request names another host.");
        let malformed = |status| Page::refusal(status, "The request is malformed.");
        let host = head.field("host").map_err(malformed)?.ok_or_else(|| malformed(StatusCode::BAD_REQUEST))?;
        if !self.is_own(host) {
            return Err(foreign());
        }
        if head.target.contains('#') {
            return Err(malformed(StatusCode::BAD_REQUEST));
        }
        if head.target.starts_with('/') {
            return Ok(&head.target);
        }
        // RFC 9112 §3.2.2: a server takes the absolute form too.
        let absolute = head.target.strip_prefix(self.scheme).and_then(|rest| rest.strip_prefix("://"));
        let absolute = absolute.ok_or_else(|| malformed(StatusCode::BAD_REQUEST))?;
        let (authority, _) = absolute.split_once('/').ok_or_else(foreign)?;
        if self.is_own(authority) { Ok(&absolute[authority.len()..]) } else { Err(foreign()) }
    }

    fn is_own(&self, authority: &str) -> bool {
        let own = self.authority.as_str();
        // Browsers leave out the port that is the scheme's own.
        authority.eq_ignore_ascii_case(own)
            || own
                .strip_suffix(if self.scheme == "https" { ":443" } else { ":80" })
                .is_some_and(|host| authority.eq_ignore_ascii_case(host))
    }

    /// Has the parameters judged and tells what to answer.
    pub async fn judge(&self, parameters: Parameters) -> Answer {
        let mut phase = self.progress.phase.subscribe();
        if matches!(*phase.borrow_and_update(), Phase::Waiting) {
            let (verdict, answer) = oneshot::channel();
            let progress = self.progress.clone();
            let candidate =
                Candidate { parameters: parameters.clone(), received: parameters.clone(), progress, verdict };
            let judged = async {
                // Nobody listens any more when the login is over: then the candidate and its verdict are dropped.
                let _ = self.candidates.send(candidate).await;
                answer.await
            };
            tokio::select! {
                biased;
                verdict = judged => match verdict {
                    Ok(Verdict::Accepted) => return Answer::SeeOther,
                    Ok(Verdict::Refused(reason)) => return refused(&reason),
                    Err(_) => {}
                },
                // Another one was accepted, perhaps the same request a moment before.
                _ = phase.wait_for(|phase| !matches!(phase, Phase::Waiting)) => {}
            }
        }
        self.repeated(&parameters)
    }

    /// The answer to a request that comes when nobody judges any more: the same one gets the same page.
    fn repeated(&self, parameters: &Parameters) -> Answer {
        let phase = self.progress.phase.borrow();
        if phase.accepted().is_some_and(|accepted| **accepted == *parameters) {
            self.progress.owed.send_modify(|owed| *owed += 1);
            return Answer::SeeOther;
        }
        refused("This is not the answer that the login is waiting for.")
    }

    /// The final page, when it is known.
    pub async fn outcome(&self) -> Answer {
        let mut phase = self.progress.phase.subscribe();
        if matches!(*phase.borrow(), Phase::Waiting) {
            return Answer::Page(Page::refusal(StatusCode::NOT_FOUND, "There is nothing at this address."));
        }
        let finished = phase.wait_for(|phase| matches!(phase, Phase::Finished(..))).await;
        match finished.as_deref() {
            Ok(Phase::Finished(_, page)) => Answer::Outcome(page.clone()),
            // The sender lives in `self`.
            _ => refused("The login was given up."),
        }
    }
}

fn refused(reason: &str) -> Answer {
    Answer::Page(Page::refusal(StatusCode::BAD_REQUEST, reason))
}

/// Refuses what a web page fired in the background: an answer comes by navigation of a whole window (RFC 6749 §4.1.2), and
/// browsers say so (W3C Fetch Metadata). Other clients send no such fields.
fn only_navigation(head: &Head) -> Result<(), Page> {
    let is = |field, expected| matches!(head.field(field), Ok(None)) || head.field(field) == Ok(Some(expected));
    if is("sec-fetch-mode", "navigate") && is("sec-fetch-dest", "document") {
        return Ok(());
    }
    Err(Page::refusal(StatusCode::BAD_REQUEST, "The request was made by a page in the background."))
}
