//! Providers that depart from the specifications, each departure as its entry says and no other.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::support::{Answer, Finished, Keyfob, Login, Redirect, Request, Server, now};

/// A provider without discovery whose entry is these lines; `{url}` stands for the server.
fn entry(keyfob: &Keyfob, server: &Server, lines: &str) {
    let url = server.url();
    keyfob.registry(&format!(
        "[providers.odd]\nname = \"Odd\"\nprotocol = \"oauth2\"\n{}\n",
        lines.replace("{url}", &url)
    ));
}

/// What a client with a secret has.
const CLIENT: &str = "client_id = \"id\"\nclient_secret = { env = \"SECRET\" }";

fn keyfob() -> Keyfob {
    let mut keyfob = Keyfob::new();
    keyfob.set("SECRET", "the-secret");
    keyfob
}

/// The browser comes back with a code and these further parameters.
#[track_caller]
fn come_back(login: &Login, more: &[(&str, &str)]) {
    let uri = login.parameter("redirect_uri").expect("a redirect URI");
    let state = login.parameter("state").expect("a state");
    let redirect = Redirect(url::Url::parse(&uri).expect("an address"));
    let redirect = redirect.adding("code", "the-code").adding("state", &state);
    more.iter().fold(redirect, |redirect, (name, value)| redirect.adding(name, value)).get();
}

#[track_caller]
fn log_in(keyfob: &Keyfob, more: &[(&str, &str)]) -> Finished {
    let login = keyfob.begin(&["login", "odd"]);
    come_back(&login, more);
    login.finish()
}

#[track_caller]
fn only(server: &Server, path: &str) -> Request {
    let mut requests = server.requests_to(path);
    assert_eq!(requests.len(), 1, "requests to {path}: {requests:#?}");
    requests.remove(0)
}

