//! Lines that may hold an address on a certain host.
//!
//! A session is looked for by an address among ten thousand: most lines are passed over without being taken apart.

use memchr::{memchr2, memchr2_iter};

/// A domain that is looked for.
pub(super) struct Sought<'a> {
    host: &'a [u8],
}

impl<'a> Sought<'a> {
    /// `host` as the parser of addresses gives a domain: in lower case and in ASCII.
    pub(super) fn new(host: &'a str) -> Self {
        Self { host: host.as_bytes() }
    }

    /// Whether an address in `line` may be on that host; where not, none is.
    ///
    /// # Specification
    /// WHATWG URL §3.5 (host parsing): a domain is written as it is, except for the case of its letters, percent-encoding,
    /// characters beyond ASCII, and tabs and line ends in it, which JSON escapes.
    pub(super) fn may_be_in(&self, line: &[u8]) -> bool {
        !line.is_ascii() || memchr2(b'%', b'\\', line).is_some() || self.is_in(line)
    }

    fn is_in(&self, line: &[u8]) -> bool {
        // Lines hold fewer dots than any letter.
        let at = self.host.iter().position(|byte| *byte == b'.').unwrap_or(0);
        let Some(rarest) = self.host.get(at) else { return true };
        let places = memchr2_iter(rarest.to_ascii_lowercase(), rarest.to_ascii_uppercase(), line);
        let found = |place: usize| line.get(place.checked_sub(at)?..)?.get(..self.host.len());
        places.filter_map(found).any(|found| found.eq_ignore_ascii_case(self.host))
    }
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::Sought;

    #[test]
    fn whatever_means_the_host_is_found() {
        let written = [
            "https://api.acme.example/x",
            "HTTPS://API.Acme.EXAMPLE",
            "https://user@api.acme.example:8443/",
            "https:\\\\api.acme.example",
            "https://%61pi.acme.example/",
            "https://api.acme\u{ff0e}example",
            "https://ap\ti.acme.example",
        ];
        for text in written {
            let host = Url::parse(text).unwrap().host_str().unwrap().to_owned();
            let line = format!("acme/ada\t{{\"issuer\":{}}}", serde_json::to_string(text).unwrap());

            assert_eq!(host, "api.acme.example", "{text}");
            assert!(Sought::new(&host).may_be_in(line.as_bytes()), "{text}");
        }
    }

    #[test]
    fn another_host_is_passed_over() {
        let line = b"acme/ada\t{\"issuer\":\"https://aapi.acme.exampl\",\"hosts\":[\"api-acme.example\"]}";

        assert!(!Sought::new("api.acme.example").may_be_in(line));
        assert!(Sought::new("aapi.acme.exampl").may_be_in(line));
    }

    #[test]
    fn a_host_without_a_dot_is_found_too() {
        assert!(Sought::new("localhost").may_be_in(b"acme/ada\t{\"issuer\":\"http://LocalHost:80\"}"));
        assert!(!Sought::new("localhost").may_be_in(b"acme/ada\t{\"issuer\":\"http://local.host\"}"));
    }
}
