//! The words that fields of an entry choose from.

/// Declares an enum whose variants are written as given words.
macro_rules! words {
    ($(#[$about:meta])* $name:ident { $($(#[$what:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum $name { $($(#[$what])* $variant,)+ }

        impl $name {
            /// All words, as an entry spells them.
            pub const WORDS: &'static [&'static str] = &[$($word,)+];

            /// The variant spelled `word`.
            pub fn parse(word: &str) -> Option<Self> {
                match word {
                    $($word => Some(Self::$variant),)+
                    _ => None,
                }
            }

            /// As an entry spells it.
            pub fn word(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }
        }
    };
}

words! {
    /// The protocol that a provider speaks.
    Protocol {
        /// OpenID Connect.
        Oidc = "oidc",
        /// OAuth 2.0.
        OAuth2 = "oauth2",
        /// OAuth 1.0a.
        OAuth1 = "oauth1",
    }
}

words! {
    /// What must be present before a login starts.
    Profile {
        /// Everything that the current best practice asks for (RFC 9700).
        Strict = "strict",
        /// The FAPI 2.0 security profile.
        Fapi2 = "fapi2",
    }
}

words! {
    /// What is done when a server issues a token that everybody can use, although it was to be bound to a key.
    DpopDowngrade {
        /// The login fails.
        Refuse = "refuse",
        /// The token is taken for what it is.
        Bearer = "bearer",
    }
}

words! {
    /// How the server is found, where it is each person's own.
    Discovery {
        /// From a handle or a DID (AT Protocol, "OAuth").
        Atproto = "atproto",
        /// From the address of a person's page (IndieAuth §4.1).
        IndieAuth = "indieauth",
    }
}

words! {
    /// How an issuer is compared with the configured one.
    IssuerMatch {
        /// Byte for byte (OpenID Connect Core §3.1.3.7).
        Exact = "exact",
        /// With the tenant's place filled in by the server, as at Microsoft.
        Template = "template",
    }
}

words! {
    /// How the client proves who it is (registered names; below `self_signed_tls_client_auth`, where none is registered).
    ClientAuth {
        /// `none` without a secret, else by the server's list.
        Auto = "auto",
        /// A public client.
        None = "none",
        /// RFC 6749 §2.3.1, header.
        ClientSecretBasic = "client_secret_basic",
        /// RFC 6749 §2.3.1, body.
        ClientSecretPost = "client_secret_post",
        /// OpenID Connect Core §9, with the secret.
        ClientSecretJwt = "client_secret_jwt",
        /// OpenID Connect Core §9, with a key.
        PrivateKeyJwt = "private_key_jwt",
        /// RFC 8705 §2.1.
        TlsClientAuth = "tls_client_auth",
        /// RFC 8705 §2.2.
        SelfSignedTlsClientAuth = "self_signed_tls_client_auth",
        /// The secret in the query of the token request.
        Query = "query",
        /// Basic with an empty password, for public clients.
        BasicEmpty = "basic_empty",
        /// A secret that the client signs itself, as at Apple.
        AppleJwt = "apple_jwt",
        /// The code sent as an assertion, as at Azure DevOps.
        Assertion = "assertion",
        /// RFC 7521 §4.2, with a statement that somebody else has signed.
        ClientAssertion = "client_assertion",
    }
}

words! {
    /// Whom client assertions are for (RFC 7523 §3).
    AssertionAudience {
        /// The token endpoint, as OpenID Connect Core §9 has it.
        TokenEndpoint = "token_endpoint",
        /// The issuer, as FAPI 2.0 demands it (Security Profile §5.3.3).
        Issuer = "issuer",
    }
}

words! {
    /// How user name and password are encoded in Basic authentication.
    BasicEncoding {
        /// Form-encoded first (RFC 6749 §2.3.1).
        Form = "form",
        /// As they are.
        Raw = "raw",
    }
}

words! {
    /// Proof key for code exchange (RFC 7636).
    Pkce {
        /// SHA-256 of the verifier.
        S256 = "S256",
        /// The same, and the server is known to insist.
        Required = "required",
        /// The verifier itself.
        Plain = "plain",
        /// Nothing is sent, for servers that refuse the parameters.
        Off = "off",
        /// SHA-256 in hexadecimal.
        S256Hex = "S256-hex",
    }
}

words! {
    /// How the authorization response travels.
    ResponseMode {
        /// In the body of a POST (OAuth 2.0 Form Post Response Mode).
        FormPost = "form_post",
        /// As a JWT, the usual way (JARM §2.3).
        Jwt = "jwt",
        /// As a JWT in the query.
        QueryJwt = "query.jwt",
        /// As a JWT in the body of a POST.
        FormPostJwt = "form_post.jwt",
    }
}

