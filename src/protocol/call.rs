//! One request to a resource server or an endpoint, as whoever signs it sees it.
//!
//! # Specification
//! RFC 5849 §3.4.1 (method, address and form), OAuth Request Body Hash 1.0 draft 4 (other bodies).

use http::Method;
use http::header::CONTENT_TYPE;
use url::Url;

use crate::system::http::Request;

/// What a signature covers of a request.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// The method.
    pub method: &'a Method,
    /// Where it goes, query included.
    pub url: &'a Url,
    /// What it carries.
    pub body: Body<'a>,
}

/// What a request carries, by how it is signed.
#[derive(Clone, Copy)]
pub enum Body<'a> {
    /// Nothing.
    None,
    /// `application/x-www-form-urlencoded`, in one part: its parameters are signed.
    Form(&'a [u8]),
    /// Anything else: its digest is signed, where the method has one.
    Other(&'a [u8]),
    /// Bytes that are not at hand as a whole: they are not signed.
    Streamed,
}

impl std::fmt::Debug for Body<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Form(_) => "Form(…)",
            Self::Other(_) => "Other(…)",
            Self::Streamed => "Streamed",
        })
    }
}

impl<'a> Body<'a> {
    /// The body of a request of the given `Content-Type`.
    pub fn new(bytes: &'a [u8], content_type: Option<&str>) -> Self {
        match is_form(content_type) {
            _ if bytes.is_empty() => Self::None,
            true => Self::Form(bytes),
            false => Self::Other(bytes),
        }
    }

    /// The body of `request`.
    pub fn of(request: &'a Request) -> Self {
        let content_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        Self::new(request.body(), content_type)
    }
}

/// Whether a body of this `Content-Type` is a form in one part.
pub fn is_form(content_type: Option<&str>) -> bool {
    let media_type = content_type.and_then(|value| value.split(';').next()).unwrap_or_default().trim();
    media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

#[cfg(test)]
mod tests {
    use super::Body;

    #[test]
    fn only_a_form_is_a_form_whatever_its_parameters() {
        for form in ["application/x-www-form-urlencoded", "Application/X-WWW-Form-Urlencoded; charset=utf-8"] {
            assert!(matches!(Body::new(b"a=b", Some(form)), Body::Form(b"a=b")), "{form}");
        }
        for other in [Some("application/json"), Some("multipart/form-data; boundary=x"), Some(""), None] {
            assert!(matches!(Body::new(b"a=b", other), Body::Other(b"a=b")), "{other:?}");
        }
        assert!(matches!(Body::new(b"", Some("application/json")), Body::None));
    }
}