fn form(request: &Request) -> Vec<(String, String)> {
    url::form_urlencoded::parse(&request.body).into_owned().collect()
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn private(keyfob: &Keyfob, name: &str, text: &str) -> PathBuf {
    let file = keyfob.aside().join(name);
    fs::write(&file, text).expect("a file");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("a private file");
    file
}

#[test]
fn wechat_takes_everything_in_the_query_and_names_the_person_by_the_answer() {
    let (server, keyfob) = (Server::start(), keyfob());
    entry(
        &keyfob,
        &server,
        &format!(
            "{CLIENT}\nauthorization_endpoint = \"{{url}}/connect\"\ntoken_endpoint = \"{{url}}/access_token\"\n\
             refresh_endpoint = \"{{url}}/refresh_token\"\nuserinfo_endpoint = \"{{url}}/who\"\nscopes = [\"a\", \"b\"]\n\
             scope_separator = \",\"\nclient_auth = \"query\"\npkce = \"off\"\nauthorize_fragment = \"wechat_redirect\"\n\
             param_names = {{ client_id = \"appid\", client_secret = \"secret\" }}\ntoken_request = {{ method = \"GET\" }}\n\
             token_response = {{ token_type = \"Bearer\", error_paths = [\"errcode\"] }}\ntoken_keep = [\"openid\"]\n\
             userinfo = {{ token_in = \"query\", params = {{ openid = \"{{token.openid}}\", lang = \"zh_CN\" }} }}\n\
             user = {{ id = \"unionid\", name = \"nickname\" }}"
        ),
    );
    let tokens = |n: u8| {
        let body = json!({ "access_token": format!("access-token-{n}"), "expires_in": 7200,
            "refresh_token": format!("refresh-token-{n}"), "openid": "open&1", "scope": "a,b" });
        Answer::json(200, &body)
    };
    server.always("/access_token", tokens(1));
    server.always("/refresh_token", tokens(2));
    server.always("/who", Answer::json(200, &json!({ "unionid": "union-1", "nickname": "Li" })));

    let login = keyfob.begin(&["login", "odd"]);
    assert!(login.url.ends_with("#wechat_redirect"), "{}", login.url);
    assert_eq!(login.parameter("appid").as_deref(), Some("id"));
    assert_eq!(login.parameter("scope").as_deref(), Some("a,b"));
    come_back(&login, &[]);
    login.finish().expect(0);
    keyfob.run(&["refresh", "odd"]).expect(0);

    let asked = only(&server, "/access_token");
    assert_eq!((asked.method.as_str(), asked.header("authorization")), ("GET", None));
    for (name, value) in [("appid", "id"), ("secret", "the-secret"), ("code", "the-code")] {
        assert_eq!(asked.expect(name), value);
    }
    let who = only(&server, "/who");
    assert_eq!(who.parameters(), pairs(&[("lang", "zh_CN"), ("openid", "open&1"), ("access_token", "access-token-1")]));
    assert_eq!(only(&server, "/refresh_token").expect("refresh_token"), "refresh-token-1");
    assert_eq!(keyfob.token("odd"), "access-token-2");
    assert_eq!(keyfob.sessions(), ["odd/union-1"]);

    server.recover();
    server.once("/refresh_token", Answer::json(200, &json!({ "errcode": 40030, "errmsg": "invalid refresh_token" })));
    keyfob.run(&["refresh", "odd", "--json"]).error_naming(5, "refused", &["40030", "invalid refresh_token"]);
}

#[test]
fn feishu_wants_the_applications_token_before_the_persons() {
    let (server, keyfob) = (Server::start(), keyfob());
    entry(
        &keyfob,
        &server,
        &format!(
            "{CLIENT}\nauthorization_endpoint = \"{{url}}/authorize\"\ntoken_endpoint = \"{{url}}/user_token\"\n\
             client_auth = \"client_secret_post\"\nparam_names = {{ client_id = \"app_id\", client_secret = \"app_secret\" }}\n\
             token_request = {{ format = \"json\", headers = {{ X-App = \"{{app.app_access_token}}\" }} }}\n\
             token_params = {{ app_access_token = \"{{app.app_access_token}}\" }}\n\
             token_response = {{ path = \"data\", error_paths = [\"code\"] }}\n\
             app_token = {{ endpoint = \"{{url}}/app_token\", params = {{ kind = \"internal\" }} }}\ntoken_keep = [\"tenant_key\"]"
        ),
    );
    let app = json!({ "code": 0, "msg": "ok", "app_access_token": "app-token", "expire": 7200 });
    server.always("/app_token", Answer::json(200, &app));
    let data = json!({ "access_token": "access-token", "token_type": "Bearer", "expires_in": 7200, "tenant_key": "t" });
    server.always("/user_token", Answer::json(200, &json!({ "code": 0, "data": data })));

    log_in(&keyfob, &[]).expect(0);

    let first: Value = serde_json::from_slice(&only(&server, "/app_token").body).expect("JSON");
    assert_eq!(first, json!({ "kind": "internal", "app_id": "id", "app_secret": "the-secret" }));
    let second = only(&server, "/user_token");
    assert_eq!(second.header("x-app"), Some("app-token"));
    let body: Value = serde_json::from_slice(&second.body).expect("JSON");
    assert_eq!((&body["app_access_token"], &body["code"]), (&json!("app-token"), &json!("the-code")));
    assert_eq!(keyfob.token("odd"), "access-token");

    server.recover();
    server.always("/app_token", Answer::json(200, &json!({ "code": 10014, "msg": "app secret invalid" })));
    log_in(&keyfob, &[]).fails(5);
    assert_eq!(server.requests_to("/user_token").len(), 1, "the code is not sent");
}

/// An entry whose token endpoint the redirect names.
fn zoho(keyfob: &Keyfob, server: &Server) {
    entry(
        keyfob,
        server,
        &format!(
            "{CLIENT}\nauthorization_endpoint = \"{{url}}/auth\"\ntoken_endpoint = \"{{callback.accounts-server}}/v2/token\"\n\
             revocation_endpoint = \"{{callback.accounts-server}}/v2/revoke\"\nuserinfo_endpoint = \"{{url}}/info\"\n\
             client_auth = \"client_secret_post\"\ncallback_keep = [\"accounts-server\", \"location\"]\n\
             userinfo = {{ auth_scheme = \"Zoho-oauthtoken\" }}\nuser = {{ id = \"ZUID\" }}"
        ),
    );
    let tokens = json!({ "access_token": "access-token", "token_type": "Bearer", "refresh_token": "refresh-token" });
    server.always("/v2/token", Answer::json(200, &tokens));
    server.always("/v2/revoke", Answer::json(200, &json!({})));
    server.always("/info", Answer::json(200, &json!({ "ZUID": 42 })));
}

#[test]
fn zoho_names_its_server_in_the_redirect_and_later_requests_go_there_too() {
    let (server, keyfob) = (Server::start(), keyfob());
    zoho(&keyfob, &server);

    log_in(&keyfob, &[("accounts-server", &server.url()), ("location", "eu")]).expect(0);
    keyfob.run(&["refresh", "odd"]).expect(0);
    assert_eq!(only(&server, "/info").header("authorization"), Some("Zoho-oauthtoken access-token"));
    keyfob.run(&["logout", "odd"]).expect(0);

    assert_eq!(server.requests_to("/v2/token").len(), 2);
    assert_eq!(server.requests_to("/v2/revoke").len(), 2);
}

#[test]
fn a_redirect_cannot_send_the_code_to_a_server_of_its_own() {
    let (server, other, keyfob) = (Server::start(), Server::start(), keyfob());
    zoho(&keyfob, &server);
    for hostile in [
        other.url(),
        "https://evil.example".to_owned(),
        format!("{}@evil.example", server.url()),
        format!("{}/?x=", server.url()),
        "file:///tmp".to_owned(),
    ] {
        log_in(&keyfob, &[("accounts-server", &hostile)]).fails(11);
    }
    log_in(&keyfob, &[]).fails(12);

    assert_eq!(other.connections(), 0);
    assert!(server.requests_to("/v2/token").is_empty());
    assert!(keyfob.sessions().is_empty());
}

#[test]
fn facebook_exchanges_the_token_for_one_that_lasts_and_later_ones_alike() {
    let (server, keyfob) = (Server::start(), keyfob());
    entry(
        &keyfob,
        &server,
        &format!(
            "{CLIENT}\nauthorization_endpoint = \"{{url}}/authorize\"\ntoken_endpoint = \"{{url}}/access_token\"\n\
             client_auth = \"client_secret_post\"\nrefresh = {{ how = \"exchange\", grant_type = \"fb_exchange_token\", \
             param = \"fb_exchange_token\", method = \"GET\" }}"
        ),
    );
    let mut count = 0;
    server.instead("/access_token", usize::MAX, move |_| {
        count += 1;
        let body =
            json!({ "access_token": format!("access-token-{count}"), "token_type": "bearer", "expires_in": 5184000 });
        Answer::json(200, &body)
    });

    log_in(&keyfob, &[]).expect(0);
    assert_eq!(keyfob.token("odd"), "access-token-2");
    keyfob.run(&["refresh", "odd"]).expect(0);
    assert_eq!(keyfob.token("odd"), "access-token-3");

    let requests = server.requests_to("/access_token");
    assert_eq!(requests.iter().map(|request| request.method.as_str()).collect::<Vec<_>>(), ["POST", "GET", "GET"]);
    for (request, token) in requests[1..].iter().zip(["access-token-1", "access-token-2"]) {
        let expected = [
            ("grant_type", "fb_exchange_token"),
            ("fb_exchange_token", token),
            ("client_id", "id"),
            ("client_secret", "the-secret"),
        ];
        assert_eq!(request.parameters(), pairs(&expected));
    }
}

#[test]
fn instagram_exchanges_at_one_address_and_renews_at_another() {
    let (server, keyfob) = (Server::start(), keyfob());
    entry(
        &keyfob,
        &server,
        &format!(
            "{CLIENT}\nauthorization_endpoint = \"{{url}}/authorize\"\ntoken_endpoint = \"{{url}}/short\"\n\
             refresh_endpoint = \"{{url}}/renew\"\nclient_auth = \"client_secret_post\"\n\
             token_response = {{ token_type = \"Bearer\" }}\nrefresh = {{ how = \"exchange\", grant_type = \"ig_refresh_token\", \
             method = \"GET\", exchange_endpoint = \"{{url}}/long\", exchange_grant_type = \"ig_exchange_token\" }}"
        ),
    );
    for name in ["short", "long", "renew"] {
        server.always(&format!("/{name}"), Answer::json(200, &json!({ "access_token": format!("{name}-token") })));
    }

    log_in(&keyfob, &[]).expect(0);
    keyfob.run(&["refresh", "odd"]).expect(0);

    let (long, renew) = (only(&server, "/long"), only(&server, "/renew"));
    assert_eq!(
        (long.expect("grant_type"), long.expect("access_token")),
        ("ig_exchange_token".into(), "short-token".into())
    );
    assert_eq!(
        (renew.expect("grant_type"), renew.expect("access_token")),
        ("ig_refresh_token".into(), "long-token".into())
    );
    assert_eq!(keyfob.token("odd"), "renew-token");
}

/// The claims and the header of a token, whoever signed it.
fn parts(token: &str) -> (Value, Value) {
    let parts: Vec<Value> = token
        .split('.')
        .take(2)
        .map(|part| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).expect("base64url")).expect("JSON"))
        .collect();
    (parts[0].clone(), parts[1].clone())
}

