//! OAuth 1.0a and 1.0: the dance, signed requests, and what a server or a web page may try.

use serde_json::{Value, json};

use crate::support::{Answer, CONSUMER_SECRET, Gate, Keyfob, OAuth1Server, Terminal, eventually};

const FORM: &str = "application/x-www-form-urlencoded";

fn with(server: &OAuth1Server, more: &str) -> Keyfob {
    let keyfob = Keyfob::new();
    server.provider(&keyfob, more);
    keyfob
}

#[track_caller]
fn log_in(keyfob: &Keyfob, server: &OAuth1Server) -> crate::support::Finished {
    let login = keyfob.begin(&["login", "one"]);
    let page = server.allow(&login.url).get();
    assert_eq!(page.status, 200, "{page:#?}");
    login.finish().expect(0)
}

fn logged_in(server: &OAuth1Server, more: &str) -> Keyfob {
    let keyfob = with(server, more);
    log_in(&keyfob, server);
    keyfob
}

/// How many requests each endpoint got: temporary credentials, token, profile.
fn counts(server: &OAuth1Server) -> [usize; 3] {
    ["/request_token", "/access_token", "/me"].map(|path| server.http.requests_to(path).len())
}

#[test]
fn a_login_leads_through_three_signed_requests_to_a_session_like_any_other() {
    let server = OAuth1Server::start();
    let keyfob = with(&server, "");

    let login = log_in(&keyfob, &server);

    assert_eq!(login.stdout, "");
    assert!(login.stderr.contains("Logged in to One Server as alice: one/alice"), "{login:#?}");
    assert_eq!(counts(&server), [1, 1, 1]);
    let status = keyfob.status("one");
    for (field, value) in [
        ("session", json!("one/alice")),
        ("state", json!("valid")),
        ("grant", json!("oauth1")),
        ("token_type", json!("OAuth1")),
        ("refreshable", json!(false)),
        ("client_id", json!("consumer key")),
        ("profile", json!({ "id": "42", "name": "Alice", "username": "alice" })),
    ] {
        assert_eq!(status[field], value, "{field} in {status:#}");
    }
    assert!(status.get("expires_at").is_none() && status.get("waivers").is_none(), "{status:#}");
    assert_eq!(keyfob.sessions(), ["one/alice"]);
}

#[test]
fn every_signature_method_is_understood_by_an_independent_check() {
    for method in ["HMAC-SHA1", "HMAC-SHA256", "RSA-SHA256", "PLAINTEXT"] {
        let server = OAuth1Server::start();

        let keyfob = logged_in(&server, &format!("signature_method = \"{method}\""));

        let signed = keyfob.run(&["token", "one", "--format", "header", "--for", "GET https://api.example/x?a=b"]);
        let line = signed.expect(0).stdout;
        assert!(line.contains(&format!("oauth_signature_method=\"{method}\"")), "{line}");
        let value = line.trim_end().strip_prefix("Authorization: ").expect("a header line");
        server.accepts("GET", "https://api.example/x?a=b", value).expect("a right signature");
    }
}

#[cfg(not(feature = "rsa-sha1"))]
#[test]
fn rsa_sha1_is_refused_before_anything_is_sent_where_the_build_has_none() {
    let server = OAuth1Server::start();
    let keyfob = with(&server, "signature_method = \"RSA-SHA1\"");

    let refused = keyfob.run(&["login", "one"]).expect(9);

    assert!(refused.stderr.contains("RSA-SHA1"), "{refused:#?}");
    assert_eq!(server.http.connections(), 0);
}

