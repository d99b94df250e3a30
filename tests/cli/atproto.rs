//! Logins to the AT Protocol: from a handle, a DID or a server to a session, and what is not believed on the way.

use serde_json::{Value, json};
use url::Url;

use crate::support::{Answer, Finished, Guard, Keyfob, Request, Server, Wants};

const DID: &str = "did:plc:ewvi7nxzyoun6zhxrhs64oiz";
const OTHER: &str = "did:plc:z72i7hdynmk6r22z27h6tvur";
const HANDLE: &str = "alice.test";
const RESOLVE: &str = "/xrpc/com.atproto.identity.resolveHandle";
const RESOURCE: &str = "/.well-known/oauth-protected-resource";

/// Everything that there is: a directory, who knows handles, Alice's data server, and an authorization server.
struct World {
    directory: Server,
    pds: Server,
    server: Server,
    keyfob: Keyfob,
}

impl World {
    fn new() -> Self {
        let world =
            Self { directory: Server::start(), pds: Server::start(), server: Server::start(), keyfob: Keyfob::new() };
        let issuer = world.server.url();
        world.server.change(|settings| {
            for (name, value) in [
                ("pushed_authorization_request_endpoint", json!(format!("{issuer}/par"))),
                ("require_pushed_authorization_requests", json!(true)),
                ("authorization_response_iss_parameter_supported", json!(true)),
                ("client_id_metadata_document_supported", json!(true)),
                ("dpop_signing_alg_values_supported", json!(["ES256"])),
                ("scopes_supported", json!(["atproto", "transition:generic", "transition:chat.bsky"])),
            ] {
                settings.metadata[name] = value;
            }
            settings.metadata.as_object_mut().expect("a document").remove("userinfo_endpoint");
            settings.well_known = ["/.well-known/oauth-authorization-server".to_owned()].into();
            settings.iss = true;
            settings.guard =
                Some(Guard::demanding(Wants::ToldLast).with(|guard| (guard.rotates, guard.pushes) = (true, true)));
            settings.token.insert("sub".into(), DID.into());
            settings.clients.insert(client_id("atproto transition:generic"), ("none", String::new()));
        });
        world.account(DID, Some(HANDLE));
        world.handle(HANDLE, DID);
        world.issuers(json!([issuer]));
        world.keyfob.registry(&format!(
            "[providers.atproto]\nplc_directory = \"{0}\"\nhandle_resolver = \"{0}\"\n",
            world.directory.url()
        ));
        world
    }

    /// What the directory says of `did`.
    fn account(&self, did: &str, handle: Option<&str>) {
        self.document(did, &document(did, handle, &self.pds.url()));
    }

    fn document(&self, did: &str, document: &Value) {
        self.directory.always(&format!("/{did}"), Answer::json(200, document));
    }

    fn handle(&self, handle: &'static str, did: &'static str) {
        self.directory.instead(RESOLVE, usize::MAX, move |request: &Request| {
            match request.parameter("handle").as_deref() == Some(handle) {
                true => Answer::json(200, &json!({ "did": did })),
                false => {
                    Answer::json(400, &json!({ "error": "InvalidRequest", "message": "Unable to resolve handle" }))
                }
            }
        });
    }

    /// Whose tokens the data server says it takes.
    fn issuers(&self, issuers: Value) {
        let metadata = json!({ "resource": self.pds.url(), "authorization_servers": issuers });
        self.pds.always(RESOURCE, Answer::json(200, &metadata));
    }

    /// A login in which the person agrees.
    #[track_caller]
    fn login(&self, target: &str) -> Finished {
        self.keyfob.log_in(&self.server, &["login", target])
    }

    /// A login that ends before a browser is opened.
    #[track_caller]
    fn refused(&self, target: &str, code: i32, name: &str, words: &[&str]) {
        let finished = self.keyfob.run(&["login", target, "--json", "--timeout", "5"]);

        finished.error_naming(code, name, words);
        assert_eq!(self.keyfob.opened(), [] as [&str; 0], "no browser opens");
        assert_eq!(self.server.requests_to("/par").len(), 0, "nothing is pushed");
    }

