//! What the client makes of a service's answers, of silence, and of bytes that are none.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixListener;
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use super::testing::{Called, FakeBus, Reply, SERVICE, serve};
use super::wire::tests::Numbers;
use super::*;

const LONG: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_millis(60);
const ATTRIBUTES: Attributes<'static> = &[("service", "s"), ("username", "ü")];
const COLLECTION: &str = "/collection/login";

/// The answers of a service whose default collection is open and empty.
fn usual(call: &Called) -> Option<Vec<Reply>> {
    let reply = match call.member.as_str() {
        "OpenSession" => Reply::new("vo").text_variant("").text("/session"),
        "SearchItems" => Reply::new("aoao").paths(&[]).paths(&[]),
        "ReadAlias" => Reply::new("o").text(COLLECTION),
        "Get" if call.path == COLLECTION => Reply::property("b", |value| value.boolean(false)),
        "CreateItem" => Reply::new("oo").text("/item/1").text("/"),
        "SetSecret" => Reply::new(""),
        "Delete" => Reply::new("o").text("/"),
        "GetSecret" => Reply::secret(call.path.as_bytes()),
        "Prompt" => return Some(vec![Reply::new(""), Reply::completed(&call.path, SERVICE, false, &["/item/1"])]),
        _ => return None,
    };
    Some(vec![reply])
}

/// A usual service, apart from the call of `member`.
fn unusual(member: &'static str, mut answer: impl FnMut(&Called) -> Reply + Send + 'static) -> FakeBus {
    FakeBus::answering(move |call| if call.member == member { Some(vec![answer(call)]) } else { usual(call) })
}

fn found(unlocked: &'static [&str], locked: &'static [&str]) -> FakeBus {
    unusual("SearchItems", move |_| Reply::new("aoao").paths(unlocked).paths(locked))
}

fn modified(time: u8) -> Reply {
    Reply::property("t", |value| {
        value.align(8);
        value.raw(&[time, 0, 0, 0, 0, 0, 0, 0]);
    })
}

/// A bus with a usual service, apart from what `answer` says, and the names of the methods called.
fn recording(
    mut answer: impl FnMut(&Called) -> Option<Vec<Reply>> + Send + 'static,
) -> (FakeBus, Arc<Mutex<Vec<String>>>) {
    let calls = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&calls);
    let bus = FakeBus::answering(move |call| {
        seen.lock().unwrap().push(call.member.clone());
        answer(call).or_else(|| usual(call))
    });
    (bus, calls)
}

#[test]
fn the_secret_of_the_only_match_is_read() {
    let bus = found(&["/item/1"], &["/item/2"]);

    let secret = bus.client(Prompting::Never, LONG).get(ATTRIBUTES).unwrap().unwrap();

    assert_eq!(*secret, b"/item/1");
    assert_eq!(bus.finish(), 1);
}

#[test]
fn of_several_matches_the_one_modified_last_is_read() {
    let bus = FakeBus::answering(|call| match (call.member.as_str(), call.path.as_str()) {
        ("SearchItems", _) => Some(vec![Reply::new("aoao").paths(&["/a", "/b", "/c"]).paths(&[])]),
        ("Get", "/a") => Some(vec![modified(8)]),
        ("Get", "/b") => Some(vec![modified(9)]),
        ("Get", "/c") => Some(vec![Reply::error("org.freedesktop.DBus.Error.UnknownObject")]),
        _ => usual(call),
    });

    assert_eq!(*bus.client(Prompting::Never, LONG).get(ATTRIBUTES).unwrap().unwrap(), b"/b");
}

#[test]
fn an_item_replaced_while_it_is_read_is_searched_again() {
    let mut searches = 0;
    let bus = FakeBus::answering(move |call| match (call.member.as_str(), call.path.as_str()) {
        ("SearchItems", _) => {
            searches += 1;
            let item = if searches == 1 { "/old" } else { "/new" };
            Some(vec![Reply::new("aoao").paths(&[item]).paths(&[])])
        }
        ("GetSecret", "/old") => Some(vec![Reply::error("org.freedesktop.Secret.Error.NoSuchObject")]),
        _ => usual(call),
    });

    assert_eq!(*bus.client(Prompting::Never, LONG).get(ATTRIBUTES).unwrap().unwrap(), b"/new");
}

#[test]
fn nothing_found_in_an_open_collection_is_nothing() {
    let bus = found(&[], &[]);
    let mut client = bus.client(Prompting::Never, LONG);

    assert_eq!(client.get(ATTRIBUTES).unwrap(), None);
    assert!(!client.delete(ATTRIBUTES).unwrap());
    assert_eq!(client.search(ATTRIBUTES).unwrap(), []);
    client.probe().unwrap();
    drop(client);
    assert_eq!(bus.finish(), 1);
}

