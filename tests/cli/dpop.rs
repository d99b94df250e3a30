//! Tokens that are bound to a key: what is proven with each request, which nonce and which time are in the proof, and what
//! is done with a server that does not bind.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::TcpStream;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::support::{Answer, Guard, Keyfob, Request, Server, Wants, contains, files, now};

const BOUND: &str = "dpop_bound_access_tokens = true";

/// A server that binds tokens, and keyfob that has it do so.
fn bound(guard: Guard) -> (Server, Keyfob) {
    let server = Server::start();
    server.change(|settings| settings.guard = Some(guard));
    let keyfob = Keyfob::new();
    keyfob.provider("test", &server, BOUND);
    (server, keyfob)
}

/// The same, logged in.
fn logged_in(guard: Guard) -> (Server, Keyfob) {
    let (server, keyfob) = bound(guard);
    keyfob.login(&server);
    server.forget_requests();
    (server, keyfob)
}

fn guard<T>(server: &Server, look: impl FnOnce(&mut Guard) -> T) -> T {
    server.change(|settings| look(settings.guard.as_mut().expect("a guard")))
}

/// The thumbprints of all keys that something was proven with.
fn keys(server: &Server) -> BTreeSet<String> {
    guard(server, |guard| guard.proofs.iter().map(|proof| proof.jkt.clone()).collect())
}

fn api(server: &Server) -> String {
    format!("{}/api", server.url())
}

fn claims(request: &Request) -> Value {
    let proof = request.header("dpop").expect("a proof");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(proof.split('.').nth(1).unwrap()).unwrap()).unwrap()
}

#[test]
fn one_key_is_proven_at_login_refresh_userinfo_and_resource() {
    let (server, keyfob) = bound(Guard::new());
    // Userinfo is asked for what the ID token does not tell.
    server.change(|settings| settings.claims.insert("name".into(), Value::Null));

    let login = keyfob.begin(&["login", "test"]);
    let jkt = login.parameter("dpop_jkt").expect("the key that the code is bound to");
    login.allow(&server);
    login.finish().expect(0);
    for _ in 0..2 {
        keyfob.run(&["refresh", "test"]).expect(0);
        keyfob.run(&["request", &format!("{}/a%20b?x=1", api(&server))]).expect(0);
        keyfob.run(&["request", &api(&server), "-d", "a=b"]).expect(0);
    }

    let proven: Vec<_> = guard(&server, |guard| guard.proofs.iter().map(|proof| proof.path.clone()).collect());
    let round = ["/token", "/api/a%20b", "/api"];
    assert_eq!(proven, [&["/token", "/userinfo"][..], &round, &round].concat());
    assert_eq!(keys(&server), BTreeSet::from([jkt]));
    assert_eq!(keyfob.status("test")["token_type"], "DPoP");
    assert_eq!(keyfob.leaks(&server), []);
}

#[test]
fn a_new_login_has_a_new_key_and_no_key_is_shown_or_lies_in_the_open() {
    let (server, keyfob) = bound(Guard::new());
    let mut told = String::new();

    for _ in 0..2 {
        told += &keyfob.log_in(&server, &["login", "test", "-vvv"]).expect(0).output();
    }
    for command in [&["status", "test", "--json"][..], &["list", "--json"], &["refresh", "test", "-vvv"]] {
        told += &keyfob.run(command).expect(0).output();
    }
    let wanted = format!("GET {}", api(&server));
    told += &keyfob.run(&["token", "test", "--format", "headers", "--for", &wanted]).expect(0).output();

    assert_eq!(keys(&server).len(), 2);
    assert!(!told.contains("PRIVATE") && !told.contains("\"d\""), "{told}");
    for file in files(&keyfob.home()) {
        let content = std::fs::read(&file).expect("a file");
        assert!(!contains(&content, b"PRIVATE KEY"), "{}", file.display());
    }
}

