use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use url::Url;

use super::{
    AppleJwt, ClientAuthentication, ClientSecretJwt, ClientSecretQuery, Error, Has, JWT_BEARER, Moment, PrivateKeyJwt,
    SecretAssertion, TlsClientAuth, Trust, choose,
};
use crate::protocol::http::{EndpointRequest, Format};
use crate::protocol::jose::testing::key_set;
use crate::protocol::jose::{Algorithm, Jws, Reading, Signer, VerificationKeys};
use crate::protocol::parameters::Parameters;
use crate::system::http::Request;

/// Made for these tests with `openssl genpkey -algorithm EC`; it guards nothing.
const P256: &str = include_str!("../jose/signer/p256.pem");

const P256_PUBLIC: &str = include_str!("../jose/signer/p256.json");

const SECRET: Has = Has { secret: true, key: false, certificate: false };

fn request(parameters: &[(&str, &str)]) -> EndpointRequest {
    let mut given = Parameters::new();
    for (name, value) in parameters {
        given.set(name, *value);
    }
    EndpointRequest::new(Url::parse("https://a.example/token?v=1").unwrap(), given)
}

fn at() -> Moment {
    Moment { now: 1_700_000_000, unique: "unique".into() }
}

fn sent(client: &dyn ClientAuthentication, mut request: EndpointRequest) -> Request {
    client.authenticate(&mut request, &at()).unwrap();
    request.into_http().unwrap()
}

fn claims(token: &str, algorithm: Algorithm) -> Value {
    let set = key_set(&[serde_json::from_str(P256_PUBLIC).unwrap()]);
    let jws = Jws::parse(token).unwrap();
    Value::Object(jws.verify(VerificationKeys::Published(&set), &[algorithm]).unwrap().into_claims())
}

#[test]
fn a_secret_in_the_query_is_in_the_query_only() {
    let client = ClientSecretQuery { client_id: "id".into(), secret: "s&t".into() };

    let form = sent(&client, request(&[("code", "c")]));
    let mut get = request(&[("code", "c")]);
    get.format = Format::Query;
    let get = sent(&client, get);

    assert_eq!(form.uri(), "https://a.example/token?v=1&client_id=id&client_secret=s%26t");
    assert_eq!(form.body(), b"code=c");
    assert_eq!(get.uri(), "https://a.example/token?v=1&code=c&client_id=id&client_secret=s%26t");
}

#[test]
fn the_code_and_the_secret_travel_as_assertions() {
    let client = SecretAssertion { secret: "s".into() };

    let code = request(&[("grant_type", "authorization_code"), ("code", "c"), ("redirect_uri", "https://r.example/")]);
    let refresh = request(&[("grant_type", "refresh_token"), ("refresh_token", "r")]);

    let assertion_type = "urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer";
    assert_eq!(
        String::from_utf8(sent(&client, code).into_body()).unwrap(),
        format!(
            "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=c&redirect_uri=https%3A%2F%2F\
             r.example%2F&client_assertion_type={assertion_type}&client_assertion=s"
        )
    );
    assert_eq!(
        String::from_utf8(sent(&client, refresh).into_body()).unwrap(),
        format!("grant_type=refresh_token&assertion=r&client_assertion_type={assertion_type}&client_assertion=s")
    );
}

#[test]
fn an_assertion_of_the_client_has_the_claims_of_rfc_7523_and_a_minute_to_live() {
    let client = PrivateKeyJwt {
        client_id: "id".into(),
        audience: "https://a.example/token".into(),
        signer: Signer::parse(P256, Reading::default()).unwrap().into(),
        algorithm: Algorithm::ES256,
        kid: None,
        certificate: Some("thumbprint".into()),
    };
    let mut request = request(&[]);
    client.authenticate(&mut request, &at()).unwrap();

    let value = |name: &str| request.parameters.iter().find(|(known, _)| *known == name).unwrap().1.expose().to_owned();
    assert_eq!(value("client_assertion_type"), JWT_BEARER);
    assert_eq!(value("client_id"), "id");
    let header = URL_SAFE_NO_PAD.decode(value("client_assertion").split('.').next().unwrap()).unwrap();
    let header: Value = serde_json::from_slice(&header).unwrap();
    assert_eq!(header, json!({"alg": "ES256", "typ": "JWT", "x5t#S256": "thumbprint"}));
    assert_eq!(
        claims(&value("client_assertion"), Algorithm::ES256),
        json!({
            "iss": "id", "sub": "id", "aud": "https://a.example/token", "jti": "unique",
            "iat": 1_700_000_000, "exp": 1_700_000_060,
        })
    );
}