const KEY: &str = include_str!("../../src/protocol/jose/signer/p256.pem");

#[test]
fn apple_gets_a_secret_that_the_key_of_the_team_signed_and_answers_with_a_form() {
    let (server, keyfob) = (Server::start(), keyfob());
    let key = private(&keyfob, "key.p8", KEY);
    let lines = format!(
        "authorization_endpoint = \"{{url}}/authorize\"\ntoken_endpoint = \"{{url}}/apple\"\nclient_id = \"com.example.web\"\n\
         issuer = \"{{url}}\"\nscopes = [\"name\"]\nclient_auth = \"apple_jwt\"\nresponse_mode = \"form_post\"\n\
         private_key = {{ file = {:?} }}\nteam_id = \"TEAM\"\nkey_id = \"KEY\"\n\
         variables.team_id = {{ prompt = \"Team\" }}\nvariables.key_id = {{ prompt = \"Key\" }}",
        key.display().to_string()
    );
    entry(&keyfob, &server, &lines);
    server.change(|settings| {
        settings.metadata["token_endpoint"] = json!(format!("{}/apple", settings.metadata["issuer"].as_str().unwrap()))
    });
    server.always("/apple", Answer::json(200, &json!({ "access_token": "access-token", "token_type": "Bearer" })));

    let login = keyfob.begin(&["login", "odd"]);
    assert_eq!(login.parameter("response_mode").as_deref(), Some("form_post"));
    let redirect = Redirect(url::Url::parse(&login.parameter("redirect_uri").unwrap()).unwrap());
    redirect.adding("code", "the-code").adding("state", &login.parameter("state").unwrap()).post();
    login.finish().expect(0);

    let request = only(&server, "/apple");
    let (header, claims) = parts(&request.expect("client_secret"));
    assert_eq!(header, json!({ "alg": "ES256", "typ": "JWT", "kid": "KEY" }));
    assert_eq!(
        (&claims["iss"], &claims["sub"], &claims["aud"]),
        (&json!("TEAM"), &json!("com.example.web"), &json!(server.url()))
    );
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 300);
}

