use serde_json::{Value, json};
use url::Url;

use super::{Description, Did, Handle, Identifier, client_id, did_in_records, lacking};
use crate::protocol::Error;
use crate::protocol::metadata::{AuthorizationServer, IssuerMatch};
use crate::protocol::resource_metadata::ProtectedResource;

const DID: &str = "did:plc:z72i7hdynmk6r22z27h6tvur";

fn url(text: &str) -> Url {
    Url::parse(text).unwrap()
}

/// The examples of "Handle", Identifier Examples.
#[test]
fn handles_are_domain_names_in_lower_case() {
    for text in ["jay.bsky.social", "8.cn", "name.t--t", "XX.LCS.MIT.EDU", "a.co", "xn--notarealidn.com", "example.t"] {
        assert_eq!(Handle::parse(text).unwrap().as_str(), text.to_ascii_lowercase());
    }
    let long = format!("{}.test", "a".repeat(64));
    let longer = format!("{}test", "a.".repeat(125));
    for text in [
        "jo@hn.test",
        "💩.test",
        "john..test",
        "xn--bcher-.tld",
        "john.0",
        "cn.8",
        "www.masełkowski.pl.com",
        "org",
        "name.org.",
        ".name.org",
        "127.0.0.1",
        "a b.test",
        "",
        "handle.invalid",
        "laptop.local",
        "blah.arpa",
        "2gzyxa5ihm7nsggfxnu52rck2vv4rvmdlkiu3zzui5du4xyclen53wid.onion",
        long.as_str(),
        longer.as_str(),
    ] {
        assert!(matches!(Handle::parse(text), Err(Error::Account { .. })), "{text}");
    }
}

/// The examples of "DID", Examples, and of did:plc.
#[test]
fn dids_are_of_the_two_methods_that_the_protocol_knows() {
    for text in [DID, "did:web:blueskyweb.xyz", "did:web:localhost%3A1234", "did:web:localhost"] {
        assert_eq!(Did::parse(text).unwrap().as_str(), text);
    }
    for text in [
        "did:method:val:two",
        "did:key:zQ3shZc2QzApp2oymGvQbzP8eKheVshBHbU4ZYjeXqwSKEn6N",
        "did:METHOD:val",
        "did:m123:val",
        "DID:method:val",
        "did:method:",
        "did:plc:z72i7hdynmk6r22z27h6tvu",
        "did:plc:z72i7hdynmk6r22z27h6tvu1",
        "did:plc:Z72I7HDYNMK6R22Z27H6TVUR",
        "did:plc:z72i7hdynmk6r22z27h6tvur/x",
        "did:plc:z72i7hdynmk6r22z27h6tvur#x",
        "did:plc:../../etc/passwd-------",
        "did:web:blueskyweb.xyz:user:alice",
        "did:web:example.com%3A8443",
        "did:web:Example.com",
        "did:web:127.0.0.1",
        "did:web:router",
        "did:web:intranet.local",
        "did:web:localhost%3A0",
        "did:web:localhost%3A1/x",
        "did:web:a.com@evil.com",
        "did:web:",
    ] {
        assert!(matches!(Did::parse(text), Err(Error::Account { .. })), "{text}");
    }
    assert!(Did::parse(&format!("did:web:{}com", "a.".repeat(1100))).is_err());
}

#[test]
fn a_person_may_type_either_and_an_at_sign() {
    assert_eq!(Identifier::parse("@Jay.bsky.team").unwrap().as_str(), "jay.bsky.team");
    assert_eq!(Identifier::parse(DID).unwrap(), Identifier::Did(Did::parse(DID).unwrap()));
    assert!(Identifier::parse("alice").is_err());
}

#[test]
fn documents_are_where_the_method_says() {
    let place = |did: &str| Did::parse(did).unwrap().place(&url("https://plc.directory")).unwrap().to_string();

    assert_eq!(place(DID), format!("https://plc.directory/{DID}"));
    assert_eq!(place("did:web:alice.com"), "https://alice.com/.well-known/did.json");
    assert_eq!(place("did:web:localhost%3A1234"), "http://localhost:1234/.well-known/did.json");
    let mirror = Did::parse(DID).unwrap().place(&url("https://mirror.test/plc/")).unwrap();
    assert_eq!(mirror.as_str(), format!("https://mirror.test/plc/{DID}"));
}