#[test]
fn realm_and_queries_of_endpoints_are_as_the_specification_wants_them() {
    let server = OAuth1Server::start();
    let url = server.http.url();
    let more = format!(
        "realm = \"https://api.example/\"\nrequest_token_endpoint = \"{url}/request_token?scope=a+b%2Fc&x=%C3%A9&x=\""
    );
    // The realm is no percent-encoded value, which the strict check would refuse.
    let keyfob = with(&server, &more.replace("https://api.example/", "Photos"));

    log_in(&keyfob, &server);

    let request = &server.http.requests_to("/request_token")[0];
    assert_eq!(request.query, "scope=a+b%2Fc&x=%C3%A9&x=");
    assert!(request.header("authorization").expect("a header").starts_with("OAuth realm=\"Photos\", "));
}

#[test]
fn parameters_and_scopes_go_with_the_browser() {
    let server = OAuth1Server::start();
    let more = "scopes = [\"read\", \"write\"]\nscope_separator = \",\"\nauthorize_params = { expiration = \"never\" }";
    let keyfob = with(&server, more);

    let login = keyfob.begin(&["login", "one", "--param", "name=me"]);

    for (name, value) in [("scope", "read,write"), ("expiration", "never"), ("name", "me")] {
        assert_eq!(login.parameter(name).as_deref(), Some(value));
    }
    assert_eq!(login.parameter("oauth_callback"), None, "the callback was fixed by the signed request");
    server.allow(&login.url).get();
    login.finish().expect(0);
    keyfob.run(&["login", "one", "--param", "oauth_token=other"]).expect(2);
    keyfob.run(&["login", "one", "--resource", "https://api.example"]).expect(2);
    keyfob.run(&["login", "one", "--grant", "authorization_code"]).expect(2);
}

#[test]
fn a_foreign_callback_gets_an_error_page_and_the_wait_goes_on() {
    let server = OAuth1Server::start();
    let keyfob = with(&server, "");
    let login = keyfob.begin(&["login", "one"]);
    let genuine = server.allow(&login.url);

    for foreign in [
        genuine.with("oauth_token", "other"),
        genuine.without("oauth_token"),
        genuine.without("oauth_verifier"),
        genuine.with("oauth_verifier", ""),
        genuine.adding("oauth_verifier", "other"),
        genuine.without("oauth_token").without("oauth_verifier").adding("denied", "other"),
        genuine.without("oauth_token").without("oauth_verifier").adding("oauth_problem", "user_refused"),
    ] {
        assert_eq!(foreign.get().status, 400, "{foreign:?}");
    }
    assert_eq!(counts(&server), [1, 0, 0]);

    assert_eq!(genuine.get().status, 200);
    login.finish().expect(0);
    assert_eq!(counts(&server), [1, 1, 1]);
}

#[test]
fn nothing_but_foreign_callbacks_is_a_security_failure_in_the_end() {
    let server = OAuth1Server::start();
    let keyfob = with(&server, "");
    let login = keyfob.begin(&["login", "one", "--timeout", "2"]);

    assert_eq!(server.allow(&login.url).with("oauth_token", "other").get().status, 400);

    login.finish().expect(11);
    assert_eq!(counts(&server), [1, 0, 0]);
}

#[test]
fn a_denied_callback_ends_the_login_as_refused() {
    for (name, value) in [("denied", None), ("oauth_problem", Some("permission_denied"))] {
        let server = OAuth1Server::start();
        let keyfob = with(&server, "");
        let login = keyfob.begin(&["login", "one"]);
        let genuine = server.allow(&login.url);
        let token = genuine.parameter("oauth_token");

        let no = match value {
            None => genuine.without("oauth_token").without("oauth_verifier").adding(name, &token),
            Some(value) => genuine.without("oauth_verifier").adding(name, value),
        };
        let page = no.get();

        let finished = login.finish().expect(5);
        assert!(page.body.contains("access_denied") && finished.stderr.contains("access_denied"), "{finished:#?}");
        assert_eq!((counts(&server), keyfob.sessions()), ([1, 0, 0], Vec::new()));
    }
}