#[test]
fn a_login_in_two_calls_keeps_its_key_between_them() {
    let (server, keyfob) = bound(Guard::new());
    let begun = keyfob.run(&["login", "test", "--begin", "--json"]).expect(0).json_lines();
    let address = server.allow(begun[0]["url"].as_str().expect("an address")).0.to_string();

    keyfob.run_with_input(&["login", "test", "--complete", "-"], &address).expect(0);
    keyfob.run(&["refresh", "test"]).expect(0);

    assert_eq!(keys(&server).len(), 1);
}

#[test]
fn a_nonce_is_asked_for_once_and_known_to_later_commands() {
    let (server, keyfob) = bound(Guard::demanding(Wants::ToldLast));

    keyfob.login(&server);
    keyfob.run(&["refresh", "test"]).expect(0);
    keyfob.run(&["request", &api(&server)]).expect(0);

    assert_eq!(server.grants("authorization_code").len(), 2);
    assert_eq!((server.grants("refresh_token").len(), server.requests_to("/api").len()), (1, 1));
}

#[test]
fn a_nonce_that_changes_with_every_answer_costs_no_further_request() {
    let (server, keyfob) = logged_in(Guard::demanding(Wants::ToldLast).with(|guard| guard.rotates = true));

    for _ in 0..2 {
        keyfob.run(&["refresh", "test"]).expect(0);
        keyfob.run(&["request", &api(&server)]).expect(0);
    }

    assert_eq!((server.grants("refresh_token").len(), server.requests_to("/api").len()), (2, 2));
    let nonces: BTreeSet<_> = guard(&server, |guard| guard.proofs.iter().map(|proof| proof.nonce.clone()).collect());
    assert_eq!(nonces.len(), 5);
}

#[test]
fn a_nonce_that_changes_between_two_refreshes_is_taken_over() {
    let (server, keyfob) = logged_in(Guard::demanding(Wants::ToldLast));
    // As if the server had started anew.
    guard(&server, |guard| guard.restart());

    keyfob.run(&["refresh", "test"]).expect(0);

    assert_eq!(server.grants("refresh_token").len(), 2);
    assert_eq!(keys(&server).len(), 1);
}

#[test]
fn a_nonce_is_asked_for_in_any_form_of_challenge() {
    for challenge in [
        r#"dpop error="{}""#,
        r#"DPoP error={}"#,
        r#"Bearer realm="a, b", DPoP algs="ES256 PS256", error="{}", error_description="say \"please\", twice""#,
        r#"Bearer error="invalid_token", DPOP error="{}""#,
    ] {
        let (server, keyfob) = logged_in(Guard::new());
        guard(&server, |guard| (guard.wants, guard.challenge) = (Wants::ToldLast, challenge));

        keyfob.run(&["request", &api(&server)]).expect(0);

        assert_eq!(server.requests_to("/api").len(), 2, "{challenge}");
        assert_eq!(server.grants("refresh_token").len(), 0, "{challenge}");
    }
}

#[test]
fn a_server_that_always_wants_another_nonce_is_given_up_after_two_requests() {
    let (server, keyfob) = bound(Guard::demanding(Wants::Another));

    let refused = keyfob.log_in(&server, &["login", "test", "--json"]);

    refused.error_naming(5, "refused", &["use_dpop_nonce"]);
    assert_eq!(server.requests_to("/token").len(), 2);
    assert_eq!(keyfob.sessions(), [] as [&str; 0]);
}

#[test]
fn a_resource_that_always_wants_another_nonce_is_given_up_after_two_requests() {
    let (server, keyfob) = logged_in(Guard::demanding(Wants::Another).with(|guard| guard.resources_only = true));

    let refused = keyfob.run(&["request", &api(&server), "--json"]);

    refused.error_naming(5, "refused", &["use_dpop_nonce"]);
    assert_eq!((server.requests_to("/api").len(), server.requests_to("/token").len()), (2, 0));
}

