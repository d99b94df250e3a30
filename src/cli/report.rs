//! Every error's message, hint and exit code, in one place.
//!
//! The library's errors say what happened; here it is decided what that means for the person (what to type next) and for
//! a script (a stable code and JSON).

mod server;

use keyfob::protocol::ErrorResponse;
use keyfob::registry::Unfilled;
use keyfob::session::index::Entry;
use keyfob::session::{SessionKey, Trouble};
use keyfob::{callback, client, grant, output, registry, session, system};
use serde_json::{Map, Value, json};

use super::exit_code::ExitCode;
use super::shown;
use super::terminal::{Terminal, shorten};
use super::time;

/// How refusals begin until the provider's name takes its place.
const THE_SERVER: &str = "the server";

/// Characters of a server's description that are shown.
const DESCRIPTION: usize = 500;

/// A command that did not succeed.
#[derive(Debug)]
pub struct Failure {
    code: ExitCode,
    message: String,
    hint: Option<String>,
    session: Option<String>,
    oauth: Option<Box<ErrorResponse>>,
    retryable: Option<bool>,
}

impl Failure {
    /// A failure of one class.
    pub fn new(code: ExitCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), hint: None, session: None, oauth: None, retryable: None }
    }

    /// Wrong arguments, or input that is missing while nobody can be asked.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(ExitCode::Usage, message)
    }

    /// What to type next; an earlier hint stays.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint.get_or_insert(hint.into());
        self
    }

    /// What to type next if what the hint so far says does not help.
    fn otherwise(mut self, hint: &str) -> Self {
        self.hint = Some(self.hint.map_or_else(|| hint.to_owned(), |first| format!("{first};  {hint}")));
        self
    }

    /// Which session it is about.
    pub fn session(mut self, key: &SessionKey) -> Self {
        self.session.get_or_insert(key.to_string());
        self
    }

    /// The number the program ends with.
    pub fn code(&self) -> ExitCode {
        self.code
    }

    /// The error code that the server gave, if it did.
    pub fn oauth_error(&self) -> Option<&str> {
        self.oauth.as_ref().map(|told| told.error.as_str())
    }

    /// Whether trying again may help.
    pub fn is_retryable(&self) -> bool {
        self.retryable.unwrap_or(self.code.is_retryable())
    }

    /// What happened, for a line of a list.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Names the provider in failures that do not.
    pub fn at(mut self, provider: &str) -> Self {
        if let Some(rest) = self.message.strip_prefix(THE_SERVER) {
            self.message = format!("{provider}{rest}");
        } else if !self.message.contains(provider)
            && matches!(self.code, ExitCode::Refused | ExitCode::Network | ExitCode::Protocol | ExitCode::Security)
        {
            self.message = format!("{provider}: {}", self.message);
        }
        self
    }

    /// Says which login mends it: the provider's, or that of the forced name.
    pub fn mended_by(mut self, entry: &Entry) -> Self {
        if self.code == ExitCode::LoginRequired {
            self.hint = Some(shown::login_command(entry));
        }
        self.session(&entry.key)
    }

    /// Says that the machine's clock is wrong, where the server refused what was dated by it; `ahead` is by how many seconds
    /// the server's clock is.
    pub fn with_clock(mut self, ahead: i64) -> Self {
        let refused = self.oauth.as_ref().is_some_and(|told| {
            matches!(told.error.as_str(), "invalid_client" | "invalid_grant" | "invalid_dpop_proof")
        });
        if refused && ahead != 0 {
            let direction = if ahead > 0 { "behind" } else { "ahead of" };
            let by = time::duration(ahead.unsigned_abs());
            self.hint =
                Some(format!("this machine's clock is {by} {direction} the server's: set it right, and try again"));
        }
        self
    }

    /// Adds the reason to the message.
    pub fn because(mut self, reason: &str) -> Self {
        self.message = format!("{}: {reason}", self.message);
        self
    }

    /// Replaces the hint.
    pub fn instead(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Tells the person or the script.
    pub fn report(&self, terminal: &Terminal) {
        if terminal.appearance().json {
            return terminal.json_error(&self.json());
        }
        terminal.error(&self.message);
        if let Some(hint) = self.hint.as_deref().or(self.usual_hint()) {
            terminal.hint(hint);
        }
    }

    /// What to do about a failure of which nothing better is known.
    fn usual_hint(&self) -> Option<&'static str> {
        match self.code {
            ExitCode::Network => Some("check the network and try again"),
            ExitCode::Refused | ExitCode::Protocol => Some("see what was sent and answered with  -vv"),
            ExitCode::Security => Some("nothing was accepted or stored; if it stays so, tell the server's operator"),
            ExitCode::Config => Some("see the settings in force with  keyfob provider show NAME"),
            ExitCode::Store => Some("see which store is in use with  keyfob status;  another one: KEYFOB_STORAGE"),
            _ => None,
        }
    }

    /// `keyfob.error/1`.
    pub fn json(&self) -> Value {
        let mut object = Map::new();
        object.insert("schema".into(), "keyfob.error/1".into());
        object.insert("error".into(), self.code.name().into());
        object.insert("exit_code".into(), self.code.number().into());
        object.insert("message".into(), self.message.clone().into());
        if let Some(hint) = self.hint.as_deref().or(self.usual_hint()) {
            object.insert("hint".into(), hint.into());
        }
        if let Some(session) = &self.session {
            object.insert("session".into(), session.clone().into());
        }
        object.insert("retryable".into(), self.is_retryable().into());
        if let Some(told) = &self.oauth {
            let mut oauth = json!({ "error": shorten(&told.error, DESCRIPTION) });
            for (name, value) in [("error_description", &told.description), ("error_uri", &told.uri)] {
                if let Some(value) = value {
                    oauth[name] = shorten(value, DESCRIPTION).into();
                }
            }
            object.insert("oauth".into(), oauth);
        }
        Value::Object(object)
    }
}

