//! `keyfob setup`: the guided registration of the user's own client.
//!
//! Nothing is written before everything is known and, as far as the server allows without a person, tested. Then the
//! secret goes to the store and the rest to the user's `providers.toml`, in that order, so that a failure leaves what was
//! there before.

mod ask;
mod check;
mod keep;
mod key;
mod place;
mod values;

use std::path::PathBuf;

use clap::Args;
use keyfob::registry::edit::Editor;
use keyfob::registry::{Origin, Provider, Registry, SecretSource, Value as Setting};
use keyfob::secret::Secret;
use serde_json::{Map, Value, json};

use crate::cli::context::Context;
use crate::cli::exit_code::ExitCode;
use crate::cli::inputs;
use crate::cli::report::Failure;

use super::{login, provider};
use ask::Asked;
use keep::Kept;
use key::Key;
use place::Place;
use values::Need;

/// Which provider, and what is known already.
#[derive(Debug, Args)]
#[command(
    before_help = "Examples:\n  keyfob setup github\n  keyfob setup keycloak --name work --set base_url=https://sso.work.example --set realm=staff\n  keyfob setup https://id.acme.example --client-id keyfob --client-secret-file acme.secret"
)]
pub struct Arguments {
    /// The provider, or the address of an issuer that the registry does not have
    #[arg(value_name = "PROVIDER|URL")]
    provider: String,

    /// Make an entry of this name instead of changing the provider's own: a-z, 0-9 and -
    #[arg(long, value_name = "NAME")]
    name: Option<String>,

    /// The client that you registered; nothing is asked for then
    #[arg(long, value_name = "ID")]
    client_id: Option<String>,

    /// Its secret, to be put into the secret store; - is standard input
    #[arg(long, value_name = "FILE")]
    client_secret_file: Option<PathBuf>,

    /// Its private key in PEM or JWK form, whose place is written down; - is standard input, from which it goes to the store
    #[arg(long, value_name = "FILE")]
    private_key_file: Option<PathBuf>,

    /// Write the client without asking the server whether it knows it
    #[arg(long)]
    no_test: bool,

    /// Log in afterwards
    #[arg(long, conflicts_with = "no_login")]
    login: bool,

    /// Do not log in afterwards, and do not ask
    #[arg(long)]
    no_login: bool,

    /// Open the registration page with this command; %u stands for the address
    #[arg(long, value_name = "COMMAND", conflicts_with = "no_browser")]
    browser: Option<String>,

    /// Print the address of the registration page instead of opening it
    #[arg(long)]
    no_browser: bool,

    /// Replace the client that the provider has already
    #[arg(long)]
    yes: bool,
}

/// What will stand in the user's file.
struct Change {
    pairs: Vec<(String, Setting)>,
    without: Vec<&'static str>,
}

/// Registers a client.
pub fn run(context: &Context, arguments: &Arguments) -> Result<ExitCode, Failure> {
    let editor = Editor::open(&context.environment)?;
    let mut place = place::find(context, &editor, arguments)?;
    if place.definition.discovery().is_some() && arguments.client_id.is_none() {
        let id = &place.id;
        context.terminal.say(&format!("{id} needs no client of yours:  keyfob login {id}"));
        if context.common.json {
            tell(context, "done", json!({ "provider": provider::object(&Registry::open(&context.environment)?, id)? }));
        }
        return Ok(ExitCode::Done);
    }
    if !may_replace(context, arguments, &place)? {
        context.terminal.say("Nothing was changed.");
        return Ok(ExitCode::Done);
    }
    let given = given(context, arguments, &mut place)?;
    let missing = ask::variables(context, &mut place.definition)?;
    if !missing.is_empty() {
        return Err(ask::missing(context, &place, &missing, given.client_id.is_none()));
    }
    let provider = place.definition.provider()?;
    let need = Need::of(&provider);
    let key = key::given(arguments, &provider)?;
    if need == Need::Key && provider.private_key.is_none() && key.is_none() {
        return Err(ask::key(&place, &provider.name));
    }
    check::supported(context, &place.definition, key.as_ref())?;
    values::show(context, &provider, need);
    if given.client_id.is_none() {
        values::visit(context, arguments, &place.definition, &provider)?;
    }
    let Asked { client_id, secret } = ask::client(context, &place, &provider, need, given)?;
    let mut change = change(&place, &provider, &client_id, secret.is_some());
    if let Some(key) = &key {
        change.pairs.push(("private_key".into(), Setting::from(key.source())));
    }
    let kept = Kept { secret: secret.as_ref(), key: key.as_ref().and_then(Key::text) };
    if kept.secret.is_some() || kept.key.is_some() {
        keep::check_store(context)?;
    }
    if arguments.no_test {
        tell(context, "tested", json!({ "result": "not_tested", "reason": "--no-test" }));
    } else {
        check::test(context, &editor, &place.id, &change, kept)?;
    }
    keep::save(context, &editor, &place, &change, kept)?;
    finish(context, arguments, &place.id, &provider.name)
}

