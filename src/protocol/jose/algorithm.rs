//! The signature algorithms a token may bear, by their registered names.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest;

/// A registered signature algorithm.
///
/// `none` is not among them, so no configuration and no spelling can ask for an unsigned token.
///
/// # Specification
/// RFC 7518 §3.1; RFC 8037 §3.1 (`EdDSA`); RFC 9864 §2.2 (`Ed25519`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    RS256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    RS384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    RS512,
    /// RSASSA-PSS with SHA-256.
    PS256,
    /// RSASSA-PSS with SHA-384.
    PS384,
    /// RSASSA-PSS with SHA-512.
    PS512,
    /// ECDSA on P-256 with SHA-256.
    ES256,
    /// ECDSA on P-384 with SHA-384.
    ES384,
    /// ECDSA on P-521 with SHA-512.
    ES512,
    /// EdDSA; of its curves, Ed25519.
    EdDSA,
    /// EdDSA on Ed25519, under the name that tells the curve.
    Ed25519,
    /// HMAC with SHA-256, keyed with the client secret.
    HS256,
    /// HMAC with SHA-384, keyed with the client secret.
    HS384,
    /// HMAC with SHA-512, keyed with the client secret.
    HS512,
}

impl Algorithm {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::RS256,
        Self::RS384,
        Self::RS512,
        Self::PS256,
        Self::PS384,
        Self::PS512,
        Self::ES256,
        Self::ES384,
        Self::ES512,
        Self::EdDSA,
        Self::Ed25519,
        Self::HS256,
        Self::HS384,
        Self::HS512,
    ];

    /// The algorithm registered as `name`, compared byte for byte.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name() == name)
    }

    /// The registered name.
    pub fn name(self) -> &'static str {
        match self {
            Self::RS256 => "RS256",
            Self::RS384 => "RS384",
            Self::RS512 => "RS512",
            Self::PS256 => "PS256",
            Self::PS384 => "PS384",
            Self::PS512 => "PS512",
            Self::ES256 => "ES256",
            Self::ES384 => "ES384",
            Self::ES512 => "ES512",
            Self::EdDSA => "EdDSA",
            Self::Ed25519 => "Ed25519",
            Self::HS256 => "HS256",
            Self::HS384 => "HS384",
            Self::HS512 => "HS512",
        }
    }

    /// What a token may be signed with: the configured algorithm, else those the server announces, else RS256.
    ///
    /// Announced HMAC algorithms do not count: whoever knows the client secret could sign, so it takes a configuration.
    /// An announcement of which nothing remains leaves an empty list, with which every token is refused.
    ///
    /// # Specification
    /// OpenID Connect Core §3.1.3.7 (6, 7); RFC 8725 §3.1.
    pub fn acceptable(configured: Option<Self>, announced: Option<&[String]>) -> Vec<Self> {
        match (configured, announced) {
            (Some(configured), _) => vec![configured],
            (None, None) => vec![Self::RS256],
            (None, Some(names)) => {
                let known = names.iter().filter_map(|name| Self::parse(name));
                known.filter(|algorithm| !algorithm.is_symmetric()).collect()
            }
        }
    }

    /// Whether it is an HMAC, whose key both sides know.
    pub fn is_symmetric(self) -> bool {
        matches!(self, Self::HS256 | Self::HS384 | Self::HS512)
    }

    /// The hash function it is built on.
    pub fn digest(self) -> &'static digest::Algorithm {
        match self {
            Self::RS256 | Self::PS256 | Self::ES256 | Self::HS256 => &digest::SHA256,
            Self::RS384 | Self::PS384 | Self::ES384 | Self::HS384 => &digest::SHA384,
            Self::RS512 | Self::PS512 | Self::ES512 | Self::HS512 | Self::EdDSA | Self::Ed25519 => &digest::SHA512,
        }
    }

    /// The value of `at_hash`, `c_hash` or `s_hash` for `value`: the left half of its hash, in base64url.
    ///
    /// # Specification
    /// OpenID Connect Core §3.1.3.6, §3.3.2.11; FAPI 1.0 Advanced (`s_hash`).
    pub fn half_hash(self, value: &str) -> String {
        let hash = digest::digest(self.digest(), value.as_bytes());
        URL_SAFE_NO_PAD.encode(&hash.as_ref()[..hash.as_ref().len() / 2])
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::Algorithm;

    #[test]
    fn every_algorithm_is_found_under_its_registered_name_only() {
        for algorithm in Algorithm::ALL {
            let name = algorithm.name();
            assert_eq!(Algorithm::parse(name), Some(algorithm));
            assert_eq!(Algorithm::parse(&name.to_lowercase()), None);
            assert_eq!(Algorithm::parse(&format!("{name} ")), None);
            assert_eq!(Algorithm::parse(&name[..name.len() - 1]), None);
        }
    }

    #[test]
    fn none_is_no_algorithm_in_any_spelling() {
        for name in
            ["none", "None", "NONE", "nOnE", "none\0", " none", "", "null", "HS1", "RS1", "ES256K", "Ed448", "A256KW"]
        {
            assert_eq!(Algorithm::parse(name), None, "{name}");
        }
    }

    #[test]
    fn the_configured_algorithm_wins_over_the_announced_ones() {
        let announced = ["RS256".to_owned(), "ES256".to_owned()];

        let acceptable = Algorithm::acceptable(Some(Algorithm::HS256), Some(&announced));

        assert_eq!(acceptable, [Algorithm::HS256]);
    }

    #[test]
    fn announced_algorithms_count_except_unknown_ones_none_and_hmac() {
        let announced = ["none", "HS256", "ES256", "XX1", "EdDSA"].map(str::to_owned);

        assert_eq!(Algorithm::acceptable(None, Some(&announced)), [Algorithm::ES256, Algorithm::EdDSA]);
        assert_eq!(Algorithm::acceptable(None, Some(&announced[..2])), []);
    }

    #[test]
    fn rs256_is_assumed_when_nothing_is_said() {
        assert_eq!(Algorithm::acceptable(None, None), [Algorithm::RS256]);
    }

    #[test]
    fn the_half_hashes_of_openid_connect_core_appendix_a_come_out() {
        let token = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y";
        let code = "Qcb0Orv1zh30vL1MPRsbm-diHiMwcLyZvn1arpZv-Jxf_11jnpEX3Tgfvk";

        for algorithm in [Algorithm::RS256, Algorithm::PS256, Algorithm::ES256, Algorithm::HS256] {
            assert_eq!(algorithm.half_hash(token), "77QmUPtjPfzWtF2AnpK9RQ");
            assert_eq!(algorithm.half_hash(code), "LDktKdoQak3Pk0cnXxCltA");
        }
    }

    // Expected values from `openssl dgst -binary`, cut in half and encoded by coreutils `basenc --base64url`.
    #[test]
    fn each_family_hashes_with_its_own_digest() {
        let token = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y";

        for algorithm in [Algorithm::RS384, Algorithm::PS384, Algorithm::ES384, Algorithm::HS384] {
            assert_eq!(algorithm.half_hash(token), "jtAeDp945y1dDqU3nkIVGNZP1HjH_MFs");
        }
        for algorithm in [Algorithm::RS512, Algorithm::PS512, Algorithm::ES512, Algorithm::HS512, Algorithm::EdDSA] {
            assert_eq!(algorithm.half_hash(token), "q7nS86GgvvFaZkzALLWqJYaJIKw2wCDAVfCAsm5CrBM");
        }
    }
}