#[test]
fn a_pin_is_pasted_where_the_servers_page_shows_one() {
    for (more, options) in
        [("redirect = { loopback = \"none\", oob = \"oob\" }", &[][..]), ("", &["--redirect-uri", "oob"])]
    {
        let server = OAuth1Server::start();
        let mut keyfob = with(&server, more);
        keyfob.set("TERM", "xterm");

        let mut command = keyfob.command(&[&["login", "one"], options].concat());
        let mut terminal = Terminal::start(&mut command);
        let url = eventually("the browser", || keyfob.opened().first().cloned());
        let (_, pin, callback) = server.agree(&url);
        assert_eq!(callback, "oob");
        terminal.wait_for("paste the code");
        terminal.type_in("https://evil.example/?oauth_verifier=1\n");
        terminal.wait_for("no PIN");
        terminal.type_in(&format!("{pin}\n"));

        let finished = terminal.finish(command).expect(0);
        assert!(finished.stdout.contains("one/alice"), "{finished:#?}");
    }
}

#[test]
fn a_pin_needs_somebody_to_paste_it() {
    let server = OAuth1Server::start();
    let keyfob = with(&server, "redirect = { loopback = \"none\", oob = \"oob\" }");

    keyfob.run(&["login", "one"]).expect(2);

    assert_eq!(counts(&server), [0, 0, 0]);
}

#[test]
fn a_pasted_address_goes_through_the_same_checks() {
    let server = OAuth1Server::start();
    let mut keyfob = with(&server, "");
    keyfob.set("TERM", "xterm");

    for (change, code) in [("other", 11), ("", 0)] {
        let before = keyfob.opened().len();
        let mut command = keyfob.command(&["login", "one"]);
        let mut terminal = Terminal::start(&mut command);
        let url = eventually("the browser", || keyfob.opened().get(before).cloned());
        let genuine = server.allow(&url);
        let pasted = if change.is_empty() { genuine } else { genuine.with("oauth_token", change) };
        terminal.type_in(&format!("{}\n", pasted.0));
        terminal.finish(command).expect(code);
    }
}

#[test]
fn bad_temporary_credentials_open_no_browser() {
    let right = "oauth_token=t&oauth_token_secret=s&oauth_callback_confirmed=true";
    for (answer, code) in [
        (Answer::new(200, FORM, "oauth_token=t&oauth_token_secret=s"), 11),
        (Answer::new(200, FORM, "oauth_token=t&oauth_token_secret=s&oauth_callback_confirmed=false"), 11),
        (Answer::new(200, FORM, "oauth_token_secret=s&oauth_callback_confirmed=true"), 12),
        (Answer::new(200, FORM, "oauth_token=t&oauth_callback_confirmed=true"), 12),
        (Answer::new(200, FORM, format!("{right}&oauth_token=u")), 12),
        (Answer::new(200, FORM, "oauth_token=%1B%5B2J&oauth_token_secret=s&oauth_callback_confirmed=true"), 12),
        (Answer::html(200, "<h1>Welcome</h1>"), 12),
        (Answer::new(200, FORM, ""), 12),
        (Answer::new(200, FORM, "x".repeat(2 << 20)), 12),
        (Answer::new(404, FORM, right), 12),
        (Answer::new(401, FORM, "oauth_problem=consumer_key_unknown&oauth_problem_advice=%1B%5B2Jregister"), 5),
        (Answer::new(200, FORM, "oauth_problem=signature_invalid"), 5),
        (Answer::new(401, "text/plain", format!("Invalid signature {CONSUMER_SECRET}")), 5),
        (Answer::redirect(302, "http://127.0.0.1:1/"), 12),
        (Answer::new(503, FORM, right), 6),
    ] {
        let server = OAuth1Server::start();
        let keyfob = with(&server, "");
        let told = format!("{answer:?}");
        server.once("/request_token", answer);

        let finished = keyfob.run(&["login", "one"]);

        assert_eq!(finished.code, code, "{told}: {finished:#?}");
        assert!(!finished.stderr.contains('\u{1b}') && !finished.stderr.contains("CANARY"), "{finished:#?}");
        assert_eq!((counts(&server), keyfob.opened().len()), ([1, 0, 0], 0), "{told}");
    }
}

