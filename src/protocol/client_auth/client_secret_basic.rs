//! `client_secret_basic`: identifier and secret in the Authorization header.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use http::header::AUTHORIZATION;
use url::form_urlencoded::byte_serialize;
use zeroize::Zeroizing;

use super::{ClientAuthentication, EndpointRequest, Error, Moment};
use crate::secret::Secret;

/// How identifier and secret are written before base64.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BasicEncoding {
    /// Form-encoded, as RFC 6749 §2.3.1 demands.
    #[default]
    Form,
    /// As they are, for servers that compare without decoding.
    Raw,
}

/// Identifier and secret as user name and password of HTTP Basic authentication.
///
/// # Specification
/// RFC 6749 §2.3.1; RFC 7617.
#[derive(Debug)]
pub struct ClientSecretBasic {
    /// The client identifier.
    pub client_id: String,
    /// The client secret; empty for `basic_empty`.
    pub secret: Secret,
    /// How both are written.
    pub encoding: BasicEncoding,
}

impl ClientAuthentication for ClientSecretBasic {
    fn method(&self) -> &'static str {
        if self.secret.is_empty() { "basic_empty" } else { "client_secret_basic" }
    }

    fn authenticate(&self, request: &mut EndpointRequest, _: &Moment) -> Result<(), Error> {
        let written = |text: &str| -> Zeroizing<String> {
            Zeroizing::new(match self.encoding {
                BasicEncoding::Form => byte_serialize(text.as_bytes()).collect(),
                BasicEncoding::Raw => text.to_owned(),
            })
        };
        let pair = Zeroizing::new(format!("{}:{}", *written(&self.client_id), *written(self.secret.expose())));
        let header = Zeroizing::new(format!("Basic {}", STANDARD.encode(pair.as_bytes())));
        let mut header = HeaderValue::from_str(&header)
            .map_err(|_| Error::Parameter { name: "client_secret".into(), reason: "it fits no header".into() })?;
        header.set_sensitive(true);
        request.headers.insert(AUTHORIZATION, header);
        Ok(())
    }

    fn secret(&self) -> Option<&Secret> {
        (!self.secret.is_empty()).then_some(&self.secret)
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use url::Url;

    use super::{BasicEncoding, ClientAuthentication, ClientSecretBasic, Moment};
    use crate::protocol::http::EndpointRequest;
    use crate::protocol::parameters::Parameters;

    fn sent(encoding: BasicEncoding) -> (String, String) {
        let client = ClientSecretBasic { client_id: "a:b c".into(), secret: "p%+é:/=".into(), encoding };
        let mut request = EndpointRequest::new(Url::parse("https://a.example/t").unwrap(), Parameters::new());
        client.authenticate(&mut request, &Moment::default()).unwrap();
        let header = request.headers["authorization"].to_str().unwrap().strip_prefix("Basic ").unwrap().to_owned();
        (String::from_utf8(STANDARD.decode(header).unwrap()).unwrap(), request.parameters.encoded())
    }

    #[test]
    fn identifier_and_secret_are_form_encoded_and_not_in_the_body() {
        assert_eq!(sent(BasicEncoding::Form), ("a%3Ab+c:p%25%2B%C3%A9%3A%2F%3D".into(), String::new()));
    }

    #[test]
    fn an_entry_may_ask_for_them_as_they_are() {
        assert_eq!(sent(BasicEncoding::Raw).0, "a:b c:p%+é:/=");
    }
}
