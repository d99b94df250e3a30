//! Which features a server announces, and which of them this program uses.
//!
//! One table, `FEATURES`: a line for each feature, with the member of the metadata that announces it and what this program
//! does with it. Whoever builds a feature changes its line; `doctor` shows the table beside what a server says.
//!
//! # Specification
//! RFC 8414 §2 and the registry it opens; OpenID Connect Discovery §3.

use serde_json::{Map, Value};

use super::client_auth::METHODS;
use super::jose::{Algorithm, excerpt};

/// Values of one member that are shown.
const VALUES: usize = 32;

/// How a document announces a feature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sign {
    /// The member is there: an endpoint or a list.
    Member(&'static str),
    /// The member is true.
    True(&'static str),
    /// The member is a list with this value.
    Lists(&'static str, &'static str),
    /// The member is a list in which some value begins so.
    Begins(&'static str, &'static str),
}

/// What this program does with a feature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// Whenever it helps, without being asked.
    Unasked,
    /// When the entry or the command line says so.
    OnDemand,
    /// Not at all, by today's program.
    No,
}

impl Use {
    /// The word of the JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unasked => "unasked",
            Self::OnDemand => "on_demand",
            Self::No => "no",
        }
    }
}

/// What a server announces and this program does, of one feature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Its name for scripts, which stays.
    pub id: &'static str,
    /// Its name for people.
    pub name: &'static str,
    /// Where it is specified.
    pub specification: &'static str,
    /// Whether the server announces it.
    pub is_announced: bool,
    /// What this program does with it.
    pub used: Use,
    /// The values that the server lists, where that says more than yes; foreign text, bounded.
    pub values: Vec<String>,
    /// Those of `values` that this program can do; `None` where nothing is to be chosen.
    pub usable: Option<Vec<String>>,
}

impl Line {
    /// `used`, `announced` (and not used by this program) or `missing`.
    pub fn state(&self) -> &'static str {
        match (self.is_announced, self.used) {
            (false, _) => "missing",
            (true, Use::No) => "announced",
            (true, _) if self.usable.as_ref().is_some_and(Vec::is_empty) => "announced",
            (true, _) => "used",
        }
    }
}

struct Feature {
    id: &'static str,
    name: &'static str,
    specification: &'static str,
    signs: &'static [Sign],
    used: Use,
}

const fn feature(
    id: &'static str,
    name: &'static str,
    specification: &'static str,
    signs: &'static [Sign],
    used: Use,
) -> Feature {
    Feature { id, name, specification, signs, used }
}

const GRANTS: &str = "grant_types_supported";
const MODES: &str = "response_modes_supported";