    /// A login that ends when its tokens are looked at.
    #[track_caller]
    fn rejected(&self, target: &str, code: i32, name: &str, words: &[&str]) {
        let login = self.keyfob.begin(&["login", target, "--json"]);
        login.allow(&self.server);

        login.finish().error_naming(code, name, words);
        assert_eq!(self.keyfob.sessions(), [] as [&str; 0]);
    }
}

fn document(did: &str, handle: Option<&str>, pds: &str) -> Value {
    json!({
        "id": did,
        "alsoKnownAs": handle.map(|handle| format!("at://{handle}")).into_iter().collect::<Vec<_>>(),
        "service": [{ "id": "#atproto_pds", "type": "AtprotoPersonalDataServer", "serviceEndpoint": pds }],
    })
}

/// The identifier of a client without a document ("OAuth", Localhost Client Development).
fn client_id(scope: &str) -> String {
    let query = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("redirect_uri", "http://127.0.0.1/callback")
        .append_pair("scope", scope)
        .finish();
    format!("http://localhost?{query}")
}

#[test]
fn a_handle_leads_to_a_session_whose_tokens_go_to_its_data_server() {
    let world = World::new();

    let login = world.keyfob.begin(&["login", "@Alice.test"]);
    let opened: Url = login.url.parse().expect("an address");
    login.allow(&world.server);
    let finished = login.finish().expect(0);

    // The browser brings nothing but the name of what was pushed.
    let names: Vec<_> = opened.query_pairs().map(|(name, _)| name.into_owned()).collect();
    assert_eq!(names, ["client_id", "request_uri"]);
    let pushed = world.server.requests_to("/par").pop().expect("a request");
    assert_eq!(pushed.expect("client_id"), client_id("atproto transition:generic"));
    assert_eq!(pushed.expect("login_hint"), HANDLE);
    assert_eq!(pushed.expect("scope"), "atproto transition:generic");
    assert!(pushed.header("dpop").is_some(), "the request is bound to the key already");
    assert_eq!(pushed.parameter("client_secret"), None);
    assert!(finished.stderr.contains("atproto/alice.test"), "{}", finished.stderr);
    let status = world.keyfob.status("at://alice.test");
    assert_eq!(status["session"], "atproto/alice.test");
    assert_eq!(status["token_type"], "DPoP");
    assert_eq!(status["issuer"], world.server.url());
    assert_eq!(status["profile"]["id"], DID);

    // The data server gets the token, and nobody else does.
    let api = format!("{}/api/com.atproto.server.getSession", world.pds.url());
    world.pds.always("/api/com.atproto.server.getSession", Answer::json(200, &json!({ "did": DID })));
    assert_eq!(world.keyfob.run(&["request", "@alice.test", &api]).expect(0).stdout, format!("{{\"did\":\"{DID}\"}}"));
    let sent = world.pds.requests_to("/api/com.atproto.server.getSession").pop().expect("a request");
    assert!(sent.header("authorization").is_some_and(|value| value.starts_with("DPoP ")));
    assert_eq!(world.keyfob.run(&["request", &api]).expect(0).code, 0, "the address is enough");
    world.keyfob.run(&["request", "@alice.test", &format!("{}/api", world.directory.url())]).fails(11);

    // Each document was fetched once, and the session is renewed by what it holds.
    let asked: Vec<_> = world.directory.requests().into_iter().map(|request| request.path).collect();
    assert_eq!(asked, [RESOLVE.to_owned(), format!("/{DID}")]);
    assert_eq!(world.pds.requests_to(RESOURCE).len(), 1);
    assert_eq!(world.server.requests_to("/.well-known/oauth-authorization-server").len(), 1);
    world.keyfob.run(&["refresh", "@alice.test"]).expect(0);
    assert_eq!(world.server.grants("refresh_token")[0].expect("client_id"), client_id("atproto transition:generic"));
    assert_eq!(world.keyfob.leaks(&world.server), []);
}

