//! `oauth1`: a person consents in the browser, every request is signed (RFC 5849 §2, and the 1.0 dance without a verifier).
//!
//! Temporary credentials come first, so that a server that cannot be trusted with the callback is known before a browser
//! opens. The callback must carry the temporary token and a verifier; others are refused and the wait goes on.

use std::time::Duration;

use url::Url;

use super::{Error, Grant, GrantRequest, Interaction, LocalFuture, Obtained, Page, identity, redirection};
use crate::callback::pasted::{self, BareCode, Pasted};
use crate::callback::{Candidate, Loopback, Outcome};
use crate::client::{self, Client, Signed};
use crate::protocol::oauth1::credentials::{self, Confirmation, Issued};
use crate::protocol::oauth1::{Consumer, Credentials};
use crate::protocol::parameters::Parameters;
use crate::protocol::token::{TokenSet, TokenType};
use crate::protocol::{self, ErrorResponse, jose, scope};
use crate::registry::Provider;
use crate::registry::words::{Method, OAuthVersion};
use crate::secret::Secret;
use crate::system::http::{Request, Response};
use crate::system::trace::{Event, Party, Step};

/// How many callbacks that are not ours are told one by one; a web page could send thousands.
const TOLD: usize = 3;

/// The callback of a client that has none: the server's page shows a PIN (RFC 5849 §2.1).
pub const OUT_OF_BAND: &str = "oob";

/// The dance of OAuth 1.0.
#[derive(Debug)]
pub struct OAuth1;

impl Grant for OAuth1 {
    fn name(&self) -> &'static str {
        "oauth1"
    }

    fn summary(&self) -> &'static str {
        "OAuth 1.0a: a person consents in the browser; every request is signed"
    }

    fn specification(&self) -> &'static str {
        "RFC 5849 section 2"
    }

    fn obtain<'a>(
        &'a self,
        client: &'a Client,
        request: &'a GrantRequest,
        user: &'a dyn Interaction,
    ) -> LocalFuture<'a, Result<Obtained, Error>> {
        Box::pin(async move { Attempt::begin(client, request, user).await?.run().await })
    }
}

/// One login under way.
struct Attempt<'a> {
    client: &'a Client,
    consumer: &'a Consumer,
    request: &'a GrantRequest,
    user: &'a dyn Interaction,
    endpoints: Endpoints,
    callback: String,
    loopback: Option<Loopback>,
}

/// Where the three steps lead.
struct Endpoints {
    request: Url,
    authorization: Url,
    token: Url,
}

/// The person's answer, and the page that waits for the outcome.
struct Answer {
    verdict: Verdict,
    page: Page,
}

/// What a callback that is ours says.
#[derive(Debug, PartialEq)]
enum Verdict {
    /// The person agreed; without a verifier in OAuth 1.0.
    Agreed(Option<Secret>),
    /// The person or the server said no.
    Refused(ErrorResponse),
}

impl<'a> Attempt<'a> {
    /// Everything before the first request.
    async fn begin(client: &'a Client, request: &'a GrantRequest, user: &'a dyn Interaction) -> Result<Self, Error> {
        let provider = client.provider();
        let lacks = |what| client::Error::Lacks { provider: provider.id.clone(), what };
        let consumer = client.consumer().ok_or_else(|| lacks("request_token_endpoint"))?;
        check_request(request)?;
        let server = client.server().await?;
        let endpoints = Endpoints {
            request: provider.request_token_endpoint.clone().ok_or_else(|| lacks("request_token_endpoint"))?,
            authorization: server.authorization_endpoint.clone().ok_or_else(|| lacks("authorization_endpoint"))?,
            token: server.token_endpoint.clone().ok_or_else(|| lacks("token_endpoint"))?,
        };
        let (callback, loopback) = match request.redirect_uri.as_deref() {
            Some(OUT_OF_BAND) if user.can_paste() => (OUT_OF_BAND.to_owned(), None),
            Some(OUT_OF_BAND) => return Err(Error::NobodyToPaste { redirect_uri: OUT_OF_BAND.into() }),
            _ => redirection::redirect(client, request, user).await?,
        };
        Ok(Self { client, consumer, request, user, endpoints, callback, loopback })
    }

    async fn run(mut self) -> Result<Obtained, Error> {
        if self.is_original() {
            self.user.remark(
                "this provider speaks OAuth 1.0 without a verifier: nothing proves that whoever agreed in the browser is \
                 you (session fixation); agree only to the login that you started yourself",
            );
        }
        let temporary = self.temporary().await?;
        let url = self.authorization_url(&temporary)?;
        self.tell_visit();
        self.user.visit(&url, &self.callback).await?;
        self.user.waiting(self.request.timeout);
        let Answer { verdict, page } = self.answer(&temporary).await?;
        let outcome = match verdict {
            Verdict::Agreed(verifier) => self.redeem(&temporary, verifier.as_ref()).await,
            Verdict::Refused(told) => Err(protocol::Error::Server(told).into()),
        };
        match outcome {
            Ok(tokens) => Ok(Obtained { tokens, id_token: None, remarks: Vec::new(), page }),
            Err(error) => {
                page.finish(failure(&error)).await;
                Err(error)
            }
        }
    }

