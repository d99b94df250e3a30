//! The request on its way: through redirects, and once more with another token.

use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, Method, StatusCode};
use keyfob::client::{Client, Prover, Sent, objection_in_head};
use keyfob::grant::oauth1::clock_remark;
use keyfob::protocol::call::{self, Call};
use keyfob::protocol::challenge::{challenges, demand};
use keyfob::protocol::dpop::Objection;
use keyfob::protocol::presentation;
use keyfob::protocol::token::TokenType;
use keyfob::session::Taken;
use keyfob::session::index::Entry;
use keyfob::system::System;
use keyfob::system::http::stream::{Download, Upload};
use keyfob::system::trace::{Event, Party, Step};
use url::Url;

use crate::cli::context::Context;
use crate::cli::exit_code::ExitCode;
use crate::cli::report::Failure;

use super::body::Body;
use super::redirect::{self, Next};
use super::session::{self, Token};
use super::signer::Signer;
use super::{Asked, certificate, headers, verdict};

/// What to do about a body that is needed again and gone.
const AS_A_FILE: &str = "give the body as a file:  -d @FILE";

/// One request of the user's, which may be several on the network.
pub struct Exchange<'a> {
    context: &'a Context,
    system: &'a System,
    entry: &'a Entry,
    /// What is presented; unset once a redirect has left the origin that it was for.
    token: Option<Taken>,
    /// What signs each request, where the token alone proves nothing.
    signer: Option<Signer>,
    /// Whose certificate the token is presented with, where it is bound to one.
    holder: Option<Client>,
    /// What proves with each request the key that the token is bound to, and what the last proof said.
    prover: Option<Prover>,
    proof: Option<Sent>,
    /// Whether the proof was made anew as the server wants it: once is enough (PX-02).
    is_reproven: bool,
    /// Whether the server's time has been taken over: once is enough.
    is_retimed: bool,
    /// Whether the token was renewed for this request: once is enough (RF-14).
    is_new: bool,
    url: Url,
    method: Method,
    headers: HeaderMap,
    body: Body,
    redirects: u32,
}

/// The last answer, its body still to come.
pub struct Answered {
    /// The answer.
    pub answer: Download,
    /// Whether the session's token was presented to whoever gave it.
    pub presented: bool,
    /// Why it is the last although there was more to do: a refused token that was not replaced by another one, a redirect
    /// that cannot be followed.
    pub trouble: Option<Failure>,
    /// Where it comes from.
    pub place: Url,
}

impl<'a> Exchange<'a> {
    /// Nothing is sent yet.
    ///
    /// # Errors
    /// Settings of the network that are unusable.
    pub fn new(context: &'a Context, entry: &'a Entry, token: Token, asked: Asked) -> Result<Self, Failure> {
        let Asked { url, method, headers, body } = asked;
        let mut prover = None;
        let signer = match token.taken.token_type {
            TokenType::OAuth1 => Some(context.block_on(Signer::of(context, entry))??),
            TokenType::DPoP => {
                prover = Some(context.prover(&token.taken).map_err(|failure| failure.mended_by(entry))?);
                None
            }
            TokenType::NotApplicable => {
                let message = format!("the server does not say how the token of {} is presented (N_A)", entry.key);
                return Err(Failure::usage(message).session(&entry.key));
            }
            _ => None,
        };
        let holder = certificate::holder(context, entry)?;
        Ok(Self {
            context,
            system: context.system()?,
            entry,
            token: Some(token.taken),
            signer,
            holder,
            prover,
            proof: None,
            is_reproven: false,
            is_retimed: false,
            is_new: token.is_new,
            url,
            method,
            headers,
            body,
            redirects: 0,
        })
    }

    /// Sends, follows, renews, until an answer is the last.
    ///
    /// # Errors
    /// Why there is no answer that may be handed out.
    pub async fn run(mut self) -> Result<Answered, Failure> {
        loop {
            let request = self.signed()?;
            self.narrate(5, "Send the request", "Only the header carries the token, never the address");
            let answer = self.system.http.send_flowing(request).await?;
            if let Some(prover) = &self.prover {
                prover.note(&self.url, answer.headers());
            }
            if let Some(next) = redirect::next(answer.status(), answer.headers(), &self.method, &self.url)? {
                if self.can_follow(&next) {
                    self.follow(next)?;
                    continue;
                }
                let place = keyfob::system::http::endpoint(&next.url);
                let message = format!("the redirect to {place} is not followed: the body can be read only once");
                let trouble = Failure::usage(message).hint(AS_A_FILE);
                return Ok(self.answered(answer, Some(trouble)));
            }
            match self.renewed(&answer).await {
                Ok(true) => {}
                Ok(false) => {
                    self.narrate(6, "Receive the answer", "The resource server has judged the token");
                    return Ok(self.answered(answer, None));
                }
                Err(trouble) => return Ok(self.answered(answer, Some(trouble))),
            }
        }
    }

    /// Tells one of the last two steps of the flow, while there is a token in it.
    fn narrate(&self, number: u8, title: &str, why: &str) {
        let between = match number {
            5 => (Party::Client, Party::ResourceServer),
            _ => (Party::ResourceServer, Party::Client),
        };
        if self.token.is_some() {
            let specification = match (&self.signer, &self.prover) {
                (Some(_), _) => "RFC 5849 §3",
                (None, Some(_)) => "RFC 9449 §7",
                (None, None) => "RFC 6750 §2.1",
            };
            let (title, why) = (title.into(), why.into());
            self.system.trace.tell(|| Event::Step(Step { number, between, title, why, specification }));
        }
    }