#[test]
fn a_client_proves_itself_with_its_own_key_and_a_fresh_assertion_each_time() {
    let (server, keyfob) = (Server::start(), keyfob());
    let key = private(&keyfob, "key.pem", KEY);
    entry(
        &keyfob,
        &server,
        &format!(
            "authorization_endpoint = \"{{url}}/authorize\"\ntoken_endpoint = \"{{url}}/keyed\"\nclient_id = \"id\"\n\
             client_auth = \"private_key_jwt\"\nprivate_key = {{ file = {:?} }}",
            key.display().to_string()
        ),
    );
    let tokens = json!({ "access_token": "access-token", "token_type": "Bearer", "refresh_token": "refresh-token" });
    server.always("/keyed", Answer::json(200, &tokens));

    log_in(&keyfob, &[]).expect(0);
    keyfob.run(&["refresh", "odd"]).expect(0);

    let requests = server.requests_to("/keyed");
    let claims: Vec<Value> = requests.iter().map(|request| parts(&request.expect("client_assertion")).1).collect();
    for claims in &claims {
        assert_eq!(
            (&claims["iss"], &claims["sub"], &claims["aud"]),
            (&json!("id"), &json!("id"), &json!(format!("{}/keyed", server.url())))
        );
        assert!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap() <= 300);
    }
    assert_ne!(claims[0]["jti"], claims[1]["jti"]);
    assert!(requests.iter().all(|request| request.parameter("client_secret").is_none()));
}