#[test]
fn bad_token_credentials_leave_nothing_behind() {
    for (body, status, code) in [
        ("", 200, 12),
        ("oauth_token=t", 200, 12),
        ("oauth_token=t&oauth_token_secret=", 200, 12),
        ("oauth_token_secret=s", 200, 12),
        ("{\"oauth_token\":\"t\",\"oauth_token_secret\":\"s\"}", 200, 12),
        ("oauth_token=t%0A&oauth_token_secret=s", 200, 12),
        ("oauth_problem=verifier_invalid", 400, 5),
        ("no", 401, 5),
    ] {
        let server = OAuth1Server::start();
        let keyfob = with(&server, "");
        server.once("/access_token", Answer::new(status, FORM, body));

        let login = keyfob.begin(&["login", "one"]);
        let page = server.allow(&login.url).get();

        login.finish().expect(code);
        assert_eq!((page.status, keyfob.sessions()), (400, Vec::new()), "{body}");
        assert_eq!(counts(&server), [1, 1, 0]);
    }
}

#[test]
fn a_wrong_clock_is_told_and_the_servers_time_used_for_all_that_follows() {
    for ahead in [86_400, -86_400] {
        let server = OAuth1Server::start();
        let keyfob = with(&server, "");
        server.known().ahead = ahead;

        let login = log_in(&keyfob, &server);

        assert!(login.stderr.contains("clock"), "{login:#?}");
        assert_eq!(counts(&server), [2, 1, 1]);
    }
}

#[test]
fn a_server_that_refuses_every_timestamp_is_asked_twice() {
    let server = OAuth1Server::start();
    let keyfob = with(&server, "");
    let refused =
        Answer::new(401, FORM, "oauth_problem=timestamp_refused").with("Date", "Sun, 06 Nov 1994 08:49:37 GMT");
    server.once("/request_token", refused.clone());
    server.once("/request_token", refused);

    let finished = keyfob.run(&["login", "one"]).expect(5);

    assert!(finished.stderr.contains("clock"), "{finished:#?}");
    let requests = server.http.requests_to("/request_token");
    assert_eq!(requests.len(), 2);
    assert!(
        requests[1].header("authorization").expect("a header").contains("oauth_timestamp=\"7841117"),
        "{requests:#?}"
    );
}

#[test]
fn the_original_protocol_is_spoken_only_where_the_entry_says_so_and_with_a_notice() {
    let server = OAuth1Server::start();
    server.known().original = true;
    let keyfob = with(&server, "oauth_version = \"1.0\"");

    let login = log_in(&keyfob, &server);

    assert!(login.stderr.contains("without a verifier"), "{login:#?}");
    assert_eq!(keyfob.status("one")["waivers"], json!(["oauth_version = 1.0"]));
    let request = &server.http.requests_to("/access_token")[0];
    assert!(!request.header("authorization").expect("a header").contains("oauth_verifier"));
}

#[test]
fn a_callback_of_the_original_protocol_must_carry_the_token_too() {
    let server = OAuth1Server::start();
    server.known().original = true;
    let keyfob = with(&server, "oauth_version = \"1.0\"");
    let login = keyfob.begin(&["login", "one"]);
    let genuine = server.allow(&login.url);

    assert_eq!(genuine.with("oauth_token", "other").get().status, 400);

    assert_eq!(genuine.get().status, 200);
    login.finish().expect(0);
}

