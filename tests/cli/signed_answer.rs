//! Signed authorization responses (JARM): verified before anything else, and nothing but signed ones.

use serde_json::{Map, Value, json};

use crate::support::{Keyfob, Login, Redirect, Server, base64url, now};

const JWT: &str = "response_mode = \"jwt\"";

fn begin(server: &Server, more: &str, timeout: &str) -> (Keyfob, Login) {
    server.change(|settings| {
        settings.metadata["authorization_signing_alg_values_supported"] = json!(["ES256"]);
        settings.metadata["response_modes_supported"] = json!(["query", "jwt", "query.jwt", "form_post.jwt"]);
    });
    let keyfob = Keyfob::new();
    keyfob.provider("test", server, more);
    let login = keyfob.begin(&["login", "test", "--json", "--timeout", timeout]);
    (keyfob, login)
}

/// The claims of the answer that would be right, to a plain one.
fn claims(server: &Server, plain: &Redirect) -> Value {
    let mut claims: Map<String, Value> =
        plain.0.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned().into())).collect();
    claims.insert("iss".into(), server.url().into());
    claims.insert("aud".into(), "public".into());
    claims.insert("exp".into(), (now() + 60).into());
    claims.into()
}

fn carrying(plain: &Redirect, response: &str) -> Redirect {
    let mut url = plain.0.clone();
    url.set_query(None);
    Redirect(url).adding("response", response)
}

/// The signed form of a plain redirect, its claims changed.
fn signed(server: &Server, plain: &Redirect, patch: Value) -> Redirect {
    let mut claims = claims(server, plain);
    for (name, value) in patch.as_object().expect("claims") {
        match value {
            Value::Null => drop(claims.as_object_mut().expect("claims").remove(name)),
            value => claims[name] = value.clone(),
        }
    }
    carrying(plain, &server.change(|settings| settings.key.sign(&claims)))
}

#[test]
fn a_signed_answer_is_taken_in_every_mode() {
    for (mode, line) in [
        ("jwt", JWT),
        ("query.jwt", "response_mode = \"query.jwt\""),
        ("form_post.jwt", "response_mode = \"form_post.jwt\""),
        ("jwt", "authorization_signed_response_alg = \"ES256\""),
        ("form_post.jwt", "response_mode = \"form_post\"\nauthorization_signed_response_alg = \"ES256\""),
    ] {
        let server = Server::start();
        let (_keyfob, login) = begin(&server, line, "20");
        assert_eq!(login.parameter("response_mode").as_deref(), Some(mode));

        let answer = signed(&server, &login.redirect(&server), json!({}));
        let page = if mode.starts_with("form") { answer.post() } else { answer.get() };

        assert!(matches!(page.status, 200 | 303), "{page:?}");
        login.finish().expect(0);
    }
}

#[test]
fn an_answer_whose_claims_are_wrong_is_refused_and_redeems_nothing() {
    for (patch, word) in [
        (json!({ "iss": "https://other.example" }), "iss"),
        (json!({ "iss": null }), "iss"),
        (json!({ "iss": ["https://other.example"] }), "iss"),
        (json!({ "aud": "other" }), "aud"),
        (json!({ "aud": null }), "aud"),
        (json!({ "aud": ["public", "other"] }), "aud"),
        (json!({ "exp": now() - 3600 }), "exp"),
        (json!({ "exp": null }), "exp"),
        (json!({ "exp": "tomorrow" }), "exp"),
        (json!({ "code": null }), "code"),
        (json!({ "error": "access_denied" }), "code"),
        (json!({ "access_token": "x" }), "token"),
    ] {
        let server = Server::start();
        let (keyfob, login) = begin(&server, JWT, "20");

        signed(&server, &login.redirect(&server), patch.clone()).get();

        login.finish().error_naming(11, "security", &[word]);
        assert_eq!(server.requests_to("/token").len(), 0, "{patch}");
        assert_eq!(keyfob.sessions(), [] as [&str; 0]);
    }
}

