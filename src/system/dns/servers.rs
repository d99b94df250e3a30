//! Which name servers this machine asks.
//!
//! What becomes of Windows's answer is compiled for tests on every system, because it calls nothing of Windows.

use std::net::SocketAddr;

use super::{Error, Resolver, SERVERS};

/// Where name servers listen.
const PORT: u16 = 53;

#[cfg(unix)]
pub(super) fn of_system() -> Result<Resolver, Error> {
    let path = std::path::Path::new("/etc/resolv.conf");
    match std::fs::read(path) {
        Ok(text) => Ok(of_file(&String::from_utf8_lossy(&text), interface)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(of_file("", interface)),
        Err(source) => Err(Error::Read { path: path.into(), source }),
    }
}

/// What a resolv.conf(5) says. Lines and options that nobody understands are passed over, as the C library does.
///
/// `interface` is the number of a network interface, by its name.
#[cfg(unix)]
pub(super) fn of_file(text: &str, interface: impl Fn(&str) -> Option<u32>) -> Resolver {
    use std::net::{Ipv4Addr, SocketAddrV6};
    use std::time::Duration;

    use resolv_conf::{Config, ScopedIp};

    let (config, _) = Config::parse_with_errors(numbered(text, interface).as_bytes());
    let servers = config.nameservers.iter().take(SERVERS).map(|address| match address {
        ScopedIp::V4(address) => SocketAddr::from((*address, PORT)),
        ScopedIp::V6(address, scope) => {
            let scope = scope.as_ref().and_then(|scope| scope.parse().ok()).unwrap_or(0);
            SocketAddrV6::new(*address, PORT, 0, scope).into()
        }
    });
    let mut servers: Vec<_> = servers.collect();
    if servers.is_empty() {
        servers.push((Ipv4Addr::LOCALHOST, PORT).into());
    }
    Resolver {
        servers,
        // None at all would be no look-up.
        timeout: Duration::from_secs(config.timeout.max(1).into()).min(super::TIMEOUT),
        attempts: config.attempts.clamp(1, super::ATTEMPTS),
        tcp_only: config.use_vc,
    }
}

/// The text with the number of each interface that follows a `%` in place of its name.
///
/// The package takes letters and digits only there, and interfaces are called `br-lan` and `eth0.10` too. One that is not there
/// keeps its name, so that its line is passed over or its address asked without.
#[cfg(unix)]
fn numbered(text: &str, interface: impl Fn(&str) -> Option<u32>) -> String {
    let word = |word: &str| match word.trim_end().split_once('%') {
        Some((address, scope)) => match interface(scope) {
            Some(number) => format!("{address}%{number}{}", &word[word.trim_end().len()..]),
            None => word.to_owned(),
        },
        None => word.to_owned(),
    };
    text.split_inclusive(char::is_whitespace).map(word).collect()
}

/// The number of a network interface; `None` where there is none of that name.
#[cfg(unix)]
pub(super) fn interface(name: &str) -> Option<u32> {
    let name = std::ffi::CString::new(name).ok()?;
    // SAFETY: `name` ends with a zero byte and lives through the call, which only reads it.
    let number = unsafe { libc::if_nametoindex(name.as_ptr()) };
    (number != 0).then_some(number)
}

#[cfg(windows)]
pub(super) fn of_system() -> Result<Resolver, Error> {
    let adapters = ipconfig::get_adapters().map_err(|error| Error::NameServers { reason: error.to_string() })?;
    let up = adapters.iter().filter(|adapter| adapter.oper_status() == ipconfig::OperStatus::IfOperStatusUp);
    let adapters = up.map(|adapter| Adapter {
        metrics: (adapter.ipv4_metric(), adapter.ipv6_metric()),
        index: adapter.ipv6_if_index(),
        servers: adapter.dns_servers().to_vec(),
    });
    Ok(Resolver::of(of_adapters(&adapters.collect::<Vec<_>>())))
}

/// What a network adapter of Windows knows of name servers.
#[cfg(any(windows, test))]
#[derive(Debug)]
pub(super) struct Adapter {
    /// How dear a way through it is by IPv4 and by IPv6; the cheapest is taken first.
    pub metrics: (u32, u32),
    /// The scope of its link-local addresses.
    pub index: u32,
    pub servers: Vec<std::net::IpAddr>,
}

/// The name servers of `adapters`, those of the cheapest first, each once.
#[cfg(any(windows, test))]
pub(super) fn of_adapters(adapters: &[Adapter]) -> Vec<SocketAddr> {
    use std::net::{IpAddr, SocketAddrV6};

    let mut priced: Vec<(u32, SocketAddr)> = Vec::new();
    for adapter in adapters {
        for server in &adapter.servers {
            match server {
                IpAddr::V4(address) => priced.push((adapter.metrics.0, (*address, PORT).into())),
                // Windows gives fec0:0:0:ffff::1 and the two after it to every adapter that was told of none. Nobody is there:
                // site-local addresses are gone since RFC 3879.
                IpAddr::V6(address) if address.segments()[0] & 0xffc0 == 0xfec0 => {}
                IpAddr::V6(address) => {
                    let scope = if address.is_unicast_link_local() { adapter.index } else { 0 };
                    priced.push((adapter.metrics.1, SocketAddrV6::new(*address, PORT, 0, scope).into()));
                }
            }
        }
    }
    priced.sort_by_key(|(metric, _)| *metric);
    let mut servers = Vec::new();
    for (_, server) in priced {
        if !servers.contains(&server) {
            servers.push(server);
        }
    }
    servers.truncate(SERVERS);
    servers
}