/// Whether the client that the entry has already, if it has one, may be replaced.
fn may_replace(context: &Context, arguments: &Arguments, place: &Place) -> Result<bool, Failure> {
    let Some(old) = place.client().filter(|_| !arguments.yes) else { return Ok(true) };
    let has = format!("{} has the client `{old}` already", place.id);
    if !ask::possible(context) {
        return Err(Failure::usage(has).hint("pass  --yes  to replace it, or  --name NAME  to add another entry"));
    }
    ask::yes(context, &format!("{has}. Replace it?"), false)
}

/// What this command line says of the client.
fn given(context: &Context, arguments: &Arguments, place: &mut Place) -> Result<Given, Failure> {
    let mut secret = arguments.client_secret_file.as_deref().map(inputs::file_or_stdin).transpose()?;
    let mut client_id = arguments.client_id.clone();
    for option in &context.common.settings {
        let input = inputs::read(&place.definition, option, &context.environment)?;
        match input.key.as_str() {
            "client_secret" => secret = Some(input.value),
            "client_id" => client_id = Some(input.value.expose().to_owned()),
            key if input.is_secret => {
                let message = format!("`{key}` is a secret and is not written into providers.toml");
                let hint = match key {
                    "private_key" => "pass  --private-key-file FILE".into(),
                    key => format!("put  {key} = {{ file = \"…\" }}  there by hand first"),
                };
                return Err(Failure::usage(message).hint(hint));
            }
            key => {
                let outcome = place.definition.set(key, input.value.expose(), place::from("--set"));
                outcome.map_err(|error| Failure::usage(error.to_string()))?;
            }
        }
    }
    if let Some(client_id) = &client_id {
        ask::check_id(client_id).map_err(Failure::usage)?;
    }
    Ok(Given { client_id, secret })
}

/// The client as far as it was given.
struct Given {
    client_id: Option<String>,
    secret: Option<Secret>,
}

/// What is to be written: what was set, the client, and how it authenticates where the entry says something else.
fn change(place: &Place, provider: &Provider, client_id: &str, has_secret: bool) -> Change {
    let mut pairs: Vec<(String, Setting)> = Vec::new();
    pairs.extend(place.parent.as_deref().map(|parent| ("extends".to_owned(), Setting::from(parent))));
    let set = place.definition.values().filter(|(_, _, origin)| matches!(origin, Origin::Flag(_)));
    pairs.extend(set.map(|(key, value, _)| (key.to_owned(), value.clone())));
    pairs.push(("client_id".into(), Setting::from(client_id)));
    let mut without = Vec::new();
    let own = |key: &str| place.parent.is_none() && matches!(place.definition.origin(key), Some(Origin::User(_)));
    if has_secret {
        pairs.push(("client_secret".into(), Setting::from(SecretSource::Store)));
        if values::takes_no_secret(provider) && own("client_auth") {
            without.push("client_auth");
        }
    } else {
        // A method that sends a secret, or a secret from elsewhere, would be in a public client's way.
        let inherited = place.definition.origin("client_secret").is_some() && !own("client_secret");
        if values::sends_secret(provider) || inherited {
            pairs.push(("client_auth".into(), Setting::from("none")));
        }
        if own("client_secret") {
            without.push("client_secret");
        }
    }
    Change { pairs, without }
}

impl Change {
    /// As the editor takes them.
    fn pairs(&self) -> Vec<(&str, Setting)> {
        self.pairs.iter().map(|(key, value)| (key.as_str(), value.clone())).collect()
    }
}

/// Offers the login, and tells the end.
fn finish(context: &Context, arguments: &Arguments, id: &str, name: &str) -> Result<ExitCode, Failure> {
    let wanted = match (arguments.login, arguments.no_login) {
        (true, _) => true,
        (_, true) => false,
        _ => ask::possible(context) && ask::yes(context, "Log in now?", true)?,
    };
    if wanted {
        // The registry was read before the client was in it, and what was set is in it now.
        let mut common = context.common.clone();
        common.settings.clear();
        let fresh = Context::new(common, context.terminal.clone(), context.environment.clone());
        let login = login::Arguments::after_setup(id, arguments.browser.clone(), arguments.no_browser);
        login::run(&fresh, &login)?;
        fresh.tell_repairs();
    } else {
        context.terminal.hint(&format!("log in to {name}:  keyfob login {id}"));
    }
    if context.common.json {
        let provider = provider::object(&Registry::open(&context.environment)?, id)?;
        tell(context, "done", json!({ "provider": provider }));
    }
    Ok(ExitCode::Done)
}

/// Writes an event for whoever leads a person through it with another program.
fn tell(context: &Context, event: &str, facts: Value) {
    if !context.common.json {
        return;
    }
    let mut object = Map::new();
    object.insert("schema".into(), "keyfob.setup/1".into());
    object.insert("event".into(), event.into());
    if let Value::Object(facts) = facts {
        object.extend(facts.into_iter().filter(|(_, value)| !value.is_null()));
    }
    context.terminal.json_line(&Value::Object(object));
}
