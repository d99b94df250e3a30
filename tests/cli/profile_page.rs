//! From a person's address to their server: what pages declare, where they lead, and whom a server may speak for.
//! The library is asked directly; logins by such addresses are elsewhere.

use keyfob::client::Error;
use keyfob::client::indieauth::{Claimant, Discovered, Server as Declared, confirm, discover};
use keyfob::protocol::Error as Protocol;
use keyfob::system::http::{BODY_LIMIT, Response};
use keyfob::system::{self, Clock, Environment, HttpClient, HttpOptions, System, Trace};
use serde_json::{Value, json};
use url::Url;

use crate::support::{Answer, Server};

const LINK: &str = "<link rel=indieauth-metadata href=/metadata>";

fn at(server: &Server, path: &str) -> Url {
    format!("{}{path}", server.url()).parse().expect("an address")
}

fn run<T>(job: impl AsyncFnOnce(&System) -> T) -> T {
    let environment = Environment::given([]);
    let options = HttpOptions::from_environment(&environment).expect("no variables");
    let http = HttpClient::new(options, Trace::default());
    let system = System { http, clock: Clock, environment, trace: Trace::default() };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(job(&system))
}

fn lead(entered: &Url, first: Option<Response>) -> Result<Option<Discovered>, Error> {
    run(async |system| discover(system, entered, first).await)
}

fn speak(server: &Server, me: &str, visited: &[Url], issuer: Option<&str>) -> Result<Url, Error> {
    let (authorization_endpoint, token_endpoint) = (&at(server, "/authorize"), &at(server, "/token"));
    let claimant = Claimant { authorization_endpoint, token_endpoint, issuer };
    run(async |system| confirm(system, me, visited, claimant).await)
}

/// A server with metadata and a page at each of `pages` that names it.
fn declaring(pages: &[&str]) -> Server {
    let server = Server::start();
    server.always("/metadata", Answer::json(200, &document(&server)));
    for page in pages {
        server.always(page, Answer::html(200, LINK));
    }
    server
}

fn document(server: &Server) -> Value {
    json!({
        "issuer": format!("{}/", server.url()), "authorization_endpoint": at(server, "/authorize"),
        "token_endpoint": at(server, "/token"), "code_challenge_methods_supported": ["S256"]
    })
}

fn moved(status: u16, location: &str) -> Answer {
    Answer::new(status, "text/plain", "").with("Location", location)
}

fn asked(server: &Server) -> Vec<String> {
    server.requests().into_iter().map(|request| request.path).collect()
}

#[test]
fn a_page_leads_to_the_metadata_of_its_server() {
    let server = declaring(&[]);
    server.always("/", Answer::html(200, &format!("{LINK}<link rel=micropub href=/micropub>")));

    let found = lead(&at(&server, "/"), None).unwrap();

    let expected = Discovered {
        visited: vec![at(&server, "/")],
        server: Declared::Metadata {
            place: at(&server, "/metadata"),
            issuer: format!("{}/", server.url()),
            authorization_endpoint: at(&server, "/authorize"),
            document: document(&server).as_object().unwrap().clone(),
        },
        micropub: Some(at(&server, "/micropub")),
    };
    assert_eq!(found, Some(expected));
    let requests = server.requests();
    assert_eq!(asked(&server), ["/", "/metadata"]);
    assert_eq!(requests[0].header("accept"), Some("text/html, */*;q=0.1"));
    assert_eq!(requests[1].header("accept"), Some("application/json"));
    assert!(requests.iter().all(|request| request.method == "GET" && request.header("authorization").is_none()));
}

#[test]
fn older_pages_name_the_endpoints_themselves() {
    let server = Server::start();
    let html = "<link rel=authorization_endpoint href=/a><link rel=token_endpoint href=/t>";
    server.always("/", Answer::html(200, html));

    let found = lead(&at(&server, "/"), None).unwrap().unwrap();

    let (authorization_endpoint, token_endpoint) = (at(&server, "/a"), at(&server, "/t"));
    assert_eq!(found.server, Declared::Endpoints { authorization_endpoint, token_endpoint });
    assert_eq!(found.micropub, None);
}

#[test]
fn a_server_that_only_authenticates_is_told_from_none() {
    let server = Server::start();
    server.always("/a", Answer::html(200, "<link rel=authorization_endpoint href=/a>"));
    server.always("/t", Answer::html(200, "<link rel=token_endpoint href=/t>"));

    let page = at(&server, "/a").to_string();
    assert!(matches!(lead(&at(&server, "/a"), None), Err(Error::NoTokenEndpoint { page: named }) if named == page));
    assert_eq!(lead(&at(&server, "/t"), None).unwrap(), None);
}