    fn answered(self, answer: Download, trouble: Option<Failure>) -> Answered {
        Answered { answer, presented: self.token.is_some(), trouble, place: self.url }
    }

    /// The request as it is sent now, with a proof of its own: the one place where a token is presented.
    fn signed(&mut self) -> Result<http::Request<Upload>, Failure> {
        let mut headers = self.headers.clone();
        if let Some(token) = &self.token {
            match (&mut self.signer, &self.prover) {
                (None, Some(prover)) => {
                    let (proven, sent) = prover.headers(&token.access_token, &self.method, &self.url)?;
                    headers.extend(proven);
                    self.proof = Some(sent);
                }
                (None, None) => {
                    let header = presentation::authorization(token.token_type, &token.access_token)?;
                    headers.insert(AUTHORIZATION, header);
                }
                (Some(signer), _) => {
                    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
                    let covered = self.body.covered(call::is_form(content_type))?;
                    let body = covered.map_or(call::Body::Streamed, |all| call::Body::new(all, content_type));
                    let signed = signer.headers(&Call { method: &self.method, url: &self.url, body })?;
                    headers.extend(signed);
                }
            }
        }
        let mut request = http::Request::builder().method(self.method.clone()).uri(self.url.as_str());
        if let Some(all) = request.headers_mut() {
            *all = headers;
        }
        let unusable = |error: http::Error| Failure::usage(format!("the request cannot be written: {error}"));
        let mut request = request.body(self.body.upload()?).map_err(unusable)?;
        // To whomever the token goes, and to nobody else.
        if let Some(holder) = self.holder.as_ref().filter(|_| self.token.is_some()) {
            holder.show_bound_certificate(&mut request);
        }
        Ok(request)
    }

    /// Whether there is still a body to send where one is needed.
    fn can_follow(&self, next: &Next) -> bool {
        !next.with_body || self.body.is_replayable()
    }

    fn follow(&mut self, next: Next) -> Result<(), Failure> {
        self.redirects += 1;
        if self.redirects > redirect::MOST {
            let place = keyfob::system::http::endpoint(&self.url);
            let message = format!("{place} is one redirect too many ({} were followed)", redirect::MOST);
            return Err(Failure::new(ExitCode::Protocol, message));
        }
        if next.elsewhere {
            // For good: what comes back to the first origin was led by another one.
            self.token = None;
            headers::leave_origin(&mut self.headers);
            let place = keyfob::system::http::endpoint(&next.url);
            self.context.terminal.detail(1, &format!("Redirected to {place}; the token stays behind"));
        }
        if !next.with_body {
            self.body = Body::None;
            headers::leave_body(&mut self.headers);
        }
        (self.url, self.method) = (next.url, next.method);
        Ok(())
    }

    /// Whether the token was refused and there is another one to try.
    ///
    /// # Errors
    /// Why there is no other one.
    async fn renewed(&mut self, answer: &Download) -> Result<bool, Failure> {
        let signer = self.signer.as_ref().filter(|_| self.token.is_some() && !self.is_retimed);
        if let Some(ahead) = signer.and_then(|signer| signer.learn_time(answer.status(), answer.headers())) {
            self.is_retimed = true;
            self.context.terminal.warning(&clock_remark(ahead));
            if self.body.is_replayable() {
                return Ok(true);
            }
            return Err(Failure::usage("the request is not repeated: the body can be read only once").hint(AS_A_FILE));
        }
        if let (Some(prover), Some(sent), Some(_)) = (&self.prover, &self.proof, &self.token)
            && let Some(objection) = objection_in_head(answer.status(), answer.headers())
        {
            if self.is_reproven || !prover.is_worth_another(&self.url, sent, Some(objection)) {
                return Err(not_proven(objection, &self.url));
            }
            self.is_reproven = true;
            if self.body.is_replayable() {
                return Ok(true);
            }
            let message = "the server wants another DPoP nonce, and the body can be read only once";
            return Err(Failure::new(ExitCode::Refused, message).hint("run the command again"));
        }
        let Some(token) = self.token.as_ref().filter(|_| answer.status() == StatusCode::UNAUTHORIZED) else {
            return Ok(false);
        };
        if verdict::needs_login(demand(&challenges(answer.headers())).as_ref()) || self.is_new {
            return Ok(false);
        }
        let another = session::another(self.context, self.entry, &token.access_token).await;
        let another = another.map_err(|failure| failure.mended_by(self.entry))?;
        if self.signer.is_some() {
            self.signer = Some(Signer::of(self.context, self.entry).await?);
        }
        self.prover = match (another.token_type, self.prover.take(), &another.proof_key) {
            (TokenType::DPoP, Some(prover), Some(key)) => prover.hold(key).map(|()| Some(prover))?,
            (TokenType::DPoP, ..) => Some(self.context.prover(&another)?),
            _ => None,
        };
        self.token = Some(another);
        self.is_new = true;
        if self.body.is_replayable() {
            return Ok(true);
        }
        let message = format!(
            "the token of {} was refused and has been renewed, but the body can be read only once",
            self.entry.key
        );
        Err(Failure::new(ExitCode::LoginRequired, message).instead("run the command again"))
    }
}

/// A server that does not take the proof, however it is made.
fn not_proven(objection: Objection, url: &Url) -> Failure {
    let place = keyfob::system::http::endpoint(url);
    let (code, what) = match objection {
        Objection::Nonce => ("use_dpop_nonce", "wants another nonce than the one that it gave"),
        Objection::Proof => ("invalid_dpop_proof", "does not accept the DPoP proof"),
    };
    Failure::new(ExitCode::Refused, format!("{place} {what} ({code})"))
        .hint("see what was sent with  -vv,  and check this machine's clock")
}