#[test]
fn an_answer_whose_signature_is_wrong_is_refused() {
    let forged = |header: Value, claims: &Value| {
        format!("{}.{}.", base64url(header.to_string().as_bytes()), base64url(claims.to_string().as_bytes()))
    };
    for kind in 0..4 {
        let server = Server::start();
        let (_keyfob, login) = begin(&server, JWT, "20");
        let plain = login.redirect(&server);
        let claims = claims(&server, &plain);
        let right = server.change(|settings| settings.key.sign(&claims));
        let (response, word) = match kind {
            0 => (forged(json!({ "alg": "none" }), &claims), "none"),
            1 => (forged(json!({ "alg": "HS256" }), &claims), "HS256"),
            2 => (format!("{}AA", &right[..right.len() - 2]), "signature"),
            _ => (forged(json!({ "alg": "RS256" }), &claims), "RS256"),
        };

        carrying(&plain, &response).get();

        login.finish().error_naming(11, "security", &[word]);
        assert_eq!(server.requests_to("/token").len(), 0);
    }
}

#[test]
fn a_plain_answer_is_refused_where_a_signed_one_was_asked_for() {
    let server = Server::start();
    let (_keyfob, login) = begin(&server, JWT, "20");

    login.redirect(&server).get();

    login.finish().error_naming(11, "security", &["not signed"]);
    assert_eq!(server.requests_to("/token").len(), 0);
}

#[test]
fn nothing_may_stand_beside_a_signed_answer() {
    let server = Server::start();
    let (_keyfob, login) = begin(&server, JWT, "20");
    let plain = login.redirect(&server);

    signed(&server, &plain, json!({})).adding("code", "another").get();

    login.finish().error_naming(11, "security", &["signed"]);
    assert_eq!(server.requests_to("/token").len(), 0);
}

#[test]
fn a_signed_answer_of_another_login_does_not_end_the_wait() {
    let server = Server::start();
    let (_keyfob, login) = begin(&server, JWT, "20");
    let plain = login.redirect(&server);

    for patch in [json!({ "state": "another" }), json!({ "state": null })] {
        assert_eq!(signed(&server, &plain, patch).get().status, 400);
    }
    assert_eq!(carrying(&plain, "no.token").get().status, 400);
    signed(&server, &plain, json!({})).get();

    login.finish().expect(0);
}

#[test]
fn an_error_inside_a_signed_answer_is_the_servers() {
    let server = Server::start();
    let (_keyfob, login) = begin(&server, JWT, "20");
    let denied = server.deny(&login.url, "access_denied");

    signed(&server, &denied, json!({})).get();

    login.finish().error_naming(5, "refused", &["access_denied"]);
}

#[test]
fn a_server_that_cannot_sign_its_answers_is_not_visited() {
    let server = Server::start();
    server.change(|settings| settings.metadata["response_modes_supported"] = json!(["query", "form_post"]));
    let keyfob = Keyfob::new();
    keyfob.provider("test", &server, JWT);

    let finished = keyfob.run(&["login", "test", "--json", "--timeout", "3"]);

    finished.error_naming(11, "security", &["response_modes_supported", "jwt"]);
    assert_eq!(keyfob.opened(), [] as [&str; 0]);
}

#[test]
fn a_login_in_two_calls_takes_a_signed_answer_and_no_other() {
    let server = Server::start();
    server.change(|settings| settings.metadata["authorization_signing_alg_values_supported"] = json!(["ES256"]));
    let keyfob = Keyfob::new();
    keyfob.provider("test", &server, JWT);
    let answered = || {
        let begun = keyfob.run(&["login", "test", "--begin", "--json"]).expect(0).json_lines();
        server.allow(begun[0]["url"].as_str().expect("an address"))
    };

    let complete = |address: &Redirect| keyfob.run(&["login", "test", "--complete", address.0.as_str(), "--json"]);
    complete(&answered()).error_naming(11, "security", &["not signed"]);
    complete(&signed(&server, &answered(), json!({ "aud": "other" }))).error_naming(11, "security", &["aud"]);
    complete(&signed(&server, &answered(), json!({}))).expect(0);
}