    /// Whether the browser ends on a page of the server's own.
    fn shows_pin(&self) -> bool {
        !self.callback.contains("://")
    }

    /// Whether the entry says that there is no verifier.
    fn is_original(&self) -> bool {
        self.client.provider().oauth_version == OAuthVersion::V1
    }

    /// RFC 5849 §2.1.
    async fn temporary(&self) -> Result<Credentials, Error> {
        self.tell_temporary();
        let callback = [("oauth_callback", self.callback.as_str())];
        let (extra, confirmation) = match self.is_original() {
            false => (&callback[..], Confirmation::Required),
            true => (&[][..], Confirmation::Unknown),
        };
        let response = self.send(&self.endpoints.request, None, extra).await?;
        let now = self.client.system().clock.seconds();
        let read = credentials::temporary(&response, &self.consumer.signing, confirmation, now);
        Ok(read.map_err(|error| error.without(self.consumer.signing.secret()))?)
    }

    /// RFC 5849 §2.2; OAuth Core 1.0 §6.2.1 (the callback travels with the browser).
    fn authorization_url(&self, temporary: &Credentials) -> Result<Url, Error> {
        let provider = self.client.provider();
        let mut parameters = Parameters::new();
        parameters.set("oauth_token", temporary.token.expose());
        if self.is_original() {
            parameters.set("oauth_callback", self.callback.as_str());
        }
        if !self.request.scopes.is_empty() {
            let scopes = self.request.scopes.join(identity::scope_separator(provider));
            parameters.set(identity::scope_param(provider), scopes);
        }
        for (name, value) in &extra(provider, self.request) {
            check_extra(name)?;
            parameters.set(name, value.as_str());
        }
        let url = parameters.appended_to(&self.endpoints.authorization);
        Ok(url.map_err(|error| malformed("authorization_endpoint", error.to_string()))?)
    }

    async fn answer(&mut self, temporary: &Credentials) -> Result<Answer, Error> {
        let after: Duration = self.request.timeout;
        let deadline = tokio::time::sleep(after);
        tokio::pin!(deadline);
        let mut refused = 0;
        loop {
            let candidate = next(&mut self.loopback);
            tokio::select! {
                candidate = candidate => match self.judged(&candidate.parameters, temporary) {
                    Some(verdict) => {
                        candidate.accept();
                        let page = self.loopback.take().map(Page::of).unwrap_or_default();
                        return Ok(Answer { verdict, page });
                    }
                    None => {
                        candidate.refuse("It does not belong to the login that is under way.");
                        refused += 1;
                        if refused <= TOLD {
                            self.user.remark("a callback that does not belong to this login was refused; still waiting");
                        }
                    }
                },
                pasted = self.user.pasted() => match self.pasted(&pasted, temporary) {
                    // A slip of the hand, not another login's answer.
                    Err(Error::Callback(_)) if self.shows_pin() => {
                        self.user.remark("what was pasted is no PIN such as the page shows; still waiting");
                    }
                    Err(Error::Callback(error)) => self.user.remark(&format!("{error}; still waiting")),
                    outcome => {
                        let verdict = outcome?;
                        // Nobody's browser waits for a page.
                        self.loopback = None;
                        return Ok(Answer { verdict, page: Page::default() });
                    }
                },
                () = self.user.abandoned() => return Err(Error::Abandoned),
                () = &mut deadline => return Err(match refused {
                    0 => Error::TimedOut { after },
                    _ => Error::ForeignCallbacks { refused, after },
                }),
            }
        }
    }

    fn judged(&self, parameters: &[(String, String)], temporary: &Credentials) -> Option<Verdict> {
        judge(parameters, &temporary.token, self.is_original())
    }

    /// What was pasted goes through the same checks as what was received; a PIN has only itself.
    fn pasted(&self, text: &Secret, temporary: &Credentials) -> Result<Verdict, Error> {
        let bare = if self.shows_pin() { BareCode::Accepted } else { BareCode::Refused };
        match pasted::read(text.expose(), &self.callback, bare)? {
            Pasted::Redirect(parameters) => self.judged(&parameters, temporary).ok_or(Error::PastedToken),
            Pasted::Code(pin) => Ok(Verdict::Agreed(Some(pin))),
        }
    }