#[test]
fn a_token_is_handed_out_as_the_headers_of_one_request() {
    let server = OAuth1Server::start();
    let keyfob = logged_in(&server, "");
    let before = server.http.connections();
    let url = "https://api.example:8443/a%20b?x=1&x=%C3%A9+y";
    let asked = format!("post {url}#fragment");
    let signed = |form: &str| keyfob.run(&["token", "one", "--format", form, "--for", &asked]).expect(0).stdout;

    let header = signed("header");
    let headers: Value = serde_json::from_str(&signed("headers")).expect("JSON");
    let curl = signed("curl");

    let of_header = header.strip_prefix("Authorization: ").and_then(|rest| rest.strip_suffix('\n'));
    let of_curl = curl.strip_prefix("header = \"Authorization: ").and_then(|rest| rest.strip_suffix("\"\n"));
    let of_curl = of_curl.expect("a curl line").replace("\\\"", "\"");
    for value in [of_header.expect("a header line"), headers["Authorization"].as_str().expect("text"), &of_curl] {
        server.accepts("POST", url, value).expect("a right signature with a nonce of its own");
    }
    assert_eq!(server.http.connections(), before, "no network");
}

#[test]
fn without_a_request_no_form_holds_the_token_and_with_one_only_headers_do() {
    let server = OAuth1Server::start();
    let keyfob = logged_in(&server, "");
    let wanted = ["--for", "GET https://api.example/"];

    for form in ["raw", "json", "header", "headers", "curl", "xoauth2", "oauthbearer"] {
        let refused = keyfob.run(&["token", "one", "--format", form]).expect(2);
        assert!(refused.stdout.is_empty() && refused.stderr.contains("--for"), "{refused:#?}");
    }
    for form in ["raw", "json", "xoauth2", "oauthbearer"] {
        let refused = keyfob.run(&[&["token", "one", "--format", form][..], &wanted].concat()).expect(2);
        assert!(refused.stdout.is_empty() && refused.stderr.contains("--for"), "{refused:#?}");
    }
    keyfob.run(&[&["token", "one"][..], &wanted].concat()).expect(2);
    for malformed in ["GET", "https://api.example/", "G T x", "GET ftp://api.example/"] {
        let code = if malformed.contains("ftp") { 11 } else { 2 };
        keyfob.run(&["token", "one", "--format", "header", "--for", malformed]).expect(code);
    }
}

#[test]
fn plaintext_signatures_are_made_for_encrypted_requests_only() {
    let server = OAuth1Server::start();
    let keyfob = logged_in(&server, "signature_method = \"PLAINTEXT\"");

    let refused = keyfob.run(&["token", "one", "--format", "header", "--for", "GET http://api.example/"]).expect(11);

    assert_eq!(refused.stdout, "");
    assert_eq!(keyfob.status("one")["waivers"], json!(["signature_method = PLAINTEXT"]));
}

#[test]
fn refresh_says_what_is_true_and_the_session_stays_as_it_was() {
    let server = OAuth1Server::start();
    let keyfob = logged_in(&server, "");
    let stored = keyfob.stored();

    for arguments in [&["refresh", "one"][..], &["refresh", "--all"]] {
        let refused = keyfob.run(arguments).expect(4);
        assert!(
            refused.stderr.contains("do not expire") && refused.stderr.contains("keyfob login one"),
            "{refused:#?}"
        );
    }

    assert_eq!(keyfob.stored(), stored);
    assert_eq!(counts(&server), [1, 1, 1]);
}

#[test]
fn a_bare_token_is_no_session_of_this_protocol() {
    let server = OAuth1Server::start();
    let keyfob = with(&server, "");

    keyfob.run_with_input(&["login", "one", "--with-token"], "token\n").expect(2);

    assert_eq!(keyfob.sessions(), Vec::<String>::new());
}

#[test]
fn logout_forgets_the_session_without_asking_the_server() {
    let server = OAuth1Server::start();
    let keyfob = logged_in(&server, &format!("revocation_endpoint = \"{}/revoke\"", server.http.url()));

    keyfob.run(&["logout", "one"]).expect(0);

    assert_eq!((keyfob.sessions(), server.http.requests_to("/revoke").len()), (Vec::new(), 0));
}