#[test]
fn every_way_to_name_an_account_leads_to_it() {
    for target in [
        "at://alice.test",
        "atproto/alice.test",
        "bluesky/alice.test",
        DID,
        &format!("at://{DID}"),
        &format!("atproto/{DID}"),
    ] {
        let world = World::new();

        world.login(target).expect(0);

        let name = if target.contains("did:") { DID } else { HANDLE };
        assert_eq!(world.keyfob.sessions(), [format!("atproto/{name}")], "{target}");
        assert_eq!(world.server.requests_to("/par")[0].expect("login_hint"), name);
        assert_eq!(world.keyfob.status(target)["profile"]["username"], HANDLE);
        // Once more, without a word about whom.
        world.login("atproto").expect(0);
        assert_eq!(world.keyfob.sessions().len(), 1);
    }
}

#[test]
fn a_server_that_is_named_itself_says_who_has_logged_in_and_that_is_checked() {
    for of_pds in [true, false] {
        let world = World::new();
        let target = if of_pds { world.pds.url() } else { world.server.url() };

        world.login(&target).expect(0);

        assert_eq!(world.keyfob.sessions(), ["atproto/alice.test"]);
        assert_eq!(world.server.requests_to("/par")[0].parameter("login_hint"), None);
        let asked: Vec<_> = world.directory.requests().into_iter().map(|request| request.path).collect();
        assert_eq!(asked, [format!("/{DID}"), RESOLVE.to_owned()]);
        // Its tokens go to the data server that the account's own document names.
        world.pds.always("/api", Answer::json(200, &json!({})));
        world.keyfob.run(&["request", &format!("{}/api", world.pds.url())]).expect(0);
        assert!(!world.keyfob.registry_file().exists() || !registry(&world).contains("extends"), "no entry is written");
    }
}

fn registry(world: &World) -> String {
    std::fs::read_to_string(world.keyfob.registry_file()).expect("a registry")
}

#[test]
fn a_server_that_speaks_for_an_account_of_another_is_refused() {
    let world = World::new();
    let rogue = Server::start();
    // The account's data server has another authorization server than the one that was logged in to.
    world.account(DID, Some(HANDLE));
    let target = world.server.url();
    world.pds.recover();
    world.issuers(json!([rogue.url()]));

    world.rejected(&target, 11, "security", &[DID, &rogue.url(), &world.server.url()]);
}

#[test]
fn another_account_than_the_one_that_was_named_is_refused() {
    let world = World::new();
    world.server.change(|settings| settings.token.insert("sub".into(), OTHER.into()));
    world.account(OTHER, None);

    world.rejected("@alice.test", 11, "security", &[DID, OTHER]);
}

#[test]
fn tokens_without_an_account_or_without_the_protocols_scope_are_refused() {
    for (name, value, words) in [
        ("sub", Value::Null, "`sub`"),
        ("sub", json!(7), "`sub`"),
        ("scope", json!("transition:generic"), "`atproto`"),
        ("scope", Value::Null, "`scope`"),
    ] {
        let world = World::new();
        world.server.change(|settings| settings.token.insert(name.into(), value.clone()));

        world.rejected("@alice.test", 12, "protocol", &[words]);
    }
}

#[test]
fn a_token_that_is_bound_to_nothing_is_refused() {
    let world = World::new();
    world.server.after("/token", usize::MAX, |_: &Request, answer: Answer| {
        let mut issued = answer.value();
        if issued["access_token"].is_string() {
            issued["token_type"] = "Bearer".into();
            return Answer::json(200, &issued).with("DPoP-Nonce", "n");
        }
        answer
    });

    world.rejected("@alice.test", 11, "security", &["Bearer"]);
}

#[test]
fn a_server_without_nonces_is_refused() {
    let world = World::new();
    world.server.change(|settings| settings.guard = Some(Guard::new()));
    let finished = world.keyfob.run(&["login", "@alice.test", "--json", "--timeout", "5"]);

    finished.error_naming(12, "protocol", &["DPoP-Nonce"]);
}

#[test]
fn a_handle_and_its_account_must_point_to_each_other() {
    for claimed in [None, Some("mallory.test")] {
        let world = World::new();
        world.directory.recover();
        world.account(DID, claimed);
        world.handle(HANDLE, DID);

        world.refused("@alice.test", 11, "security", &[HANDLE]);
    }
    // For a DID the name is only left out.
    let world = World::new();
    world.directory.recover();
    world.account(DID, Some(HANDLE));
    world.handle(HANDLE, OTHER);

    world.login(DID).expect(0);

    assert_eq!(world.keyfob.status(DID)["profile"]["username"], Value::Null);
}

