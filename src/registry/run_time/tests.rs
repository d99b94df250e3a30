use serde_json::{Map, Value, json};

use super::{RunTime, Unfilled};
use crate::registry::provider::Endpoint;
use crate::registry::testing::provider;

fn kept(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

fn filled(entry: &str, endpoint: &str, values: Value) -> Result<String, Unfilled> {
    let entry = format!(
        "authorization_endpoint = \"https://my.example.com/authorize\"\ntoken_endpoint = \"{endpoint}\"\n\
         callback_keep = [\"host\", \"server\"]\ntoken_keep = [\"id\", \"n\"]\n{entry}"
    );
    let provider = provider(&entry);
    let values = kept(values);
    let run_time = RunTime { kept: Some(&values), app: None };
    let endpoint = provider.token_endpoint.clone().unwrap();
    assert!(matches!(endpoint, Endpoint::RunTime(_)));
    run_time.url(&provider, &endpoint).map(String::from)
}

#[test]
fn a_piece_of_a_host_stays_below_the_domain_that_the_template_writes_out() {
    let template = "https://{callback.host}.example.com/token";

    assert_eq!(filled("", template, json!({"host": "acme"})).unwrap(), "https://acme.example.com/token");
    for hostile in ["evil.example/", "a@b", "a#", "a?", "", "evil.org\\", "a:1", "..", "a/../b"] {
        let outcome = filled("", template, json!({ "host": hostile }));
        assert!(matches!(outcome, Err(Unfilled::Value { .. })), "{hostile}: {outcome:?}");
    }
}

#[test]
fn a_whole_host_is_one_that_the_entry_names() {
    let template = "https://{callback.host}/token";
    let hosts = "hosts = [\"api.example.com\", \"eapi.example.com\"]";

    assert_eq!(filled(hosts, template, json!({"host": "eapi.example.com"})).unwrap(), "https://eapi.example.com/token");
    assert_eq!(filled(hosts, template, json!({"host": "my.example.com"})).unwrap(), "https://my.example.com/token");
    for hostile in ["evil.example.org", "x.api.example.com", "api.example.com.evil.org"] {
        let outcome = filled(hosts, template, json!({ "host": hostile }));
        assert_eq!(outcome, Err(Unfilled::Host { host: hostile.into() }));
    }
}

#[test]
fn a_whole_address_is_one_of_the_entrys_servers() {
    let template = "{callback.server}/oauth/v2/token";
    let hosts = "hosts = [\"accounts.example.eu\"]";
    let url = |server: &str| filled(hosts, template, json!({ "server": server }));

    assert_eq!(url("https://accounts.example.eu").unwrap(), "https://accounts.example.eu/oauth/v2/token");
    assert_eq!(url("https://evil.example"), Err(Unfilled::Host { host: "evil.example".into() }));
    assert_eq!(
        url("https://accounts.example.eu:8443"),
        Err(Unfilled::Host { host: "accounts.example.eu:8443".into() })
    );
    for hostile in [
        "http://accounts.example.eu",
        "https://accounts.example.eu@evil.example",
        "https://accounts.example.eu#",
        "javascript:1",
        "",
    ] {
        assert!(matches!(url(hostile), Err(Unfilled::Value { .. })), "{hostile}");
    }
}

#[test]
fn a_domain_of_one_label_anchors_nothing() {
    assert!(matches!(
        filled("", "https://{callback.host}.com/token", json!({"host": "evil"})),
        Err(Unfilled::Host { .. })
    ));
}

#[test]
fn a_value_in_the_path_stays_in_its_segment() {
    let template = "https://api.example.org/users/{token.id}/me";

    assert_eq!(filled("", template, json!({"id": 42})).unwrap(), "https://api.example.org/users/42/me");
    for hostile in [json!(".."), json!("a/b"), json!("a?b"), json!("a%2fb"), json!("")] {
        assert!(matches!(filled("", template, json!({ "id": hostile })), Err(Unfilled::Value { .. })), "{hostile}");
    }
}

#[test]
fn only_kept_texts_and_numbers_fill_a_template() {
    let template = "https://api.example.org/{token.id}";
    for values in [json!({}), json!({"id": null}), json!({"id": {"x": 1}}), json!({"id": ["a"]})] {
        assert_eq!(filled("", template, values), Err(Unfilled::Missing { name: "token.id".into() }));
    }
    let not_kept = filled("", "https://api.example.org/{callback.id}", json!({"id": "x"}));
    assert_eq!(not_kept, Err(Unfilled::Missing { name: "callback.id".into() }));
}

#[test]
fn a_value_cannot_leave_its_string_in_json() {
    let provider = provider(
        "authorization_endpoint = \"https://a.example/a\"\ntoken_endpoint = \"https://a.example/t\"\ntoken_keep = [\"id\"]",
    );
    let values = kept(json!({"id": "\", \"admin\": \"{token.id}"}));
    let run_time = RunTime { kept: Some(&values), app: None };

    let body = run_time.json(&provider, "{\"user\":\"{token.id}\"}").unwrap();

    assert_eq!(serde_json::from_str::<Value>(&body).unwrap(), json!({"user": "\", \"admin\": \"{token.id}"}));
}
