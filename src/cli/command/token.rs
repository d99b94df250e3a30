//! `keyfob token`: prints a valid access token.
//!
//! A token that is good costs no network and no lock; everything that the network needs is made only when it is needed.

mod signed;

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use keyfob::client::Freshness;
use keyfob::grant::{GrantRequest, token_exchange};
use keyfob::output::{self, Presented};
use keyfob::protocol::authorization::check_resource;
use keyfob::protocol::jose::unverified_claims;
use keyfob::protocol::scope;
use keyfob::protocol::token::TokenType;
use keyfob::secret::Secret;
use keyfob::session::index::Entry;
use keyfob::session::{Renewal, Renewed, Session, SessionKey, Taken};
use keyfob::system::files;

use crate::cli::context::Context;
use crate::cli::exit_code::ExitCode;
use crate::cli::options::parse_duration;
use crate::cli::report::Failure;
use crate::cli::shown::{self, State};
use crate::cli::target::{self, Absence};

use super::unattended::{self, Ensured};
use super::{coalesce, login};
use signed::Wanted;

/// Which token, and in which form.
#[derive(Debug, Default, Clone, PartialEq, Args)]
#[command(
    before_help = "Examples:\n  keyfob token github\n  curl -H \"$(keyfob token github --format header)\" https://api.github.com/user\n  keyfob token github --format curl | curl -K - https://api.github.com/user\n  keyfob token tumblr --format header --for 'GET https://api.tumblr.com/v2/user/info'\n  keyfob token acme --json | jq -r .expires_at"
)]
pub struct Arguments {
    /// Provider, session or address
    target: Option<String>,

    /// The form: raw, json, header, headers, curl, xoauth2 or oauthbearer
    #[arg(long, value_name = "FORM", value_parser = format_names())]
    format: Option<String>,

    /// The ID token instead of the access token
    #[arg(long)]
    id_token: bool,

    /// The request that a signed token (DPoP, OAuth 1.0a) is to be presented with, without a form in its body; with --format
    /// header, headers or curl
    #[arg(long = "for", value_name = "METHOD URL", conflicts_with = "id_token")]
    request: Option<String>,

    /// Refresh unless valid for at least this long [default: 60s]
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    min_validity: Option<Duration>,

    /// A token for these scopes only; the session keeps its own
    #[arg(long, value_name = "SCOPES")]
    scope: Vec<String>,

    /// A token for this resource only; repeatable
    #[arg(long, value_name = "URI")]
    resource: Vec<String>,

    /// A token for this audience only, by token exchange
    #[arg(long, value_name = "NAME")]
    audience: Option<String>,

    /// Only a token already stored and valid, else exit 4; no network
    #[arg(long)]
    no_refresh: bool,

    /// Start a login when one is needed and a terminal is there
    #[arg(long)]
    login: bool,

    /// Write to this file, readable by you alone, instead of stdout
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Whether the token is for a program that keyfob starts, and not for standard output.
    #[arg(skip)]
    for_program: bool,
}

impl Arguments {
    /// The token that a program is given.
    pub fn for_program(
        target: Option<&str>,
        id_token: bool,
        min_validity: Option<Duration>,
        scope: &[String],
        login: bool,
    ) -> Self {
        let (target, scope, format) = (target.map(str::to_owned), scope.to_vec(), Some("raw".to_owned()));
        Self { target, format, id_token, min_validity, scope, login, for_program: true, ..Self::default() }
    }

    /// `--min-validity`.
    pub fn min_validity(&self) -> Option<Duration> {
        self.min_validity
    }

    /// The same token, as long as it is good at all.
    pub fn of_any_validity(&self) -> Self {
        Self { min_validity: Some(Duration::ZERO), ..self.clone() }
    }

    /// Whether it is the session's own token.
    pub fn is_whole(&self) -> bool {
        self.scope.is_empty() && self.resource.is_empty() && self.audience.is_none()
    }

    /// The same token of exactly this session.
    pub fn of_session(&self, key: &SessionKey) -> Self {
        Self { target: Some(key.to_string()), ..self.clone() }
    }
}

