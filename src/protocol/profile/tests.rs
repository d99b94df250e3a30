use serde_json::{Map, Value, json};

use super::{Paths, Profile, account, profile};

fn members(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => panic!("not an object"),
    }
}

fn paths(list: &[&str]) -> Vec<String> {
    list.iter().map(|path| (*path).to_owned()).collect()
}

/// What `list` finds in `userinfo` beside the claims `{"sub": "42", "email": "token@a.example"}`.
fn found(list: &[&str], userinfo: Value) -> Option<String> {
    let claims = members(json!({"sub": "42", "email": "token@a.example"}));
    let paths = Paths { id: paths(list), ..Paths::default() };
    profile(&paths, Some(&members(userinfo)), Some(&claims)).id
}

#[test]
fn a_path_leads_through_objects_and_lists() {
    let answer = json!({"data": [{"id": "a"}, {"id": "b", "0": "zero"}], "id": "top"});

    assert_eq!(found(&["id"], answer.clone()).as_deref(), Some("top"));
    assert_eq!(found(&["data.0.id"], answer.clone()).as_deref(), Some("a"));
    assert_eq!(found(&["data.1.0"], answer.clone()).as_deref(), Some("zero"));
    for nowhere in ["data", "data.2.id", "data.-1.id", "data.x.id", "id.x", "", ".", "data..id", "other"] {
        assert_eq!(found(&[nowhere], answer.clone()), None, "{nowhere}");
    }
}

#[test]
fn a_member_whose_whole_name_is_the_path_comes_first() {
    let answer = json!({"https://a.example/id": "namespaced", "https://a": {"example/id": "nested"}});

    assert_eq!(found(&["https://a.example/id"], answer).as_deref(), Some("namespaced"));
}

#[test]
fn several_paths_are_joined_with_a_blank_and_missing_ones_left_out() {
    let answer = json!({"first": "Ada", "middle": null, "last": "Lovelace"});

    assert_eq!(found(&["first", "middle", "last"], answer.clone()).as_deref(), Some("Ada Lovelace"));
    assert_eq!(found(&["middle", "last"], answer.clone()).as_deref(), Some("Lovelace"));
    assert_eq!(found(&[], answer), None);
}

#[test]
fn the_prefix_leads_into_the_claims_and_only_there() {
    let answer = json!({"email": "info@a.example", "login": "ada"});

    assert_eq!(found(&["id_token:email"], answer.clone()).as_deref(), Some("token@a.example"));
    assert_eq!(found(&["id_token:login"], answer.clone()), None);
    assert_eq!(found(&["email"], answer.clone()).as_deref(), Some("info@a.example"));
    assert_eq!(found(&["sub"], answer).as_deref(), Some("42"), "what the answer lacks, the claims may have");
    assert_eq!(profile(&Paths { id: paths(&["id_token:sub"]), ..Paths::default() }, None, None), Profile::default());
}

#[test]
fn numbers_become_text_and_other_values_nothing() {
    assert_eq!(found(&["x"], json!({"x": 42})).as_deref(), Some("42"));
    assert_eq!(found(&["x"], json!({"x": u64::MAX})).as_deref(), Some("18446744073709551615"));
    for value in [json!(null), json!(true), json!(["a"]), json!({"a": 1}), json!(""), json!(" \t")] {
        assert_eq!(found(&["x"], json!({ "x": value })), None, "{value}");
    }
}

#[test]
fn oversized_values_are_left_out() {
    let answer = json!({"fits": "x".repeat(1000), "long": "x".repeat(1001), "half": "x".repeat(500)});

    assert_eq!(found(&["fits"], answer.clone()).map(|text| text.len()), Some(1000));
    assert_eq!(found(&["long"], answer.clone()), None);
    assert_eq!(found(&["half", "half"], answer), None);
}

#[test]
fn the_standard_claims_are_looked_at_where_no_path_is_given() {
    let answer = members(json!({
        "sub": "248289761001", "name": "Jane Doe", "preferred_username": "j.doe", "email": "janedoe@example.com",
        "picture": "http://example.com/janedoe/me.jpg", "nickname": "jane",
    }));
    let own = Paths { username: paths(&["nickname"]), ..Paths::default() };

    assert_eq!(
        profile(&own.or_openid(), Some(&answer), None),
        Profile {
            id: Some("248289761001".to_owned()),
            name: Some("Jane Doe".to_owned()),
            username: Some("jane".to_owned()),
            email: Some("janedoe@example.com".to_owned()),
            picture: Some("http://example.com/janedoe/me.jpg".to_owned()),
        }
    );
    assert_eq!(profile(&Paths::default(), Some(&answer), None), Profile::default());
}

#[test]
fn an_account_is_called_by_the_first_of_user_name_address_and_identifier() {
    let some = |text: &str| Some(text.to_owned());
    let mut person = Profile { id: some("7"), username: some("ada"), email: some("a@a.example"), ..Profile::default() };

    assert_eq!(account(None, &person, None, None), some("ada"));
    person.username = None;
    assert_eq!(account(None, &person, None, None), some("a@a.example"));
    person.email = None;
    assert_eq!(account(None, &person, None, None), some("7"));
    person.id = None;
    person.name = some("Ada Lovelace");
    assert_eq!(account(None, &person, None, None), None, "names are not unique");
}

#[test]
fn an_account_is_called_as_the_entry_wants() {
    let some = |text: &str| Some(text.to_owned());
    let person = Profile {
        id: some("7"),
        name: some("Ada"),
        username: some("ada"),
        email: some("a@a.example"),
        picture: some("https://a.example/7"),
    };
    let answer = members(json!({"workspace": {"name": "analytical"}, "email": "another"}));
    let claims = members(json!({"tid": "tenant"}));
    let called = |named: &str| account(Some(named), &person, Some(&answer), Some(&claims));

    assert_eq!(called("id"), some("7"));
    assert_eq!(called("name"), some("Ada"));
    assert_eq!(called("username"), some("ada"));
    assert_eq!(called("email"), some("a@a.example"), "the profile's, not the member of that name");
    assert_eq!(called("picture"), some("https://a.example/7"));
    assert_eq!(called("workspace.name"), some("analytical"));
    assert_eq!(called("id_token:tid"), some("tenant"));
    assert_eq!(called("workspace.id"), some("ada"), "the default, if there is no such value");
}