/// What this program does today. One sign is enough.
const FEATURES: &[Feature] = &[
    feature(
        "pkce_s256",
        "PKCE with S256",
        "RFC 7636 §4.2",
        &[Sign::Lists("code_challenge_methods_supported", "S256")],
        Use::Unasked,
    ),
    feature(
        "iss",
        "issuer in the redirect",
        "RFC 9207 §3",
        &[Sign::True("authorization_response_iss_parameter_supported")],
        Use::Unasked,
    ),
    feature(
        "par",
        "pushed authorization requests (PAR)",
        "RFC 9126 §5",
        &[Sign::Member("pushed_authorization_request_endpoint")],
        Use::Unasked,
    ),
    feature(
        "jar",
        "signed authorization requests (JAR)",
        "RFC 9101 §10.5",
        &[Sign::True("request_parameter_supported"), Sign::Member("request_object_signing_alg_values_supported")],
        Use::OnDemand,
    ),
    feature(
        "jar_encrypted",
        "encrypted authorization requests",
        "RFC 9101 §4, OpenID Connect Discovery §3",
        &[Sign::Member("request_object_encryption_alg_values_supported")],
        Use::OnDemand,
    ),
    feature(
        "jarm",
        "signed authorization responses (JARM)",
        "JARM §4",
        &[
            Sign::Member("authorization_signing_alg_values_supported"),
            Sign::Lists(MODES, "jwt"),
            Sign::Lists(MODES, "query.jwt"),
        ],
        Use::OnDemand,
    ),
    feature(
        "form_post",
        "form_post response mode",
        "OAuth 2.0 Form Post Response Mode §2",
        &[Sign::Lists(MODES, "form_post")],
        Use::OnDemand,
    ),
    feature(
        "dpop",
        "DPoP-bound tokens",
        "RFC 9449 §5.1",
        &[Sign::Member("dpop_signing_alg_values_supported")],
        Use::OnDemand,
    ),
    feature(
        "mtls_bound",
        "certificate-bound tokens",
        "RFC 8705 §3.3",
        &[Sign::True("tls_client_certificate_bound_access_tokens")],
        Use::OnDemand,
    ),
    feature(
        "mtls_aliases",
        "mutual-TLS aliases",
        "RFC 8705 §5",
        &[Sign::Member("mtls_endpoint_aliases")],
        Use::Unasked,
    ),
    feature(
        "rar",
        "authorization details (RAR)",
        "RFC 9396 §10",
        &[Sign::Member("authorization_details_types_supported")],
        Use::OnDemand,
    ),
    feature(
        "protected_resources",
        "list of protected resources",
        "RFC 9728 §4",
        &[Sign::Member("protected_resources")],
        Use::No,
    ),
    feature(
        "device",
        "device grant",
        "RFC 8628 §4",
        &[
            Sign::Member("device_authorization_endpoint"),
            Sign::Lists(GRANTS, "urn:ietf:params:oauth:grant-type:device_code"),
        ],
        Use::Unasked,
    ),
    feature(
        "ciba",
        "CIBA",
        "OpenID Connect CIBA Core §4",
        &[
            Sign::Member("backchannel_authentication_endpoint"),
            Sign::Lists(GRANTS, "urn:openid:params:grant-type:ciba"),
        ],
        Use::OnDemand,
    ),
    feature(
        "client_credentials",
        "client credentials grant",
        "RFC 6749 §4.4",
        &[Sign::Lists(GRANTS, "client_credentials")],
        Use::OnDemand,
    ),
    feature(
        "jwt_bearer",
        "JWT bearer grant",
        "RFC 7523 §2.1",
        &[Sign::Lists(GRANTS, "urn:ietf:params:oauth:grant-type:jwt-bearer")],
        Use::OnDemand,
    ),
    feature(
        "token_exchange",
        "token exchange",
        "RFC 8693 §2",
        &[Sign::Lists(GRANTS, "urn:ietf:params:oauth:grant-type:token-exchange")],
        Use::OnDemand,
    ),
    feature(
        "introspection",
        "token introspection",
        "RFC 7662 §2",
        &[Sign::Member("introspection_endpoint")],
        Use::OnDemand,
    ),
    feature(
        "introspection_signed",
        "signed introspection answers",
        "RFC 9701 §7",
        &[Sign::Member("introspection_signing_alg_values_supported")],
        Use::OnDemand,
    ),
    feature("revocation", "token revocation", "RFC 7009 §2", &[Sign::Member("revocation_endpoint")], Use::Unasked),
    feature(
        "end_session",
        "logout at the provider",
        "OpenID Connect RP-Initiated Logout §2.1",
        &[Sign::Member("end_session_endpoint")],
        Use::OnDemand,
    ),
    feature("userinfo", "userinfo", "OpenID Connect Core §5.3", &[Sign::Member("userinfo_endpoint")], Use::Unasked),
    feature(
        "userinfo_signed",
        "signed userinfo",
        "OpenID Connect Core §5.3.2",
        &[Sign::Member("userinfo_signing_alg_values_supported")],
        Use::OnDemand,
    ),
    feature(
        "id_token_encrypted",
        "encrypted ID tokens",
        "OpenID Connect Core §10.2",
        &[Sign::Member("id_token_encryption_alg_values_supported")],
        Use::OnDemand,
    ),
    feature(
        "userinfo_encrypted",
        "encrypted userinfo",
        "OpenID Connect Core §5.3.2",
        &[Sign::Member("userinfo_encryption_alg_values_supported")],
        Use::OnDemand,
    ),
    feature(
        "registration",
        "dynamic client registration",
        "RFC 7591 §3",
        &[Sign::Member("registration_endpoint")],
        Use::Unasked,
    ),
    feature(
        "client_id_metadata_document",
        "client ID metadata documents",
        "OAuth Client ID Metadata Document §5",
        &[Sign::True("client_id_metadata_document_supported")],
        Use::OnDemand,
    ),
    feature(
        "step_up",
        "authentication classes (acr)",
        "RFC 9470 §4, OpenID Connect Discovery §3",
        &[Sign::Member("acr_values_supported")],
        Use::OnDemand,
    ),
    feature(
        "refresh_token",
        "refresh tokens",
        "RFC 6749 §6",
        &[Sign::Lists(GRANTS, "refresh_token"), Sign::Begins("scopes_supported", "offline")],
        Use::Unasked,
    ),
];