/// A clock that is off by minutes, seen from here: the server's is.
#[test]
fn what_is_signed_for_a_server_is_dated_by_its_clock() {
    let (server, keyfob) = (Server::start(), keyfob());
    let key = private(&keyfob, "key.pem", KEY);
    keyfob.provider(
        "test",
        &server,
        &format!("client_id = \"id\"\ngrants = [\"client_credentials\"]\nscopes = []\nprivate_key = {{ file = {:?} }}\nclient_auth = \"private_key_jwt\"", key.display().to_string()),
    );
    // Half a minute more than is told: what a busy machine loses on the way does not change the minutes.
    let there = now() + 630;
    let date = httpdate(there);
    let metadata = server.change(|settings| settings.metadata.clone());
    server.always("/.well-known/openid-configuration", Answer::json(200, &metadata).with("Date", &date));
    server.once("/token", Answer::error(401, "invalid_client").with("Date", &date));
    server.always("/token", Answer::json(200, &json!({ "access_token": "access-token", "token_type": "Bearer" })));

    let refused = keyfob.run(&["token", "test"]).fails(5);
    keyfob.run(&["token", "test"]).expect(0);

    assert!(refused.stderr.contains("clock is 10 min behind"), "{refused:#?}");
    let claims = parts(&server.requests_to("/token")[0].expect("client_assertion")).1;
    assert!((claims["iat"].as_i64().expect("a time") - there).abs() < 30, "{claims}");
}

/// The form of RFC 9110 §5.6.7, by the system's own `date`.
fn httpdate(seconds: i64) -> String {
    let output = std::process::Command::new("date")
        .args(["-u", "-d", &format!("@{seconds}"), "+%a, %d %b %Y %H:%M:%S GMT"])
        .env("LC_ALL", "C")
        .output();
    String::from_utf8(output.expect("date").stdout).expect("text").trim().to_owned()
}

#[test]
fn a_key_that_cannot_be_used_is_refused_before_the_browser_and_never_shown() {
    let (server, keyfob) = (Server::start(), keyfob());
    let key = private(&keyfob, "key.pem", "-----BEGIN PRIVATE KEY-----\nY2FuYXJ5LWtleQ==\n-----END PRIVATE KEY-----\n");
    entry(
        &keyfob,
        &server,
        &format!(
            "authorization_endpoint = \"{{url}}/authorize\"\ntoken_endpoint = \"{{url}}/keyed\"\nclient_id = \"id\"\n\
             client_auth = \"private_key_jwt\"\nprivate_key = {{ file = {:?} }}",
            key.display().to_string()
        ),
    );

    let finished = keyfob.run(&["login", "odd", "--json"]);
    finished.error_naming(9, "config", &["private key"]);
    assert!(!finished.output().contains("Y2FuYXJ5"), "{finished:#?}");

    fs::write(&key, KEY).expect("a file");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).expect("readable by others");
    server.always("/keyed", Answer::json(200, &json!({ "access_token": "access-token", "token_type": "Bearer" })));
    let finished = log_in(&keyfob, &[]).expect(0);
    assert!(finished.stderr.contains("could be read by others"), "{finished:#?}");
}

