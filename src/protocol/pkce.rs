//! Proof Key for Code Exchange.

use oauth2::{PkceCodeChallenge, PkceCodeVerifier};

use crate::secret::Secret;

/// How the challenge is made from the verifier.
///
/// # Specification
/// RFC 7636 §4.2; RFC 9700 §2.1.1 (S256 unless there is a reason).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Method {
    /// SHA-256 in base64url.
    #[default]
    S256,
    /// SHA-256 in hexadecimal; of one provider, in no specification.
    S256Hex,
    /// The verifier itself; only where an entry says so.
    Plain,
    /// No PKCE; only where an entry says so.
    Off,
}

/// `code_challenge` and `code_challenge_method` for a verifier of 43 to 128 unreserved characters.
pub fn challenge(method: Method, verifier: &Secret) -> Option<(String, &'static str)> {
    let s256 = || PkceCodeChallenge::from_code_verifier_sha256(&PkceCodeVerifier::new(verifier.expose().to_owned()));
    match method {
        Method::S256 => Some((s256().as_str().to_owned(), "S256")),
        Method::S256Hex => {
            let digest = ring::digest::digest(&ring::digest::SHA256, verifier.expose().as_bytes());
            Some((digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect(), "S256"))
        }
        Method::Plain => Some((verifier.expose().to_owned(), "plain")),
        Method::Off => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{Method, challenge};

    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

    #[test]
    fn the_example_of_rfc_7636_appendix_b_comes_out() {
        let expected = ("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM".to_owned(), "S256");

        assert_eq!(challenge(Method::S256, &VERIFIER.into()), Some(expected));
    }

    // From `printf %s VERIFIER | sha256sum`.
    #[test]
    fn the_hexadecimal_form_is_the_same_digest() {
        let (found, _) = challenge(Method::S256Hex, &VERIFIER.into()).unwrap();

        assert_eq!(found, "13d31e961a1ad8ec2f16b10c4c982e0876a878ad6df144566ee1894acb70f9c3");
    }

    #[test]
    fn plain_and_off_do_what_they_say() {
        assert_eq!(challenge(Method::Plain, &"v".into()), Some(("v".into(), "plain")));
        assert_eq!(challenge(Method::Off, &"v".into()), None);
    }
}
