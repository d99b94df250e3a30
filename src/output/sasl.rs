//! The token as a SASL initial response, for mail.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::{Error, Format, Presented, bare, joined};

/// Separates and ends the parts of both mechanisms: Control-A.
const SEPARATOR: &str = "\u{1}";

/// XOAUTH2, as Google and Microsoft define it.
pub struct Xoauth2;

impl Format for Xoauth2 {
    fn name(&self) -> &'static str {
        "xoauth2"
    }

    fn summary(&self) -> &'static str {
        "the SASL XOAUTH2 response for IMAP, POP and SMTP, in base64"
    }

    fn specification(&self) -> &'static str {
        "Gmail IMAP extensions, “The SASL XOAUTH2 mechanism”"
    }

    fn render(&self, presented: &Presented<'_>) -> Result<Zeroizing<Vec<u8>>, Error> {
        let token = bare(self, presented)?;
        let user = text("user name", presented.user.ok_or(Error::NoUser { format: self.name() })?)?;
        let end = [SEPARATOR, SEPARATOR].concat();
        Ok(base64_line(&joined(&["user=", user, SEPARATOR, "auth=Bearer ", token, &end])))
    }
}

/// OAUTHBEARER.
///
/// # Specification
/// RFC 7628 §3.1; GS2 header RFC 5801 §4, where `,` and `=` in a name are written `=2C` and `=3D`.
pub struct OauthBearer;

impl Format for OauthBearer {
    fn name(&self) -> &'static str {
        "oauthbearer"
    }

    fn summary(&self) -> &'static str {
        "the SASL OAUTHBEARER response, in base64"
    }

    fn specification(&self) -> &'static str {
        "RFC 7628 §3.1"
    }

    fn render(&self, presented: &Presented<'_>) -> Result<Zeroizing<Vec<u8>>, Error> {
        let token = bare(self, presented)?;
        let authzid = match presented.user {
            Some(user) => format!("a={}", text("user name", user)?.replace('=', "=3D").replace(',', "=2C")),
            None => String::new(),
        };
        let host = match presented.host {
            Some(host) => format!("host={}{SEPARATOR}", text("host", host)?),
            None => String::new(),
        };
        let port = presented.port.map_or_else(String::new, |port| format!("port={port}{SEPARATOR}"));
        let end = [SEPARATOR, SEPARATOR].concat();
        Ok(base64_line(&joined(&["n,", &authzid, ",", SEPARATOR, &host, &port, "auth=Bearer ", token, &end])))
    }
}

/// `value`, if no control character in it could end its part.
fn text<'a>(what: &'static str, value: &'a str) -> Result<&'a str, Error> {
    if value.chars().any(char::is_control) {
        return Err(Error::Unpresentable { what, reason: "it holds control characters" });
    }
    Ok(value)
}

fn base64_line(bytes: &[u8]) -> Zeroizing<Vec<u8>> {
    let encoded = Zeroizing::new(STANDARD.encode(bytes));
    joined(&[&encoded, "\n"])
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::{OauthBearer, Xoauth2};
    use crate::output::testing::{presented, rendered};
    use crate::output::{Error, Format};
    use crate::secret::Secret;

    fn decoded(line: &str) -> String {
        String::from_utf8(STANDARD.decode(line.strip_suffix('\n').unwrap()).unwrap()).unwrap()
    }

    /// The example of Google's page on the mechanism.
    #[test]
    fn xoauth2_is_as_in_the_definition() {
        let token = Secret::new("ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg");
        let mut presented = presented(&token);
        presented.user = Some("someuser@example.com");

        let line = rendered(&Xoauth2, &presented).unwrap();

        let expected = "dXNlcj1zb21ldXNlckBleGFtcGxlLmNvbQFhdXRoPUJlYXJlciB5YTI5LnZGOWRmdDRxbVRjMk52YjNSbGNrQmhkSFJoZG1semRHRXVZMjl0Q2cBAQ==\n";
        assert_eq!(line, expected);
    }

    #[test]
    fn xoauth2_needs_a_user() {
        let token = Secret::new("abc");
        let mut presented = presented(&token);
        presented.user = None;

        assert_eq!(rendered(&Xoauth2, &presented), Err(Error::NoUser { format: "xoauth2" }));
    }

    /// The first example of RFC 7628 §4.1.
    #[test]
    fn oauthbearer_is_as_in_the_specification() {
        let token = Secret::new("vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==");
        let mut presented = presented(&token);
        presented.user = Some("user@example.com");
        presented.host = Some("server.example.com");
        presented.port = Some(143);

        let line = rendered(&OauthBearer, &presented).unwrap();

        let expected = "bixhPXVzZXJAZXhhbXBsZS5jb20sAWhvc3Q9c2VydmVyLmV4YW1wbGUuY29tAXBvcnQ9MTQzAWF1dGg9QmVhcmVyIHZGOWRmdDRxbVRjMk52YjNSbGNrQmhiSFJoZG1semRHRXVZMjl0Q2c9PQEB\n";
        assert_eq!(line, expected);
    }

    #[test]
    fn oauthbearer_leaves_out_what_is_unknown() {
        let token = Secret::new("abc");
        let mut presented = presented(&token);
        presented.user = None;

        assert_eq!(decoded(&rendered(&OauthBearer, &presented).unwrap()), "n,,\u{1}auth=Bearer abc\u{1}\u{1}");
    }

    #[test]
    fn a_user_name_does_not_end_the_gs2_header() {
        let token = Secret::new("abc");
        let mut presented = presented(&token);
        presented.user = Some("a,b=c");

        assert_eq!(
            decoded(&rendered(&OauthBearer, &presented).unwrap()),
            "n,a=a=2Cb=3Dc,\u{1}auth=Bearer abc\u{1}\u{1}"
        );
    }

    #[test]
    fn control_characters_in_a_user_or_host_are_refused() {
        let token = Secret::new("abc");
        let refused = |format: &dyn Format, user, host| {
            let mut presented = presented(&token);
            (presented.user, presented.host) = (Some(user), host);
            matches!(rendered(format, &presented), Err(Error::Unpresentable { .. }))
        };

        assert!(refused(&Xoauth2, "a\u{1}auth=Bearer evil", None));
        assert!(refused(&OauthBearer, "a\u{1}b", None));
        assert!(refused(&OauthBearer, "a", Some("b\u{1}c")));
    }
}
