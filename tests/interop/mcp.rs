//! An MCP server of the official SDK: from its bare address to its tools.

use serde_json::{Value, json};

use crate::support::{Answer, Keyfob, McpServer, Storage, needs};

#[test]
fn the_tools_of_an_mcp_server_are_listed_from_nothing_but_its_address() {
    needs!(Server, McpServer);
    let (server, mut keyfob) = (McpServer::start(), Keyfob::new(&Storage::File));
    keyfob.person(Answer::Allow);

    keyfob.run(&["login", server.url()]).expect(0);
    let call = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" }).to_string();
    let headers = ["-H", "Content-Type: application/json", "-H", "Accept: application/json, text/event-stream"];
    let arguments = [&["request", server.url(), "-X", "POST", "-d", &call, "--fail"], &headers[..]].concat();
    let answer = keyfob.run(&arguments).expect(0);

    let answer: Value = serde_json::from_str(&answer.stdout).expect("JSON");
    assert_eq!(answer["result"]["tools"][0]["name"], "greet", "{answer}");
    let status = keyfob.status(server.url());
    assert_eq!((&status["resource"], &status["issuer"]), (&json!([server.url()]), &json!(server.issuer())));
    assert_eq!(status["scopes"], json!(["mcp:tools"]));
    // The SDK's server compares redirect URIs with their port: the registration kept its own.
    keyfob.run(&["login", server.url()]).expect(0);
    assert_eq!(keyfob.sessions().len(), 1);
    keyfob.run(&["logout", server.url()]).expect(0);
}