fn document() -> Value {
    json!({
        "@context": ["https://www.w3.org/ns/did/v1"],
        "id": DID,
        "alsoKnownAs": ["https://bsky.app", "at://not a handle", "at://Bsky.app", "at://other.test"],
        "service": [
            { "id": "#other", "type": "AtprotoPersonalDataServer", "serviceEndpoint": "https://no.test" },
            { "id": "#atproto_pds", "type": "Other", "serviceEndpoint": "https://no.test" },
            { "id": "#atproto_pds", "type": "AtprotoPersonalDataServer", "serviceEndpoint": "https://puffball.us-east.host.bsky.network" },
            { "id": "#atproto_pds", "type": "AtprotoPersonalDataServer", "serviceEndpoint": "https://second.test" },
        ],
    })
}

fn read(document: &Value, place: &str) -> Result<Description, Error> {
    Description::read(document.as_object().unwrap(), &Did::parse(DID).unwrap(), &url(place))
}

#[test]
fn the_first_handle_and_the_first_data_server_of_a_document_count() {
    let description = read(&document(), "https://plc.directory").unwrap();

    assert_eq!(description.handle.unwrap().as_str(), "bsky.app");
    assert_eq!(description.pds, url("https://puffball.us-east.host.bsky.network"));
    let mut whole = document();
    whole["service"][2]["id"] = format!("{DID}#atproto_pds").into();
    assert_eq!(read(&whole, "https://plc.directory").unwrap().pds, url("https://puffball.us-east.host.bsky.network"));
    whole["alsoKnownAs"] = Value::Null;
    assert_eq!(read(&whole, "https://plc.directory").unwrap().handle, None);
}

#[test]
fn a_document_of_another_or_without_a_usable_data_server_is_refused() {
    let with = |change: &dyn Fn(&mut Value)| {
        let mut document = document();
        change(&mut document);
        read(&document, "https://plc.directory")
    };
    for id in [json!("did:plc:aaaaaaaaaaaaaaaaaaaaaaaa"), Value::Null] {
        let refused = with(&|document| document["id"] = id.clone());
        assert!(matches!(refused, Err(Error::AccountMismatch { .. })));
    }
    assert!(matches!(with(&|document| document["service"] = json!([])), Err(Error::Field { .. })));
    assert!(matches!(with(&|document| document["service"][2]["serviceEndpoint"] = 1.into()), Err(Error::Field { .. })));
    assert!(matches!(
        with(&|document| document["service"][2]["id"] = "did:plc:other#atproto_pds".into()).unwrap().pds,
        pds if pds == url("https://second.test")
    ));
    for bad in [
        "http://pds.test",
        "https://pds.test/x",
        "https://pds.test/?x",
        "https://pds.test/#x",
        "https://u@pds.test",
        "https://@pds.test",
        "https://127.0.0.1",
        "http://127.0.0.1:1",
        "https://10.0.0.1",
        "pds.test",
    ] {
        let refused = with(&|document| document["service"][2]["serviceEndpoint"] = bad.into());
        assert!(matches!(refused, Err(Error::MetadataEndpoint { .. })), "{bad}");
    }
    let mut local = document();
    local["service"][2]["serviceEndpoint"] = "http://localhost:1234".into();
    assert!(read(&local, "http://127.0.0.1:1").is_ok(), "a directory on this machine is for development");
}

/// "Handle", DNS TXT Method.
#[test]
fn records_name_one_did_or_none() {
    let handle = Handle::parse("bsky.app").unwrap();
    let texts = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    let own = format!("did={DID}");

    assert_eq!(handle.record_name(), "_atproto.bsky.app");
    assert_eq!(did_in_records(&handle, &texts(&["v=spf1", &own, &own])).unwrap().unwrap().as_str(), DID);
    assert_eq!(did_in_records(&handle, &texts(&["v=spf1", DID])).unwrap(), None);
    assert!(did_in_records(&handle, &texts(&[&own, "did=did:web:bsky.app"])).is_err());
    assert!(did_in_records(&handle, &texts(&["did=x"])).is_err());
}

