//! What a profile says in an entry's place.

use super::Definition;
use super::provider::Provider;
use super::words::{AssertionAudience, Profile};

impl Definition {
    /// `provider` with what its profile demands, where the entry says nothing of it. Where it says otherwise, that stays
    /// and a login is refused.
    ///
    /// # Specification
    /// FAPI 2.0 Security Profile §5.3.3 (pushed requests, bound tokens, the audience of assertions).
    pub(super) fn with_profile(&self, mut provider: Provider) -> Provider {
        if provider.profile != Some(Profile::Fapi2) {
            return provider;
        }
        provider.require_pushed_authorization_requests.get_or_insert(true);
        if provider.tls_client_certificate_bound_access_tokens != Some(true) {
            provider.dpop_bound_access_tokens.get_or_insert(true);
        }
        if self.value("client_assertion_audience").is_none() {
            provider.client_assertion_audience = AssertionAudience::Issuer;
        }
        provider
    }
}

#[cfg(test)]
mod tests {
    use crate::registry::testing;
    use crate::registry::words::AssertionAudience;

    #[test]
    fn fapi2_binds_by_proof_unless_the_entry_binds_by_certificate() {
        let with = |lines: &str| testing::provider(&format!("issuer = \"https://op.example\"\n{lines}"));

        let fapi = with("profile = \"fapi2\"");
        assert_eq!(fapi.require_pushed_authorization_requests, Some(true));
        assert_eq!(fapi.dpop_bound_access_tokens, Some(true));
        assert_eq!(fapi.client_assertion_audience, AssertionAudience::Issuer);
        let bound = with("profile = \"fapi2\"\ntls_client_certificate_bound_access_tokens = true");
        assert_eq!(bound.dpop_bound_access_tokens, None);
        let other = "require_pushed_authorization_requests = false\nclient_assertion_audience = \"token_endpoint\"";
        let said = with(&format!("profile = \"fapi2\"\n{other}"));
        assert_eq!(said.require_pushed_authorization_requests, Some(false));
        assert_eq!(said.client_assertion_audience, AssertionAudience::TokenEndpoint);
        assert_eq!(with("profile = \"strict\"").require_pushed_authorization_requests, None);
    }
}
