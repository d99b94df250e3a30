use std::time::Duration;

use serde_json::{Value, json};

use super::{Asked, DeviceAuthorization, Error, LONGEST_LIFE, Poll, Response, Rules, Shape, USUAL_INTERVAL};

/// The example of RFC 8628 §3.2.
fn example() -> Value {
    json!({
        "device_code": "GmRhmhcxhwAzkoEqiMEg_DnyEysNkuNhszIySk9eS",
        "user_code": "WDJB-MJHT",
        "verification_uri": "https://example.com/device",
        "verification_uri_complete": "https://example.com/device?user_code=WDJB-MJHT",
        "expires_in": 1800,
        "interval": 5
    })
}

fn answer(status: u16, body: &Value) -> Response {
    let response = http::Response::builder().status(status).header("content-type", "application/json");
    response.body(body.to_string().into_bytes()).unwrap()
}

fn read(body: &Value) -> Result<DeviceAuthorization, Error> {
    DeviceAuthorization::read(&answer(200, body), &[], &[], 0)
}

fn with(name: &str, value: Value) -> Value {
    let mut body = example();
    body[name] = value;
    body
}

fn poll(shape: &Shape, status: u16, body: &Value) -> Result<Poll, Error> {
    Poll::read(&answer(status, body), shape, &Rules::default(), Asked { at: 0, scopes: &[] })
}

#[test]
fn the_example_of_rfc_8628_is_read() {
    let read = read(&example()).unwrap();

    assert_eq!(read.device_code.expose(), "GmRhmhcxhwAzkoEqiMEg_DnyEysNkuNhszIySk9eS");
    assert_eq!(read.code.user_code, "WDJB-MJHT");
    assert_eq!(read.code.verification_uri.as_str(), "https://example.com/device");
    assert_eq!(read.code.address().as_str(), "https://example.com/device?user_code=WDJB-MJHT");
    assert_eq!((read.lifetime, read.interval), (Duration::from_secs(1800), Duration::from_secs(5)));
    assert!(!format!("{read:?}").contains("GmRhmhcx"));
}

#[test]
fn a_missing_member_is_named() {
    for name in ["device_code", "user_code", "verification_uri"] {
        for value in [Value::Null, json!(""), json!(7)] {
            let outcome = read(&with(name, value));
            assert!(matches!(&outcome, Err(Error::Field { field, .. }) if field == name), "{name}: {outcome:?}");
        }
    }
}

#[test]
fn an_own_name_of_a_member_is_taken_where_the_entry_says_so() {
    let mut body = example();
    body["verification_url"] = body["verification_uri"].take();
    body.as_object_mut().unwrap().remove("verification_uri");

    let names = [("verification_uri".to_owned(), "verification_url".to_owned())];
    let own = DeviceAuthorization::read(&answer(200, &body), &names, &[], 0).unwrap();

    assert_eq!(own.code.verification_uri.as_str(), "https://example.com/device");
    assert!(read(&body).is_err());
    let specified = DeviceAuthorization::read(&answer(200, &example()), &names, &[], 0);
    assert!(specified.is_ok(), "a server that has learnt the specified name is no worse");
}

#[test]
fn a_code_that_nobody_could_read_and_type_is_refused() {
    let long = "A".repeat(65);
    for code in ["AB\u{1b}[2J", "AB\u{202e}CD", "A\u{200b}B", "AB\nCD", "\u{3164}", "Ａ", "  ", &long] {
        assert!(matches!(read(&with("user_code", json!(code))), Err(Error::Field { .. })), "{code:?}");
    }
    assert_eq!(read(&with("user_code", json!(" ab cd "))).unwrap().code.user_code, "ab cd");
}

#[test]
fn an_address_must_be_one_that_may_be_opened() {
    for name in ["verification_uri", "verification_uri_complete"] {
        for uri in
            ["javascript:alert(1)", "file:///etc/passwd", "http://idp.example/", "data:,x", "https://a@b.example"]
        {
            let outcome = read(&with(name, json!(uri)));
            assert!(
                matches!(&outcome, Err(Error::VerificationUri { field, .. }) if *field == name),
                "{name} {uri}: {outcome:?}"
            );
        }
        let long = format!("https://a.example/{}", "x".repeat(2048));
        for uri in ["device", "https://a.exa\nmple/", "https:\\\\a.example", "https://a.example/\u{1b}[2J", &long] {
            assert!(matches!(read(&with(name, json!(uri))), Err(Error::Field { .. })), "{name} {uri}");
        }
        for uri in ["http://127.0.0.1:1/device", "http://localhost/x", "https://b.example/?a=%0a"] {
            assert!(read(&with(name, json!(uri))).is_ok(), "{name} {uri}");
        }
    }
}