/// An error and its causes, in one line.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let words = error.to_string();
        if !text.contains(&words) {
            text = format!("{text}: {words}");
        }
        cause = error.source();
    }
    text
}

impl From<system::Error> for Failure {
    fn from(error: system::Error) -> Self {
        use system::Error as E;
        let message = chain(&error);
        match error {
            E::Unreachable { .. } => Self::new(ExitCode::Network, message).hint("check the network and try again"),
            E::Certificate { .. } => Self::new(ExitCode::Network, message)
                .hint("set KEYFOB_CA_BUNDLE to your organisation's CA file, if it has one of its own")
                .not_retryable(),
            E::TooSlow { .. } => {
                Self::new(ExitCode::Network, message).hint("try again, or allow more time with --timeout")
            }
            E::Resolution { .. } | E::NameServers { .. } => Self::new(ExitCode::Network, message).hint(
                "check the network and the machine's name servers, or ask another server for handles:  \
                 --set handle_resolver=URL",
            ),
            E::DomainName { .. } => Self::new(ExitCode::Usage, message),
            E::BadAnswer { .. } => Self::new(ExitCode::Protocol, message),
            E::ForbiddenUrl { .. } => Self::new(ExitCode::Security, message),
            E::Setting { .. } => Self::new(ExitCode::Config, message),
            E::Read { .. } | E::NoDirectory { .. } => Self::new(ExitCode::Config, message),
            E::Write { .. } => Self::new(ExitCode::Store, message),
            E::UnsafeFile { .. } => Self::new(ExitCode::Store, message),
            E::Program { .. } => Self::new(ExitCode::Config, message),
            _ => Self::new(ExitCode::Internal, message),
        }
    }
}

impl Failure {
    fn not_retryable(mut self) -> Self {
        self.retryable = Some(false);
        self
    }
}

impl From<registry::Error> for Failure {
    fn from(error: registry::Error) -> Self {
        use registry::Error as E;
        let message = chain(&error);
        match error {
            E::UnknownProvider { nearest, .. } => {
                let failure = Self::new(ExitCode::NotFound, message);
                match nearest {
                    Some(nearest) => {
                        failure.hint(format!("did you mean  {nearest} ?  All names: keyfob provider list"))
                    }
                    None => failure
                        .hint("see all names with  keyfob provider list,  or add yours with  keyfob provider add"),
                }
            }
            E::MissingVariable { provider, .. } if provider == "demo" => {
                Self::new(ExitCode::Config, "the demo's server is not running").hint("keyfob demo --keep  starts it")
            }
            E::MissingVariable { provider, variable, example, .. } => {
                let example = example.unwrap_or_else(|| "VALUE".into());
                Self::new(ExitCode::Config, message)
                    .hint(format!("pass  --set {variable}={example},  or run  keyfob setup {provider}"))
            }
            E::File(error @ system::Error::NoDirectory { .. }) => error.into(),
            E::UnsafeFile { ref path, .. } => {
                let command = if cfg!(windows) {
                    // The identifier of whoever owns the file.
                    format!("icacls \"{}\" /inheritance:r /grant:r *S-1-3-4:F", path.display())
                } else {
                    format!("chmod go-w {}", path.display())
                };
                Self::new(ExitCode::Config, message).hint(format!("make sure that only you can write it:  {command}"))
            }
            E::Exists { name, .. } => {
                Self::new(ExitCode::Usage, message).hint(format!("remove it first:  keyfob provider remove {name}"))
            }
            _ => Self::new(ExitCode::Config, message),
        }
    }
}