#[test]
fn who_is_not_known_is_told_before_anything_is_sent() {
    let world = World::new();
    world.refused("@bob.test", 2, "usage", &["bob.test"]);
    world.refused(OTHER, 2, "usage", &[OTHER]);
    // The directory knows that it was given up.
    world.directory.always(&format!("/{OTHER}"), Answer::new(410, "application/json", "{}"));
    world.refused(OTHER, 2, "usage", &[OTHER]);
    for bad in ["@alice", "atproto/alice", "at://alice.test/app.bsky.feed.post/1", "did:key:z6Mk", "did:web:router"] {
        world.refused(bad, 2, "usage", &[]);
    }
    world.refused("atproto", 2, "usage", &["whose"]);
}

#[test]
fn documents_of_others_and_addresses_that_must_not_be_asked_are_refused() {
    let world = World::new();
    for (change, code, name) in [
        (document(OTHER, Some(HANDLE), &world.pds.url()), 11, "security"),
        (document(DID, Some(HANDLE), "http://pds.test"), 11, "security"),
        (document(DID, Some(HANDLE), &format!("{}/path", world.pds.url())), 11, "security"),
        (json!({ "id": DID, "alsoKnownAs": [format!("at://{HANDLE}")], "service": [] }), 12, "protocol"),
        (json!([]), 12, "protocol"),
    ] {
        world.directory.recover();
        world.document(DID, &change);
        world.handle(HANDLE, DID);
        world.refused("@alice.test", code, name, &[]);
    }
}

#[test]
fn a_data_server_names_one_server_that_announces_all_that_the_protocol_demands() {
    let world = World::new();
    for issuers in [json!([]), json!([world.server.url(), world.server.url()]), Value::Null] {
        world.pds.recover();
        world.issuers(issuers);
        world.refused("@alice.test", 12, "protocol", &["authorization_servers"]);
    }
    world.pds.recover();
    world.refused("@alice.test", 12, "protocol", &["protected-resource metadata"]);
    world.issuers(json!([world.server.url()]));
    for (name, value) in [
        ("scopes_supported", json!(["openid"])),
        ("require_pushed_authorization_requests", json!(false)),
        ("authorization_response_iss_parameter_supported", json!(false)),
        ("client_id_metadata_document_supported", json!(false)),
        ("dpop_signing_alg_values_supported", json!(["RS256"])),
    ] {
        let before = world.server.change(|settings| std::mem::replace(&mut settings.metadata[name], value));
        world.refused("@alice.test", 11, "security", &["announces no"]);
        world.server.change(|settings| settings.metadata[name] = before);
    }
    world.login("@alice.test").expect(0);
}

#[test]
fn an_answer_of_another_issuer_is_refused() {
    let world = World::new();
    let login = world.keyfob.begin(&["login", "@alice.test", "--json"]);
    login.redirect(&world.server).with("iss", "https://other.test").get();

    login.finish().error_naming(11, "security", &["iss"]);
}

#[test]
fn a_renewal_for_another_account_ends_the_session() {
    let world = World::new();
    world.login("@alice.test").expect(0);
    world.server.change(|settings| settings.token.insert("sub".into(), OTHER.into()));

    world.keyfob.run(&["refresh", "@alice.test", "--json"]).error_naming(11, "security", &[DID, OTHER]);

    assert_eq!(world.keyfob.status("@alice.test")["state"], "login_required");
}

#[test]
fn a_login_in_two_calls_still_knows_whom_it_is_for() {
    for (sub, code) in [(DID, 0), (OTHER, 11)] {
        let world = World::new();
        world.account(OTHER, None);
        let begun = world.keyfob.run(&["login", "@alice.test", "--begin", "--json"]).expect(0).json_lines();
        let address = world.server.allow(begun[0]["url"].as_str().expect("an address")).0.to_string();
        world.server.change(|settings| settings.token.insert("sub".into(), sub.into()));

        let finished = world.keyfob.run_with_input(&["login", "@alice.test", "--complete", "-"], &address);

        assert_eq!(finished.code, code, "{}", finished.stderr);
    }
}