/// The table for a server that says `document` of itself: what it announces beside what this program does.
pub fn table(document: &Map<String, Value>) -> Vec<Line> {
    let mut lines: Vec<Line> = FEATURES
        .iter()
        .map(|feature| Line {
            id: feature.id,
            name: feature.name,
            specification: feature.specification,
            is_announced: feature.signs.iter().any(|sign| sign.is_in(document)),
            used: feature.used,
            values: Vec::new(),
            usable: None,
        })
        .collect();
    lines.push(choice(
        ("client_authentication", "client authentication", "RFC 8414 §2, RFC 6749 §2.3"),
        // Left out, it is this one (RFC 8414 §2).
        listed(document, "token_endpoint_auth_methods_supported").unwrap_or_else(|| vec!["client_secret_basic".into()]),
        |method| METHODS.iter().any(|known| known.name == method),
    ));
    for (id, name, specification, member) in [
        (
            "client_assertion_algorithms",
            "algorithms of client assertions",
            "RFC 8414 §2, RFC 7523 §3",
            "token_endpoint_auth_signing_alg_values_supported",
        ),
        (
            "id_token_algorithms",
            "algorithms of ID tokens",
            "OpenID Connect Discovery §3",
            "id_token_signing_alg_values_supported",
        ),
    ] {
        let values = listed(document, member).unwrap_or_default();
        lines.push(choice((id, name, specification), values, |name| Algorithm::parse(name).is_some()));
    }
    lines
}