#[test]
fn nothing_found_without_a_default_collection_is_not_nothing() {
    let bus = unusual("ReadAlias", |_| Reply::new("o").text("/"));
    let mut client = bus.client(Prompting::Allowed, LONG);

    assert!(matches!(client.get(ATTRIBUTES), Err(Error::NoCollection)));
    assert!(matches!(client.set("label", ATTRIBUTES, b"x"), Err(Error::NoCollection)));
    assert!(matches!(client.delete(ATTRIBUTES), Err(Error::NoCollection)));
    assert!(matches!(client.probe(), Err(Error::NoCollection)));
}

/// A service whose collection and item are locked; unlocking either takes a prompt.
fn locked_service(call: &Called, outcome: fn(&str) -> Reply) -> Option<Vec<Reply>> {
    match call.member.as_str() {
        "SearchItems" => Some(vec![Reply::new("aoao").paths(&[]).paths(&["/item/1"])]),
        "Get" => Some(vec![Reply::property("b", |value| value.boolean(true))]),
        "Unlock" => Some(vec![Reply::new("aoo").paths(&[]).text("/prompt/p1")]),
        "CreateItem" => Some(vec![Reply::error("org.freedesktop.Secret.Error.IsLocked")]),
        "Prompt" => Some(vec![Reply::new(""), outcome(&call.path)]),
        _ => usual(call),
    }
}

#[test]
fn without_permission_no_prompt_is_ever_called() {
    let (bus, calls) =
        recording(|call| locked_service(call, |path| Reply::completed(path, SERVICE, false, &["/item/1"])));
    let mut client = bus.client(Prompting::Never, LONG);

    assert!(matches!(client.get(ATTRIBUTES), Err(Error::Locked)));
    assert!(matches!(client.set("label", ATTRIBUTES, b"x"), Err(Error::Locked)));
    assert!(matches!(client.delete(ATTRIBUTES), Err(Error::Locked)));
    assert!(matches!(client.search(ATTRIBUTES), Err(Error::Locked)));
    assert!(matches!(client.probe(), Err(Error::Locked)));
    assert!(!calls.lock().unwrap().iter().any(|member| member == "Prompt" || member == "Delete"));
}

#[test]
fn with_permission_a_prompt_unlocks_the_item() {
    let (bus, calls) =
        recording(|call| locked_service(call, |path| Reply::completed(path, SERVICE, false, &["/item/1"])));

    let secret = bus.client(Prompting::Allowed, LONG).get(ATTRIBUTES).unwrap().unwrap();

    assert_eq!(*secret, b"/item/1");
    assert_eq!(*calls.lock().unwrap(), ["OpenSession", "SearchItems", "Unlock", "Prompt", "GetSecret"]);
}

#[test]
fn a_dismissed_prompt_is_said_to_be_one() {
    let bus = FakeBus::answering(|call| locked_service(call, |path| Reply::completed(path, SERVICE, true, &[])));

    assert!(matches!(bus.client(Prompting::Allowed, LONG).get(ATTRIBUTES), Err(Error::PromptDismissed)));
}

#[test]
fn a_completion_that_another_peer_sends_is_not_believed() {
    let bus =
        FakeBus::answering(|call| locked_service(call, |path| Reply::completed(path, ":1.66", false, &["/item/1"])));

    assert!(matches!(bus.client(Prompting::Allowed, SHORT).get(ATTRIBUTES), Err(Error::TimedOut)));
}

#[test]
fn a_completion_before_the_answer_to_the_prompt_is_not_lost() {
    let bus = FakeBus::answering(|call| match call.member.as_str() {
        "Prompt" => Some(vec![Reply::completed(&call.path, SERVICE, false, &["/item/1"]), Reply::new("")]),
        _ => locked_service(call, |path| Reply::completed(path, SERVICE, false, &[])),
    });

    assert_eq!(*bus.client(Prompting::Allowed, LONG).get(ATTRIBUTES).unwrap().unwrap(), b"/item/1");
}

#[test]
fn a_new_item_carries_label_attributes_and_secret() {
    let bus = unusual("CreateItem", |call| {
        assert_eq!(call.path, COLLECTION);
        let mut body = call.arguments();
        let mut properties = body.array(8).unwrap();
        properties.align(8).unwrap();
        assert_eq!(properties.string().unwrap(), "org.freedesktop.Secret.Item.Label");
        properties.variant("s").unwrap();
        assert_eq!(properties.string().unwrap(), "keyfob: ü");
        properties.align(8).unwrap();
        assert_eq!(properties.string().unwrap(), "org.freedesktop.Secret.Item.Attributes");
        properties.variant("a{ss}").unwrap();
        let attributes = properties.text_map().unwrap();
        assert_eq!(attributes, ATTRIBUTES.iter().map(|&(k, v)| (k.to_owned(), v.to_owned())).collect::<Vec<_>>());
        body.align(8).unwrap();
        assert_eq!(body.object_path().unwrap(), "/session");
        assert_eq!(body.bytes().unwrap(), b"");
        assert_eq!(body.bytes().unwrap(), [7; 70_000]);
        assert_eq!(body.string().unwrap(), "text/plain; charset=utf8");
        assert!(body.boolean().unwrap(), "replaces");
        body.end().unwrap();
        Reply::new("oo").text("/item/1").text("/")
    });

    bus.client(Prompting::Never, LONG).set("keyfob: ü", ATTRIBUTES, &[7; 70_000]).unwrap();

    bus.finish();
}