#[test]
fn scopes_become_part_of_the_clients_name_and_a_document_of_ones_own_takes_its_place() {
    let world = World::new();
    let wider = "atproto transition:generic transition:chat.bsky";
    world.server.change(|settings| settings.clients.insert(client_id(wider), ("none", String::new())));
    world.keyfob.log_in(&world.server, &["login", "@alice.test", "--scope", "+transition:chat.bsky"]).expect(0);
    assert_eq!(world.server.requests_to("/par")[0].expect("client_id"), client_id(wider));

    let document = "https://tools.test/client.json";
    world.server.change(|settings| settings.clients.insert(document.into(), ("none", String::new())));
    world.keyfob.settings(&format!("client_id_metadata_document = \"{document}\"\n"));
    world.login("@alice.test").expect(0);
    let pushed = world.server.requests_to("/par").pop().expect("a request");
    assert_eq!(pushed.expect("client_id"), document);
}

#[test]
fn tokens_of_a_named_server_go_to_the_accounts_own_data_server_only() {
    let world = World::new();
    let rogue = Server::start();
    // It says that it takes the tokens of the honest server.
    let metadata = json!({ "resource": rogue.url(), "authorization_servers": [world.server.url()] });
    rogue.always(RESOURCE, Answer::json(200, &metadata));
    world.login(&rogue.url()).expect(0);
    let url = format!("{}/api", rogue.url());

    world.keyfob.run(&["request", &url]).fails(4);
    world.keyfob.run(&["request", "@alice.test", &url]).fails(11);

    assert_eq!(rogue.requests_to("/api").len(), 0);
    world.pds.always("/api", Answer::json(200, &json!({})));
    world.keyfob.run(&["request", &format!("{}/api", world.pds.url())]).expect(0);
}

#[test]
fn a_renewal_says_whose_it_is_and_for_what_each_time() {
    for (member, value, code, name) in [
        ("sub", Value::Null, 12, "protocol"),
        ("sub", json!(7), 11, "security"),
        ("scope", json!("transition:generic"), 12, "protocol"),
        ("scope", Value::Null, 12, "protocol"),
    ] {
        let world = World::new();
        world.login("@alice.test").expect(0);
        world.server.change(|settings| settings.token.insert(member.into(), value.clone()));

        world.keyfob.run(&["refresh", "@alice.test", "--json"]).error_naming(code, name, &[]);

        // Whatever came after it, it is not another one's session.
        world.server.change(|settings| {
            settings.token.remove(member);
            settings.token.insert("sub".into(), OTHER.into())
        });
        world.keyfob.run(&["refresh", "@alice.test"]).fails(if member == "sub" && code == 11 { 4 } else { 11 });
    }
}

#[test]
fn a_renewal_without_a_nonce_keeps_the_refresh_token_that_it_brought() {
    let world = World::new();
    world.login("@alice.test").expect(0);
    world.server.after("/token", 2, |_: &Request, answer: Answer| answer.without("DPoP-Nonce"));

    world.keyfob.run(&["refresh", "@alice.test", "--json"]).error_naming(12, "protocol", &["DPoP-Nonce"]);
    world.server.recover();
    world.server.change(|settings| settings.token.insert("sub".into(), DID.into()));

    // The old one is used up, and a second use would end the session.
    world.keyfob.run(&["refresh", "@alice.test"]).expect(0);
}

#[test]
fn a_second_account_of_a_server_can_log_in_by_its_address() {
    let world = World::new();
    world.login("@alice.test").expect(0);
    world.account(OTHER, None);
    world.server.change(|settings| settings.token.insert("sub".into(), OTHER.into()));

    world.login(&world.pds.url()).expect(0);

    assert_eq!(world.keyfob.sessions(), ["atproto/alice.test".to_owned(), format!("atproto/{OTHER}")]);
}

#[test]
fn a_handle_that_has_moved_is_told_before_it_replaces_a_session() {
    let world = World::new();
    world.login("@alice.test").expect(0);
    world.directory.recover();
    world.account(OTHER, Some(HANDLE));
    world.handle(HANDLE, OTHER);
    world.server.change(|settings| settings.token.insert("sub".into(), OTHER.into()));

    let told = world.login("@alice.test").expect(0).stderr;

    assert!(told.contains(DID) && told.contains(OTHER), "{told}");
}