fn format_names() -> Vec<&'static str> {
    output::FORMATS.iter().map(|format| format.name()).collect()
}

/// Prints the token.
pub fn run(context: &Context, arguments: &Arguments) -> Result<ExitCode, Failure> {
    // Before a login, which a slip in it must not cost.
    let wanted = arguments.request.as_deref().map(Wanted::parse).transpose()?;
    let (entry, handed) = obtain(context, arguments, wanted.as_ref())?;
    deliver(context, arguments, &entry, &handed)
}

/// A token for a program that keyfob starts.
pub struct ForProgram {
    /// Its session.
    pub entry: Entry,
    /// The access token or the ID token.
    pub token: Secret,
    /// Seconds since 1970 at which it ends, where that is known.
    pub ends: Option<i64>,
}

/// The token that a program is given.
///
/// # Errors
/// Why there is none.
pub fn for_program(context: &Context, arguments: &Arguments) -> Result<ForProgram, Failure> {
    let (entry, handed) = obtain(context, arguments, None)?;
    let token = chosen(arguments, &entry, &handed)?.clone();
    let ends = if arguments.id_token { end_of(&token) } else { handed.token.expires_at };
    Ok(ForProgram { entry, token, ends })
}

/// The session, after a login if one is needed and may be started, and what is handed out of it.
fn obtain(context: &Context, arguments: &Arguments, wanted: Option<&Wanted>) -> Result<(Entry, Handed), Failure> {
    let found = target::session(context, arguments.target.as_deref(), Absence::NeedsLogin);
    if let Some((entry, handed)) = unasked(context, arguments, found.as_ref())? {
        let handed = proven(context, arguments, &entry, handed, wanted)?;
        return Ok((entry, handed));
    }
    let entry = match found {
        Err(failure) if failure.code() == ExitCode::LoginRequired && may_log_in(context, arguments)? => {
            coalesce::login(context, arguments.target.as_deref(), None)?
        }
        outcome => outcome?,
    };
    match take(context, arguments, &entry, wanted) {
        Err(failure) if failure.code() == ExitCode::LoginRequired && may_log_in(context, arguments)? => {
            let entry = coalesce::login(context, Some(&entry.key.to_string()), Some(&entry))?;
            let handed = proven(context, arguments, &entry, take(context, arguments, &entry, wanted)?, wanted)?;
            Ok((entry, handed))
        }
        outcome => {
            let handed = outcome.and_then(|handed| proven(context, arguments, &entry, handed, wanted));
            let handed = handed.map_err(|failure| failure.mended_by(&entry))?;
            Ok((entry, handed))
        }
    }
}

/// The token of a provider whose grant needs nobody, which takes no login.
fn unasked(
    context: &Context,
    arguments: &Arguments,
    found: Result<&Entry, &Failure>,
) -> Result<Option<(Entry, Handed)>, Failure> {
    if !unattended::is_candidate(found) {
        return Ok(None);
    }
    let (scope, resource, audience) = (&arguments.scope, &arguments.resource, arguments.audience.as_deref());
    let asked = unattended::Asked {
        target: arguments.target.as_deref(),
        purpose: login::Purpose { scope, resource, audience },
        min_validity: min_validity(context, arguments)?,
        may_fetch: !arguments.no_refresh,
    };
    let Some(Ensured { entry, taken, .. }) = unattended::ensure(context, &asked)? else { return Ok(None) };
    let handed = match arguments.id_token || (wants_json(context, arguments) && entry.has_id_token) {
        true => handed(context.keeper()?.load(&entry.key)?)?,
        false => Handed { token: taken, id_token: None, signed: Vec::new() },
    };
    Ok(Some((entry, handed)))
}

/// Seconds for which a token must still be good.
fn min_validity(context: &Context, arguments: &Arguments) -> Result<i64, Failure> {
    let min_validity = arguments.min_validity.unwrap_or(context.settings()?.min_validity);
    Ok(i64::try_from(min_validity.as_secs()).unwrap_or(i64::MAX))
}