    /// RFC 5849 §2.3.
    async fn redeem(&self, temporary: &Credentials, verifier: Option<&Secret>) -> Result<TokenSet, Error> {
        self.tell_exchange();
        let extra: Vec<_> = verifier.iter().map(|verifier| ("oauth_verifier", verifier.expose())).collect();
        let response = self.send(&self.endpoints.token, Some(temporary), &extra).await?;
        let now = self.client.system().clock.seconds();
        let signing = &self.consumer.signing;
        let sent = [Some(&temporary.token), Some(&temporary.secret), verifier, signing.secret()];
        let read = credentials::issued(&response, signing, now);
        let Issued { credentials, expires_in, extra } =
            read.map_err(|error| error.without(sent.into_iter().flatten()))?;
        Ok(TokenSet {
            access_token: credentials.token,
            token_secret: Some(credentials.secret),
            proof_key: None,
            token_type: TokenType::OAuth1,
            expires_at: expires_in.map(|life| now.saturating_add(life)),
            refresh_token: None,
            refresh_expires_at: None,
            scopes: self.request.scopes.clone(),
            id_token: None,
            kept: extra,
        })
    }

    /// A signed request without parameters of its own, in the method of the entry.
    async fn send(
        &self,
        url: &Url,
        credentials: Option<&Credentials>,
        extra: &[(&'static str, &str)],
    ) -> Result<Response, Error> {
        let Signed { response, skew } = self.client.send_signed(self.message(url)?, credentials, extra).await?;
        if let Some(skew) = skew {
            self.user.remark(&clock_remark(skew));
        }
        Ok(response)
    }

    fn message(&self, url: &Url) -> Result<Request, Error> {
        let rules = &self.client.provider().token_request;
        let method = match rules.method {
            Method::Get => http::Method::GET,
            Method::Post => http::Method::POST,
        };
        let request = http::Request::builder().method(&method).uri(url.as_str()).header(http::header::ACCEPT, "*/*");
        let mut request = request.body(Vec::new()).map_err(|error| malformed("request", error.to_string()))?;
        if method == http::Method::POST {
            // Some servers want a form even where it is empty.
            let form = http::HeaderValue::from_static("application/x-www-form-urlencoded");
            request.headers_mut().insert(http::header::CONTENT_TYPE, form);
        }
        for (name, value) in &rules.headers {
            let (name, value) = protocol::http::header(name, value)?;
            request.headers_mut().insert(name, value);
        }
        Ok(request)
    }
}

/// What the trace is told.
impl Attempt<'_> {
    fn step(&self, number: u8, between: (Party, Party), title: &str, why: &str, specification: &'static str) {
        self.client
            .system()
            .trace
            .tell(|| Event::Step(Step { number, between, title: title.into(), why: why.into(), specification }));
    }

    fn tell_temporary(&self) {
        let why = "the callback is fixed by a signed request, before any browser is involved";
        let between = (Party::Client, Party::AuthorizationServer);
        self.step(1, between, "fetch temporary credentials", why, "RFC 5849 section 2.1");
    }

    fn tell_visit(&self) {
        let why = "the temporary token ties the answer to this login, the verifier to whoever agreed";
        let between = (Party::Client, Party::ResourceOwner);
        self.step(2, between, "send the browser to the authorization endpoint", why, "RFC 5849 section 2.2");
    }

    fn tell_exchange(&self) {
        let why = "the verifier alone is worth nothing without the secret of the temporary credentials";
        let between = (Party::Client, Party::AuthorizationServer);
        self.step(3, between, "exchange the temporary credentials for a token", why, "RFC 5849 section 2.3");
    }
}

/// What to say when a server's time had to be used.
pub fn clock_remark(skew: i64) -> String {
    let direction = if skew > 0 { "behind" } else { "ahead of" };
    format!(
        "the server refused this machine's time, and took its own: this clock is {} s {direction} it; set it right",
        skew.unsigned_abs()
    )
}

/// Reads a callback; `None` when it is not this login's.
///
/// # Specification
/// RFC 5849 §2.2. `denied` is what Twitter and others send for a no; `oauth_problem` is of the Problem Reporting extension.
fn judge(parameters: &[(String, String)], token: &Secret, original: bool) -> Option<Verdict> {
    let one = |name: &str| {
        let mut found = parameters.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str());
        match (found.next(), found.next()) {
            (value, None) => Some(value),
            (_, Some(_)) => None,
        }
    };
    let (denied, given, verifier) = (one("denied")?, one("oauth_token")?, one("oauth_verifier")?);
    let problem = one("oauth_problem")?;
    let is_ours = |value: Option<&str>| value.is_some_and(|value| Secret::from(value) == *token);
    if is_ours(denied) {
        let error = "access_denied".to_owned();
        return Some(Verdict::Refused(ErrorResponse { error, description: None, uri: None }));
    }
    if denied.is_some() || !is_ours(given) {
        return None;
    }
    if let Some(problem) = problem.filter(|problem| !problem.is_empty()) {
        // Both words of the extension mean that the person said no.
        let is_denial = matches!(problem, "permission_denied" | "user_refused");
        let error = if is_denial { "access_denied" } else { problem }.to_owned();
        let description = one("oauth_problem_advice")?.map(str::to_owned);
        return Some(Verdict::Refused(ErrorResponse { error, description, uri: None }));
    }
    match verifier.filter(|verifier| !verifier.is_empty()) {
        Some(verifier) => Some(Verdict::Agreed(Some(verifier.into()))),
        None if original => Some(Verdict::Agreed(None)),
        None => None,
    }
}

