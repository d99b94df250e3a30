//! Where the session bus listens.
//!
//! The address comes from `DBUS_SESSION_BUS_ADDRESS`, which the caller has read; without one the bus of a login session
//! is expected at `bus` in the runtime directory. Only Unix sockets are used: a bus behind TCP would see the secrets
//! leave the machine, and one that has to be launched first has no keyring behind it.
//!
//! # Specification
//! D-Bus specification, "Server Addresses", "Transports: Unix Domain Sockets", "Well-known Message Bus Instances".

use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::{ffi::OsString, path::Path, path::PathBuf};

/// One place to connect to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Address {
    /// A socket in the file system.
    Path(PathBuf),
    /// A name in Linux's abstract namespace, without its leading zero byte.
    Abstract(Vec<u8>),
}

impl Address {
    /// The places to try, in order. Entries of other transports, and malformed ones, are passed over.
    pub(super) fn candidates(address: Option<&str>, runtime_dir: Option<&Path>) -> Vec<Self> {
        match address.filter(|address| !address.is_empty()) {
            Some(address) => address.split(';').filter_map(|entry| Self::parse(entry, runtime_dir)).collect(),
            None => runtime_bus(runtime_dir).into_iter().collect(),
        }
    }

    fn parse(entry: &str, runtime_dir: Option<&Path>) -> Option<Self> {
        let pairs = entry.strip_prefix("unix:")?;
        let mut found = None;
        for pair in pairs.split(',').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=')?;
            let value = unescaped(value)?;
            let place = match key {
                "path" => Self::Path(OsString::from_vec(value).into()),
                "abstract" if cfg!(any(target_os = "linux", target_os = "android")) => Self::Abstract(value),
                "runtime" if value == b"yes" => runtime_bus(runtime_dir)?,
                // `guid` names the bus, which matters to programs that share connections.
                _ => continue,
            };
            if found.replace(place).is_some() {
                return None;
            }
        }
        found.filter(Self::is_usable)
    }

    /// Whether the place can be named to the system at all; its length is judged when connecting.
    fn is_usable(&self) -> bool {
        match self {
            Self::Path(path) => !path.as_os_str().is_empty() && !path.as_os_str().as_bytes().contains(&0),
            Self::Abstract(name) => !name.is_empty(),
        }
    }
}

fn runtime_bus(runtime_dir: Option<&Path>) -> Option<Address> {
    runtime_dir.filter(|directory| directory.is_absolute()).map(|directory| Address::Path(directory.join("bus")))
}

/// `value` with its `%XX` replaced, or nothing if one of them is malformed.
///
/// Characters that should have been escaped are taken as they are: buses and launchers write them, and libraries read
/// them.
fn unescaped(value: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        bytes.push(match (first, after) {
            (b'%', [high, low, behind @ ..]) => {
                rest = behind;
                hex_digit(*high)? << 4 | hex_digit(*low)?
            }
            (b'%', _) => return None,
            (plain, _) => *plain,
        });
    }
    Some(bytes)
}

fn hex_digit(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidates(address: &str) -> Vec<Address> {
        Address::candidates(Some(address), Some(Path::new("/run/user/7")))
    }

    fn path(path: &str) -> Address {
        Address::Path(path.into())
    }

    #[test]
    fn a_path_is_taken_with_its_escapes_resolved() {
        assert_eq!(candidates("unix:path=/tmp/a%20b%2c%C3%A4,guid=0123"), [path("/tmp/a b,ä")]);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn an_abstract_name_is_no_path() {
        assert_eq!(candidates("unix:abstract=/tmp/dbus-x,guid=0"), [Address::Abstract(b"/tmp/dbus-x".to_vec())]);
    }

    #[test]
    fn several_addresses_keep_their_order_and_unknown_transports_are_passed_over() {
        let found = candidates("tcp:host=localhost,port=1;unix:path=/b;autolaunch:;unix:path=/a;");

        assert_eq!(found, [path("/b"), path("/a")]);
    }

    #[test]
    fn the_runtime_directory_serves_when_no_address_is_set() {
        let directory = Path::new("/run/user/7");

        assert_eq!(Address::candidates(None, Some(directory)), [path("/run/user/7/bus")]);
        assert_eq!(Address::candidates(Some(""), Some(directory)), [path("/run/user/7/bus")]);
        assert_eq!(candidates("unix:runtime=yes"), [path("/run/user/7/bus")]);
    }

    #[test]
    fn a_relative_runtime_directory_is_not_trusted() {
        assert_eq!(Address::candidates(None, Some(Path::new("run"))), []);
    }

    #[test]
    fn malformed_entries_are_passed_over() {
        for entry in [
            "unix:",
            "unix:path",
            "unix:path=",
            "unix:path=%2",
            "unix:path=%zz",
            "unix:path=%00",
            "unix:path=/a,path=/b",
            "unix",
            "unix:dir=/tmp",
            "%",
            "unix:abstract=",
            "unix:path=%+1",
        ] {
            assert_eq!(candidates(entry), [], "{entry}");
        }
    }
}