/// A line of which one value is chosen.
fn choice(
    (id, name, specification): (&'static str, &'static str, &'static str),
    values: Vec<String>,
    can: impl Fn(&str) -> bool,
) -> Line {
    let usable = values.iter().filter(|value| can(value)).cloned().collect();
    let is_announced = !values.is_empty();
    Line { id, name, specification, is_announced, used: Use::Unasked, values, usable: Some(usable) }
}

impl Sign {
    fn is_in(self, document: &Map<String, Value>) -> bool {
        let texts =
            |name: &str| document.get(name).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        match self {
            Self::Member(name) => match document.get(name) {
                Some(Value::String(text)) => !text.is_empty(),
                Some(Value::Array(list)) => !list.is_empty(),
                Some(Value::Object(members)) => !members.is_empty(),
                _ => false,
            },
            Self::True(name) => document.get(name) == Some(&Value::Bool(true)),
            Self::Lists(name, wanted) => texts(name).any(|text| text == wanted),
            Self::Begins(name, wanted) => texts(name).any(|text| text.starts_with(wanted)),
        }
    }
}

/// The texts of a list, bounded; `None` without a list.
fn listed(document: &Map<String, Value>, name: &str) -> Option<Vec<String>> {
    let list = document.get(name)?.as_array()?;
    Some(list.iter().filter_map(Value::as_str).take(VALUES).map(excerpt).collect())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::{Value, json};

    use super::{FEATURES, Line, Use, table};

    fn lines(document: &Value) -> Vec<Line> {
        table(document.as_object().expect("an object"))
    }

    fn line(document: &Value, id: &str) -> Line {
        lines(document).into_iter().find(|line| line.id == id).expect(id)
    }

    #[test]
    fn a_server_that_announces_nothing_has_nothing_but_the_default_authentication() {
        let announced: Vec<_> =
            lines(&json!({})).into_iter().filter(|line| line.is_announced).map(|line| (line.id, line.values)).collect();

        // RFC 8414 §2.
        assert_eq!(announced, [("client_authentication", vec!["client_secret_basic".to_owned()])]);
    }

    #[test]
    fn a_feature_is_announced_by_its_own_member_alone() {
        for (member, value, id) in [
            ("code_challenge_methods_supported", json!(["S256"]), "pkce_s256"),
            ("authorization_response_iss_parameter_supported", json!(true), "iss"),
            ("pushed_authorization_request_endpoint", json!("https://a.example/par"), "par"),
            ("request_parameter_supported", json!(true), "jar"),
            ("request_object_encryption_alg_values_supported", json!(["ECDH-ES"]), "jar_encrypted"),
            ("authorization_signing_alg_values_supported", json!(["ES256"]), "jarm"),
            ("id_token_encryption_alg_values_supported", json!(["ECDH-ES"]), "id_token_encrypted"),
            ("userinfo_encryption_alg_values_supported", json!(["ECDH-ES"]), "userinfo_encrypted"),
            ("dpop_signing_alg_values_supported", json!(["ES256"]), "dpop"),
            ("tls_client_certificate_bound_access_tokens", json!(true), "mtls_bound"),
            ("mtls_endpoint_aliases", json!({ "token_endpoint": "https://b.example" }), "mtls_aliases"),
            ("authorization_details_types_supported", json!(["x"]), "rar"),
            ("device_authorization_endpoint", json!("https://a.example/device"), "device"),
            ("introspection_endpoint", json!("https://a.example/introspect"), "introspection"),
            ("client_id_metadata_document_supported", json!(true), "client_id_metadata_document"),
        ] {
            let announced: Vec<&str> =
                lines(&json!({ member: value })).iter().filter(|line| line.is_announced).map(|line| line.id).collect();

            assert_eq!(announced, [id, "client_authentication"], "{member}");
        }
    }

    #[test]
    fn what_is_denied_or_malformed_is_not_announced() {
        for document in [
            json!({ "code_challenge_methods_supported": ["plain"] }),
            json!({ "code_challenge_methods_supported": "S256" }),
            json!({ "code_challenge_methods_supported": [] }),
        ] {
            assert!(!line(&document, "pkce_s256").is_announced, "{document}");
        }
        for value in [json!(false), json!("true"), json!(1), Value::Null] {
            let document = json!({ "authorization_response_iss_parameter_supported": value });
            assert!(!line(&document, "iss").is_announced, "{document}");
        }
        assert!(!line(&json!({ "introspection_endpoint": null }), "introspection").is_announced);
    }

    #[test]
    fn the_state_says_what_is_used_only_where_it_is_announced() {
        let with = |used, is_announced, usable: Option<&[&str]>| {
            let usable = usable.map(|list| list.iter().map(|&text| text.to_owned()).collect());
            Line { used, is_announced, usable, ..line(&json!({}), "par") }.state()
        };

        assert_eq!(with(Use::Unasked, false, None), "missing");
        assert_eq!(with(Use::No, false, None), "missing");
        assert_eq!(with(Use::No, true, None), "announced");
        assert_eq!(with(Use::OnDemand, true, None), "used");
        assert_eq!(with(Use::Unasked, true, Some(&[])), "announced");
        assert_eq!(with(Use::Unasked, true, Some(&["ES256"])), "used");
    }

    #[test]
    fn of_a_choice_it_is_said_what_this_program_can_do() {
        let document = json!({
            "token_endpoint_auth_methods_supported": ["none", "carrier_pigeon"],
            "id_token_signing_alg_values_supported": ["none", "ES256"],
        });

        let methods = line(&document, "client_authentication");
        let algorithms = line(&document, "id_token_algorithms");

        assert_eq!(methods.usable, Some(vec!["none".to_owned()]));
        assert_eq!(methods.values, ["none", "carrier_pigeon"]);
        assert_eq!(algorithms.usable, Some(vec!["ES256".to_owned()]));
    }

    #[test]
    fn long_lists_of_long_words_are_bounded() {
        let words: Vec<String> = (0..1000).map(|_| "x".repeat(5000)).collect();

        let line = line(&json!({ "token_endpoint_auth_methods_supported": words }), "client_authentication");

        assert_eq!(line.values.len(), super::VALUES);
        assert!(line.values.iter().all(|value| value.chars().count() <= 101), "{line:?}");
    }

    #[test]
    fn each_name_stands_for_one_line() {
        let ids: BTreeSet<&str> = FEATURES.iter().map(|feature| feature.id).collect();

        assert_eq!(ids.len(), FEATURES.len());
    }
}
