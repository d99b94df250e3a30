//! A program that runs longer than its token lives.

use std::path::Path;

use serde_json::Value;

use crate::support::{Keyfob, Storage, TestServer, needs};

#[test]
fn a_token_file_is_kept_fresh_beyond_the_tokens_life_and_is_then_gone() {
    needs!(Server, Curl);
    let server = TestServer::start();
    let keyfob = Keyfob::with_client(&Storage::File, &server, "cli-short");
    let resource = format!("{}/api", server.issuer());
    let login = ["login", "test", "--grant", "authorization_code", "--scope", "+api:read", "--resource", &resource];
    keyfob.run(&login).expect(0);
    server.forget_requests();
    // Each token is used as soon as it is there. The third one comes after the first has ended.
    let program = format!(
        "use() {{ token=$(cat \"$TOKEN_FILE\"); printf \"%s\\n\" \"$TOKEN_FILE\" \"$token\"; \
         printf \"header = \\\"Authorization: Bearer %s\\\"\\n\" \"$token\" | curl -sS --fail -K - {resource}/things; echo; }}; \
         use; for round in 2 3; do while [ \"$(cat \"$TOKEN_FILE\")\" = \"$token\" ]; do sleep 0.02; done; use; done"
    );

    let finished = keyfob.shell(&format!("keyfob exec --file TOKEN_FILE=test -- sh -c '{program}'")).expect(0);

    let lines: Vec<&str> = finished.stdout.lines().collect();
    assert_eq!(lines.len(), 9, "{finished:#?}");
    let mut tokens: Vec<&str> = Vec::new();
    for round in lines.chunks(3) {
        let answer: Value = serde_json::from_str(round[2]).unwrap_or_else(|error| panic!("{error}: {finished:#?}"));
        assert_eq!(
            (round[0], &answer["ok"], &answer["sub"]),
            (lines[0], &true.into(), &"alice".into()),
            "{finished:#?}"
        );
        tokens.push(round[1]);
    }
    tokens.sort_unstable();
    tokens.dedup();
    assert_eq!(tokens.len(), 3, "{finished:#?}");
    assert!(server.grants("refresh_token").len() >= 2);
    assert!(!Path::new(lines[0]).exists());
    assert_eq!(keyfob.leaks(&server).len(), 0, "{:#?}", keyfob.leaks(&server));
}
