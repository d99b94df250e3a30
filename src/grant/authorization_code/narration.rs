//! What the trace is told of a login.

use super::Attempt;
use crate::system::trace::{Event, Party, Step};

impl Attempt<'_> {
    fn step(&self, number: u8, between: (Party, Party), title: &str, why: &str, specification: &'static str) {
        self.client
            .system()
            .trace
            .tell(|| Event::Step(Step { number, between, title: title.into(), why: why.into(), specification }));
    }

    pub(super) fn tell_start(&self) {
        let why = "state ties the answer to this login, the PKCE challenge ties the code to this process";
        let between = (Party::Client, Party::ResourceOwner);
        self.step(
            1,
            between,
            "send the browser to the authorization endpoint",
            why,
            "RFC 6749 section 4.1.1, RFC 7636 section 4.3",
        );
    }

    pub(super) fn tell_grant(&self) {
        let why = "state and iss are as they must be, no parameter is repeated";
        let between = (Party::ResourceOwner, Party::Client);
        self.step(2, between, "receive the authorization code", why, "RFC 6749 section 4.1.2, RFC 9207 section 2.4");
    }

    pub(super) fn tell_exchange(&self) {
        let why = "the code alone is worth nothing without the verifier behind the challenge";
        let between = (Party::Client, Party::AuthorizationServer);
        self.step(3, between, "exchange the code for tokens", why, "RFC 6749 section 4.1.3, RFC 7636 section 4.5");
    }

    pub(super) fn tell_id_token(&self) {
        let why = "signature, issuer, audience, times, nonce and at_hash of the ID token are right";
        let between = (Party::AuthorizationServer, Party::Client);
        self.step(4, between, "receive the tokens", why, "RFC 6749 section 5.1, OpenID Connect Core section 3.1.3.7");
    }
}
