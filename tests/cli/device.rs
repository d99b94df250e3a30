//! The device grant (RFC 8628): what is sent when, what the person sees, and how it ends.

mod choice;
mod profiles;
mod two_calls;

use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{
    Answer, Finished, Keyfob, Request, Running, Server, Terminal, base64url, eventually, now, sha256,
};

const DEVICE_CODE: &str = "device-code-canary-5f0c";
const USER_CODE: &str = "WDJB-MJHT";
const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// One answer to a poll.
enum Poll {
    /// Not yet.
    Pending,
    /// This error, with status 400.
    Error(&'static str),
    Answer(Answer),
    /// Tokens, with these claims laid over the right ones of the ID token.
    Tokens(Value),
}

/// A server with a device endpoint, which answers polls as a test tells it to.
struct Play {
    server: Server,
    /// When the code was given out and when each poll came.
    times: Arc<Mutex<Vec<Instant>>>,
}

impl Play {
    /// `code` is laid over the usual answer; null removes a member. The last of `polls` is repeated.
    fn new(code: &Value, polls: Vec<Poll>) -> Self {
        let server = Server::start();
        let url = server.url();
        let mut answer = json!({
            "device_code": DEVICE_CODE,
            "user_code": USER_CODE,
            "verification_uri": format!("{url}/activate"),
            "verification_uri_complete": format!("{url}/activate?user_code={USER_CODE}"),
            "expires_in": 60,
            "interval": 1,
        });
        let members = answer.as_object_mut().expect("an object");
        members.extend(code.as_object().expect("an object").clone());
        members.retain(|_, value| !value.is_null());
        let endpoint = format!("{url}/device");
        server.change(|settings| settings.metadata["device_authorization_endpoint"] = endpoint.into());
        let polls = polls.into_iter().map(|poll| poll.answer(&server)).collect();
        let play = Self { server, times: Arc::default() };
        play.at("/device", vec![Answer::json(200, &answer)]);
        play.at("/token", polls);
        play
    }

    /// With a person who agrees at once.
    fn agreeing(code: &Value) -> Self {
        Self::new(code, vec![Poll::Tokens(json!({}))])
    }

    /// Answers at `path`, one after the other, and notes when.
    fn at(&self, path: &str, answers: Vec<Answer>) {
        let (times, mut next) = (Arc::clone(&self.times), 0);
        self.server.instead(path, usize::MAX, move |_| {
            times.lock().expect("nobody panics").push(Instant::now());
            next += 1;
            answers[(next - 1).min(answers.len() - 1)].clone()
        });
    }

    /// Whole seconds between the requests for code and tokens.
    fn gaps(&self) -> Vec<u64> {
        let times = self.times.lock().expect("nobody panics");
        times.windows(2).map(|pair| (pair[1] - pair[0]).as_secs()).collect()
    }

    fn polls(&self) -> Vec<Request> {
        self.server.requests_to("/token")
    }

    fn keyfob(&self) -> Keyfob {
        Keyfob::with(&self.server)
    }

