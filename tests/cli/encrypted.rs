//! Tokens and answers that are encrypted for this client.

use ring::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use serde_json::{Map, Value, json};

use crate::support::{Answer, Keyfob, Redirect, Server, base64url, now, sha256};

/// An entry whose client shares its secret with the server, and more lines.
fn with(server: &Server, more: &str) -> Keyfob {
    let keyfob = Keyfob::new();
    let client = keyfob.client(server, "basic");
    keyfob.provider("test", server, &format!("{client}\nclient_auth = \"client_secret_basic\"\n{more}"));
    keyfob
}

/// `dir` with A128GCM, by a key made of the client secret (OpenID Connect Core §10.2).
fn encrypted(secret: &str, content: &str) -> String {
    let header = base64url(br#"{"alg":"dir","enc":"A128GCM","cty":"JWT"}"#);
    let key = UnboundKey::new(&AES_128_GCM, &sha256(secret.as_bytes())[..16]).expect("a key");
    let mut bytes = content.as_bytes().to_vec();
    let nonce = Nonce::assume_unique_for_key([7; 12]);
    LessSafeKey::new(key).seal_in_place_append_tag(nonce, Aad::from(&header), &mut bytes).expect("a seal");
    let (ciphertext, tag) = bytes.split_at(bytes.len() - 16);
    format!("{header}..{}.{}.{}", base64url(&[7; 12]), base64url(ciphertext), base64url(tag))
}

const ID_TOKEN: &str = "id_token_encrypted_response_alg = \"dir\"";

#[test]
fn an_encrypted_id_token_is_opened_and_then_verified_like_any_other() {
    let server = Server::start();
    let secret = server.client_secret("basic").expect("a secret");
    server.id_tokens({
        let secret = secret.clone();
        move |key, claims| encrypted(&secret, &key.sign(&claims)).into()
    });
    let keyfob = with(&server, ID_TOKEN);
    keyfob.login(&server);
    keyfob.run(&["refresh", "test"]).expect(0);
    assert_eq!(keyfob.sessions(), ["test/alice"]);

    // What is inside counts: unsigned claims in an encryption prove nothing.
    server.id_tokens(move |_, claims| {
        let header = base64url(br#"{"alg":"none"}"#);
        encrypted(&secret, &format!("{header}.{}.", base64url(claims.to_string().as_bytes()))).into()
    });
    let keyfob = with(&server, ID_TOKEN);
    keyfob.log_in(&server, &["login", "test", "--json"]).error_naming(11, "security", &["none"]);
    assert_eq!(keyfob.sessions(), [] as [&str; 0]);
}

#[test]
fn an_encrypted_id_token_without_a_word_in_the_entry_is_named_as_such() {
    let server = Server::start();
    let secret = server.client_secret("basic").expect("a secret");
    server.id_tokens(move |key, claims| encrypted(&secret, &key.sign(&claims)).into());

    let finished = with(&server, "").log_in(&server, &["login", "test", "--json"]);

    finished.error_naming(12, "protocol", &["encrypted"]);
}

#[test]
fn a_plain_id_token_is_refused_where_an_encrypted_one_is_due() {
    let server = Server::start();

    let finished = with(&server, ID_TOKEN).log_in(&server, &["login", "test", "--json"]);

    finished.error_naming(11, "security", &["not encrypted"]);
}

#[test]
fn an_id_token_encrypted_for_another_is_refused() {
    let server = Server::start();
    server.id_tokens(move |key, claims| encrypted("another secret", &key.sign(&claims)).into());

    let finished = with(&server, ID_TOKEN).log_in(&server, &["login", "test", "--json"]);

    finished.error_naming(11, "security", &["decrypt"]);
}

#[test]
fn a_key_that_opens_nothing_is_told_before_the_browser() {
    let server = Server::start();
    let missing = "id_token_encrypted_response_alg = \"ECDH-ES\"";
    for (line, word) in [
        (missing.to_owned(), "decryption_key"),
        (format!("{missing}\ndecryption_key = {{ file = \"/nowhere\" }}"), "nowhere"),
        (format!("{missing}\ndecryption_key = '{{\"kty\":\"oct\",\"k\":\"GZy6sIZ6wl9NJOKB-jnmVQ\"}}'"), "ECDH-ES"),
    ] {
        let keyfob = with(&server, &line);
        let finished = keyfob.run(&["login", "test", "--json", "--timeout", "3"]);
        finished.error_naming(9, "config", &[word]);
        assert_eq!(keyfob.opened(), [] as [&str; 0]);
    }
}

#[test]
fn encrypted_userinfo_is_opened_whether_signed_inside_or_not() {
    let server = Server::start();
    let secret = server.client_secret("basic").expect("a secret");
    let claims = json!({ "sub": "user-1", "preferred_username": "carol", "iss": server.url(), "aud": "basic" });
    // The ID token says nothing but who it is.
    server.change(|settings| {
        for name in ["preferred_username", "name", "email"] {
            settings.claims.insert(name.into(), Value::Null);
        }
    });
    let line = "userinfo_encrypted_response_alg = \"dir\"";
    for content in [claims.to_string(), server.change(|settings| settings.key.sign(&claims))] {
        server.once("/userinfo", Answer::new(200, "application/jwt", encrypted(&secret, &content)));
        let keyfob = with(&server, line);
        keyfob.login(&server);
        assert_eq!(keyfob.sessions(), ["test/carol"]);
    }
    let mallory = json!({ "sub": "user-2", "preferred_username": "mallory" });
    server.once("/userinfo", Answer::new(200, "application/jwt", encrypted(&secret, &mallory.to_string())));
    with(&server, line).log_in(&server, &["login", "test", "--json"]).error(11, "security");
}

#[test]
fn an_encrypted_answer_is_opened_and_then_verified() {
    let server = Server::start();
    server.change(|settings| settings.metadata["authorization_signing_alg_values_supported"] = json!(["ES256"]));
    let secret = server.client_secret("basic").expect("a secret");
    let keyfob = with(&server, "response_mode = \"jwt\"\nauthorization_encrypted_response_alg = \"dir\"");
    let login = keyfob.begin(&["login", "test", "--json", "--timeout", "20"]);
    let plain = login.redirect(&server);
    let mut claims: Map<String, Value> =
        plain.0.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned().into())).collect();
    claims.extend([("iss".into(), server.url().into()), ("aud".into(), "basic".into())]);
    claims.insert("exp".into(), (now() + 60).into());
    let signed = server.change(|settings| settings.key.sign(&claims.into()));
    let mut bare = plain.0.clone();
    bare.set_query(None);

    // For another key: nobody's answer.
    let other = Redirect(bare.clone()).adding("response", &encrypted("another secret", &signed));
    assert_eq!(other.get().status, 400);
    Redirect(bare).adding("response", &encrypted(&secret, &signed)).get();

    login.finish().expect(0);
}
