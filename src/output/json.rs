//! The token with what is known of it, as JSON.

use serde::Serialize;
use zeroize::Zeroizing;

use super::text::{rfc3339, secret_line};
use super::{Error, Format, Presented, bare, presentable};

/// `keyfob.token/1`.
pub struct Json;

/// In the order in which it is written.
#[derive(Serialize)]
struct Object<'a> {
    schema: &'static str,
    session: &'a str,
    access_token: &'a str,
    token_type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_in: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id_token: Option<&'a str>,
}

impl Format for Json {
    fn name(&self) -> &'static str {
        "json"
    }

    fn summary(&self) -> &'static str {
        "a JSON object with expiry, scope and ID token (keyfob.token/1)"
    }

    fn specification(&self) -> &'static str {
        "RFC 8259; member names of RFC 6749 §5.1"
    }

    fn render(&self, presented: &Presented<'_>) -> Result<Zeroizing<Vec<u8>>, Error> {
        let id_token = presented.id_token.map(|token| presentable("ID token", token)).transpose()?;
        let object = Object {
            schema: "keyfob.token/1",
            session: presented.session,
            access_token: bare(self, presented)?,
            token_type: presented.token_type.name(),
            expires_at: presented.expires_at.map(rfc3339),
            expires_in: presented.expires_at.map(|at| at.saturating_sub(presented.now).max(0)),
            scope: (!presented.scopes.is_empty()).then(|| presented.scopes.join(" ")),
            id_token,
        };
        Ok(secret_line(&object, object.access_token.len() + id_token.map_or(0, str::len)))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::Json;
    use crate::output::Error;
    use crate::output::testing::{presented, rendered};
    use crate::secret::Secret;

    #[test]
    fn members_come_in_the_documented_order() {
        let (token, id_token) = (Secret::new("abc"), Secret::new("e.y.J"));
        let scopes = ["repo".to_owned(), "read:org".to_owned()];
        let mut presented = presented(&token);
        presented.expires_at = Some(presented.now + 3120);
        presented.scopes = &scopes;
        presented.id_token = Some(&id_token);

        let expected = "{\"schema\":\"keyfob.token/1\",\"session\":\"acme/ada\",\"access_token\":\"abc\",\
             \"token_type\":\"Bearer\",\"expires_at\":\"2026-11-23T13:05:00Z\",\"expires_in\":3120,\
             \"scope\":\"repo read:org\",\"id_token\":\"e.y.J\"}\n";
        assert_eq!(rendered(&Json, &presented).unwrap(), expected);
    }

    #[test]
    fn what_is_unknown_is_absent() {
        let expected = "{\"schema\":\"keyfob.token/1\",\"session\":\"acme/ada\",\"access_token\":\"abc\",\
             \"token_type\":\"Bearer\"}\n";

        assert_eq!(rendered(&Json, &presented(&Secret::new("abc"))).unwrap(), expected);
    }

    #[test]
    fn what_is_over_has_no_time_left() {
        let token = Secret::new("abc");
        let mut presented = presented(&token);
        presented.expires_at = Some(presented.now - 5);

        let object: Value = serde_json::from_str(&rendered(&Json, &presented).unwrap()).unwrap();

        assert_eq!(object["expires_in"], 0);
    }

    #[test]
    fn an_id_token_that_could_break_out_is_refused() {
        let (token, id_token) = (Secret::new("abc"), Secret::new("a\u{1b}b"));
        let mut presented = presented(&token);
        presented.id_token = Some(&id_token);

        assert!(matches!(rendered(&Json, &presented), Err(Error::Unpresentable { what: "ID token", .. })));
    }
}