impl From<client::Error> for Failure {
    fn from(error: client::Error) -> Self {
        use client::Error as E;
        match error {
            E::Registry(error) => error.into(),
            E::System(error) => error.into(),
            E::Protocol(error) => error.into(),
            E::NoClient { ref provider, .. } => Self::new(ExitCode::Config, error.to_string())
                .hint(format!("run  keyfob setup {provider}  (about a minute), or pass --client-id")),
            E::Unregistrable { ref provider, .. } => Self::new(ExitCode::Config, error.to_string())
                .hint(format!("register it at the provider, then run  keyfob setup {provider},  or pass --client-id")),
            E::NoSecret { ref provider, .. } => Self::new(ExitCode::Config, error.to_string()).hint(format!(
                "pass  --client-secret-file FILE,  or put  client_secret = {{ file = \"…\" }}  into [providers.{provider}]"
            )),
            E::SecretStore { .. } => Self::new(ExitCode::Store, chain(&error)),
            E::Lacks { ref provider, what: what @ ("private_key" | "client_certificate") } => {
                Self::new(ExitCode::Config, error.to_string())
                    .hint(format!("set  {what} = {{ file = \"…\" }}  in [providers.{provider}]"))
            }
            E::Lacks { ref provider, what } => Self::new(ExitCode::Config, error.to_string())
                .hint(format!("set  {what}  in [providers.{provider}], or an  issuer  that publishes it")),
            E::NoKey => Self::new(ExitCode::LoginRequired, error.to_string()),
            E::Unsupported { .. } => Self::new(ExitCode::Config, error.to_string()),
            E::KeyStore { .. } => Self::new(ExitCode::Store, chain(&error)),
            E::PrivateKey { .. } => Self::new(ExitCode::Config, error.to_string())
                .hint("set  private_key = { file = \"…\" }  to a key in PEM or JWK form"),
            E::Passphrase { .. } => Self::new(ExitCode::Config, error.to_string())
                .hint("set  private_key_passphrase = { file = \"…\" },  or pass  --set private_key_passphrase=@FILE"),
            E::Certificate { .. } => Self::new(ExitCode::Config, error.to_string())
                .hint("set  client_certificate  and  private_key  to PEM files that belong together"),
            E::Assertion { .. } => Self::new(ExitCode::Config, error.to_string())
                .hint("set  token_endpoint_auth_signing_alg  or  client_auth  to what client and server both have"),
            E::PlainEndpoint { .. } => Self::new(ExitCode::Config, error.to_string())
                .hint("use the server's https address"),
            E::Unbound { .. } => Self::new(ExitCode::Security, error.to_string())
                .hint("register the client for certificate-bound access tokens at the server"),
            E::Runner { .. } => Self::new(ExitCode::Config, error.to_string())
                .hint("see how each platform is asked in  docs/federation.md"),
            E::Input { .. } => Self::new(ExitCode::Config, error.to_string())
                .hint("see where it is taken from with  keyfob provider show"),
            E::NotAllowed { ref provider, ref key } => Self::new(ExitCode::Config, error.to_string())
                .hint(format!("if you know that it is right, write  {key}  into [providers.{provider}]")),
            E::RunTime { ref cause, .. } => match cause {
                Unfilled::Missing { .. } => Self::new(ExitCode::Protocol, chain(&error)),
                _ => Self::new(ExitCode::Security, chain(&error)),
            },
            E::ServerLacks { ref demand, .. } => Self::new(ExitCode::Security, error.to_string())
                .hint(format!("ask the server's operator for it; or, if you can do without, take  {demand}  out of the entry")),
            E::Contradiction { .. } => Self::new(ExitCode::Config, error.to_string())
                .hint("see where each value comes from with  keyfob provider show"),
            E::NoAccount { .. } => Self::new(ExitCode::Usage, error.to_string())
                .hint("check how it is written; a handle looks like  alice.bsky.social"),
            E::NoResourceMetadata { .. } => Self::new(ExitCode::Protocol, error.to_string()),
            E::NoMetadata { .. } => Self::new(ExitCode::Config, error.to_string())
                .hint("check the issuer, or set  authorization_endpoint  and  token_endpoint  by hand"),
            E::Metadata { .. } | E::Redirects { .. } | E::NoTokenEndpoint { .. } => {
                Self::new(ExitCode::Protocol, error.to_string())
            }
            _ => Self::new(ExitCode::Network, chain(&error)),
        }
    }
}

