//! `keyfob request`: sends one authorised HTTP request.
//!
//! Where the token may go is decided before anything is sent. The answer's body is the only thing on standard output, byte
//! for byte (with `-i` its head before it), whatever the answer means for the exit code.

mod advice;
mod body;
mod certificate;
mod exchange;
mod headers;
mod hosts;
mod output;
mod redirect;
mod session;
mod signer;
mod verdict;

use std::path::PathBuf;

use clap::Args;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{HeaderMap, Method};
use keyfob::registry::Provider;
use keyfob::session::index::Entry;
use keyfob::system::http::{check_url, stream::Download};
use url::Url;

use crate::cli::context::Context;
use crate::cli::exit_code::ExitCode;
use crate::cli::report::Failure;
use crate::cli::target::{self, Absence};

use super::coalesce;
use super::unattended::{self, Ensured};
use body::Body;
use exchange::Exchange;
use output::Output;
use session::Token;
use verdict::Verdict;

/// What to send, and where the answer goes.
#[derive(Debug, Args)]
#[command(allow_missing_positional = true)]
#[command(
    before_help = "Examples:\n  keyfob request https://api.github.com/user\n  keyfob request github https://api.github.com/user/repos -H 'Accept: application/json'\n  keyfob request acme https://api.acme.example/files -X PUT -d @photo.jpg -H 'Content-Type: image/jpeg' --fail\n  keyfob request acme https://api.acme.example/export -o export.zip"
)]
pub struct Arguments {
    /// Provider or session; left out, the session that covers the address
    target: Option<String>,

    /// Where the request goes
    url: String,

    /// The method [default: GET, with -d POST]
    #[arg(short = 'X', long, value_name = "METHOD", value_parser = parse_method)]
    method: Option<Method>,

    /// Send this header too; repeatable
    #[arg(short = 'H', long, value_name = "'NAME: VALUE'")]
    header: Vec<String>,

    /// Send this body; @FILE reads it from a file, @- from standard input
    #[arg(short, long, value_name = "DATA", allow_hyphen_values = true)]
    data: Option<String>,

    /// Print the status and the headers of the answer before its body
    #[arg(short, long)]
    include: bool,

    /// Write the body to this file, readable by you alone, once it is complete
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Exit with 10 when the status is 400 or more
    #[arg(long)]
    fail: bool,

    /// Let the token go to this host too; repeatable
    #[arg(long, value_name = "HOST", value_parser = hosts::parse)]
    allow_host: Vec<String>,

    /// Start a login when one is needed and a terminal is there
    #[arg(long)]
    login: bool,
}

/// What is sent, understood.
struct Asked {
    url: Url,
    method: Method,
    headers: HeaderMap,
    body: Body,
}

/// Sends the request and hands the answer out.
pub fn run(context: &Context, arguments: &Arguments) -> Result<ExitCode, Failure> {
    let asked = asked(arguments)?;
    let (entry, token) = authorised(context, arguments, &asked.url)?;
    let mut output = Output::begin(context, arguments.output.as_deref())?;
    let words = format!("{} {}", asked.method, keyfob::system::http::endpoint(&asked.url));
    let exchange = Exchange::new(context, &entry, token, asked)?;
    // Nothing is said where nothing moves: a script's log has the command already.
    let progress = context.terminal.appearance().animated.then(|| context.terminal.progress(&words));
    let verdict = context.block_on(async {
        let mut answered = exchange.run().await?;
        drop(progress);
        let verdict = Verdict::of(&mut answered, arguments.fail, &entry, || scopes(context, &entry));
        deliver(context, arguments, &mut answered.answer, &mut output).await?;
        Ok::<_, Failure>(verdict)
    })??;
    output.finish(verdict.is_failure())?;
    verdict.tell(context)
}

/// Reads the command line; nothing is sent or looked up before all of it is right.
fn asked(arguments: &Arguments) -> Result<Asked, Failure> {
    let mut url = Url::parse(&arguments.url).map_err(|error| {
        // Not repeated: what stands in a query may be secret.
        Failure::usage(format!("URL is no address: {error}"))
            .hint("keyfob request [TARGET] https://api.example.org/path")
    })?;
    check_url(&url)?;
    url.set_fragment(None);
    let mut headers = headers::parse(&arguments.header)?;
    let body = Body::parse(arguments.data.as_deref())?;
    if body.is_some() && !headers.contains_key(CONTENT_TYPE) {
        let written_out = arguments.data.as_ref().is_some_and(|data| !data.starts_with('@'));
        let kind = if written_out { FORM } else { "application/octet-stream" };
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    }
    let usual = if body.is_some() { Method::POST } else { Method::GET };
    Ok(Asked { url, method: arguments.method.clone().unwrap_or(usual), headers, body })
}