/// Whether a login may be started: asked for, and somebody is there.
fn may_log_in(context: &Context, arguments: &Arguments) -> Result<bool, Failure> {
    let wanted = arguments.login || context.settings()?.auto_login;
    let somewhere = target::named(context, arguments.target.as_deref())?.is_some();
    Ok(wanted && context.terminal.is_interactive() && somewhere)
}

/// What is handed out.
struct Handed {
    token: Taken,
    id_token: Option<Secret>,
    /// The headers for the one request, of a token that is no header by itself.
    signed: Vec<(String, Secret)>,
}

fn take(context: &Context, arguments: &Arguments, entry: &Entry, wanted: Option<&Wanted>) -> Result<Handed, Failure> {
    let keeper = context.keeper_of(entry)?;
    if arguments.id_token && !entry.has_id_token {
        return Err(no_id_token(entry));
    }
    if entry.token_type == TokenType::DPoP.name() && !arguments.id_token {
        // Before anything is fetched that cannot be handed out.
        request_for(context, arguments, entry, wanted)?;
    }
    let min_validity = min_validity(context, arguments)?;
    if arguments.audience.is_some() {
        return exchanged(context, arguments, entry, min_validity);
    }
    if !arguments.scope.is_empty() || !arguments.resource.is_empty() {
        return narrowed(context, arguments, entry);
    }
    if entry.token_type == TokenType::OAuth1.name() {
        return signed(context, arguments, entry, wanted, min_validity);
    }
    // The ID token is only in the store.
    let whole = arguments.id_token || (wants_json(context, arguments) && entry.has_id_token);
    if whole {
        let session = keeper.load(&entry.key)?;
        if is_good(&session, min_validity, context.now(), arguments.id_token) {
            return handed(session);
        }
    } else if let Some(token) = keeper.valid(entry, min_validity)? {
        return Ok(Handed { token, id_token: None, signed: Vec::new() });
    }
    if arguments.no_refresh {
        let message = format!("{}: no stored token is valid long enough, and none was to be fetched", entry.key);
        return Err(Failure::new(ExitCode::LoginRequired, message).session(&entry.key));
    }
    renewed(context, entry, min_validity, arguments.id_token)
}

fn is_good(session: &Session, min_validity: i64, now: i64, needs_id_token: bool) -> bool {
    let enough = |end: Option<i64>| end.is_none_or(|end| end > now.saturating_add(min_validity));
    enough(session.tokens.expires_at)
        && session.trouble.is_none()
        && (!needs_id_token || session.tokens.id_token.as_ref().is_some_and(|token| enough(end_of(token))))
}

/// The end of a stored ID token, which was verified when it was stored.
fn end_of(token: &Secret) -> Option<i64> {
    unverified_claims(token.expose())?.get("exp")?.as_i64()
}

fn handed(session: Session) -> Result<Handed, Failure> {
    let id_token = session.tokens.id_token.clone();
    Ok(Handed { token: session.into_taken(), id_token, signed: Vec::new() })
}

/// A token that no request may carry without its own signature.
fn signed(
    context: &Context,
    arguments: &Arguments,
    entry: &Entry,
    wanted: Option<&Wanted>,
    min_validity: i64,
) -> Result<Handed, Failure> {
    let wanted = request_for(context, arguments, entry, wanted)?;
    let session = context.keeper()?.load(&entry.key)?;
    if !is_good(&session, min_validity, context.now(), false) {
        return Err(Failure::login_required(&entry.key, session.trouble.as_ref()));
    }
    let signed = signed::lines(context, &session, wanted)?;
    Ok(Handed { signed, ..handed(session)? })
}