#[test]
fn a_nonce_without_an_objection_to_the_proof_leads_to_a_renewal_and_nothing_else() {
    let (server, keyfob) = logged_in(Guard::new());
    let over = Answer::json(401, &json!({})).with("WWW-Authenticate", "DPoP error=\"invalid_token\"");
    server.once("/api", over.with("DPoP-Nonce", "n"));

    keyfob.run(&["request", &api(&server)]).expect(0);

    let sent = server.requests_to("/api");
    assert_eq!((sent.len(), server.grants("refresh_token").len()), (2, 1));
    assert_eq!(claims(&sent[1])["nonce"], "n");
    assert_ne!(claims(&sent[0])["ath"], claims(&sent[1])["ath"]);
}

#[test]
fn a_body_that_can_be_read_only_once_is_not_sent_again_with_a_nonce() {
    let (server, keyfob) = logged_in(Guard::demanding(Wants::ToldLast).with(|guard| guard.resources_only = true));
    let body = "0123456789".repeat(300_000);
    let send = || keyfob.run_with_input(&["request", &api(&server), "-d", "@-", "--json"], &body);

    send().error_naming(5, "refused", &["nonce", "run the command again"]);
    // The nonce is known now.
    send().expect(0);
}

#[test]
fn a_bearer_token_is_no_answer_to_a_bound_login() {
    for (token_type, refused) in [("Bearer", true), ("bearer", true), ("dpop", false), ("DPOP", false)] {
        let (server, keyfob) = bound(Guard::new());
        server.after("/token", 1, move |_, answer| answer.adding("token_type", &token_type.into()));

        let login = keyfob.log_in(&server, &["login", "test", "--json"]);

        if refused {
            login.error_naming(11, "security", &["DPoP", "Bearer"]);
            assert_eq!(keyfob.sessions(), [] as [&str; 0], "{token_type}");
        } else {
            login.expect(0);
        }
    }
}

#[test]
fn a_bearer_token_is_accepted_by_its_own_setting_and_then_told_with_the_session() {
    let (server, keyfob) = bound(Guard::new());
    keyfob.edit_registry(BOUND, &format!("{BOUND}\ndpop_downgrade = \"bearer\""));
    server.after("/token", 1, |_, answer| answer.adding("token_type", &"Bearer".into()));

    keyfob.login(&server);

    server.change(|settings| settings.guard = None);
    keyfob.run(&["request", &api(&server)]).expect(0);
    let sent = server.requests_to("/api").pop().expect("a request");
    assert!(sent.header("authorization").is_some_and(|value| value.starts_with("Bearer ")));
    assert_eq!(sent.header("dpop"), None);
    let status = keyfob.run(&["status", "test"]).expect(0).output();
    assert!(status.contains("dpop_downgrade = bearer"), "{status}");
}

#[test]
fn a_downgrade_by_a_refresh_is_refused_and_the_new_refresh_token_is_kept() {
    let (server, keyfob) = logged_in(Guard::new());
    server.after("/token", 1, |_, answer| answer.adding("token_type", &"Bearer".into()));

    keyfob.run(&["refresh", "test", "--json"]).error_naming(11, "security", &["Bearer"]);

    keyfob.run(&["refresh", "test"]).expect(0);
    assert_eq!(server.grants("refresh_token").len(), 2);
    assert_eq!(keyfob.status("test")["token_type"], "DPoP");
}

#[test]
fn a_proof_is_dated_by_the_servers_clock_wherever_ours_is_wrong() {
    for clock in [7_200, -7_200] {
        let (server, keyfob) = bound(Guard::new().with(|guard| guard.clock = clock));
        keyfob.plain_provider("plain", &server, BOUND);

        // Its clock is known from its metadata, or else once it refuses a proof.
        for (name, requests) in [("test", 1), ("plain", 2)] {
            server.forget_requests();
            keyfob.log_in(&server, &["login", name]).expect(0);
            assert_eq!(server.grants("authorization_code").len(), requests, "{name} {clock}");
        }
        // These begin with what is kept of the server.
        keyfob.run(&["refresh", "test"]).expect(0);
        keyfob.run(&["request", "test", &api(&server)]).expect(0);

        assert_eq!((server.grants("refresh_token").len(), server.requests_to("/api").len()), (2, 2), "{clock}");
        let iat = claims(&server.requests_to("/api")[1])["iat"].as_i64().expect("a time");
        assert!((iat - now() - clock).abs() < 60, "{iat}");
    }
}

