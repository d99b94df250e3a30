//! `saml2_bearer`: a SAML 2.0 assertion is the grant (RFC 7522 §2.1).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::direct::{self, Presented, Reading};
use super::{Error, Grant, GrantRequest, Input, Interaction, LocalFuture, Obtained};
use crate::client::Client;
use crate::protocol::parameters::Parameters;
use crate::secret::Secret;

/// As [`JwtBearer`](super::jwt_bearer::JwtBearer), in XML.
#[derive(Debug)]
pub struct Saml2Bearer;

impl Grant for Saml2Bearer {
    fn name(&self) -> &'static str {
        "saml2_bearer"
    }

    fn summary(&self) -> &'static str {
        "a SAML 2.0 assertion is exchanged for a token, without a person"
    }

    fn specification(&self) -> &'static str {
        "RFC 7522 section 2.1"
    }

    fn needs_person(&self) -> bool {
        false
    }

    fn inputs(&self) -> &'static [Input] {
        &[Input {
            key: "assertion",
            summary: "the assertion, as XML or base64url-encoded",
            is_secret: true,
            is_required: true,
        }]
    }

    fn obtain<'a>(
        &'a self,
        client: &'a Client,
        request: &'a GrantRequest,
        _: &'a dyn Interaction,
    ) -> LocalFuture<'a, Result<Obtained, Error>> {
        Box::pin(async move {
            let assertion = encoded(direct::required(client, "assertion").await?);
            let mut parameters = Parameters::new();
            parameters.set("grant_type", "urn:ietf:params:oauth:grant-type:saml2-bearer");
            parameters.set("assertion", assertion.expose());
            let presented = Presented {
                parameters,
                secrets: vec![assertion],
                title: "present a SAML 2.0 assertion",
                why: "the server trusts whoever signed it, for the subject that it names",
                specification: "RFC 7522 section 2.1",
                reading: Reading::default(),
                endpoint: None,
            };
            direct::obtain(client, request, presented).await
        })
    }
}

/// The assertion as it travels: base64url without padding, whatever it was given as.
///
/// # Specification
/// RFC 7522 §2.1.
fn encoded(assertion: Secret) -> Secret {
    if assertion.expose().trim_start().starts_with('<') {
        return Secret::new(URL_SAFE_NO_PAD.encode(assertion.expose().trim()));
    }
    let plain = |letter: char| match letter {
        '+' => Some('-'),
        '/' => Some('_'),
        '=' => None,
        letter if letter.is_ascii_whitespace() => None,
        letter => Some(letter),
    };
    Secret::new(assertion.expose().chars().filter_map(plain).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::{Secret, encoded};

    #[test]
    fn an_assertion_travels_in_base64url_without_padding_or_line_breaks() {
        let encoded = |text: &str| encoded(Secret::new(text)).expose().to_owned();

        assert_eq!(encoded("<a>?~</a>\n"), "PGE-P348L2E-");
        assert_eq!(encoded("PGE+P34\n8L2E+"), "PGE-P348L2E-");
        assert_eq!(encoded("PGE/PA=="), "PGE_PA");
    }
}