async fn next(loopback: &mut Option<Loopback>) -> Candidate {
    match loopback {
        Some(loopback) => loopback.next().await,
        None => std::future::pending().await,
    }
}

/// The browser's page for a login that failed.
fn failure(error: &Error) -> Outcome {
    match error {
        Error::Protocol(protocol::Error::Server(told)) => Outcome::Failure {
            heading: format!("Login failed: {}", jose::excerpt(&told.error)),
            text: told.description.clone(),
        },
        _ => Outcome::Failure { heading: "Login failed".into(), text: None },
    }
}

/// Parameters of the entry, then those of the user, which win.
fn extra(provider: &Provider, request: &GrantRequest) -> Vec<(String, String)> {
    let mut extra = identity::pairs(&provider.authorize_params);
    extra.extend(request.params.iter().cloned());
    extra
}

fn check_request(request: &GrantRequest) -> Result<(), Error> {
    for (name, _) in &request.params {
        check_extra(name)?;
    }
    if !request.resources.is_empty() || request.audience.is_some() {
        let name = if request.resources.is_empty() { "audience" } else { "resource" };
        return Err(malformed(name, "OAuth 1.0 does not know it".into()).into());
    }
    Ok(scope::check(&request.scopes)?)
}

fn check_extra(name: &str) -> Result<(), Error> {
    match name {
        "" => Err(malformed(name, "it has no name".into()).into()),
        _ if name.starts_with("oauth_") => Err(protocol::Error::ReservedParameter(jose::excerpt(name)).into()),
        _ => Ok(()),
    }
}

fn malformed(name: &str, reason: String) -> protocol::Error {
    protocol::Error::Parameter { name: name.to_owned(), reason }
}

#[cfg(test)]
mod tests {
    use super::{ErrorResponse, Secret, Verdict, judge};

    fn judged(callback: &[(&str, &str)], original: bool) -> Option<Verdict> {
        let parameters: Vec<_> = callback.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        judge(&parameters, &Secret::new("t1"), original)
    }

    fn refused(error: &str) -> Option<Verdict> {
        Some(Verdict::Refused(ErrorResponse { error: error.into(), description: None, uri: None }))
    }

    #[test]
    fn a_callback_with_our_token_and_a_verifier_is_ours() {
        let agreed = Some(Verdict::Agreed(Some("v".into())));

        assert_eq!(judged(&[("oauth_token", "t1"), ("oauth_verifier", "v"), ("x", "y")], false), agreed);
    }

    #[test]
    fn any_other_callback_is_not() {
        for callback in [
            &[("oauth_token", "t2"), ("oauth_verifier", "v")][..],
            &[("oauth_verifier", "v")],
            &[("oauth_token", "t1")],
            &[("oauth_token", "t1"), ("oauth_verifier", "")],
            &[("oauth_token", "t1"), ("oauth_token", "t1"), ("oauth_verifier", "v")],
            &[("oauth_token", "t1"), ("oauth_verifier", "v"), ("oauth_verifier", "w")],
            &[("denied", "t2")],
            &[("denied", "t2"), ("oauth_token", "t1"), ("oauth_verifier", "v")],
            &[("oauth_problem", "user_refused")],
            &[],
        ] {
            assert_eq!(judged(callback, false), None, "{callback:?}");
        }
    }

    #[test]
    fn a_no_that_names_our_token_is_one() {
        assert_eq!(judged(&[("denied", "t1")], false), refused("access_denied"));
        assert_eq!(
            judged(&[("oauth_token", "t1"), ("oauth_problem", "user_refused")], false),
            refused("access_denied")
        );
        assert_eq!(
            judged(&[("oauth_token", "t1"), ("oauth_problem", "token_expired")], false),
            refused("token_expired")
        );
    }

    #[test]
    fn a_verifier_may_be_missing_only_in_the_original_protocol() {
        assert_eq!(judged(&[("oauth_token", "t1")], true), Some(Verdict::Agreed(None)));
        assert_eq!(judged(&[("oauth_token", "t2")], true), None);
    }
}
