//! AT Protocol handles in the domain name system and at their own hosts, in a network of the test's own.

use std::fs;
use std::path::PathBuf;

use crate::support::{Finished, Keyfob, Storage, nameserver, needs};

/// A login that goes as far as the account's authorization server, of which nothing is published.
fn login(keyfob: &mut Keyfob, name: &str) -> Finished {
    let folder: PathBuf = keyfob.aside().join(name.trim_start_matches("did:web:"));
    fs::create_dir(&folder).expect("a folder");
    keyfob.set("KEYFOB_CA_BUNDLE", folder.join("ca.pem"));
    let (within, program) = (nameserver().join("within"), env!("CARGO_BIN_EXE_keyfob"));
    keyfob.shell(&format!("{} {} {program} login '{name}' --no-browser", within.display(), folder.display()))
}

#[test]
fn a_handle_is_found_in_a_record_and_at_its_own_host() {
    needs!(NameServer);
    let mut keyfob = Keyfob::new(&Storage::File);
    let registry = "[providers.atproto]\nplc_directory = \"http://localhost:8080\"\n";
    fs::write(keyfob.home().join("config/providers.toml"), registry).expect("the registry can be written");

    for (name, server) in
        [("@alice.test", "localhost:8080"), ("@bob.test", "bob.test"), ("did:web:bob.test", "bob.test")]
    {
        let told = login(&mut keyfob, name).expect(9).stderr;

        let found = format!("{} has its data at {server}", name.trim_start_matches('@'));
        assert!(told.contains(&found) && told.contains("publishes no metadata"), "{told}");
    }
    // No record, and a host that cannot be asked: nobody has said that there is no such account.
    let told = login(&mut keyfob, "@carol.test").expect(6).stderr;
    assert!(told.contains("cannot reach https://carol.test/.well-known/atproto-did"), "{told}");
    let told = login(&mut keyfob, "@dave.test").expect(2).stderr;
    assert!(told.contains("neither _atproto.dave.test nor its own host names a DID"), "{told}");
}