#[test]
fn a_proof_that_is_refused_for_another_reason_is_not_repeated() {
    let (server, keyfob) = logged_in(Guard::new());
    let refusal = |status, challenge| Answer::error(status, "invalid_dpop_proof").with("WWW-Authenticate", challenge);
    server.always("/api", refusal(401, "DPoP error=\"invalid_dpop_proof\""));
    server.always("/token", refusal(400, "Basic"));

    keyfob.run(&["request", &api(&server), "--json"]).error_naming(5, "refused", &["invalid_dpop_proof"]);
    keyfob.run(&["refresh", "test", "--json"]).error_naming(5, "refused", &["invalid_dpop_proof"]);

    assert_eq!((server.requests_to("/api").len(), server.requests_to("/token").len()), (1, 1));
}

#[test]
fn a_server_that_demands_a_proof_gets_one_unless_the_entry_forbids_it() {
    for (wants, more, expected) in [
        (Wants::Nothing, "", 2),
        // First it wants a proof, then a nonce in it.
        (Wants::ToldLast, "", 3),
        (Wants::Nothing, "dpop_bound_access_tokens = false", 1),
    ] {
        let server = Server::start();
        server.change(|settings| settings.guard = Some(Guard::demanding(wants)));
        let keyfob = Keyfob::new();
        keyfob.provider("test", &server, more);
        if wants == Wants::ToldLast {
            server.once("/token", Answer::error(400, "invalid_dpop_proof"));
        }

        let login = keyfob.begin(&["login", "test", "--json"]);
        assert_eq!(login.parameter("dpop_jkt"), None);
        login.allow(&server);
        let login = login.finish();

        let sent = server.requests_to("/token");
        assert_eq!(sent[0].header("dpop"), None);
        if more.is_empty() {
            login.expect(0);
            assert_eq!(sent.len(), expected);
            keyfob.run(&["request", &api(&server)]).expect(0);
            keyfob.run(&["refresh", "test"]).expect(0);
            assert_eq!(keys(&server).len(), 1);
        } else {
            login.error_naming(5, "refused", &["invalid_dpop_proof"]);
            assert_eq!(sent.len(), expected);
        }
    }
}

#[test]
fn a_bound_token_is_handed_out_as_the_headers_of_one_request_only() {
    let (server, keyfob) = logged_in(Guard::new());
    let wanted = format!("GET {}/x?y=z", api(&server));

    for format in ["raw", "json", "header", "headers", "curl", "xoauth2", "oauthbearer"] {
        let mut ways = vec![vec!["token", "test", "--format", format]];
        if !["header", "headers", "curl"].contains(&format) {
            ways.push(vec!["token", "test", "--format", format, "--for", &wanted]);
        }
        for words in ways {
            let refused = keyfob.run(&words).expect(2);
            assert_eq!(refused.stdout, "");
            assert!(refused.stderr.contains("keyfob request"), "{refused:#?}");
        }
    }
    assert_eq!(keyfob.run(&["exec", "test", "--", "/bin/true"]).expect(2).stdout, "");
    let header = keyfob.run(&["token", "test", "--format", "header", "--for", &wanted]).expect(0).stdout;
    let headers = keyfob.run(&["token", "test", "--format", "headers", "--for", &wanted]).expect(0).json();
    let curl = keyfob.run(&["token", "test", "--format", "curl", "--for", &wanted]).expect(0).stdout;

    let object = headers.as_object().expect("an object");
    assert_eq!(object.keys().collect::<Vec<_>>(), ["Authorization", "DPoP"]);
    let of_object = object.iter().map(|(name, value)| format!("{name}: {}\n", value.as_str().expect("text"))).collect();
    let of_curl = curl.replace("header = \"", "").replace("\"\n", "\n");
    for lines in [header, of_object, of_curl] {
        assert_eq!(lines.lines().count(), 2, "{lines}");
        assert!(lines.starts_with("Authorization: DPoP "), "{lines}");
        assert_eq!(sent_by_hand(&server, "GET", "/api/x?y=z", &lines), 200);
    }
    assert_eq!(server.requests_to("/token").len(), 0);
    // The ID token is bound to nothing.
    assert_eq!(keyfob.run(&["token", "test", "--id-token"]).expect(0).stdout.split('.').count(), 3);
}