impl From<callback::Error> for Failure {
    fn from(error: callback::Error) -> Self {
        use callback::Error as E;
        let message = chain(&error);
        match error {
            E::PortBusy { .. } => Self::new(ExitCode::Config, message)
                .hint("stop the program that holds it, or register another port and pass  --port"),
            E::NotTheRedirect { .. } | E::Fragment | E::NoParameters | E::NotText | E::TooLong { .. } => {
                Self::new(ExitCode::Security, message).hint("paste the whole address of the page you landed on")
            }
            E::Path { .. } => Self::usage(message),
            E::Certificate { .. } => Self::new(ExitCode::Config, message)
                .hint("set  redirect.certificate  and  redirect.key  to PEM files that belong together"),
            _ => Self::new(ExitCode::Config, message).hint("choose a port that you may listen on with  --port"),
        }
    }
}

impl From<grant::Error> for Failure {
    fn from(error: grant::Error) -> Self {
        use grant::Error as E;
        match error {
            E::Client(error) => error.into(),
            E::Callback(error) => error.into(),
            E::Protocol(error) => error.into(),
            E::System(error) => error.into(),
            E::TimedOut { .. } => Self::new(ExitCode::Timeout, error.to_string())
                .hint("run the command again; without a browser here, open the printed address elsewhere and paste the address you land on"),
            E::Expired { .. } => Self::new(ExitCode::Timeout, error.to_string()).hint("run the command again, and consent before the time is over"),
            E::CodeExpired { .. } => Self::new(ExitCode::Timeout, error.to_string())
                .hint("log in again, and enter the new code while it lives"),
            E::ForeignRedirects { .. } => Self::new(ExitCode::Security, error.to_string()).hint("log in again from a fresh browser tab"),
            E::ForeignCallbacks { .. } => Self::new(ExitCode::Security, error.to_string()).hint("log in again from a fresh browser tab"),
            E::PastedToken |
            E::PastedState => Self::new(ExitCode::Security, error.to_string()).hint("paste the address that this very login led to"),
            E::NoInput { ref provider, ref key } => Self::usage(error.to_string()).hint(format!(
                "pass  --set {key}=@FILE  (or  -,  env:NAME),  or put  {key} = {{ file = \"…\" }}  into [providers.{provider}]"
            )),
            E::OneCall { .. } => Self::usage(error.to_string()).hint("log in with one call, without  --begin"),
            E::NotBegun { .. } => Self::new(ExitCode::Store, error.to_string()).hint("begin the login again"),
            E::NobodyToPaste { .. } => Self::usage(error.to_string()).hint("run it at a terminal"),
            E::RedirectUri { .. } => Self::usage(error.to_string()),
            E::Unattended => Self::new(ExitCode::LoginRequired, error.to_string()),
            E::Abandoned => Self::new(ExitCode::Interrupted, error.to_string()),
            E::NotPushed { error, is_required: true } => (*error).into(),
            E::NotPushed { error, is_required: false } => {
                let failure: Self = (*error).into();
                failure.otherwise("to send the request through the browser all the same:  --set require_pushed_authorization_requests=false")
            }
            E::Rotated { error, .. } => (*error).into(),
            E::Unknown { error } => {
                let mut failure: Self = (*error).into();
                failure.message = format!("it is not known whether the refresh took effect: {}", failure.message);
                failure.hint("try again; if the server used up the refresh token, log in again")
            }
            _ => Self::new(ExitCode::Internal, chain(&error)),
        }
    }
}