#[test]
fn a_secret_of_ones_own_making_names_team_client_and_issuer() {
    let client = AppleJwt {
        client_id: "com.example.login".into(),
        team_id: "TEAM".into(),
        key_id: "KEY".into(),
        audience: "https://appleid.example".into(),
        signer: Signer::parse(P256, Reading::default()).unwrap().into(),
    };
    let mut request = request(&[]);
    client.authenticate(&mut request, &at()).unwrap();

    let (_, secret) = request.parameters.iter().find(|(name, _)| *name == "client_secret").unwrap();
    let header = secret.expose().split('.').next().unwrap();
    let header: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).unwrap()).unwrap();
    assert_eq!(header, json!({"alg": "ES256", "typ": "JWT", "kid": "KEY"}));
    let mut jwk: Value = serde_json::from_str(P256_PUBLIC).unwrap();
    jwk["kid"] = "KEY".into();
    let set = key_set(&[jwk]);
    let verified = Jws::parse(secret.expose()).unwrap();
    let verified = verified.verify(VerificationKeys::Published(&set), &[Algorithm::ES256]).unwrap();
    assert_eq!(
        Value::Object(verified.into_claims()),
        json!({
            "iss": "TEAM", "iat": 1_700_000_000, "exp": 1_700_000_300, "aud": "https://appleid.example",
            "sub": "com.example.login",
        })
    );
}

fn list(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn the_configured_method_wins() {
    let offered = list(&["client_secret_basic"]);

    assert_eq!(choose(Some("client_secret_post"), SECRET, Some(&offered)).unwrap(), "client_secret_post");
}

#[test]
fn without_a_secret_a_client_is_public() {
    assert_eq!(choose(None, Has::default(), Some(&list(&["client_secret_basic"]))).unwrap(), "none");
}

#[test]
fn with_a_secret_the_servers_order_decides() {
    let offered = list(&["private_key_jwt", "client_secret_post", "client_secret_basic"]);

    assert_eq!(choose(None, SECRET, Some(&offered)).unwrap(), "client_secret_post");
    assert_eq!(choose(None, SECRET, None).unwrap(), "client_secret_basic");
}

#[test]
fn a_secret_is_not_sent_to_a_server_that_takes_none() {
    let outcome = choose(None, SECRET, Some(&list(&["private_key_jwt"])));

    assert!(matches!(outcome, Err(Error::ClientAuthentication { offered, .. }) if offered == ["private_key_jwt"]));
}

#[test]
fn a_key_or_a_certificate_is_used_as_the_server_lists_and_never_beside_a_secret() {
    let key = Has { key: true, ..Has::default() };
    let certificate = Has { key: true, certificate: true, ..Has::default() };
    let all = Has { secret: true, ..certificate };
    let every = list(&["private_key_jwt", "self_signed_tls_client_auth", "tls_client_auth", "client_secret_post"]);

    for (has, offered, expected) in [
        (key, None, "private_key_jwt"),
        (key, Some(&every[..]), "private_key_jwt"),
        (certificate, None, "tls_client_auth"),
        (certificate, Some(&every[..]), "tls_client_auth"),
        (certificate, Some(&every[..2]), "self_signed_tls_client_auth"),
        (certificate, Some(&every[..1]), "private_key_jwt"),
        (all, Some(&every[..]), "client_secret_post"),
    ] {
        assert_eq!(choose(None, has, offered).unwrap(), expected);
    }
    for (has, offered) in [(key, &every[1..]), (certificate, &every[3..]), (all, &every[..3])] {
        assert!(matches!(choose(None, has, Some(offered)), Err(Error::ClientAuthentication { .. })), "{has:?}");
    }
}

#[test]
fn an_assertion_keyed_with_the_secret_does_not_carry_it() {
    let secret: crate::secret::Secret = "0123456789abcdef0123456789abcdef".into();
    let client = ClientSecretJwt {
        client_id: "id".into(),
        secret: secret.clone(),
        audience: "https://a.example".into(),
        algorithm: Algorithm::HS256,
    };

    let body = String::from_utf8(sent(&client, request(&[])).into_body()).unwrap();

    assert!(!body.contains(secret.expose()));
    let assertion = body.rsplit_once("client_assertion=").unwrap().1;
    let verified = Jws::parse(assertion).unwrap().verify(VerificationKeys::ClientSecret(&secret), &[Algorithm::HS256]);
    assert_eq!(
        Value::Object(verified.unwrap().into_claims()),
        json!({
            "iss": "id", "sub": "id", "aud": "https://a.example", "jti": "unique", "iat": 1_700_000_000,
            "exp": 1_700_000_060,
        })
    );
}

#[test]
fn a_client_known_by_its_certificate_sends_its_identifier_alone() {
    for (trust, method) in [(Trust::Issuer, "tls_client_auth"), (Trust::Registered, "self_signed_tls_client_auth")] {
        let client = TlsClientAuth { client_id: "id".into(), trust };

        assert_eq!(client.method(), method);
        assert_eq!(sent(&client, request(&[("code", "c")])).body(), b"code=c&client_id=id");
    }
}