#[test]
fn azure_devops_takes_code_and_secret_as_assertions() {
    let (server, keyfob) = (Server::start(), keyfob());
    entry(
        &keyfob,
        &server,
        &format!(
            "{CLIENT}\nauthorization_endpoint = \"{{url}}/authorize\"\ntoken_endpoint = \"{{url}}/azure\"\npkce = \"off\"\n\
             client_auth = \"assertion\""
        ),
    );
    let tokens = json!({ "access_token": "access-token", "token_type": "jwt-bearer", "expires_in": "3599", "refresh_token": "refresh-token" });
    server.always("/azure", Answer::json(200, &tokens));
    keyfob.edit_registry("client_auth", "token_response = { token_type = \"Bearer\" }\nclient_auth");

    let login = keyfob.begin(&["login", "odd"]);
    assert_eq!(login.parameter("response_type").as_deref(), Some("Assertion"));
    let redirect_uri = login.parameter("redirect_uri").unwrap();
    come_back(&login, &[]);
    login.finish().expect(0);
    keyfob.run(&["refresh", "odd"]).expect(0);

    let requests = server.requests_to("/azure");
    let client = [
        ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
        ("client_assertion", "the-secret"),
    ];
    let code = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
        ("assertion", "the-code"),
        ("redirect_uri", &redirect_uri),
    ];
    let refresh = [("grant_type", "refresh_token"), ("assertion", "refresh-token"), ("redirect_uri", &redirect_uri)];
    assert_eq!(form(&requests[0]), pairs(&[&code[..], &client].concat()));
    assert_eq!(form(&requests[1]), pairs(&[&refresh[..], &client].concat()));
}

#[test]
fn notion_takes_json_and_tells_the_person_beside_the_token() {
    let (server, keyfob) = (Server::start(), keyfob());
    entry(
        &keyfob,
        &server,
        &format!(
            "{CLIENT}\nauthorization_endpoint = \"{{url}}/authorize\"\ntoken_endpoint = \"{{url}}/notion\"\n\
             userinfo_endpoint = \"{{url}}/graphql/{{token.workspace_id}}\"\nauthorize_params = {{ owner = \"user\" }}\n\
             client_auth = \"client_secret_basic\"\ntoken_request = {{ format = \"json\" }}\n\
             token_keep = [\"workspace_id\", \"bot_id\"]\nuserinfo = {{ method = \"POST\", headers = {{ Notion-Version = \"2022-06-28\" }}, \
             body = '{{\"query\":\"{{ viewer {{ id }} }}\",\"bot\":\"{{token.bot_id}}\"}}' }}\nuser = {{ id = \"data.viewer.id\" }}"
        ),
    );
    let tokens =
        json!({ "access_token": "access-token", "token_type": "bearer", "workspace_id": "w-1", "bot_id": "b\"1" });
    server.always("/notion", Answer::json(200, &tokens));
    server.always("/graphql/w-1", Answer::json(200, &json!({ "data": { "viewer": { "id": "v-1" } } })));

    log_in(&keyfob, &[]).expect(0);

    let request = only(&server, "/notion");
    assert_eq!(request.basic(), Some(("id".into(), "the-secret".into())));
    assert_eq!(request.header("content-type"), Some("application/json"));
    let who = only(&server, "/graphql/w-1");
    assert_eq!((who.method.as_str(), who.header("notion-version")), ("POST", Some("2022-06-28")));
    let body: Value = serde_json::from_slice(&who.body).expect("JSON");
    assert_eq!(body, json!({ "query": "{ viewer { id } }", "bot": "b\"1" }));
    assert_eq!(keyfob.sessions(), ["odd/v-1"]);
}