#[test]
fn a_login_that_was_begun_for_another_account_is_not_completed() {
    let world = World::new();
    let begun = world.keyfob.run(&["login", "@alice.test", "--begin", "--json"]).expect(0).json_lines();
    let address = world.server.allow(begun[0]["url"].as_str().expect("an address")).0.to_string();

    let refused = world.keyfob.run_with_input(&["login", "@bob.test", "--complete", "-", "--json"], &address);
    refused.error_naming(2, "usage", &["alice.test", "bob.test"]);

    world.keyfob.run_with_input(&["login", "atproto", "--complete", "-"], &address).expect(0);
}

#[test]
fn a_scope_without_the_protocols_own_is_refused_before_anything_is_sent() {
    let world = World::new();

    world.keyfob.run(&["login", "@alice.test", "--scope", "transition:generic", "--json"]).error_naming(
        2,
        "usage",
        &["`atproto`"],
    );
    assert_eq!(world.server.requests_to("/par").len(), 0);
}

#[test]
fn a_logout_is_told_as_done_although_its_answers_have_no_nonce() {
    let world = World::new();
    world.login("@alice.test").expect(0);

    world.keyfob.run(&["logout", "@alice.test"]).expect(0);

    assert_eq!(world.server.requests_to("/revoke").len(), 2);
}

#[test]
fn a_server_that_is_set_by_hand_is_meant() {
    let world = World::new();

    let login = world.keyfob.begin(&["login", "atproto", "--set", &format!("issuer={}", world.server.url())]);
    assert_eq!(world.directory.requests().len(), 0, "nobody was looked up");
    login.allow(&world.server);
    login.finish().expect(0);

    assert_eq!(world.keyfob.sessions(), ["atproto/alice.test"]);
}

#[test]
fn hosts_of_the_entry_stay_beside_those_that_are_found() {
    let world = World::new();
    let api = Server::start();
    api.always("/api", Answer::json(200, &json!({})));
    let host = api.address().to_string();
    let hosts = format!("[providers.atproto]\nhosts = [\"{host}\"]\n");
    world.keyfob.edit_registry("[providers.atproto]\n", &hosts);
    world.login("@alice.test").expect(0);

    let mut expected = [host, world.pds.address().to_string(), world.server.address().to_string()];
    expected.sort();
    assert_eq!(world.keyfob.status("@alice.test")["hosts"], json!(expected));
    world.keyfob.run(&["request", "@alice.test", &format!("{}/api", api.url())]).expect(0);
}

#[test]
fn what_names_no_account_is_told_with_an_example() {
    let keyfob = Keyfob::new();
    for target in ["@alice", "at://", "did:key:abc", "@alice.test/x"] {
        keyfob.run(&["login", target, "--json"]).error_naming(2, "usage", &["@alice.bsky.social"]);
    }
    keyfob.run(&["login", "indieauth/1.2.3.4", "--json"]).error_naming(2, "usage", &["indieauth/alice.example"]);
}

#[test]
fn doctor_looks_up_an_account_and_at_its_server_with_a_session_or_without() {
    let world = World::new();
    for is_known in [false, true] {
        let told = world.keyfob.run(&["doctor", "@alice.test", "--json"]).expect(0).json();

        let result = |id: &str| {
            let checks = told["checks"].as_array().expect("checks");
            checks.iter().find(|check| check["id"] == id).map(|check| check["result"].clone())
        };
        assert_eq!(result("server.metadata"), Some(json!("ok")), "session: {is_known}");
        assert_eq!(result("server.client"), Some(json!("skip")));
        let table = told["conformance"].as_array().expect("a table");
        assert!(table.iter().any(|row| row["id"] == "dpop" && row["state"] == "used"), "{table:?}");
        if !is_known {
            world.login("@alice.test").expect(0);
        }
    }
    let finished = world.keyfob.run(&["doctor", "@bob.test", "--json"]);

    let told = finished.expect(1).json();
    let check =
        told["checks"].as_array().and_then(|checks| checks.iter().find(|check| check["id"] == "server.account"));
    let check = check.expect("what is wrong");
    assert!(check["result"] == "fail" && check["message"].as_str().is_some_and(|text| text.contains("bob.test")));
}
