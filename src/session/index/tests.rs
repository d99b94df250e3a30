//! The index under damage, at scale and with many writers.

use std::fs;
use std::sync::Arc;
use std::thread;

use super::*;
use crate::session::testing::session;

fn index() -> (tempfile::TempDir, Index) {
    let state = tempfile::tempdir().unwrap();
    let index = Index::open(state.path());
    (state, index)
}

fn key(name: &str) -> SessionKey {
    SessionKey::parse(name).unwrap()
}

fn entry(name: &str) -> Entry {
    Entry::of(&session(name), "memory")
}

fn names(entries: &[Entry]) -> Vec<String> {
    entries.iter().map(|entry| entry.key.to_string()).collect()
}

/// Writes a whole index at once.
fn fill(index: &Index, names: &[String]) {
    let mut names: Vec<&String> = names.iter().collect();
    names.sort();
    let lines: Vec<Vec<u8>> = names.iter().map(|name| entry(name).to_line()).collect();
    fs::write(index.path(), lines::joined(&lines)).unwrap();
}

#[test]
fn an_entry_is_found_as_it_was_put_and_holds_no_secret() {
    let (_state, index) = index();

    index.put(entry("acme/ada")).unwrap();

    assert_eq!(index.find(&key("acme/ada")).unwrap(), Some(entry("acme/ada")));
    assert!(!fs::read_to_string(index.path()).unwrap().contains("CANARY"));
    assert_eq!(entry("acme/ada").hosts, ["id.acme.example", "revoke.acme.example:8443"]);
}

#[test]
fn without_a_file_there_is_nothing_and_nothing_is_made() {
    let (state, index) = index();

    assert_eq!(index.find(&key("acme/ada")).unwrap(), None);
    assert_eq!(index.of_provider("acme").unwrap(), []);
    assert_eq!(index.all().unwrap(), (vec![], vec![]));
    assert_eq!(fs::read_dir(state.path()).unwrap().count(), 0);
}

#[test]
fn names_are_ordered_by_their_bytes_and_providers_do_not_mix() {
    let (_state, index) = index();
    for name in ["acme/b", "acme-2/a", "acme/a", "acm/z", "acme/A", "acmes/a"] {
        index.put(entry(name)).unwrap();
    }

    let (all, damaged) = index.all().unwrap();

    assert_eq!(names(&all), ["acm/z", "acme-2/a", "acme/A", "acme/a", "acme/b", "acmes/a"]);
    assert_eq!(damaged, []);
    assert_eq!(names(&index.of_provider("acme").unwrap()), ["acme/A", "acme/a", "acme/b"]);
    assert_eq!(names(&index.of_provider("acm").unwrap()), ["acm/z"]);
}

#[test]
fn an_entry_is_replaced_and_removed() {
    let (_state, index) = index();
    index.put(entry("acme/ada")).unwrap();
    let newer = Entry { store: "file".into(), ..entry("acme/ada") };
    index.put(newer.clone()).unwrap();

    assert_eq!(index.all().unwrap().0, [newer]);
    assert!(index.remove(&key("acme/ada")).unwrap());
    assert!(!index.remove(&key("acme/ada")).unwrap());
    assert_eq!(index.find(&key("acme/ada")).unwrap(), None);
}

#[test]
fn one_session_of_a_provider_is_its_default_and_stays_it_when_refreshed() {
    let (_state, index) = index();
    for name in ["acme/a", "acme/b", "other/c"] {
        index.put(entry(name)).unwrap();
    }
    assert!(index.set_default(&key("other/c")).unwrap());
    assert!(index.set_default(&key("acme/a")).unwrap());
    assert!(index.set_default(&key("acme/b")).unwrap());
    assert!(!index.set_default(&key("acme/nobody")).unwrap());

    index.put(entry("acme/b")).unwrap();

    let defaults: Vec<Entry> = index.all().unwrap().0.into_iter().filter(|entry| entry.default).collect();
    assert_eq!(names(&defaults), ["acme/b", "other/c"]);
}

#[test]
fn every_name_is_found_among_many_and_no_other() {
    let (_state, index) = index();
    // A linear congruential generator: scattered, and the same at each run.
    let mut state = 7_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state >> 8
    };
    for count in [1, 2, 31, 32, 33, 1500] {
        let mut names: Vec<String> =
            (0..count).map(|_| format!("p{}/{}{}", next() % 40, "x".repeat((next() % 60) as usize), next())).collect();
        names.sort();
        names.dedup();
        fill(&index, &names);

        for name in &names {
            assert_eq!(index.find(&key(name)).unwrap().unwrap().key.to_string(), *name);
            assert_eq!(index.find(&key(&format!("{name}!"))).unwrap(), None);
        }
        for provider in 0..40 {
            let prefix = format!("p{provider}/");
            let expected: Vec<String> = names.iter().filter(|name| name.starts_with(&prefix)).cloned().collect();
            assert_eq!(super::tests::names(&index.of_provider(&format!("p{provider}")).unwrap()), expected);
        }
        assert_eq!(index.find(&key("a/first")).unwrap(), None);
        assert_eq!(index.find(&key("z/last")).unwrap(), None);
    }
}