/// The media type of a form.
const FORM: &str = "application/x-www-form-urlencoded";

fn parse_method(text: &str) -> Result<Method, String> {
    match text.parse() {
        Ok(Method::CONNECT) => Err("`CONNECT` makes a tunnel, which is no request to an API".into()),
        // The answer would repeat the token.
        Ok(Method::TRACE) => Err("`TRACE` has the request repeated, its token included".into()),
        Ok(method) => Ok(method),
        Err(_) => Err(format!("`{text}` is no method")),
    }
}

/// The session and its token, if the token may go to `url`.
fn authorised(context: &Context, arguments: &Arguments, url: &Url) -> Result<(Entry, Token), Failure> {
    let target = arguments.target.as_deref();
    let by_address = || target.is_none().then_some(url.as_str());
    let found = target::session(context, target.or_else(by_address), Absence::NeedsLogin);
    if let Some(Ensured { entry, taken, is_new }) = unattended::ensure_found(context, target, found.as_ref())? {
        hosts::check(url, &entry, &arguments.allow_host, || Some(provider(context, &entry)?.hosts))?;
        return Ok((entry, Token { taken, is_new }));
    }
    let entry = match found {
        Err(failure) if failure.code() == ExitCode::LoginRequired && may_log_in(context, arguments)? => {
            coalesce::login(context, target.or_else(by_address), None)?
        }
        outcome => outcome?,
    };
    hosts::check(url, &entry, &arguments.allow_host, || Some(provider(context, &entry)?.hosts))?;
    match session::take(context, &entry) {
        Err(failure) if failure.code() == ExitCode::LoginRequired && may_log_in(context, arguments)? => {
            let entry = coalesce::login(context, Some(&entry.key.to_string()), Some(&entry))?;
            hosts::check(url, &entry, &arguments.allow_host, || Some(provider(context, &entry)?.hosts))?;
            let token = session::take(context, &entry)?;
            Ok((entry, token))
        }
        outcome => {
            let token = outcome.map_err(|failure| failure.mended_by(&entry))?;
            Ok((entry, token))
        }
    }
}

/// Whether a login may be started: asked for, and somebody is there.
fn may_log_in(context: &Context, arguments: &Arguments) -> Result<bool, Failure> {
    Ok((arguments.login || context.settings()?.auto_login) && context.terminal.is_interactive())
}

/// The provider's entry as the session was made with it, if there still is one.
fn provider(context: &Context, entry: &Entry) -> Option<Provider> {
    let session = context.keeper_of(entry).ok()?.load(&entry.key).ok()?;
    context.definition_of(&session).ok()?.provider().ok()
}

/// The scopes that a login asks for by itself.
fn scopes(context: &Context, entry: &Entry) -> Vec<String> {
    provider(context, entry).map(|provider| provider.scopes).unwrap_or_default()
}

/// Writes the answer to where it goes.
async fn deliver(
    context: &Context,
    arguments: &Arguments,
    answer: &mut Download,
    output: &mut Output,
) -> Result<(), Failure> {
    if arguments.include {
        output.head(&head(answer))?;
    }
    if let Some(coding) = answer.headers().get(http::header::CONTENT_ENCODING).filter(|coding| *coding != "identity") {
        let coding = String::from_utf8_lossy(coding.as_bytes());
        context.terminal.warning(&format!("the body is encoded as `{coding}`, which was not asked for"));
    }
    output.expect(answer.length());
    let http = &context.system()?.http;
    while let Some(piece) = answer.piece(http).await? {
        output.write(piece.as_ref())?;
    }
    Ok(())
}

/// The status line and the headers, as on the wire (RFC 9112 §2.1).
fn head(answer: &Download) -> String {
    let status = answer.status();
    let reason = status.canonical_reason().unwrap_or_default();
    let mut head = format!("{:?} {} {reason}\r\n", answer.version(), status.as_u16());
    for (name, value) in answer.headers() {
        head.push_str(&format!("{name}: {}\r\n", String::from_utf8_lossy(value.as_bytes())));
    }
    head + "\r\n"
}