#[test]
fn redirects_are_followed_up_to_the_fifth() {
    let server = declaring(&["/5"]);
    for step in 0..5 {
        let status = [301, 302, 303, 307, 308][step];
        server.always(&format!("/{step}"), moved(status, &format!("{}#x", step + 1)));
    }
    server.always("/too-far", moved(302, "/0"));
    server.always("/round", moved(302, "/round"));

    let found = lead(&at(&server, "/0"), None).unwrap().unwrap();

    let way: Vec<Url> = (0..=5).map(|step| at(&server, &format!("/{step}"))).collect();
    assert_eq!(found.visited, way);
    for path in ["/too-far", "/round"] {
        server.forget_requests();
        let refused = lead(&at(&server, path), None);
        assert!(matches!(refused, Err(Error::Redirects { limit: 5, .. })), "{path}");
        assert_eq!(server.requests().len(), 6, "{path}");
    }
}

#[test]
fn an_address_that_must_not_be_asked_ends_it() {
    let server = Server::start();
    server.always("/redirect", moved(302, "http://example.com/"));
    server.always("/link", Answer::html(200, "<link rel=indieauth-metadata href=http://example.com/>"));

    let refused = lead(&at(&server, "/redirect"), None);
    assert!(matches!(refused, Err(Error::Protocol(Protocol::ProfileLink { rel: "Location", .. }))));
    let refused = lead(&at(&server, "/link"), None);
    assert!(matches!(refused, Err(Error::Protocol(Protocol::ProfileLink { rel: "indieauth-metadata", .. }))));
    assert!(lead(&"http://example.com/".parse().unwrap(), None).is_err());
}

#[test]
fn no_page_and_no_server_for_the_moment_are_told_apart() {
    let server = Server::start();
    for status in [201, 300, 304, 401, 404, 410, 429, 500, 503] {
        server.always(&format!("/{status}"), Answer::html(status, "<link rel=authorization_endpoint href=/x>"));
    }
    server.always("/nothing", Answer::html(200, "<p>"));
    server.always("/text", Answer::new(200, "text/plain", LINK));
    server.always("/nowhere", Answer::html(302, LINK));

    for path in ["/300", "/304", "/401", "/404", "/410", "/nothing", "/text", "/nowhere"] {
        assert_eq!(lead(&at(&server, path), None).unwrap(), None, "{path}");
    }
    for path in ["/429", "/500", "/503"] {
        let failed = lead(&at(&server, path), None);
        assert!(matches!(failed, Err(Error::Protocol(Protocol::Unavailable { .. }))), "{path}");
    }
    assert!(matches!(lead(&at(&server, "/201"), None), Err(Error::NoTokenEndpoint { .. })), "any success is one");
}

#[test]
fn an_answer_that_is_there_already_is_not_asked_for_again() {
    let server = declaring(&["/", "/there"]);
    let first = |kind: &str, status: u16, body: &str| {
        let answer = http::Response::builder().status(status).header("content-type", kind).header("location", "/there");
        Some(answer.body(body.as_bytes().to_vec()).unwrap())
    };
    let root = at(&server, "/");

    let found = lead(&root, first("text/html", 200, LINK)).unwrap().unwrap();
    assert_eq!((found.visited, asked(&server)), (vec![root.clone()], vec!["/metadata".to_owned()]));
    server.forget_requests();
    let found = lead(&root, first("text/html", 301, LINK)).unwrap().unwrap();
    assert_eq!(found.visited, [root.clone(), at(&server, "/there")]);
    assert_eq!(asked(&server), ["/there", "/metadata"]);
    assert_eq!(lead(&root, first("application/json", 401, "{}")).unwrap(), None);
    // Who asked for JSON has not seen the page yet.
    for (kind, status) in [("application/json", 200), ("text/html", 406)] {
        server.forget_requests();
        assert!(lead(&root, first(kind, status, "{}")).unwrap().is_some(), "{kind} {status}");
        assert_eq!(asked(&server), ["/", "/metadata"], "{kind} {status}");
    }
}

#[test]
fn of_a_page_without_end_the_beginning_counts_if_it_names_the_metadata() {
    let server = declaring(&[]);
    let rest = "<p>".repeat(BODY_LIMIT / 3);
    let header = "</metadata>; rel=indieauth-metadata";
    let older = "<link rel=authorization_endpoint href=/a><link rel=token_endpoint href=/t>";
    server.always("/header", Answer::html(200, "<p>").with("Link", header).endless());
    server.always("/page", Answer::html(200, &format!("{LINK}{rest}")));
    server.always("/further", Answer::html(200, &format!("{rest}{LINK}")));
    server.always("/older", Answer::html(200, &format!("{older}{rest}")));
    server.always("/none", Answer::html(200, "<p>").endless());
    server.always("/film", Answer::new(200, "video/mp4", "frame").endless());

    for path in ["/header", "/page"] {
        let found = lead(&at(&server, path), None).unwrap().unwrap();
        assert!(matches!(found.server, Declared::Metadata { .. }), "{path}");
    }
    for path in ["/further", "/older", "/none"] {
        let failed = lead(&at(&server, path), None);
        assert!(matches!(failed, Err(Error::System(system::Error::BadAnswer { .. }))), "{path}");
    }
    assert_eq!(lead(&at(&server, "/film"), None).unwrap(), None);
}