impl From<session::Error> for Failure {
    fn from(error: session::Error) -> Self {
        use session::Error as E;
        let message = chain(&error);
        match error {
            E::Grant(error) => error.into(),
            E::System(error) => error.into(),
            E::InvalidName { .. } => Self::usage(message).hint("a session is named PROVIDER or PROVIDER/ACCOUNT"),
            E::NoSession { key } => Self::new(ExitCode::LoginRequired, format!("there is no session {key}"))
                .hint(format!("keyfob login {key}"))
                .session(&key),
            E::LoginRequired { key, trouble } => Self::login_required(&key, trouble.as_ref()),
            E::Moved { key, .. } => Self::new(ExitCode::Security, message)
                .hint(format!("if you changed it on purpose, log in again:  keyfob login {key}"))
                .session(&key),
            E::Busy { .. } => Self::new(ExitCode::Timeout, message).hint("wait for the other command, or end it"),
            E::Cancelled { .. } => Self::new(ExitCode::Interrupted, message),
            E::NotAvailable { store: "keyring", .. } => {
                Self::new(ExitCode::Store, format!("no system keyring is available here ({message})"))
                    .hint("choose a store:  KEYFOB_STORAGE=file,  or  storage = \"file\"  in config.toml")
            }
            E::Locked { .. } => Self::new(ExitCode::Store, message)
                .hint("unlock the keyring, or choose another store:  KEYFOB_STORAGE=file"),
            E::TimedOut { .. } => Self::new(ExitCode::Store, message)
                .hint("is the keyring waiting for a password somewhere?  Another store:  KEYFOB_STORAGE=file"),
            E::NoPassphrase { .. } => Self::new(ExitCode::Store, message)
                .hint("name a file with it in KEYFOB_PASSPHRASE_FILE, or use a key file: KEYFOB_FILE_KEY=PATH"),
            E::Corrupt { ref name, .. } | E::WrongKey { ref name, .. } => {
                Self::new(ExitCode::Store, message.clone()).hint(format!("log in again:  keyfob login {name}"))
            }
            E::NewerVersion { .. } => Self::new(ExitCode::Store, message).hint("upgrade keyfob"),
            E::Rescued { ref place, .. } => Self::new(ExitCode::Store, message.clone()).hint(format!(
                "mend the store; the renewed session waits in {} and is taken from there",
                place.display()
            )),
            _ => Self::new(ExitCode::Store, message),
        }
    }
}

impl Failure {
    /// A token is wanted and a person must log in.
    pub fn login_required(key: &SessionKey, trouble: Option<&Trouble>) -> Self {
        let reason = match trouble {
            Some(trouble) if trouble.error == Trouble::LOGGED_OUT => "a logout was interrupted".into(),
            Some(trouble) if trouble.error == Trouble::NO_KEY => {
                "the DPoP key that its tokens are bound to is gone or another one".into()
            }
            Some(trouble) if trouble.error == Trouble::OTHER_IDENTITY => {
                "a refresh was answered for another person".into()
            }
            Some(trouble) => {
                format!("the server no longer accepts the refresh token ({})", shorten(&trouble.error, 100))
            }
            None => "there is no refresh token to renew it with".into(),
        };
        let mut failure = Self::new(ExitCode::LoginRequired, format!("{key}: login required; {reason}"));
        let ours = [Trouble::LOGGED_OUT, Trouble::OTHER_IDENTITY, Trouble::NO_KEY];
        let told = trouble.filter(|trouble| !ours.contains(&trouble.error.as_str()));
        failure.oauth = told.map(|trouble| {
            Box::new(ErrorResponse {
                error: trouble.error.clone(),
                description: trouble.description.clone(),
                uri: None,
            })
        });
        failure.hint(format!("keyfob login {key}")).session(key)
    }
}

impl From<output::Error> for Failure {
    fn from(error: output::Error) -> Self {
        let failure = Self::usage(error.to_string());
        match error {
            output::Error::Signed { .. } => failure
                .hint("have the request sent:  keyfob request,  or name the one that it is for:  keyfob token NAME --format header --for 'GET https://…'"),
            _ => failure,
        }
    }
}

/// The result could not be written.
impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::new(ExitCode::Internal, format!("the output cannot be written: {error}"))
    }
}