#[cfg(unix)]
#[test]
fn an_index_that_others_could_read_is_closed() {
    use std::os::unix::fs::PermissionsExt;
    let (_state, index) = index();
    index.put(entry("acme/a")).unwrap();
    fs::set_permissions(index.path(), fs::Permissions::from_mode(0o644)).unwrap();

    index.all().unwrap();

    assert_eq!(fs::metadata(index.path()).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn very_long_lines_are_found_too() {
    let (_state, index) = index();
    for name in ["acme/a", "acme/b", "acme/c"] {
        index.put(Entry { scopes: vec!["s".repeat(70_000)], ..entry(name) }).unwrap();
    }

    for name in ["acme/a", "acme/b", "acme/c"] {
        assert_eq!(index.find(&key(name)).unwrap().unwrap().key, key(name));
    }
}

#[test]
fn a_damaged_line_concerns_its_own_session_only() {
    for damage in ["acme/b\t{", "acme/b\t", "acme/b", "acme/b\t\u{0}\u{1}", "acme/b\t{\"v\":1,\"session\":\"acme/c\"}"]
    {
        let (_state, index) = index();
        let lines = [entry("acme/a").to_line(), damage.into(), entry("acme/c").to_line()];
        fs::write(index.path(), lines::joined(&lines)).unwrap();

        let (entries, damaged) = index.all().unwrap();

        assert_eq!(names(&entries), ["acme/a", "acme/c"]);
        assert_eq!((damaged[0].key.clone(), damaged[0].line), (Some(key("acme/b")), 2));
        assert!(matches!(index.find(&key("acme/b")), Err(Error::Corrupt { .. })));
        assert!(index.find(&key("acme/a")).unwrap().is_some() && index.find(&key("acme/c")).unwrap().is_some());

        index.put(entry("acme/d")).unwrap();
        assert_eq!(index.all().unwrap().1.len(), 1, "other writes keep it");
        index.put(entry("acme/b")).unwrap();
        assert_eq!(index.all().unwrap(), (["acme/a", "acme/b", "acme/c", "acme/d"].map(entry).into(), vec![]));
    }
}

#[test]
fn lines_without_a_name_are_reported_and_kept_aside_at_the_next_write() {
    let (state, index) = index();
    let lines = [b"{".to_vec(), entry("acme/a").to_line(), b"\xff\xfe\t{}".to_vec()];
    fs::write(index.path(), lines::joined(&lines)).unwrap();
    assert_eq!(index.all().unwrap().1.len(), 2);

    index.put(entry("acme/b")).unwrap();

    assert_eq!(index.all().unwrap(), (["acme/a", "acme/b"].map(entry).into(), vec![]));
    assert_eq!(fs::read(state.path().join("index.damaged")).unwrap(), b"{\n\xff\xfe\t{}\n");
}

#[test]
fn a_file_out_of_order_is_read_in_order_and_its_damage_told_by_its_lines() {
    let (_state, index) = index();
    let lines = [entry("acme/c").to_line(), b"acme/z\t{".to_vec(), entry("acme/a").to_line(), b"acme/b\t{".to_vec()];
    fs::write(index.path(), [b"\n".to_vec(), lines::joined(&lines)].concat()).unwrap();

    let (entries, damaged) = index.all().unwrap();

    assert_eq!(names(&entries), ["acme/a", "acme/c"]);
    let damaged: Vec<_> = damaged.into_iter().map(|damage| (damage.key.unwrap(), damage.line)).collect();
    assert_eq!(damaged, [(key("acme/z"), 2), (key("acme/b"), 4)]);
}

#[test]
fn rows_are_those_of_the_entries_and_the_damage_is_the_same() {
    let (_state, index) = index();
    let plain = Entry { trouble: None, ..entry("acme/a") };
    let lines = [plain.to_line(), b"acme/b\t{".to_vec(), entry("acme/zo\u{eb}").to_line(), entry("acme/c").to_line()];
    for lines in [&lines[..], &lines[..3], &[]] {
        fs::write(index.path(), lines::joined(lines)).unwrap();
        let (entries, damaged) = index.all().unwrap();

        let owned =
            |row: Row<'_>| Row { name: row.name.into_owned().into(), scope: row.scope.into_owned().into(), ..row };
        let (rows, damage) = index.rows(Vec::new, |rows, row| rows.push(owned(row))).unwrap();

        assert_eq!(rows, entries.iter().map(Row::from).collect::<Vec<_>>());
        assert_eq!(damage, damaged);
    }
}

#[test]
fn an_index_of_many_pieces_is_read_to_its_end_without_a_seam() {
    let (_state, index) = index();
    let mut written: Vec<String> =
        (0..700).map(|number| format!("acme/{number:03}{}", "x".repeat(number % 40))).collect();
    fill(&index, &written);
    let long = Entry { scopes: vec!["s".repeat(200_000)], ..entry("acme/zlong") };
    let bytes = [fs::read(index.path()).unwrap(), long.to_line()].concat();
    fs::write(index.path(), bytes).unwrap();
    written.push("acme/zlong".into());

    let mut read = Vec::new();
    let mut lines = Lines::open(&index.path()).unwrap().unwrap();
    lines.each(|number, line| read.push((number, line.to_vec()))).unwrap();

    assert!(read.into_iter().eq((1..).zip(lines.all().unwrap())));
    assert_eq!(names(&index.all().unwrap().0), written);
}

#[test]
fn around_a_host_are_those_that_name_it_and_those_of_wanted_providers() {
    let (_state, index) = index();
    let elsewhere =
        |name: &str| Entry { issuer: None, resources: Vec::new(), hosts: Vec::new(), trouble: None, ..entry(name) };
    let here = Entry { hosts: vec!["api.acme.example:8443".into()], ..elsewhere("acme/b") };
    let lines = [elsewhere("acme/a"), here, elsewhere("other/c"), elsewhere("wanted/d")].map(|entry| entry.to_line());
    fs::write(index.path(), lines::joined(&[&lines[..], &[b"wanted/e\t{".to_vec()]].concat())).unwrap();

    let around = index.around("api.acme.example", |provider| provider == "wanted").unwrap();

    assert_eq!(names(&around), ["acme/b", "wanted/d"]);
}

#[test]
fn a_write_restores_the_order() {
    let (_state, index) = index();
    let names: Vec<String> = (0..300).map(|number| format!("acme/{}", (number * 7919) % 300)).collect();
    let lines: Vec<Vec<u8>> = names.iter().map(|name| entry(name).to_line()).collect();
    fs::write(index.path(), lines::joined(&lines)).unwrap();

    index.put(entry("acme/new")).unwrap();

    assert!(names.iter().all(|name| index.find(&key(name)).unwrap().is_some()));
}

#[test]
fn lines_of_a_newer_version_are_left_as_they_are() {
    let (_state, index) = index();
    let line = b"acme/b\t{\"v\":999,\"anything\":[]}".to_vec();
    fs::write(index.path(), lines::joined(std::slice::from_ref(&line))).unwrap();

    assert!(matches!(index.find(&key("acme/b")), Err(Error::NewerVersion { version: 999, .. })));
    assert!(matches!(index.put(entry("acme/b")), Err(Error::NewerVersion { .. })));
    index.put(entry("acme/a")).unwrap();
    assert!(fs::read(index.path()).unwrap().ends_with(&lines::joined(&[line])));
}

#[test]
fn arbitrary_bytes_are_survived() {
    let (_state, index) = index();
    for seed in 0_u32..200 {
        let bytes: Vec<u8> = (0..seed * 200)
            .map(|at| b"\n\t{}\"/a0\xff"[(at.wrapping_mul(2_654_435_761).wrapping_add(seed) >> 16) as usize % 9])
            .collect();
        fs::write(index.path(), bytes).unwrap();

        index.all().unwrap();
        index.of_provider("a").unwrap();
        let _ = index.find(&key("a/0"));
    }
}

#[test]
fn many_writers_lose_nothing() {
    let (_state, index) = index();
    let index = Arc::new(index);
    let threads: Vec<_> = (0..8)
        .map(|thread| {
            let index = Arc::clone(&index);
            thread::spawn(move || {
                for number in 0..5 {
                    index.put(entry(&format!("p{thread}/{number}"))).unwrap();
                    assert!(index.all().unwrap().1.is_empty());
                }
                index.remove(&key(&format!("p{thread}/0"))).unwrap();
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }

    let (entries, damaged) = index.all().unwrap();

    assert_eq!((entries.len(), damaged), (8 * 4, vec![]));
}

#[cfg(unix)]
#[test]
fn a_link_or_directory_in_its_place_is_refused() {
    let (state, index) = index();
    fs::write(state.path().join("elsewhere"), entry("acme/a").to_line()).unwrap();
    std::os::unix::fs::symlink(state.path().join("elsewhere"), index.path()).unwrap();
    assert!(matches!(index.all(), Err(Error::System(_))));

    fs::remove_file(index.path()).unwrap();
    fs::create_dir(index.path()).unwrap();
    assert!(matches!(index.find(&key("acme/a")), Err(Error::System(_))));
    assert!(matches!(index.put(entry("acme/a")), Err(Error::System(_))));
}