#[test]
fn headers_for_a_request_have_the_nonce_that_its_server_told_last() {
    let (server, keyfob) = logged_in(Guard::demanding(Wants::ToldLast).with(|guard| guard.resources_only = true));
    let wanted = format!("GET {}", api(&server));
    keyfob.run(&["request", &api(&server)]).expect(0);

    let lines = keyfob.run(&["token", "test", "--format", "header", "--for", &wanted]).expect(0).stdout;

    assert_eq!(sent_by_hand(&server, "GET", "/api", &lines), 200);
}

/// Sends a request with these header lines, and returns the status.
fn sent_by_hand(server: &Server, method: &str, target: &str, lines: &str) -> u16 {
    let mut stream = TcpStream::connect(server.address()).expect("a connection");
    let lines = lines.replace('\n', "\r\n");
    write!(stream, "{method} {target} HTTP/1.0\r\nHost: {}\r\n{lines}\r\n", server.address()).expect("a request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status")
}

#[test]
fn a_redirect_within_the_origin_has_its_own_proof_and_one_that_leaves_it_has_none() {
    let (server, keyfob) = logged_in(Guard::new());
    let other = Server::start();
    server.once("/api/a", Answer::redirect(307, "/api/b?c"));
    server.once("/api/d", Answer::redirect(307, &format!("{}/api", other.url())));

    keyfob.run(&["request", &format!("{}/a", api(&server))]).expect(0);
    keyfob.run(&["request", &format!("{}/d", api(&server))]);

    assert_eq!(server.requests_to("/api/b").len(), 1);
    let elsewhere = other.requests_to("/api");
    assert!(elsewhere[0].header("authorization").is_none() && elsewhere[0].header("dpop").is_none());
}

#[test]
fn a_refresh_that_got_lost_is_repeated_with_a_proof_of_its_own() {
    let (server, keyfob) = logged_in(Guard::new());
    server.once("/token", Answer::dropped());

    keyfob.run(&["refresh", "test"]).expect(0);

    let sent = server.requests_to("/token");
    assert_eq!(sent.len(), 2);
    assert_ne!(claims(&sent[0])["jti"], claims(&sent[1])["jti"]);
}

#[test]
fn a_grant_without_a_person_and_a_narrower_token_are_bound_too() {
    let (server, keyfob) = logged_in(Guard::demanding(Wants::ToldLast));
    let client = keyfob.client(&server, "post");
    let lines = format!("{BOUND}\n{client}\nclient_auth = \"client_secret_post\"\ngrants = [\"client_credentials\"]");
    keyfob.provider("machine", &server, &format!("{lines}\nscopes = [\"a\"]"));
    let wanted = format!("GET {}", api(&server));
    for options in [&["machine"][..], &["test", "--scope", "email"]] {
        let words = [&["token", "--format", "header", "--for", &wanted], options].concat();

        let lines = keyfob.run(&words).expect(0).stdout;

        assert_eq!(sent_by_hand(&server, "GET", "/api", &lines), 200, "{options:?}");
        let before = server.grants("refresh_token").len();
        keyfob.run(&[&["token"], options].concat()).expect(2);
        assert_eq!(server.grants("refresh_token").len(), before, "nothing is fetched that cannot be handed out");
    }
    keyfob.run(&["request", "machine", &api(&server)]).expect(0);
    keyfob.run(&["refresh", "machine"]).expect(0);
    assert_eq!(keys(&server).len(), 2, "one for each session");
}