#[test]
fn odd_numbers_neither_hurry_nor_last() {
    let seconds = |seconds| Duration::from_secs_f64(seconds);
    for (value, lifetime, interval) in [
        (json!(null), LONGEST_LIFE, USUAL_INTERVAL),
        (json!(0), Duration::ZERO, USUAL_INTERVAL),
        (json!(-7), Duration::ZERO, USUAL_INTERVAL),
        (json!(2.5), seconds(2.5), seconds(2.5)),
        (json!(0.001), seconds(0.001), seconds(1.0)),
        (json!("7"), seconds(7.0), seconds(7.0)),
        (json!("soon"), LONGEST_LIFE, USUAL_INTERVAL),
        (json!("1e999"), LONGEST_LIFE, USUAL_INTERVAL),
        (json!("NaN"), LONGEST_LIFE, USUAL_INTERVAL),
        (json!(1e300), LONGEST_LIFE, LONGEST_LIFE),
        (json!(u64::MAX), LONGEST_LIFE, LONGEST_LIFE),
        (json!(true), LONGEST_LIFE, USUAL_INTERVAL),
        (json!([5]), LONGEST_LIFE, USUAL_INTERVAL),
    ] {
        let read = read(&with("expires_in", value.clone())).unwrap();
        assert_eq!(read.lifetime, lifetime, "{value}");
        let read =
            super::DeviceAuthorization::read(&answer(200, &with("interval", value.clone())), &[], &[], 0).unwrap();
        assert_eq!(read.interval, interval, "{value}");
    }
}

#[test]
fn an_error_of_the_first_request_is_the_servers() {
    for status in [200, 400, 401] {
        let outcome = DeviceAuthorization::read(&answer(status, &json!({"error": "unauthorized_client"})), &[], &[], 0);
        assert!(matches!(&outcome, Err(Error::Server(told)) if told.error == "unauthorized_client"), "{outcome:?}");
    }
    let html =
        http::Response::builder().status(404).header("content-type", "text/html").body(b"<h1>".to_vec()).unwrap();
    assert!(matches!(DeviceAuthorization::read(&html, &[], &[], 0), Err(Error::Status { status: 404, .. })));
    let busy = http::Response::builder().status(503).header("retry-after", "7").body(Vec::new()).unwrap();
    let outcome = DeviceAuthorization::read(&busy, &[], &[], 0);
    assert!(matches!(outcome, Err(Error::Unavailable { retry_after: Some(7), .. })), "{outcome:?}");
}

#[test]
fn the_answers_of_rfc_8628_mean_what_they_say() {
    let told = |error: &str| poll(&Shape::RFC8628, 400, &json!({ "error": error }));

    assert!(matches!(told("authorization_pending"), Ok(Poll::Pending)));
    assert!(matches!(told("slow_down"), Ok(Poll::SlowDown(None))));
    assert!(matches!(told("expired_token"), Ok(Poll::Expired)));
    assert!(matches!(told("access_denied"), Err(Error::Server(told)) if told.error == "access_denied"));
    assert!(matches!(told("else"), Err(Error::Server(told)) if told.error == "else"));
    let issued = poll(&Shape::RFC8628, 200, &json!({ "access_token": "a", "token_type": "Bearer" }));
    assert!(matches!(issued, Ok(Poll::Issued(response)) if response.tokens.access_token.expose() == "a"));
}

#[test]
fn slow_down_is_heard_with_its_interval_and_with_429() {
    let slow = json!({ "error": "slow_down", "interval": 9 });

    for status in [200, 400, 403, 429] {
        let outcome = poll(&Shape::RFC8628, status, &slow);
        assert!(matches!(outcome, Ok(Poll::SlowDown(Some(nine))) if nine == Duration::from_secs(9)), "{outcome:?}");
    }
    for (status, body) in [(429, json!({})), (503, slow)] {
        let outcome = poll(&Shape::RFC8628, status, &body);
        assert!(matches!(outcome, Err(Error::Unavailable { .. })), "{status}: {outcome:?}");
    }
}

#[test]
fn status_tells_only_where_the_shape_says_so() {
    let nothing = json!({});
    for (status, expected) in [(400, "pending"), (410, "expired"), (429, "slow_down")] {
        let outcome = poll(&Shape::TRAKT, status, &nothing).unwrap();
        let found = match outcome {
            Poll::Pending => "pending",
            Poll::SlowDown(None) => "slow_down",
            Poll::Expired => "expired",
            other => panic!("{other:?}"),
        };
        assert_eq!(found, expected);
    }
    for (status, expected) in [(404, "invalid_grant"), (409, "invalid_grant"), (418, "access_denied")] {
        let outcome = poll(&Shape::TRAKT, status, &nothing);
        assert!(matches!(&outcome, Err(Error::Server(told)) if told.error == expected), "{outcome:?}");
    }
    assert!(matches!(poll(&Shape::WEBEX, 428, &nothing), Ok(Poll::Pending)));
    for status in [400, 410, 418, 428] {
        let outcome = poll(&Shape::RFC8628, status, &nothing);
        assert!(matches!(outcome, Err(Error::Status { .. })), "{status}: {outcome:?}");
    }
}