#[test]
fn metadata_that_a_page_names_must_be_there_and_be_its_server_s() {
    let server = declaring(&["/"]);
    let root = at(&server, "/");
    let mut wrong = document(&server);
    wrong["issuer"] = json!("https://evil.example/");
    let mut without = document(&server);
    without["authorization_endpoint"] = Value::Null;
    let mut forbidden = document(&server);
    forbidden["token_endpoint"] = json!("http://evil.example/token");
    let after = |answer: Answer| {
        server.once("/metadata", answer);
        match lead(&root, None) {
            Err(Error::Protocol(error)) => error,
            other => panic!("{other:?}"),
        }
    };

    server.recover();
    server.always("/", Answer::html(200, LINK));
    assert!(matches!(after(Answer::json(200, &wrong)), Protocol::IssuerPlace { .. }));
    assert!(matches!(after(Answer::json(200, &without)), Protocol::Field { .. }));
    assert!(matches!(after(Answer::json(200, &forbidden)), Protocol::MetadataEndpoint { .. }));
    assert!(matches!(after(Answer::html(200, "{}")), Protocol::NotJson { .. }));
    assert!(matches!(after(moved(302, "/other")), Protocol::Redirected { .. }));
    assert!(matches!(after(Answer::json(503, &json!({}))), Protocol::Unavailable { .. }));
    for status in [201, 404] {
        server.once("/metadata", Answer::json(status, &document(&server)));
        assert!(matches!(lead(&root, None), Err(Error::Metadata { .. })), "{status}");
    }
}

#[test]
fn an_address_that_was_on_the_way_is_confirmed_without_asking() {
    let server = Server::start();
    let way = [at(&server, "/short"), at(&server, "/")];

    assert_eq!(speak(&server, at(&server, "/short").as_str(), &way, None).unwrap(), way[0]);
    assert_eq!(speak(&server, &server.url(), &way, None).unwrap(), way[1], "in canonical form");
    assert!(server.requests().is_empty());
}

#[test]
fn another_address_is_confirmed_if_it_declares_the_same_server() {
    let server = declaring(&["/alice"]);
    let issuer = format!("{}/", server.url());
    let endpoints = "<link rel=authorization_endpoint href=/authorize><link rel=token_endpoint href=/token>";
    server.always("/older", Answer::html(200, endpoints));
    server.always("/moved", moved(301, "/alice"));

    for path in ["/alice", "/older", "/moved"] {
        let me = at(&server, path);
        assert_eq!(speak(&server, me.as_str(), &[at(&server, "/")], Some(&issuer)).unwrap(), me, "{path}");
    }
    assert!(speak(&server, at(&server, "/alice").as_str(), &[], None).is_ok(), "an older page led to it");
}

#[test]
fn a_server_cannot_speak_for_those_who_do_not_name_it() {
    let server = declaring(&["/alice"]);
    let other = declaring(&["/bob"]);
    server.always("/nobody", Answer::html(200, "<p>"));
    server.always("/only-tokens", Answer::html(200, "<link rel=token_endpoint href=/token>"));
    server.always("/older", Answer::html(200, "<link rel=authorization_endpoint href=/authorize?tenant=2>"));
    server.always("/halved", Answer::html(200, "<link rel=authorization_endpoint href=/authorize>"));
    let robbed = "<link rel=authorization_endpoint href=/authorize><link rel=token_endpoint href=/other>";
    server.always("/robbed", Answer::html(200, robbed));
    let alice = at(&server, "/alice").to_string();

    for me in [
        at(&server, "/nobody").as_str(),
        at(&server, "/only-tokens").as_str(),
        at(&server, "/older").as_str(),
        at(&server, "/halved").as_str(),
        at(&server, "/robbed").as_str(),
        at(&other, "/bob").as_str(),
        &format!("{alice}#x"),
        &alice.replace("http://", ""),
        "http://alice.example/",
        "",
    ] {
        let refused = speak(&server, me, &[at(&server, "/")], None);
        assert!(matches!(refused, Err(Error::Protocol(Protocol::Unconfirmed { .. }))), "{me}: {refused:?}");
    }
    let refused = speak(&server, &alice, &[], Some(&server.url()));
    assert!(matches!(refused, Err(Error::Protocol(Protocol::Unconfirmed { .. }))), "of another issuer");
    server.always("/down", Answer::html(503, ""));
    let failed = speak(&server, at(&server, "/down").as_str(), &[], None);
    assert!(matches!(failed, Err(Error::Protocol(Protocol::Unavailable { .. }))), "not asked, not confirmed");
}

#[test]
fn a_public_server_has_nobody_asked_in_this_network() {
    let server = declaring(&["/alice"]);
    let me = at(&server, "/alice");
    let public = "https://as.example/authorize".parse().unwrap();

    let claimant = Claimant { authorization_endpoint: &public, token_endpoint: &public, issuer: None };
    let refused = run(async |system| confirm(system, me.as_str(), &[], claimant).await);

    assert!(matches!(refused, Err(Error::Protocol(Protocol::Unconfirmed { .. }))));
    assert!(server.requests().is_empty());
}