#[test]
fn slack_nests_the_persons_token_and_keeps_what_lies_beside_it() {
    let (server, keyfob) = (Server::start(), keyfob());
    entry(
        &keyfob,
        &server,
        &format!(
            "{CLIENT}\nauthorization_endpoint = \"{{url}}/authorize\"\ntoken_endpoint = \"{{url}}/slack\"\nscopes = [\"chat\"]\n\
             scope_param = \"user_scope\"\nclient_auth = \"client_secret_post\"\ntoken_response = {{ path = \"authed_user\" }}\n\
             token_keep = [\"team.id\"]\nuserinfo_endpoint = \"{{url}}/team/{{token.team.id}}\"\nuser = {{ id = \"id\" }}"
        ),
    );
    let user = json!({ "id": "U1", "access_token": "access-token", "token_type": "Bearer", "scope": "chat" });
    server.always("/slack", Answer::json(200, &json!({ "ok": true, "team": { "id": "T1" }, "authed_user": user })));
    server.always("/team/T1", Answer::json(200, &json!({ "id": "U1" })));

    log_in(&keyfob, &[]).expect(0);

    assert_eq!(keyfob.sessions(), ["odd/U1"]);
    // Rules are taken in their order: the first one answers for ever.
    server.recover();
    server.once("/slack", Answer::json(200, &json!({ "ok": false, "error": "invalid_code" })));
    log_in(&keyfob, &[]).fails(5);
}

#[test]
fn a_client_is_registered_once_at_each_instance_and_serves_every_later_command() {
    let (server, keyfob) = (Server::start(), Keyfob::new());
    entry(
        &keyfob,
        &server,
        "authorization_endpoint = \"{base_url}/oauth/authorize\"\ntoken_endpoint = \"{base_url}/oauth/token\"\n\
         userinfo_endpoint = \"{base_url}/me\"\nrevocation_endpoint = \"{base_url}/oauth/revoke\"\nscopes = [\"read\"]\n\
         client_auth = \"client_secret_post\"\nuser = { username = \"username\" }\nredirect = { oob = \"urn:ietf:wg:oauth:2.0:oob\" }\n\
         registration = { profile = \"mastodon\" }\nvariables.base_url = { prompt = \"Address\" }",
    );
    server.always(
        "/api/v1/apps",
        Answer::json(200, &json!({ "id": "1", "client_id": "made", "client_secret": "made-secret" })),
    );
    server.always(
        "/oauth/token",
        Answer::json(
            200,
            &json!({ "access_token": "access-token", "token_type": "Bearer", "refresh_token": "refresh-token" }),
        ),
    );
    server.always("/oauth/revoke", Answer::json(200, &json!({})));
    server.always("/me", Answer::json(200, &json!({ "username": "ada" })));
    let base = format!("base_url={}", server.url());
    let port = { std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port() }.to_string();

    for _ in 0..2 {
        let login = keyfob.begin(&["login", "odd", "--set", &base, "--port", &port]);
        assert_eq!(login.parameter("client_id").as_deref(), Some("made"));
        assert_eq!(login.parameter("redirect_uri"), Some(format!("http://127.0.0.1:{port}/callback")));
        come_back(&login, &[]);
        login.finish().expect(0);
    }
    keyfob.run(&["refresh", "odd"]).expect(0);
    keyfob.run(&["logout", "odd"]).expect(0);

    let registered = only(&server, "/api/v1/apps");
    let uris = format!("http://127.0.0.1:{port}/callback\nurn:ietf:wg:oauth:2.0:oob");
    assert_eq!(form(&registered), pairs(&[("client_name", "keyfob"), ("redirect_uris", &uris), ("scopes", "read")]));
    for request in server.requests_to("/oauth/token").iter().chain(&server.requests_to("/oauth/revoke")) {
        assert_eq!(request.parameter("client_secret").as_deref(), Some("made-secret"));
    }
    assert_eq!(server.requests_to("/oauth/token").len(), 3);
}

