//! Signed authorization requests: the claims of a request object.

use serde_json::{Map, Number, Value};

use super::client_auth::Moment;
use super::json;
use super::parameters::Parameters;

/// What a request object says it is (RFC 9101 §10.8), so that no other token of this client passes for one.
pub const TYPE: &str = "oauth-authz-req+jwt";

/// Seconds for which it is good: the time that a person takes to open an address that was only printed.
const LIFE: i64 = 300;

/// The claims of the request object that holds `parameters`, for the server that calls itself `issuer`.
///
/// Numbers are numbers, JSON is JSON, and what occurs several times is a list.
///
/// # Specification
/// RFC 9101 §4 (parameters, `iss`, `aud`), §10.2 (`exp`); OpenID Connect Core §6.1 (`claims`); RFC 9396 §3
/// (`authorization_details`); RFC 8707 §2 (`resource`); FAPI 2.0 Message Signing §5.3.1 (`nbf`).
pub fn claims(parameters: &Parameters, client_id: &str, issuer: &str, at: &Moment) -> Value {
    let mut claims = Map::new();
    for (name, value) in parameters.iter() {
        let value = typed(name, value.expose());
        match claims.get_mut(name) {
            None => drop(claims.insert(name.to_owned(), value)),
            Some(Value::Array(list)) if name == "resource" => list.push(value),
            Some(earlier) => *earlier = Value::Array(vec![earlier.take(), value]),
        }
    }
    for (name, value) in [
        ("iss", client_id.into()),
        ("aud", issuer.into()),
        ("jti", at.unique.as_str().into()),
        ("iat", at.now.into()),
        ("nbf", at.now.into()),
        ("exp", at.now.saturating_add(LIFE).into()),
    ] {
        let _ = claims.insert(name.to_owned(), value);
    }
    Value::Object(claims)
}

fn typed(name: &str, value: &str) -> Value {
    let text = || Value::String(value.to_owned());
    match name {
        "claims" | "authorization_details" => json::parse(value.as_bytes()).unwrap_or_else(|_| text()),
        "max_age" => value.parse::<u64>().map_or_else(|_| text(), |seconds| Value::Number(Number::from(seconds))),
        _ => text(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Moment, Parameters, claims};

    #[test]
    fn all_parameters_are_inside_in_their_types_beside_who_and_when() {
        let mut parameters = Parameters::new();
        for (name, value) in [
            ("response_type", "code"),
            ("client_id", "s6BhdRkqt3"),
            ("state", "af0ifjsldkj"),
            ("max_age", "86400"),
            ("claims", r#"{"id_token":{"acr":null}}"#),
            ("authorization_details", r#"[{"type":"x"}]"#),
            ("acr_values", "1 2"),
        ] {
            parameters.set(name, value);
        }
        parameters.add("resource", "https://a.example/");
        parameters.add("resource", "https://b.example/");
        parameters.add("resource", "https://c.example/");
        let at = Moment { now: 1000, unique: "unique".into() };

        let found = claims(&parameters, "s6BhdRkqt3", "https://op.example", &at);

        let expected = json!({
            "response_type": "code", "client_id": "s6BhdRkqt3", "state": "af0ifjsldkj", "max_age": 86400,
            "claims": { "id_token": { "acr": null } }, "authorization_details": [{ "type": "x" }], "acr_values": "1 2",
            "resource": ["https://a.example/", "https://b.example/", "https://c.example/"],
            "iss": "s6BhdRkqt3", "aud": "https://op.example", "jti": "unique", "iat": 1000, "nbf": 1000, "exp": 1300,
        });
        assert_eq!(found, expected);
    }
}
