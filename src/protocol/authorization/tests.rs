use url::Url;

use super::{AuthorizationRequest, Draft, Fresh, Issuer, check_extra, check_resource};
use crate::protocol::pkce::Method;
use crate::protocol::{Error, RedirectFault};

const STATE: &str = "af0ifjsldkj-af0ifjsldkj";
const HERE: Issuer<'static> = Issuer { name: Some("https://op.example"), announced: false };

fn fresh() -> Fresh {
    Fresh {
        state: STATE.into(),
        nonce: "n-0S6_WzA2Mj".into(),
        verifier: "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk".into(),
    }
}

fn endpoint() -> Url {
    Url::parse("https://op.example/authorize").unwrap()
}

fn draft<'a>(endpoint: &'a Url, scopes: &'a [String]) -> Draft<'a> {
    Draft {
        endpoint,
        response_type: "code",
        client_id: "s6BhdRkqt3",
        redirect_uri: "http://127.0.0.1:1/callback",
        scopes,
        scope_separator: " ",
        scope_param: "scope",
        pkce: Method::S256,
        response_mode: None,
        dpop_jkt: None,
        resources: &[],
        extra: &[],
        names: &[],
        fragment: None,
    }
}

fn request(scope: &str) -> AuthorizationRequest {
    let scopes: Vec<String> = scope.split_whitespace().map(str::to_owned).collect();
    AuthorizationRequest::new(&draft(&endpoint(), &scopes), fresh()).unwrap()
}

fn redirect(query: &str) -> Vec<(String, String)> {
    url::form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}

fn fault(query: &str, issuer: Issuer<'_>) -> RedirectFault {
    match request("openid").accept(redirect(query), issuer) {
        Err(Error::Redirect(fault)) => fault,
        other => panic!("{query}: {other:?}"),
    }
}

#[test]
fn the_whole_request_is_as_specified() {
    let request = request("openid email");

    assert_eq!(
        request.url().unwrap().as_str(),
        "https://op.example/authorize?response_type=code&client_id=s6BhdRkqt3\
         &redirect_uri=http%3A%2F%2F127.0.0.1%3A1%2Fcallback&scope=openid+email&state=af0ifjsldkj-af0ifjsldkj\
         &nonce=n-0S6_WzA2Mj&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256"
    );
}

#[test]
fn a_nonce_goes_with_openid_only_and_no_scope_sends_none() {
    let request = request("");

    assert!(request.nonce().is_none());
    assert!(!request.url().unwrap().as_str().contains("nonce") && !request.url().unwrap().as_str().contains("scope"));
}

#[test]
fn names_separators_and_fragments_are_the_entrys() {
    let (endpoint, scopes) = (endpoint(), ["a".to_owned(), "b".to_owned()]);
    let names = [("client_id".to_owned(), "client_key".to_owned()), ("state".to_owned(), "custom".to_owned())];
    let draft = Draft {
        names: &names,
        scope_separator: ",",
        scope_param: "perms",
        fragment: Some("f"),
        ..draft(&endpoint, &scopes)
    };

    let request = AuthorizationRequest::new(&draft, fresh()).unwrap();

    let url = request.url().unwrap().to_string();
    assert!(url.contains("client_key=s6BhdRkqt3") && url.contains("perms=a%2Cb") && url.ends_with("#f"), "{url}");
    assert!(request.is_answered_by(&redirect(&format!("custom={STATE}"))));
}

#[test]
fn reserved_and_malformed_parameters_are_refused() {
    for name in ["state", "redirect_uri", "client_secret", "code_challenge", "scope", "request_uri", "response_mode"] {
        assert!(matches!(check_extra(name, "x"), Err(Error::ReservedParameter(_))), "{name}");
    }
    for (name, value) in [("claims", "{bad"), ("claims", "[]"), ("max_age", "soon"), ("resource", "x"), ("", "x")] {
        assert!(matches!(check_extra(name, value), Err(Error::Parameter { .. })), "{name}={value}");
    }
    assert!(check_extra("claims", "{\"userinfo\":{}}").is_ok() && check_extra("prompt", "login").is_ok());
}

