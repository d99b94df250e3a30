//! Where the token is used: userinfo, and the address that tells the mail.

use keyfob::registry::words::{Protocol, TokenIn, UserinfoFormat};
use serde_json::json;

use super::oauth1::Call;
use super::play::{Expected, Play};
use crate::support::{Answer, Request};

impl Play {
    pub fn userinfo(&mut self, request: &Request, key: &'static str) -> Answer {
        let it = self.provider().clone();
        let rules = &it.userinfo;
        let token = self.access_tokens.last().cloned().unwrap_or_default();
        let mut expected: Expected =
            rules.params.iter().map(|(name, value)| (name.clone(), self.filled(value))).collect();
        let header = (rules.token_in == TokenIn::Header).then(|| format!("{} {token}", rules.auth_scheme));
        if rules.token_in == TokenIn::Query {
            expected.insert(rules.token_param.clone(), token);
        }
        let endpoint = self.address(key).expect("an address that was reached");
        let got = self.beyond(&endpoint, &request.query);
        self.compare(key, &expected, &got);
        if it.protocol == Protocol::OAuth1 {
            let url = self.received(request);
            let authorization = request.header("authorization").unwrap_or_default();
            self.presented(key, &Call { method: &request.method, url: &url, authorization, form: b"" });
        } else {
            self.header(key, request, "authorization", header.as_deref());
        }
        for (name, value) in &rules.headers {
            let value = self.filled(value);
            self.header(key, request, name, Some(&value));
        }
        let body = rules.body.as_ref().map(|body| self.filled(body)).unwrap_or_default();
        if request.method != rules.method.word() || request.body != body.as_bytes() {
            let found = String::from_utf8_lossy(&request.body);
            self.differs(format!(
                "{key}: {} with {found:?}, not {} with {body:?}",
                request.method,
                rules.method.word()
            ));
        }
        if key == "userinfo.email_endpoint" {
            let mail =
                |email: &str, primary, verified| json!({ "email": email, "primary": primary, "verified": verified });
            let list = [mail("x@old.example", true, false), mail("b@old.example", false, true)];
            let list = [list[0].clone(), list[1].clone(), mail(&self.person.email, true, true)];
            return Answer::json(200, &json!(list));
        }
        if rules.format == UserinfoFormat::Jwt || it.userinfo_signed_response_alg.is_some() {
            let mut claims = self.person.userinfo.clone();
            claims["iss"] = self.announced_issuer().replace("{tenantid}", "tenant-1").into();
            claims["aud"] = self.client_id.clone().into();
            return Answer::new(200, "application/jwt", self.key.sign(&claims));
        }
        Answer::json(200, &self.person.userinfo)
    }
}