#[test]
fn an_item_that_is_there_is_changed_in_place() {
    let (bus, calls) = recording(|call| match call.member.as_str() {
        "SearchItems" => Some(vec![Reply::new("aoao").paths(&["/item/1"]).paths(&[])]),
        _ => None,
    });

    bus.client(Prompting::Never, LONG).set("label", ATTRIBUTES, b"x").unwrap();

    assert_eq!(*calls.lock().unwrap(), ["OpenSession", "SearchItems", "ReadAlias", "SetSecret"]);
}

#[test]
fn a_service_that_asks_before_it_makes_an_item_needs_permission() {
    let prompting = || unusual("CreateItem", |_| Reply::new("oo").text("/").text("/prompt/p1"));

    let refused = prompting().client(Prompting::Never, LONG).set("label", ATTRIBUTES, b"x");
    assert!(matches!(refused, Err(Error::PromptNeeded)));
    prompting().client(Prompting::Allowed, LONG).set("label", ATTRIBUTES, b"x").unwrap();
}

#[test]
fn every_match_is_deleted() {
    let (bus, calls) = recording(|call| match call.member.as_str() {
        "SearchItems" => Some(vec![Reply::new("aoao").paths(&["/a", "/b"]).paths(&[])]),
        _ => None,
    });

    assert!(bus.client(Prompting::Never, LONG).delete(ATTRIBUTES).unwrap());

    assert_eq!(*calls.lock().unwrap(), ["SearchItems", "Delete", "Delete"]);
}

#[test]
fn refusals_of_the_bus_and_the_service_are_told_apart() {
    for (name, is_expected) in [
        ("org.freedesktop.DBus.Error.ServiceUnknown", (|e| matches!(e, Error::NoService)) as fn(&Error) -> bool),
        ("org.freedesktop.DBus.Error.Spawn.ChildExited", |e| matches!(e, Error::NoService)),
        ("org.freedesktop.DBus.Error.NotSupported", |e| {
            matches!(e, Error::Refused { name, message }
            if name == "org.freedesktop.DBus.Error.NotSupported" && message == "no")
        }),
    ] {
        let bus = unusual("OpenSession", move |_| Reply::error(name));
        let error = bus.client(Prompting::Never, LONG).get(ATTRIBUTES).unwrap_err();
        assert!(is_expected(&error), "{name}: {error:?}");
    }
}

#[test]
fn no_listener_is_no_bus() {
    let directory = tempfile::tempdir().unwrap();
    drop(UnixListener::bind(directory.path().join("stale")).unwrap());
    let options = |address: &str| Options {
        address: Some(address.to_owned()),
        runtime_dir: None,
        deadline: LONG,
        prompting: Prompting::Never,
    };

    for address in
        [format!("unix:path={}/stale", directory.path().display()), "unix:path=/".to_owned() + &"x".repeat(200)]
    {
        assert!(matches!(SecretService::new(options(&address)).probe(), Err(Error::NoBus)), "{address}");
    }
    let nowhere = Options { address: None, ..options("") };
    assert!(matches!(SecretService::new(nowhere).probe(), Err(Error::NoBus)));
}

/// Runs a get and claims that it ends at its deadline.
fn runs_out_of_time(bus: &FakeBus) {
    let start = Instant::now();

    let result = bus.client(Prompting::Never, SHORT).get(ATTRIBUTES);

    assert!(matches!(result, Err(Error::TimedOut)), "{result:?}");
    assert!(start.elapsed() >= SHORT && start.elapsed() < LONG);
}

#[test]
fn a_bus_that_never_answers_runs_out_of_time() {
    let bus = FakeBus::start(|_, mut stream| {
        let _ = stream.read_to_end(&mut Vec::new());
    });

    runs_out_of_time(&bus);
    bus.finish();
}

#[test]
fn a_service_that_never_answers_runs_out_of_time() {
    let bus = FakeBus::answering(|_| Some(Vec::new()));

    runs_out_of_time(&bus);
    bus.finish();
}