#[test]
fn a_session_is_not_signed_for_with_another_client() {
    let server = OAuth1Server::start();
    let keyfob = logged_in(&server, "");
    keyfob.edit_registry("consumer key", "other key");

    let refused = keyfob.run(&["token", "one", "--format", "header", "--for", "GET https://api.example/"]).expect(11);

    assert_eq!(refused.stdout, "");
}

#[test]
fn secrets_are_neither_told_nor_found_on_the_disk() {
    let server = OAuth1Server::start();
    let keyfob = with(&server, "");

    let login = keyfob.begin(&["login", "one", "-vv", "--explain"]);
    server.allow(&login.url).get();
    let finished = login.finish().expect(0);

    let secrets = server.known().secrets.clone();
    assert_eq!(secrets.len(), 5);
    let told = format!("{}{}", finished.stdout, finished.stderr);
    for secret in secrets.iter().map(String::as_str).chain([CONSUMER_SECRET]) {
        assert!(!told.contains(secret), "{secret} in {told}");
        for (file, content) in keyfob.stored() {
            assert!(!crate::support::contains(&content, secret.as_bytes()), "{secret} in {}", file.display());
        }
    }
}

#[test]
fn a_redirect_of_the_profile_gets_no_signature() {
    let (server, other) = (OAuth1Server::start(), OAuth1Server::start());
    let keyfob = with(&server, "");
    server.once("/me", Answer::redirect(302, &format!("{}/me", other.http.url())));

    log_in(&keyfob, &server);

    assert_eq!(keyfob.sessions(), ["one/alice"]);
    assert_eq!(other.http.connections(), 0);
}

#[test]
fn a_request_is_signed_as_it_is_sent_and_anew_after_a_redirect_within_the_origin() {
    let server = OAuth1Server::start();
    let keyfob = logged_in(&server, "");
    let me = format!("{}/me", server.http.url());
    let file = keyfob.home().join("form");
    std::fs::write(&file, "of=a&file=+").expect("a file");
    let file = format!("@{}", file.display());
    server.once("/me", Answer::redirect(307, "/me?again=%C3%A9+"));

    for arguments in [
        &[][..],
        &["-d", "b=1&a=c%20d+e&b="],
        &["-X", "PUT", "-d", "{\"not\": \"a form\"}", "-H", "Content-Type: application/json"],
        &["-d", &file, "-H", &format!("Content-Type: {FORM}")],
    ] {
        let answer = keyfob.run(&[&["request", "one", &format!("{me}?x=1&x=a+b")], arguments].concat()).expect(0);

        // The server has found each signature right, and each nonce new.
        assert_eq!(answer.json()["name"], "Alice", "{arguments:?}: {answer:#?}");
    }
    assert_eq!(server.http.requests_to("/me").len(), 1 + 5);
}

#[test]
fn a_refused_timestamp_is_replaced_by_the_servers_time_once() {
    let server = OAuth1Server::start();
    let keyfob = logged_in(&server, "");
    let me = format!("{}/me", server.http.url());
    let challenge = "OAuth oauth_problem=\"timestamp_refused\"";
    let refused = Answer::new(401, "text/plain", "")
        .with("WWW-Authenticate", challenge)
        .with("Date", "Sun, 06 Nov 1994 08:49:37 GMT");
    server.once("/me", refused.clone());
    server.once("/me", refused);

    let finished = keyfob.run(&["request", "one", &me]).expect(4);

    assert!(finished.stderr.contains("clock"), "{finished:#?}");
    let requests = server.http.requests_to("/me");
    let [_, _, repeated] = &requests[..] else { panic!("{requests:#?}") };
    assert!(repeated.header("authorization").expect("a header").contains("oauth_timestamp=\"7841117"), "{repeated:#?}");
}