impl ResponseMode {
    /// Whether the answer is a signed token.
    pub fn is_signed(self) -> bool {
        matches!(self, Self::Jwt | Self::QueryJwt | Self::FormPostJwt)
    }
}

words! {
    /// Which loopback redirects the provider accepts.
    Loopback {
        /// Any port (RFC 8252 §7.3).
        AnyPort = "any-port",
        /// Only the registered port.
        FixedPort = "fixed-port",
        /// None.
        None = "none",
    }
}

words! {
    /// How a refresh token is asked for.
    RefreshHow {
        /// `offline_access` where the server lists it.
        Auto = "auto",
        /// It comes unasked.
        Always = "always",
        /// By a scope.
        Scope = "scope",
        /// By a parameter of the authorization request.
        Param = "param",
        /// There is none: the access token is exchanged for a new one.
        Exchange = "exchange",
        /// There is none.
        None = "none",
    }
}

words! {
    /// The form of the token request's body.
    RequestFormat {
        /// `application/x-www-form-urlencoded`.
        Form = "form",
        /// `application/json`.
        Json = "json",
    }
}

words! {
    /// The form of the token response.
    ResponseFormat {
        /// JSON alone.
        Json = "json",
        /// Also form-encoded, or JSON under another media type.
        Any = "any",
    }
}

words! {
    /// The form of the userinfo response.
    UserinfoFormat {
        /// JSON.
        Json = "json",
        /// A signed JWT.
        Jwt = "jwt",
    }
}

words! {
    /// An HTTP method.
    Method {
        /// GET.
        Get = "GET",
        /// POST.
        Post = "POST",
    }
}

words! {
    /// Where the userinfo request carries the token.
    TokenIn {
        /// In the `Authorization` header.
        Header = "header",
        /// In the query; for this one request and no other.
        Query = "query",
    }
}

words! {
    /// The shape of a device grant.
    DeviceProfile {
        /// RFC 8628.
        Rfc8628 = "rfc8628",
        /// Trakt: its own poll address, the HTTP status tells the state.
        Trakt = "trakt",
        /// Yandex: the code under another name.
        Yandex = "yandex",
        /// Salesforce: starts at the token endpoint.
        Salesforce = "salesforce",
        /// Twitch: scopes under another name.
        Twitch = "twitch",
        /// Webex: its own poll address.
        Webex = "webex",
    }
}

words! {
    /// A platform that says who runs on it.
    Runner {
        /// GitHub Actions.
        GitHubActions = "github-actions",
        /// Forgejo Actions.
        ForgejoActions = "forgejo-actions",
        /// GitLab CI.
        GitLab = "gitlab",
        /// CircleCI.
        CircleCi = "circleci",
        /// Buildkite.
        Buildkite = "buildkite",
        /// Kubernetes, by a projected service account token.
        Kubernetes = "kubernetes",
        /// Azure, by a federated token file.
        Azure = "azure",
        /// Google Cloud, by its metadata server.
        Gcp = "gcp",
        /// SPIFFE, by a JWT-SVID in a file.
        Spiffe = "spiffe",
    }
}

impl Runner {
    /// Variables by which the platform hands a job its identity: programs that are started have no use for them.
    pub fn secret_variables(self) -> &'static [&'static str] {
        match self {
            Self::GitHubActions | Self::ForgejoActions => &["ACTIONS_ID_TOKEN_REQUEST_TOKEN"],
            Self::GitLab => &["GITLAB_OIDC_TOKEN", "ID_TOKEN"],
            Self::CircleCi => &["CIRCLE_OIDC_TOKEN_V2", "CIRCLE_OIDC_TOKEN"],
            Self::Buildkite => &["BUILDKITE_AGENT_ACCESS_TOKEN"],
            Self::Kubernetes | Self::Azure | Self::Gcp | Self::Spiffe => &[],
        }
    }
}

words! {
    /// How a client is registered without a person.
    RegistrationProfile {
        /// RFC 7591.
        Rfc7591 = "rfc7591",
        /// Mastodon's `POST /api/v1/apps`.
        Mastodon = "mastodon",
        /// Not at all: the person brings a client.
        None = "none",
    }
}

words! {
    /// An OAuth 1.0 signature method (RFC 5849 §3.4).
    SignatureMethod {
        /// HMAC with SHA-1.
        HmacSha1 = "HMAC-SHA1",
        /// HMAC with SHA-256.
        HmacSha256 = "HMAC-SHA256",
        /// RSA with SHA-1.
        RsaSha1 = "RSA-SHA1",
        /// RSA with SHA-256.
        RsaSha256 = "RSA-SHA256",
        /// The secrets themselves.
        Plaintext = "PLAINTEXT",
    }
}

words! {
    /// The version of OAuth 1.
    OAuthVersion {
        /// With a verifier (RFC 5849).
        V1a = "1.0a",
        /// Without one.
        V1 = "1.0",
    }
}