/// The request that a token is handed out for, where every request is signed for itself.
fn request_for<'a>(
    context: &Context,
    arguments: &Arguments,
    entry: &Entry,
    wanted: Option<&'a Wanted>,
) -> Result<&'a Wanted, Failure> {
    let form = form(context, arguments);
    if arguments.for_program {
        let message =
            format!("{}: every request with this token is signed for itself; no program can be given it", entry.key);
        return Err(Failure::usage(message).hint("have the request sent:  keyfob request").session(&entry.key));
    }
    wanted
        .filter(|_| ["header", "headers", "curl"].contains(&form))
        .ok_or_else(|| output::Error::Signed { format: form.to_owned() }.into())
}

/// A token that is bound to a key, with the proof for the one request; any other as it is.
fn proven(
    context: &Context,
    arguments: &Arguments,
    entry: &Entry,
    mut handed: Handed,
    wanted: Option<&Wanted>,
) -> Result<Handed, Failure> {
    if handed.token.token_type == TokenType::DPoP && !arguments.id_token {
        let wanted = request_for(context, arguments, entry, wanted)?;
        handed.signed = signed::proven(context, &handed.token, wanted)?;
    }
    Ok(handed)
}

fn renewed(context: &Context, entry: &Entry, min_validity: i64, forced: bool) -> Result<Handed, Failure> {
    let keeper = context.keeper()?;
    if State::of(entry, context.now()) == State::LoginRequired || !entry.refreshable {
        return Err(Failure::login_required(&entry.key, entry.trouble.as_ref()));
    }
    let definition = context.definition_of(&keeper.load(&entry.key)?)?;
    let client = context.client(&definition, Freshness::Kept)?;
    let renewal = Renewal { min_validity, forced, clock_tolerance: context.clock_tolerance()? };
    let progress = context.terminal.progress(&format!("Renewing {}", entry.key));
    let outcome = context.block_on(keeper.renew(&entry.key, &client, renewal))?;
    drop(progress);
    let ahead = client.clock_difference();
    let Renewed { session, remarks, failure, .. } = outcome
        .map_err(|error| Failure::from(error).at(&entry.key.to_string()).with_clock(ahead).session(&entry.key))?;
    shown::remarks(&context.terminal, &remarks);
    let short = session.tokens.expires_at.is_some_and(|end| end <= context.now().saturating_add(min_validity));
    // Not again and again beside a program that runs.
    if short && failure.is_none() && remarks.is_empty() && !context.terminal.is_given_away() {
        context
            .terminal
            .warning("the server's tokens live shorter than what was asked for; this one is as fresh as it gets");
    }
    if let Some(failure) = failure {
        let failure = Failure::from(failure);
        context.terminal.warning(&format!(
            "{} could not be renewed, the old token is still good: {}",
            entry.key,
            failure.message()
        ));
    }
    if forced && session.tokens.id_token.as_ref().and_then(end_of).is_none_or(|end| end <= context.now()) {
        let message = format!("{}: the ID token has expired, and the server renews access tokens only", entry.key);
        return Err(Failure::new(ExitCode::LoginRequired, message));
    }
    handed(session)
}

/// The scopes of the command line, when a token for them must be fetched.
fn narrower(arguments: &Arguments) -> Result<Vec<String>, Failure> {
    if arguments.no_refresh {
        return Err(Failure::usage("a narrower token has to be fetched, which --no-refresh forbids"));
    }
    let words = arguments.scope.iter().flat_map(|option| option.split(' ')).filter(|word| !word.is_empty());
    let scopes: Vec<String> = words.map(str::to_owned).collect();
    scope::check(&scopes)?;
    arguments.resource.iter().try_for_each(|resource| check_resource(resource))?;
    Ok(scopes)
}