#[test]
fn a_bus_that_sends_byte_after_byte_runs_out_of_time() {
    let bus = FakeBus::start(|_, mut stream| {
        let reply = Reply::secret(&[1; 1 << 20]).to_bytes(1);
        let answer = b"DATA\r\nOK 0\r\n".iter().chain(&reply).copied();
        let pause = stream.try_clone().unwrap();
        pause.set_read_timeout(Some(Duration::from_millis(5))).unwrap();
        for byte in answer {
            // The client sends nothing more, so that reading is a pause.
            let _ = (&pause).read(&mut [0; 4096]);
            if stream.write_all(&[byte]).is_err() {
                return;
            }
        }
    });

    runs_out_of_time(&bus);
    bus.finish();
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_queue_of_a_listener_runs_out_of_time() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("bus");
    let _listener = UnixListener::bind(&path).unwrap();
    let address = [Address::Path(path)];
    let mut waiting = Vec::new();

    let refusal = loop {
        match transport::Transport::connect(&address, Instant::now() + SHORT) {
            Ok(connected) => waiting.push(connected),
            Err(error) => break error,
        }
    };

    assert!(matches!(refusal, Error::TimedOut), "{refusal:?}");
}

#[test]
fn a_connection_closed_in_between_is_replaced() {
    let (hang_up, hung_up) = mpsc::channel();
    let bus = FakeBus::start(move |number, stream| {
        serve(stream, &mut |call: &Called| match usual(call) {
            Some(mut replies) if number == 0 && call.member == "Get" => {
                replies.push(Reply::hang_up());
                Some(replies)
            }
            other => other,
        });
        let _ = hang_up.send(());
    });
    let mut client = bus.client(Prompting::Never, LONG);
    assert_eq!(client.get(ATTRIBUTES).unwrap(), None);
    hung_up.recv().unwrap();

    assert_eq!(client.get(ATTRIBUTES).unwrap(), None);

    drop(client);
    assert_eq!(bus.finish(), 2);
}

#[test]
fn a_service_started_anew_gets_a_new_session() {
    let mut sessions = 0;
    let mut reads = 0;
    let bus = FakeBus::answering(move |call| match call.member.as_str() {
        "SearchItems" => Some(vec![Reply::new("aoao").paths(&["/item/1"]).paths(&[])]),
        "OpenSession" => {
            sessions += 1;
            usual(call)
        }
        "GetSecret" => {
            reads += 1;
            let forgotten = reads > 1 && sessions < 2;
            if forgotten { Some(vec![Reply::error(NO_SESSION)]) } else { usual(call) }
        }
        _ => usual(call),
    });
    let mut client = bus.client(Prompting::Never, LONG);
    client.get(ATTRIBUTES).unwrap();

    assert_eq!(*client.get(ATTRIBUTES).unwrap().unwrap(), b"/item/1");
}

#[test]
fn texts_that_cannot_be_sent_are_refused_here() {
    let bus = found(&[], &[]);
    let mut client = bus.client(Prompting::Never, LONG);

    assert!(matches!(client.get(&[("service", "a\0b")]), Err(Error::Protocol(_))));
    assert!(matches!(client.set("l\0", ATTRIBUTES, b"x"), Err(Error::Protocol(_))));
    assert!(matches!(client.set("l", ATTRIBUTES, &vec![0; message::SIZE_LIMIT]), Err(Error::Protocol(_))));
}

#[test]
fn long_attributes_do_not_go_out_before_the_bus_has_accepted_us() {
    let long = "x".repeat(20_000);
    let bus = found(&["/item/1"], &[]);

    let secret = bus.client(Prompting::Never, LONG).get(&[("service", &long)]).unwrap();

    assert_eq!(**secret.as_ref().unwrap(), *b"/item/1");
}

#[test]
fn neither_errors_nor_debug_show_a_secret() {
    let bus = unusual("CreateItem", |_| Reply::error("com.example.Error"));
    let mut client = bus.client(Prompting::Never, LONG);

    let error = client.set("label", ATTRIBUTES, b"hunter2").unwrap_err();

    assert!(!format!("{client:?} {error:?} {error}").contains("hunter2"));
}

#[test]
fn bytes_that_are_no_messages_end_in_an_error() {
    let bus = FakeBus::start(|number, mut stream| {
        let mut numbers = Numbers(number as u64 + 1);
        let mut bytes = b"DATA\r\nOK 0\r\n".to_vec();
        for serial in 1..4 {
            bytes.extend(Reply::new("vo").text_variant("").text("/session").to_bytes(serial));
        }
        for _ in 0..=numbers.below(4) {
            let at = numbers.below(bytes.len());
            bytes[at] = numbers.next().to_le_bytes()[0];
        }
        // The client may be gone before it has taken everything.
        let _ = stream.write_all(&bytes);
    });
    let mut client = bus.client(Prompting::Never, LONG);

    for round in 0..300 {
        assert!(client.get(ATTRIBUTES).is_err(), "{round}");
    }
    assert_eq!(bus.finish(), 300);
}