#[test]
fn a_resource_is_an_absolute_uri_without_fragment() {
    assert!(check_resource("https://api.example/a").is_ok() && check_resource("urn:x:y").is_ok());
    assert!(check_resource("https://api.example/a#").is_err() && check_resource("/a").is_err());
}

#[test]
fn an_address_that_is_too_long_is_refused() {
    let (endpoint, extra) = (endpoint(), [("login_hint".to_owned(), "x".repeat(super::MAX_URL))]);

    let request = AuthorizationRequest::new(&Draft { extra: &extra, ..draft(&endpoint, &[]) }, fresh()).unwrap();

    assert!(matches!(request.url(), Err(Error::TooLong(_))));
    assert!(request.url_of_pushed("urn:x").is_ok());
}

#[test]
fn only_its_own_state_once_answers_a_request() {
    let request = request("openid");

    assert!(request.is_answered_by(&redirect(&format!("code=x&state={STATE}"))));
    for other in [
        "code=x".to_owned(),
        "code=x&state=".to_owned(),
        "code=x&state=other".to_owned(),
        format!("code=x&state={STATE}x"),
        format!("code=x&state={STATE}&state={STATE}"),
        format!("code=x&State={STATE}"),
    ] {
        assert!(!request.is_answered_by(&redirect(&other)), "{other}");
    }
}

#[test]
fn a_code_is_passed_on_exactly() {
    let code = "a+b/c=%20é~";
    let encoded: String = url::form_urlencoded::byte_serialize(code.as_bytes()).collect();

    let response = request("openid").accept(redirect(&format!("code={encoded}&state={STATE}")), HERE).unwrap();

    assert_eq!(response.code.expose(), code);
}

#[test]
fn iss_is_compared_byte_for_byte_and_required_where_it_is_announced() {
    let announced = Issuer { announced: true, ..HERE };
    for iss in ["https://op.example/", "HTTPS://op.example", "https://op.example:443", "https://other", ""] {
        let query = format!("code=x&state={STATE}&iss={iss}");
        assert!(matches!(fault(&query, HERE), RedirectFault::WrongIssuer { .. }), "{iss}");
    }
    assert!(matches!(fault("code=x", announced), RedirectFault::MissingIssuer { .. }));
    assert!(request("openid").accept(redirect("code=x"), HERE).is_ok());
    assert!(request("openid").accept(redirect("code=x&iss=https://op.example"), announced).is_ok());
}

#[test]
fn an_error_of_another_issuer_is_not_looked_at() {
    assert!(matches!(fault("error=access_denied&iss=https://evil", HERE), RedirectFault::WrongIssuer { .. }));
}

#[test]
fn an_error_of_the_server_is_what_it_says() {
    let outcome = request("openid").accept(redirect("error=access_denied&error_description=no"), HERE);

    let Err(Error::Server(error)) = outcome else { panic!("{outcome:?}") };
    assert_eq!((error.error.as_str(), error.description.as_deref()), ("access_denied", Some("no")));
}

#[test]
fn repeated_mixed_and_missing_parameters_are_refused() {
    assert_eq!(fault("code=x&code=x", HERE), RedirectFault::Duplicate("code".into()));
    assert_eq!(fault("code=x&a=1&a=2", HERE), RedirectFault::Duplicate("a".into()));
    assert_eq!(fault("code=x&error=y", HERE), RedirectFault::CodeAndError);
    assert_eq!(fault("code=", HERE), RedirectFault::NoCode);
    assert_eq!(fault("x=y", HERE), RedirectFault::NoCode);
    assert_eq!(fault("code=x&access_token=y", HERE), RedirectFault::Token);
    assert_eq!(fault(&format!("code={}", "x".repeat(8193)), HERE), RedirectFault::NoCode);
}