/// A token for another audience, for which the session's own is exchanged (RFC 8693). The session keeps its own.
fn exchanged(context: &Context, arguments: &Arguments, entry: &Entry, min_validity: i64) -> Result<Handed, Failure> {
    let scopes = narrower(arguments)?;
    let keeper = context.keeper_of(entry)?;
    let subject = match keeper.valid(entry, min_validity)? {
        Some(token) => token,
        None => renewed(context, entry, min_validity, false)?.token,
    };
    let session = keeper.load(&entry.key)?;
    let definition = context.definition_of(&session)?;
    let client = context.client(&definition, Freshness::Kept)?;
    // The new token is bound to the key of the one that it is exchanged for.
    client.adopt_key(&session.tokens)?;
    let account = Some(entry.key.account());
    let request = GrantRequest {
        scopes,
        scopes_are_final: true,
        resources: arguments.resource.clone(),
        audience: arguments.audience.clone(),
        ..login::request(context, &definition, account, login::Purpose::default())?
    };
    let kind = token_exchange::token_type(&"access_token".into());
    let exchange = token_exchange::exchange(&client, &request, subject.access_token, &kind);
    let obtained = context.block_on(exchange)?.map_err(|error| Failure::from(error).at(&client.provider().name))?;
    shown::remarks(&context.terminal, &obtained.remarks);
    Ok(Handed { token: Taken::from(obtained.tokens), id_token: None, signed: Vec::new() })
}

/// A token for less than the session is for.
fn narrowed(context: &Context, arguments: &Arguments, entry: &Entry) -> Result<Handed, Failure> {
    let scopes = narrower(arguments)?;
    let keeper = context.keeper_of(entry)?;
    let definition = context.definition_of(&keeper.load(&entry.key)?)?;
    let client = context.client(&definition, Freshness::Kept)?;
    let wanted = (!scopes.is_empty()).then_some(scopes.as_slice());
    let tolerance = context.clock_tolerance()?;
    let narrowed = keeper.narrowed(&entry.key, &client, wanted, &arguments.resource, tolerance);
    let (token, remarks) = context.block_on(narrowed)?.map_err(|error| Failure::from(error).session(&entry.key))?;
    shown::remarks(&context.terminal, &remarks);
    Ok(Handed { token, id_token: None, signed: Vec::new() })
}

fn no_id_token(entry: &Entry) -> Failure {
    Failure::new(ExitCode::LoginRequired, format!("{} has no ID token", entry.key))
        .hint(format!("log in with the scope openid:  {} --scope +openid", shown::login_command(entry)))
        .session(&entry.key)
}

fn wants_json(context: &Context, arguments: &Arguments) -> bool {
    form(context, arguments) == "json"
}

/// The name of the form that is asked for.
fn form<'a>(context: &Context, arguments: &'a Arguments) -> &'a str {
    arguments.format.as_deref().unwrap_or(if context.common.json { "json" } else { "raw" })
}

/// The one that is asked for.
fn chosen<'a>(arguments: &Arguments, entry: &Entry, handed: &'a Handed) -> Result<&'a Secret, Failure> {
    match (arguments.id_token, &handed.id_token) {
        (false, _) => Ok(&handed.token.access_token),
        (true, Some(id_token)) => Ok(id_token),
        (true, None) => Err(no_id_token(entry)),
    }
}

fn deliver(context: &Context, arguments: &Arguments, entry: &Entry, handed: &Handed) -> Result<ExitCode, Failure> {
    let name = form(context, arguments);
    let format = output::format(name).ok_or_else(|| Failure::usage(format!("there is no form `{name}`")))?;
    let token = chosen(arguments, entry, handed)?;
    let user = entry.profile.email.as_deref().or(entry.profile.username.as_deref()).or(Some(entry.key.account()));
    let session = entry.key.to_string();
    let presented = Presented {
        session: &session,
        token,
        // Whatever the access token is bound to, an ID token is no token for requests.
        token_type: if arguments.id_token { TokenType::Bearer } else { handed.token.token_type },
        signed: &handed.signed,
        expires_at: handed.token.expires_at,
        now: context.now(),
        scopes: &handed.token.scopes,
        id_token: handed.id_token.as_ref(),
        user,
        host: None,
        port: None,
    };
    let bytes = format.render(&presented)?;
    match &arguments.output {
        Some(path) => files::replace_unlocked(path, &bytes)
            .map_err(|error| Failure::new(ExitCode::Internal, error.to_string()))?,
        None => context.terminal.answer(&bytes)?,
    }
    Ok(ExitCode::Done)
}