#[test]
fn a_login_of_another_process_meanwhile_signs_the_repeated_request() {
    let server = OAuth1Server::start();
    let keyfob = logged_in(&server, "");
    let (me, gate) = (format!("{}/me", server.http.url()), Gate::default());
    server.once("/me", Answer::new(401, "text/plain", "oauth_problem=token_revoked").behind(&gate));

    let running = keyfob.start(&["request", "one", &me]);
    eventually("the request", || server.http.requests_to("/me").get(1).cloned());
    log_in(&keyfob, &server);
    gate.open();

    running.finish().expect(0);
    let requests = server.http.requests_to("/me");
    let tokens: Vec<_> = requests.iter().map(|request| token_of(request.header("authorization"))).collect();
    let [first, refused, second, repeated] = &tokens[..] else { panic!("{requests:#?}") };
    assert!(first == refused && second == repeated && first != second, "{tokens:?}");
}

fn token_of(header: Option<&str>) -> String {
    let rest = header.and_then(|header| header.split("oauth_token=\"").nth(1));
    rest.and_then(|rest| rest.split('"').next()).expect("a signed request").to_owned()
}

#[test]
fn a_refused_timestamp_is_no_reason_to_log_in_where_the_body_is_gone() {
    let server = OAuth1Server::start();
    let keyfob = logged_in(&server, "");
    let me = format!("{}/me", server.http.url());
    let refused = Answer::new(401, "text/plain", "")
        .with("WWW-Authenticate", "OAuth oauth_problem=\"timestamp_refused\"")
        .with("Date", "Sun, 06 Nov 1994 08:49:37 GMT");
    server.once("/me", refused);

    let finished = keyfob.run_with_input(&["request", "one", &me, "-d", "@-"], &"x".repeat(3 << 20)).expect(2);

    assert!(finished.stderr.contains("clock") && finished.stderr.contains("-d @FILE"), "{finished:#?}");
    assert_eq!(server.http.requests_to("/me").len(), 2);
}

#[test]
fn a_form_that_can_be_read_only_once_is_not_signed() {
    let server = OAuth1Server::start();
    let keyfob = logged_in(&server, "");
    let me = format!("{}/me", server.http.url());
    let form = format!("Content-Type: {FORM}");

    let refused = keyfob.run_with_input(&["request", "one", &me, "-d", "@-", "-H", &form], &"x=y&".repeat(1 << 19));

    assert!(refused.expect(2).stderr.contains("-d @FILE"));
    assert_eq!(server.http.requests_to("/me").len(), 1);
}

#[test]
fn a_request_that_is_led_elsewhere_is_not_signed_there_and_a_refusal_is_told() {
    let (server, other) = (OAuth1Server::start(), crate::support::Server::start());
    let keyfob = logged_in(&server, "");
    let me = format!("{}/me", server.http.url());
    server.once("/me", Answer::redirect(302, &format!("{}/away", other.url())));

    keyfob.run(&["request", "one", &me]).expect(0);
    assert_eq!(other.requests_to("/away")[0].header("authorization"), None);

    server.once("/me", Answer::new(401, "text/plain", "oauth_problem=token_revoked"));
    let refused = keyfob.run(&["request", "one", &me]).expect(4);
    assert!(refused.stderr.contains("keyfob login one"), "{refused:#?}");
}

#[test]
fn an_unusable_key_or_a_missing_secret_is_told_before_anything_is_sent() {
    for more in
        ["signature_method = \"RSA-SHA256\"\nprivate_key = \"hunter2\"", "client_secret = { env = \"NOT_SET\" }"]
    {
        let server = OAuth1Server::start();
        let keyfob = with(&server, more);

        let refused = keyfob.run(&["login", "one"]).expect(9);

        assert!(!refused.stderr.contains("hunter2"), "{refused:#?}");
        assert_eq!(server.http.connections(), 0);
    }
}
