//! The device grants of servers that have their own idea of it: one login each, every request compared.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{DEVICE_CODE, GRANT_TYPE, USER_CODE};
use crate::support::{Answer, Keyfob, Request, Server};

/// What one profile demands.
struct Profile {
    name: &'static str,
    /// Lines of the entry.
    entry: &'static str,
    /// Where the code is asked for, and where polls go.
    paths: [&'static str; 2],
    /// The parameters of both requests, without the client's.
    first: Value,
    poll: Value,
    /// The answer of a person who has not agreed yet.
    pending: Answer,
    /// The answer of one who has not and will not, with the exit code.
    denied: (Answer, i32),
    /// Members of the first answer under other names.
    names: &'static [(&'static str, &'static str)],
}

fn profiles() -> Vec<Profile> {
    let scope = json!({ "scope": "a b" });
    let legacy = &[("verification_uri", "verification_url")][..];
    let error = |error: &str| Answer::error(400, error);
    vec![
        Profile {
            name: "rfc8628",
            entry: "",
            paths: ["/device", "/token"],
            first: scope.clone(),
            poll: json!({ "grant_type": GRANT_TYPE, "device_code": DEVICE_CODE }),
            pending: error("authorization_pending"),
            denied: (error("access_denied"), 5),
            names: &[],
        },
        Profile {
            name: "trakt",
            entry: "device_token_endpoint = \"URL/poll\"",
            paths: ["/device", "/poll"],
            first: scope.clone(),
            poll: json!({ "code": DEVICE_CODE }),
            pending: Answer::new(400, "text/plain", ""),
            denied: (Answer::new(418, "text/plain", ""), 5),
            names: legacy,
        },
        Profile {
            name: "yandex",
            entry: "",
            paths: ["/device", "/token"],
            first: scope.clone(),
            poll: json!({ "grant_type": "device_code", "code": DEVICE_CODE }),
            pending: error("authorization_pending"),
            denied: (error("invalid_grant"), 5),
            names: legacy,
        },
        Profile {
            name: "salesforce",
            entry: "",
            paths: ["/token", "/token"],
            first: json!({ "response_type": "device_code", "scope": "a b" }),
            poll: json!({ "grant_type": "device", "code": DEVICE_CODE }),
            pending: error("authorization_pending"),
            denied: (error("access_denied"), 5),
            names: &[],
        },
        Profile {
            name: "twitch",
            entry: "token_response = { error_paths = [\"message\"] }",
            paths: ["/device", "/token"],
            first: json!({ "scopes": "a b" }),
            poll: json!({ "grant_type": GRANT_TYPE, "device_code": DEVICE_CODE, "scopes": "a b" }),
            pending: Answer::json(400, &json!({ "status": 400, "message": "authorization_pending" })),
            denied: (Answer::json(400, &json!({ "status": 400, "message": "invalid device code" })), 5),
            names: &[],
        },
        Profile {
            name: "webex",
            entry: "device_token_endpoint = \"URL/poll\"",
            paths: ["/device", "/poll"],
            first: scope,
            poll: json!({ "grant_type": GRANT_TYPE, "device_code": DEVICE_CODE }),
            pending: Answer::json(428, &json!({ "message": "The user has not agreed yet." })),
            denied: (error("access_denied"), 5),
            names: &[],
        },
    ]
}

impl Profile {
    /// A server whose polls are answered with these, and keyfob with its entry.
    fn play(&self, polls: Vec<Answer>) -> (Server, Keyfob) {
        let server = Server::start();
        let url = server.url();
        let mut code = json!({
            "device_code": DEVICE_CODE, "user_code": USER_CODE, "verification_uri": format!("{url}/go"),
            "expires_in": 60, "interval": 1,
        });
        for (specified, own) in self.names {
            code[*own] = code[*specified].take();
        }
        let mut answers = vec![Answer::json(200, &code)];
        if self.paths[0] == self.paths[1] {
            answers.extend(polls);
        } else {
            serve(&server, self.paths[1], polls);
        }
        serve(&server, self.paths[0], answers);
        let keyfob = Keyfob::new();
        let client = keyfob.client(&server, "post");
        let names = self.names.iter().map(|(specified, own)| format!("{specified} = \"{own}\"")).collect::<Vec<_>>();
        let entry = format!(
            "{client}\nclient_auth = \"client_secret_post\"\ndevice_authorization_endpoint = \"{url}{}\"\n\
             device = {{ profile = \"{}\", names = {{ {} }} }}\n{}",
            self.paths[0],
            self.name,
            names.join(", "),
            self.entry.replace("URL", &url),
        );
        keyfob.plain_provider("test", &server, &entry);
        (server, keyfob)
    }