#[test]
fn an_instance_that_registers_nobody_is_told_and_no_browser_opens() {
    let (server, keyfob) = (Server::start(), Keyfob::new());
    entry(
        &keyfob,
        &server,
        "authorization_endpoint = \"{url}/oauth/authorize\"\ntoken_endpoint = \"{url}/oauth/token\"\n\
         registration = { profile = \"mastodon\" }",
    );
    for (answer, code) in [
        (Answer::json(403, &json!({ "error": "This is not open" })), 5),
        (Answer::json(200, &json!({ "client_id": "made" })), 12),
        (Answer::json(200, &json!({ "client_id": "ma\nde", "client_secret": "x" })), 12),
        (Answer::html(404, "no"), 12),
        (Answer::html(503, "later"), 6),
    ] {
        server.once("/api/v1/apps", answer);
        keyfob.run(&["login", "odd"]).fails(code);
    }
    assert!(keyfob.opened().is_empty());
}

#[test]
fn an_https_redirect_is_pasted_unless_a_certificate_is_named_for_it() {
    let (server, keyfob) = (Server::start(), keyfob());
    let file = |name: &str| format!("{}/src/callback/tls/localhost.{name}", env!("CARGO_MANIFEST_DIR"));
    entry(
        &keyfob,
        &server,
        &format!(
            "{CLIENT}\nauthorization_endpoint = \"{{url}}/authorize\"\ntoken_endpoint = \"{{url}}/tokens\"\n\
             redirect = {{ loopback = \"none\" }}"
        ),
    );
    server.always("/tokens", Answer::json(200, &json!({ "access_token": "access-token", "token_type": "Bearer" })));
    let port = { std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port() };
    let uri = format!("https://login.example.test:{port}/callback");

    keyfob.run(&["login", "odd"]).fails(2);
    keyfob.run(&["login", "odd", "--redirect-uri", &uri]).fails(2);

    keyfob.edit_registry("loopback = \"none\"", "https = true");
    let words = ["https://127.0.0.1:28400/callback", "paste"];
    keyfob.run(&["login", "odd", "--json"]).error_naming(2, "usage", &words);
    keyfob.edit_registry("https = true", "loopback = \"none\"");

    let key = private(&keyfob, "tls.key", &fs::read_to_string(file("key")).expect("a key"));
    keyfob.edit_registry(
        "loopback = \"none\"",
        &format!("loopback = \"none\", certificate = {{ file = {:?} }}, key = {{ file = {key:?} }}", file("crt")),
    );
    let login = keyfob.begin(&["login", "odd", "--redirect-uri", &uri]);
    assert_eq!(login.parameter("redirect_uri").as_deref(), Some(uri.as_str()));
    let target = format!("/callback?code=the-code&state={}", login.parameter("state").unwrap());
    let page = over_tls(port, &format!("login.example.test:{port}"), &target);
    assert!(page.starts_with("HTTP/1.1 303 "), "{page}");
    login.finish().expect(0);

    assert_eq!(only(&server, "/tokens").expect("redirect_uri"), uri);
    keyfob.edit_registry("certificate = ", "certificate = { env = \"SECRET\" }, host = \"localhost\" } # ");
    keyfob.run(&["login", "odd", "--redirect-uri", &uri]).fails(9);
}

/// What a browser that trusts the certificate is answered.
fn over_tls(port: u16, host: &str, target: &str) -> String {
    use std::io::{Read, Write};
    use std::sync::Arc;

    use rustls::pki_types::pem::PemObject as _;
    use rustls::pki_types::{CertificateDer, ServerName};

    let mut roots = rustls::RootCertStore::empty();
    let certificate = include_bytes!("../../src/callback/tls/localhost.crt");
    roots.add(CertificateDer::from_pem_slice(certificate).expect("a certificate")).expect("a root");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.expect("versions").with_root_certificates(roots).with_no_client_auth();
    let name = ServerName::try_from("login.example.test").expect("a name");
    let connection = rustls::ClientConnection::new(Arc::new(config), name).expect("a connection");
    let socket = std::net::TcpStream::connect(("127.0.0.1", port)).expect("a listener");
    let mut stream = rustls::StreamOwned::new(connection, socket);
    let request = format!("GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("a request");
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}