    #[track_caller]
    fn login(&self) -> Finished {
        self.keyfob().run(&["login", "test", "--device", "--json"])
    }
}

impl Poll {
    fn answer(self, server: &Server) -> Answer {
        match self {
            Self::Pending => Answer::error(400, "authorization_pending"),
            Self::Error(error) => Answer::error(400, error),
            Self::Answer(answer) => answer,
            Self::Tokens(claims) => Answer::json(200, &tokens(server, claims)),
        }
    }
}

/// A token answer whose ID token has `claims` laid over the right ones.
fn tokens(server: &Server, claims: Value) -> Value {
    let mut all = json!({
        "iss": server.url(), "sub": "user-1", "aud": "public", "iat": now(), "exp": now() + 600,
        "preferred_username": "alice", "name": "Alice", "email": "a@example.com",
    });
    all.as_object_mut().expect("an object").extend(claims.as_object().expect("an object").clone());
    let id_token = server.change(|settings| settings.key.sign(&all));
    json!({
        "access_token": "access-canary-77", "token_type": "Bearer", "expires_in": 3600,
        "refresh_token": "refresh-canary-77", "scope": "openid email", "id_token": id_token,
    })
}

/// Neither control characters nor what deceives the eye.
fn is_harmless(text: &str) -> bool {
    !text
        .chars()
        .any(|it| (it.is_control() && it != '\n') || matches!(it, '\u{202a}'..='\u{202e}' | '\u{200b}'..='\u{200f}'))
}

#[test]
fn a_code_is_shown_waited_for_and_exchanged_for_a_session() {
    let play = Play::new(&json!({}), vec![Poll::Pending, Poll::Tokens(json!({}))]);
    let keyfob = play.keyfob();

    let login = keyfob.run(&["login", "test", "--device"]).expect(0);

    let device = play.server.requests_to("/device");
    assert_eq!(device.len(), 1);
    let sent =
        |request: &Request| -> Vec<_> { request.parameters().into_iter().map(|(n, v)| format!("{n}={v}")).collect() };
    assert_eq!(sent(&device[0]), ["scope=openid email", "client_id=public"]);
    for poll in play.polls() {
        let expected =
            [format!("grant_type={GRANT_TYPE}"), format!("device_code={DEVICE_CODE}"), "client_id=public".into()];
        assert_eq!(sent(&poll), expected);
    }
    assert_eq!(play.gaps(), [1, 1]);
    let address = format!("{}/activate", play.server.url());
    let lines: Vec<&str> = login.stderr.lines().collect();
    assert!(lines.contains(&format!("  open   {address}").as_str()), "{login:#?}");
    assert!(lines.contains(&format!("  code   {USER_CODE}").as_str()), "{login:#?}");
    for words in
        ["only if you started this login yourself", "Test Server", "1 min", "Logged in to Test Server as alice"]
    {
        assert!(login.stderr.contains(words), "{words}: {login:#?}");
    }
    assert_eq!(login.stdout, "");
    assert_eq!(keyfob.opened(), [] as [&str; 0], "nobody could see the code first");
    let status = keyfob.status("test");
    assert_eq!((&status["session"], &status["grant"]), (&json!("test/alice"), &json!("device_code")), "{status}");
    assert_eq!(keyfob.token("test"), "access-canary-77");
    assert_eq!(keyfob.leaks(&play.server), []);
}

#[test]
fn a_script_gets_the_code_as_an_event() {
    let play = Play::agreeing(&json!({}));

    let login = play.login().expect(0);

    let events = login.json_lines();
    let url = play.server.url();
    let mut device = events[0].clone();
    let expires_at = device.as_object_mut().expect("an object").remove("expires_at").expect("a time");
    assert!(expires_at.as_str().is_some_and(|time| time.ends_with('Z')), "{expires_at}");
    let expected = json!({
        "schema": "keyfob.login/1", "event": "device", "verification_uri": format!("{url}/activate"),
        "verification_uri_complete": format!("{url}/activate?user_code={USER_CODE}"), "user_code": USER_CODE,
    });
    assert_eq!(device, expected);
    assert_eq!((&events[1]["event"], &events[1]["session"]["session"]), (&json!("done"), &json!("test/alice")));
}

#[test]
fn without_an_interval_five_seconds_pass_between_polls() {
    for interval in [Value::Null, json!(0)] {
        let play = Play::agreeing(&json!({ "interval": interval }));

        play.login().expect(0);

        assert_eq!(play.gaps(), [5], "{interval}");
    }
}

#[test]
fn slow_down_adds_five_seconds() {
    let slow = Answer::json(400, &json!({ "error": "slow_down", "interval": 1 }));
    let play = Play::new(&json!({}), vec![Poll::Answer(slow), Poll::Tokens(json!({}))]);

    play.login().expect(0);

    assert_eq!(play.gaps(), [1, 6]);
}

#[test]
fn each_refusal_ends_the_wait_at_once() {
    for (error, code, name) in [
        ("access_denied", 5, "refused"),
        ("expired_token", 8, "timeout"),
        ("invalid_grant", 5, "refused"),
        ("invalid_client", 5, "refused"),
        ("something_else", 5, "refused"),
    ] {
        let play = Play::new(&json!({}), vec![Poll::Error(error)]);

        let told = play.login().error(code, name);

        assert_eq!(play.polls().len(), 1, "{error}");
        if code == 8 {
            assert_eq!(told["hint"], "log in again for a new code:  keyfob login test --device");
        } else {
            assert_eq!(told["oauth"]["error"], error);
        }
    }
}

#[test]
fn the_end_of_the_code_is_the_end_of_the_wait() {
    for (code, timeout, polls) in [
        (json!({ "expires_in": 3 }), None, 2),
        (json!({ "expires_in": 2, "interval": 600 }), None, 0),
        (json!({ "expires_in": 1e300 }), Some("3"), 2),
        (json!({ "expires_in": 0 }), None, 0),
        (json!({ "expires_in": -1 }), None, 0),
        (json!({ "expires_in": "soon", "interval": u64::MAX }), Some("1"), 0),
    ] {
        let play = Play::new(&code, vec![Poll::Pending]);
        let mut arguments = vec!["login", "test", "--device", "--json"];
        arguments.extend(timeout.into_iter().flat_map(|timeout| ["--timeout", timeout]));

        let login = play.keyfob().run(&arguments);

        login.error_naming(8, "timeout", &["keyfob login test"]);
        assert_eq!(play.polls().len(), polls, "{code}");
        assert!(login.took < Duration::from_secs(5), "{login:#?}");
    }
}

#[test]
fn a_server_that_is_down_for_a_moment_is_left_alone_and_asked_again() {
    let busy = Answer::new(429, "text/plain", "").with("Retry-After", "3");
    let down = Answer::html(503, "<h1>Back soon</h1>");
    let polls = vec![Poll::Answer(down), Poll::Answer(Answer::dropped()), Poll::Answer(busy), Poll::Tokens(json!({}))];
    let play = Play::new(&json!({}), polls);

    play.login().expect(0);

    assert_eq!(play.gaps(), [1, 2, 4, 3]);
}

#[test]
fn a_poll_without_an_answer_is_given_up_and_repeated() {
    let play = Play::new(&json!({}), vec![Poll::Answer(Answer::silent()), Poll::Tokens(json!({}))]);
    let keyfob = play.keyfob();
    keyfob.settings("limits = { request = \"1s\" }\n");

    keyfob.run(&["login", "test", "--device"]).expect(0);

    assert_eq!(play.polls().len(), 2);
}

#[test]
fn a_pause_beyond_the_end_ends_the_login_in_time() {
    for pause in ["3600", "18446744073709551615"] {
        let busy = Answer::new(429, "text/plain", "").with("Retry-After", pause);
        let play = Play::new(&json!({ "expires_in": 3 }), vec![Poll::Answer(busy)]);

        let login = play.login();

        login.error(8, "timeout");
        assert_eq!(play.polls().len(), 1);
        assert!(login.took < Duration::from_secs(5), "{login:#?}");
    }
}

#[test]
fn nothing_that_a_terminal_obeys_or_an_eye_misses_is_shown() {
    let long = "A".repeat(5000);
    for code in
        ["AB\u{1b}[2J\u{1b}]52;c;ZXZpbA==\u{7}", "AB\u{9b}2J", "AB\u{202e}CD", "A\u{200b}B", "A\n✓ Logged in", &long]
    {
        let play = Play::agreeing(&json!({ "user_code": code }));

        let login = play.login();

        login.error_naming(12, "protocol", &["user_code"]);
        assert!(is_harmless(&login.stderr), "{login:#?}");
        assert_eq!(play.polls().len(), 0);
    }
    let message = "\u{1b}[2Jgo to evil.example";
    let play = Play::agreeing(&json!({ "message": message }));
    let login = play.keyfob().run(&["login", "test", "--device", "-vv"]).expect(0);
    assert!(is_harmless(&login.stderr) && !login.stderr.contains("evil.example"), "{login:#?}");
}

#[test]
fn an_address_that_must_not_be_opened_ends_the_login() {
    for field in ["verification_uri", "verification_uri_complete"] {
        for address in
            ["javascript:alert(1)", "file:///etc/passwd", "http://idp.example/device", "https://a@b.example/"]
        {
            let play = Play::agreeing(&json!({ field: address }));
            let keyfob = play.keyfob();
            let mut command = keyfob.command(&["login", "test", "--device"]);

            let login = Terminal::start(&mut command).finish(command).expect(11);

            assert!(login.stdout.contains(field) && !login.stdout.contains(USER_CODE), "{login:#?}");
            assert_eq!(keyfob.opened(), [] as [&str; 0], "{address}");
            assert_eq!(play.polls().len(), 0);
        }
    }
}

#[test]
fn what_an_answer_lacks_is_named() {
    for field in ["device_code", "user_code", "verification_uri"] {
        let play = Play::agreeing(&json!({ field: null }));

        play.login().error_naming(12, "protocol", &[field]);

        assert_eq!(play.polls().len(), 0);
    }
}

#[test]
fn a_legacy_name_is_taken_where_the_entry_says_so() {
    let play = Play::agreeing(&json!({ "verification_uri": null, "verification_url": "https://a.example/go" }));
    let keyfob = Keyfob::new();
    keyfob.provider("test", &play.server, "device = { names = { verification_uri = \"verification_url\" } }");

    let login = keyfob.run(&["login", "test", "--device"]).expect(0);

    assert!(login.stderr.contains("  open   https://a.example/go\n"), "{login:#?}");
    play.login().error_naming(12, "protocol", &["verification_uri"]);
}

#[test]
fn an_interrupt_ends_the_wait_at_once_and_nothing_is_sent_any_more() {
    for (signal, code) in [(libc::SIGINT, 130), (libc::SIGTERM, 143)] {
        let play = Play::agreeing(&json!({ "interval": 60, "expires_in": 600 }));
        let keyfob = play.keyfob();
        let login = keyfob.start(&["login", "test", "--device"]);
        eventually("the code", || login.stderr_so_far().contains(USER_CODE).then_some(()));
        let before = play.server.requests().len();
        let start = Instant::now();

        login.signal(signal);
        login.finish().expect(code);

        assert!(start.elapsed() < Duration::from_millis(500), "{:?}", start.elapsed());
        assert_eq!(play.server.requests().len(), before);
        assert_eq!(keyfob.sessions(), [] as [&str; 0]);
    }
}

#[test]
fn a_login_whose_parent_is_gone_stops_polling() {
    let play = Play::new(&json!({}), vec![Poll::Pending]);
    let keyfob = play.keyfob();
    let (program, inner) = (env!("CARGO_BIN_EXE_keyfob"), keyfob.command(&[]));
    let pid = keyfob.aside().join("pid");
    let mut command = Command::new("/bin/sh");
    let script = format!("'{program}' login test --device & echo $! >'{}'; wait", pid.display());
    command.args(["-c", &script]).env_clear().current_dir(keyfob.home());
    command.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let parent = Running::spawn(&mut command);
    eventually("a poll", || (!play.polls().is_empty()).then_some(()));
    let pid: i32 = std::fs::read_to_string(pid).expect("a number").trim().parse().expect("a number");

    parent.signal(libc::SIGKILL);
    parent.finish().expect(137);

    // SAFETY: asks whether a process is there, and nothing else.
    eventually("its end", || (unsafe { libc::kill(pid, 0) } == -1).then_some(()));
}

#[test]
fn the_device_code_is_never_told() {
    let denied = json!({ "error": "access_denied", "error_description": format!("no, {DEVICE_CODE}") });
    for poll in [Poll::Answer(Answer::json(400, &denied)), Poll::Tokens(json!({}))] {
        let play = Play::new(&json!({}), vec![Poll::Pending, poll]);
        let keyfob = play.keyfob();

        let login = keyfob.run(&["login", "test", "--device", "-vv", "--explain"]);

        assert!(!login.output().contains(DEVICE_CODE), "{login:#?}");
        for secret in ["access-canary-77", "refresh-canary-77"] {
            assert!(!login.output().contains(secret), "{login:#?}");
        }
        assert!(login.stderr.contains("RFC 8628 section 3.1"), "the steps are told: {login:#?}");
    }
}

#[test]
fn tokens_of_a_code_pass_the_checks_of_all_tokens() {
    for (claims, word) in [
        (json!({ "iss": "https://evil.example" }), "iss"),
        (json!({ "aud": "somebody-else" }), "aud"),
        (json!({ "exp": now() - 3600 }), "exp"),
        (json!({ "at_hash": base64url(&sha256(b"another token")[..16]) }), "at_hash"),
    ] {
        let play = Play::new(&json!({}), vec![Poll::Tokens(claims)]);
        let keyfob = play.keyfob();

        let login = keyfob.run(&["login", "test", "--device", "--json"]);

        login.error_naming(11, "security", &[word]);
        assert_eq!(keyfob.sessions(), [] as [&str; 0]);
    }
    type Spoil = fn(&mut Value);
    let forged: Spoil = |answer| {
        let text = answer["id_token"].as_str().expect("a token").to_owned();
        let (message, _) = text.rsplit_once('.').expect("a signature");
        answer["id_token"] = format!("{message}.{}", base64url(&[7; 64])).into();
    };
    let mac: Spoil = |answer| answer["token_type"] = "mac".into();
    let without: Spoil = |answer| answer["id_token"] = Value::Null;
    for (spoil, code, name) in [(forged, 11, "security"), (mac, 12, "protocol"), (without, 12, "protocol")] {
        let play = Play::new(&json!({}), vec![Poll::Pending]);
        let mut answer = tokens(&play.server, json!({}));
        spoil(&mut answer);
        play.server.recover();
        let url = play.server.url();
        let code_answer = json!({
            "device_code": DEVICE_CODE, "user_code": USER_CODE, "verification_uri": url, "expires_in": 60, "interval": 1,
        });
        play.at("/device", vec![Answer::json(200, &code_answer)]);
        play.at("/token", vec![Answer::json(200, &answer)]);

        play.login().error(code, name);
    }
}

#[test]
fn a_person_at_a_terminal_sees_the_code_before_the_page_opens() {
    let play = Play::new(&json!({}), vec![Poll::Pending, Poll::Tokens(json!({}))]);
    let keyfob = play.keyfob();
    let mut command = keyfob.command(&["login", "test", "--device"]);

    let login = Terminal::start(&mut command).finish(command).expect(0);

    assert_eq!(keyfob.opened(), [format!("{}/activate?user_code={USER_CODE}", play.server.url())]);
    let place = |text: &str| login.stdout.find(text).unwrap_or_else(|| panic!("no `{text}`: {login:#?}"));
    assert!(place(USER_CODE) < place("Opening"), "{login:#?}");
}

#[test]
fn a_page_that_does_not_open_is_told_and_the_wait_goes_on() {
    let play = Play::new(&json!({}), vec![Poll::Pending, Poll::Pending, Poll::Tokens(json!({}))]);
    let mut keyfob = play.keyfob();
    keyfob.set("KEYFOB_BROWSER", "/bin/false");
    let mut command = keyfob.command(&["login", "test", "--device"]);

    let login = Terminal::start(&mut command).finish(command).expect(0);

    assert!(login.stdout.contains("no browser opened"), "{login:#?}");
}

#[test]
fn a_picture_of_the_address_stands_beside_the_code() {
    let play = Play::agreeing(&json!({}));

    let login = play.keyfob().run(&["login", "test", "--device", "--qr"]).expect(0);

    assert!(login.stderr.contains('█') && login.stderr.contains(USER_CODE), "{login:#?}");
}

#[test]
fn a_quiet_login_shows_the_code_and_the_address() {
    let play = Play::agreeing(&json!({}));

    let login = play.keyfob().run(&["login", "test", "--device", "-q"]).expect(0);

    let address = format!("{}/activate", play.server.url());
    assert_eq!(login.stderr, format!("  open   {address}\n  code   {USER_CODE}\n"));
}

#[test]
fn resources_audience_scopes_and_parameters_are_sent() {
    let play = Play::agreeing(&json!({}));
    let arguments = [
        "login",
        "test",
        "--device",
        "--scope",
        "openid a",
        "--resource",
        "https://r.example/1",
        "--resource",
        "https://r.example/2",
        "--audience",
        "api",
        "--param",
        "login_hint=ada",
    ];

    play.keyfob().run(&arguments).expect(0);

    let first = &play.server.requests_to("/device")[0];
    assert_eq!(
        (first.expect("scope"), first.expect("audience"), first.expect("login_hint")),
        ("openid a".into(), "api".into(), "ada".into())
    );
    for request in [first, &play.polls()[0]] {
        assert_eq!(request.all("resource"), ["https://r.example/1", "https://r.example/2"]);
    }
    for reserved in ["scope=x", "device_code=x", "client_id=x"] {
        let refused = play.keyfob().run(&["login", "test", "--device", "--json", "--param", reserved]);
        refused.error_naming(2, "usage", &[reserved.split('=').next().expect("a name")]);
    }
    assert_eq!(play.server.requests_to("/device").len(), 1);
}

#[test]
fn pkce_goes_along_where_the_entry_requires_it() {
    let play = Play::agreeing(&json!({}));
    let keyfob = Keyfob::new();
    keyfob.provider("test", &play.server, "pkce = \"required\"");

    keyfob.run(&["login", "test", "--device"]).expect(0);

    let (first, poll) = (&play.server.requests_to("/device")[0], &play.polls()[0]);
    assert_eq!(first.expect("code_challenge_method"), "S256");
    assert_eq!(first.expect("code_challenge"), base64url(&sha256(poll.expect("code_verifier").as_bytes())));
}

#[test]
fn a_confidential_client_proves_who_it_is_in_both_requests() {
    for id in ["basic", "post"] {
        let play = Play::new(&json!({}), vec![Poll::Tokens(json!({ "aud": id }))]);
        let keyfob = Keyfob::new();
        let client = keyfob.client(&play.server, id);
        keyfob.provider("test", &play.server, &format!("{client}\nclient_auth = \"client_secret_{id}\""));

        keyfob.run(&["login", "test", "--device"]).expect(0);

        let secret = play.server.client_secret(id);
        for request in [&play.server.requests_to("/device")[0], &play.polls()[0]] {
            let basic = request.basic().map(|(_, secret)| secret);
            assert_eq!(basic.or(request.parameter("client_secret")), secret);
        }
    }
}

#[test]
fn a_refusal_of_the_first_request_is_told() {
    let play = Play::agreeing(&json!({}));
    for (answer, code, name) in [
        (Answer::error(400, "unauthorized_client"), 5, "refused"),
        (Answer::error(401, "invalid_client"), 5, "refused"),
        (Answer::html(503, "down"), 6, "network"),
        (Answer::html(404, "not here"), 12, "protocol"),
        (Answer::html(200, "hello"), 12, "protocol"),
    ] {
        play.server.recover();
        play.at("/device", vec![answer]);

        play.login().error(code, name);
    }
    assert_eq!(play.polls().len(), 0);
}