#[test]
fn a_token_that_is_exchanged_for_another_is_so_with_its_own_key() {
    let (server, keyfob) = logged_in(Guard::new());
    let wanted = format!("GET {}", api(&server));

    let words = ["token", "test", "--audience", "api", "--format", "header", "--for", &wanted];
    let lines = keyfob.run(&words).expect(0).stdout;

    assert_eq!(sent_by_hand(&server, "GET", "/api", &lines), 200);
    assert_eq!(keys(&server).len(), 1);
}

#[test]
fn a_bound_token_is_never_in_an_address() {
    let (server, keyfob) = bound(Guard::new());
    server.change(|settings| settings.claims.insert("name".into(), Value::Null));
    keyfob.edit_registry(BOUND, &format!("{BOUND}\nuserinfo = {{ token_in = \"query\" }}"));

    keyfob.login(&server);

    let asked = server.requests_to("/userinfo");
    assert_eq!((asked.len(), asked[0].query.as_str()), (1, ""));
}

#[test]
fn a_key_is_made_for_the_algorithms_that_the_server_takes() {
    for (offered, expected) in [(json!(["EdDSA", "RS256"]), Some("EdDSA")), (json!(["RS512"]), None)] {
        let (server, keyfob) = bound(Guard::new());
        server.change(|settings| settings.metadata["dpop_signing_alg_values_supported"] = offered);

        match expected {
            Some(expected) => {
                keyfob.login(&server);
                keyfob.run(&["request", &api(&server)]).expect(0);
                let used: Vec<_> = guard(&server, |guard| guard.proofs.iter().map(|proof| proof.alg.clone()).collect());
                assert_eq!(used, [expected; 2]);
            }
            None => {
                let refused = keyfob.run(&["login", "test", "--json"]);
                refused.error_naming(9, "config", &["RS512", "dpop_bound_access_tokens"]);
                assert_eq!(keyfob.opened().len(), 0);
            }
        }
    }
}

/// The key in the proof of a request.
fn jwk(request: &Request) -> Value {
    let proof = request.header("dpop").expect("a proof");
    let head: Value =
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(proof.split('.').next().unwrap()).unwrap()).unwrap();
    head["jwk"].clone()
}

/// There are servers that answer a revocation without a proof with success, and revoke nothing (the AT Protocol's own).
#[test]
fn a_logout_is_proven_with_the_key_of_the_session_and_takes_the_nonce_that_is_asked_for() {
    let (server, keyfob) = logged_in(Guard::new());
    keyfob.run(&["refresh", "test"]).expect(0);
    let key = jwk(&server.grants("refresh_token")[0]);
    let refusal = Answer::error(400, "use_dpop_nonce").with("DPoP-Nonce", "fresh");
    server.once("/revoke", refusal);

    keyfob.run(&["logout", "test"]).expect(0);

    let sent = server.requests_to("/revoke");
    assert_eq!(sent.len(), 3, "the first was asked for again");
    assert!(sent.iter().all(|request| jwk(request) == key));
    assert_eq!(claims(&sent[1])["nonce"], "fresh");
    // A session that is bound to nothing says nothing of keys.
    let plain = Server::start();
    let keyfob = Keyfob::logged_in(&plain);
    keyfob.run(&["logout", "test"]).expect(0);
    assert!(plain.requests_to("/revoke").iter().all(|request| request.header("dpop").is_none()));
    // Nor does one whose entry demands by now what it was made without.
    let keyfob = Keyfob::logged_in(&plain);
    plain.forget_requests();
    keyfob.run(&["logout", "test", "--set", "dpop_bound_access_tokens=true"]);
    assert_eq!(plain.requests_to("/revoke").len(), 2);
    assert!(plain.requests_to("/revoke").iter().all(|request| request.header("dpop").is_none()));
}