    /// Exactly these parameters, in the shape of the profile, from a client that has proved who it is.
    fn compare(&self, request: &Request, expected: &Value, secret: &str, is_poll: bool) {
        let name = self.name;
        let json = name == "trakt";
        let kind = if json { "application/json" } else { "application/x-www-form-urlencoded" };
        assert_eq!((request.method.as_str(), request.header("content-type")), ("POST", Some(kind)), "{name}");
        let mut expected = expected.clone();
        expected["client_id"] = "post".into();
        if name == "webex" && is_poll {
            assert_eq!(request.basic(), Some(("post".to_owned(), secret.to_owned())), "{name}");
        } else {
            expected["client_secret"] = secret.into();
            assert_eq!(request.header("authorization"), None, "{name}");
        }
        let found = if json {
            serde_json::from_slice(&request.body).expect("JSON")
        } else {
            json!(request.parameters().into_iter().collect::<BTreeMap<_, _>>())
        };
        assert_eq!(found, expected, "{name}");
    }
}

fn serve(server: &Server, path: &str, answers: Vec<Answer>) {
    let mut answers = answers.into_iter();
    server.instead(path, usize::MAX, move |_| answers.next().unwrap_or_else(|| Answer::error(400, "one_too_many")));
}

#[test]
fn every_profile_is_walked_from_the_code_to_the_token() {
    for profile in profiles() {
        let tokens =
            Answer::json(200, &json!({ "access_token": "access-1", "token_type": "bearer", "scope": ["a", "b"] }));
        let (server, keyfob) = profile.play(vec![profile.pending.clone(), tokens]);

        let login = keyfob.run(&["login", "test", "--device"]).expect(0);

        assert!(login.stderr.contains(USER_CODE), "{login:#?}");
        assert_eq!(keyfob.token("test"), "access-1");
        let secret = server.client_secret("post").expect("a secret");
        let requests = server.requests();
        assert_eq!(
            requests.iter().map(|it| it.path.as_str()).collect::<Vec<_>>(),
            [profile.paths[0], profile.paths[1], profile.paths[1]]
        );
        profile.compare(&requests[0], &profile.first, &secret, false);
        profile.compare(&requests[1], &profile.poll, &secret, true);
        profile.compare(&requests[2], &profile.poll, &secret, true);
    }
}

#[test]
fn every_profile_knows_a_refusal() {
    for profile in profiles() {
        let (denied, code) = profile.denied.clone();
        let (server, keyfob) = profile.play(vec![denied]);

        keyfob.run(&["login", "test", "--device", "--json"]).expect(code);

        assert_eq!(
            server.requests_to(profile.paths[1]).iter().filter(|it| it.path == profile.paths[1]).count(),
            if profile.paths[0] == profile.paths[1] { 2 } else { 1 }
        );
    }
}

#[test]
fn the_status_of_trakt_tells_the_end_of_the_code_and_to_slow_down() {
    let profile = profiles().remove(1);
    for (status, code) in [(410, 8), (404, 5), (409, 5)] {
        let (_server, keyfob) = profile.play(vec![Answer::new(status, "text/plain", "")]);
        keyfob.run(&["login", "test", "--device", "--json"]).expect(code);
    }
    let tokens = Answer::json(200, &json!({ "access_token": "access-1", "token_type": "bearer" }));
    let (_server, keyfob) = profile.play(vec![Answer::new(429, "text/plain", ""), tokens]);

    let login = keyfob.run(&["login", "test", "--device", "--json"]).expect(0);

    assert!(login.took.as_secs() >= 7, "one second, then six: {login:#?}");
}