#[test]
fn a_resolver_is_asked_for_the_handle() {
    let at = |resolver: &str| Handle::parse("bsky.app").unwrap().asked_at(&url(resolver)).unwrap().to_string();

    let method = "xrpc/com.atproto.identity.resolveHandle?handle=bsky.app";
    assert_eq!(at("https://public.api.bsky.app"), format!("https://public.api.bsky.app/{method}"));
    assert_eq!(at("http://127.0.0.1:1/below/"), format!("http://127.0.0.1:1/below/{method}"));
}

#[test]
fn a_data_server_has_one_issuer_that_is_an_origin() {
    let issuer = |servers: &[&str]| {
        let metadata = ProtectedResource {
            resource: "https://pds.test".into(),
            authorization_servers: servers.iter().map(|server| (*server).to_owned()).collect(),
            scopes_supported: None,
            dpop_bound_access_tokens_required: false,
        };
        super::issuer(&metadata, &url("https://pds.test"))
    };
    assert_eq!(issuer(&["https://bsky.social"]).unwrap(), "https://bsky.social");
    assert!(matches!(issuer(&[]), Err(Error::Field { .. })));
    assert!(matches!(issuer(&["https://a.test", "https://b.test"]), Err(Error::Field { .. })));
    assert!(matches!(issuer(&["https://a.test/x"]), Err(Error::MetadataEndpoint { .. })));
}

#[test]
fn each_thing_that_a_server_must_announce_is_missed() {
    let whole = json!({
        "issuer": "https://bsky.social",
        "authorization_endpoint": "https://bsky.social/oauth/authorize",
        "token_endpoint": "https://bsky.social/oauth/token",
        "scopes_supported": ["atproto", "transition:generic"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "response_types_supported": ["code"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["none", "private_key_jwt"],
        "dpop_signing_alg_values_supported": ["RS256", "ES256"],
        "pushed_authorization_request_endpoint": "https://bsky.social/oauth/par",
        "require_pushed_authorization_requests": true,
        "authorization_response_iss_parameter_supported": true,
        "client_id_metadata_document_supported": true,
    });
    let lacks = |document: &Value| {
        let issuer = document["issuer"].as_str().unwrap();
        let server = AuthorizationServer::read(document.as_object().unwrap(), issuer, IssuerMatch::Exact).unwrap();
        lacking(&server)
    };
    assert_eq!(lacks(&whole), None);
    for (name, value) in [
        ("issuer", json!("https://bsky.social/x")),
        ("scopes_supported", json!(["openid"])),
        ("scopes_supported", Value::Null),
        ("grant_types_supported", json!(["authorization_code"])),
        ("response_types_supported", json!(["token"])),
        ("require_request_uri_registration", json!(false)),
        ("code_challenge_methods_supported", json!(["plain"])),
        ("token_endpoint_auth_methods_supported", json!(["private_key_jwt"])),
        ("dpop_signing_alg_values_supported", json!(["RS256"])),
        ("pushed_authorization_request_endpoint", Value::Null),
        ("require_pushed_authorization_requests", json!(false)),
        ("authorization_response_iss_parameter_supported", json!(false)),
        ("client_id_metadata_document_supported", json!(false)),
    ] {
        let mut document = whole.clone();
        document[name] = value;
        let told = lacks(&document).unwrap_or_else(|| panic!("{name} is not missed"));
        assert!(told.starts_with(name) || told.starts_with("pushed"), "{name}: {told}");
    }
}

/// "OAuth", Localhost Client Development.
#[test]
fn a_client_without_a_document_says_what_it_is_in_its_identifier() {
    let scopes = ["atproto".to_owned(), "transition:generic".to_owned()];

    let id = client_id("http://127.0.0.1/callback", &scopes);

    let parsed = url(&id);
    assert!(id.starts_with("http://localhost?"), "{id}");
    let pairs: Vec<(String, String)> = parsed.query_pairs().into_owned().collect();
    assert_eq!(
        pairs,
        [
            ("redirect_uri".to_owned(), "http://127.0.0.1/callback".to_owned()),
            ("scope".to_owned(), "atproto transition:generic".to_owned())
        ]
    );
}
