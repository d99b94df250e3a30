//! `keyfob provider`: what one can log in to.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use keyfob::grant::{self, GRANTS};
use keyfob::registry::edit::Editor;
use keyfob::registry::words::ClientAuth;
use keyfob::registry::{Definition, Error, Listed, Origin, Provider, Registry, SecretSource, Value as Setting};
use serde_json::{Map, Value, json};

use crate::cli::context::{Context, client_secret_name, private_key_name};
use crate::cli::exit_code::ExitCode;
use crate::cli::inputs;
use crate::cli::report::Failure;
use crate::cli::signals;
use crate::cli::table::Table;

use super::registered;

/// What to do with the registry.
#[derive(Debug, Args)]
#[command(
    before_help = "Examples:\n  keyfob provider list\n  keyfob provider show github\n  keyfob provider add acme --issuer https://id.acme.example --client-id keyfob"
)]
#[command(arg_required_else_help = true)]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
}

/// The actions.
#[derive(Debug, Subcommand)]
enum Action {
    /// Names, protocol, grants, and what is still needed
    List {
        /// Only names that contain this
        word: Option<String>,
    },
    /// The effective settings of a provider and where each comes from
    Show {
        /// The provider
        name: String,
        /// As TOML, fit to hand to colleagues, without secrets
        #[arg(long)]
        toml: bool,
    },
    /// Add a provider to your own file
    Add(Add),
    /// Remove a provider from your own file
    Remove {
        /// The provider
        name: String,
        /// Delete the clients that keyfob registered there without asking
        #[arg(long, conflicts_with = "keep_client")]
        yes: bool,
        /// Leave the clients that keyfob registered there with the server
        #[arg(long)]
        keep_client: bool,
    },
    /// The ways to obtain tokens, and what they need
    Grants,
}

/// A new entry.
#[derive(Debug, Args)]
#[command(
    before_help = "Examples:\n  keyfob provider add acme --issuer https://id.acme.example --client-id keyfob\n  keyfob provider add work --extends keycloak --set base_url=https://sso.work.example --set realm=staff --client-id keyfob\n  keyfob provider add --from acme.toml"
)]
struct Add {
    /// The new provider's name: a-z, 0-9 and -
    #[arg(required_unless_present = "from")]
    name: Option<String>,
    /// The issuer of an OpenID Connect or OAuth 2.0 server that publishes its metadata
    #[arg(long, value_name = "URL")]
    issuer: Option<String>,
    /// Start from this provider
    #[arg(long, value_name = "NAME")]
    extends: Option<String>,
    /// Your client
    #[arg(long, value_name = "ID")]
    client_id: Option<String>,
    /// Put the client secret in this file into the secret store; - is standard input
    #[arg(long, value_name = "FILE")]
    client_secret_file: Option<PathBuf>,
    /// Take the entries of this file, such as `provider show --toml` prints; - is standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["issuer", "extends", "client_id", "client_secret_file"])]
    from: Option<PathBuf>,
}

/// Does it.
pub fn run(context: &Context, arguments: &Arguments) -> Result<ExitCode, Failure> {
    match &arguments.action {
        Action::List { word } => list(context, word.as_deref()),
        Action::Show { name, toml } => show(context, name, *toml),
        Action::Add(add) => self::add(context, add),
        Action::Remove { name, yes, keep_client } => {
            let deletion = match (yes, keep_client) {
                (_, true) => Deletion::Never,
                (true, false) => Deletion::Always,
                (false, false) => Deletion::Ask,
            };
            remove(context, name, deletion)
        }
        Action::Grants => grants(context),
    }
}

/// What a provider still needs before one can log in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Readiness {
    Ready,
    NeedsSetup,
    NeedsVariables,
    Broken,
}

/// Whether the client proves who it is with a key, and the entry names none.
fn lacks_key(definition: &Definition) -> bool {
    let method = definition.value("client_auth").and_then(Setting::as_text).and_then(ClientAuth::parse);
    let takes_key = matches!(
        method,
        Some(
            ClientAuth::PrivateKeyJwt
                | ClientAuth::AppleJwt
                | ClientAuth::TlsClientAuth
                | ClientAuth::SelfSignedTlsClientAuth
        )
    );
    takes_key && definition.value("private_key").is_none()
}

impl Readiness {
    fn of(definition: &Definition) -> Self {
        match definition.is_complete() {
            Ok(is_complete) => Self::with(definition, is_complete),
            Err(_) => Self::Broken,
        }
    }

    fn with(definition: &Definition, is_complete: bool) -> Self {
        match definition.value("client_id") {
            _ if !is_complete => Self::NeedsVariables,
            // Its clients are known by their address.
            None if definition.discovery().is_some() => Self::Ready,
            Some(_) if !lacks_key(definition) => Self::Ready,
            _ => Self::NeedsSetup,
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::NeedsSetup => "needs setup",
            Self::NeedsVariables => "needs variables",
            Self::Broken => "broken",
        }
    }
}

fn list(context: &Context, word: Option<&str>) -> Result<ExitCode, Failure> {
    let mut listed: Vec<(Readiness, Listed)> = Vec::new();
    for one in context.registry()?.ids()? {
        if word.is_some_and(|word| !one.id.contains(&word.to_ascii_lowercase())) {
            continue;
        }
        match &one.definition {
            Ok(definition) => listed.push((Readiness::with(definition, one.is_complete), one)),
            Err(error) => {
                context.terminal.warning(&error.to_string());
                listed.push((Readiness::Broken, one));
            }
        }
    }
    context.tell_warnings(context.registry()?);
    if context.common.json {
        let providers: Vec<Value> = listed.iter().map(|(readiness, one)| summary(*readiness, one)).collect();
        context.terminal.json_line(&json!({ "schema": "keyfob.providers/1", "providers": providers }));
        return Ok(ExitCode::Done);
    }
    if context.common.quiet {
        context.terminal.lines(listed.iter().map(|(_, one)| &one.id));
        return Ok(ExitCode::Done);
    }
    // Ready ones first, and each group by name.
    listed.sort_by_key(|(readiness, _)| *readiness as u8);
    let mut table = Table::new(["PROVIDER", "PROTOCOL", "STATE", "GRANTS"]);
    for (readiness, one) in &listed {
        let (protocol, grants) = facts(one);
        table.push([one.id.clone(), protocol, readiness.words().into(), grants.join(" ")]);
    }
    context.terminal.lines(if context.common.plain { table.facts() } else { table.lines() });
    if listed.iter().any(|(readiness, _)| matches!(readiness, Readiness::NeedsSetup | Readiness::NeedsVariables)) {
        context.terminal.hint("make one ready with  keyfob setup NAME");
    }
    Ok(ExitCode::Done)
}

/// Protocol and the grants that exist here; an entry that lacks variables has them all the same.
fn facts(one: &Listed) -> (String, Vec<String>) {
    let Ok(definition) = &one.definition else { return (String::new(), Vec::new()) };
    let grants = definition.grants().into_iter().filter(|name| grant::find(name).is_some());
    (definition.protocol().word().to_owned(), grants.collect())
}

/// `keyfob.provider/1` of the entry `id`, without its settings.
pub fn object(registry: &Registry, id: &str) -> Result<Value, Failure> {
    let listed = registry.ids()?.into_iter().find(|one| one.id == id);
    let object = listed.map(|one| summary(one.definition.as_ref().map_or(Readiness::Broken, Readiness::of), &one));
    Ok(object.unwrap_or(Value::Null))
}

fn summary(readiness: Readiness, one: &Listed) -> Value {
    let (protocol, grants) = facts(one);
    let mut object = json!({
        "schema": "keyfob.provider/1",
        "provider": one.id,
        "name": one.id,
        "protocol": protocol,
        "ready": readiness == Readiness::Ready,
        "state": readiness.words().replace(' ', "_"),
        "grants": grants,
        "scopes": [],
        "source": source(&one.origin),
    });
    if let Ok(definition) = &one.definition {
        let value = |wanted: &str| definition.value(wanted).map(ToString::to_string);
        if let Some(name) = value("name") {
            object["name"] = name.into();
        }
        let scopes = value("scopes").unwrap_or_default();
        object["scopes"] = scopes.split_whitespace().map(str::to_owned).collect();
        let missing: Vec<Value> =
            definition.missing_variables().into_iter().map(|variable| variable.name.into()).collect();
        if !missing.is_empty() {
            object["variables"] = Value::Array(missing);
        }
    }
    object
}

/// The layer, in the word of the JSON.
fn source(origin: &Origin) -> String {
    match origin {
        Origin::Bundled => "bundled".into(),
        Origin::System(path) | Origin::User(path) => path.display().to_string(),
        other => other.to_string(),
    }
}

fn show(context: &Context, name: &str, toml: bool) -> Result<ExitCode, Failure> {
    let definition = context.definition(name)?;
    if toml {
        context.terminal.answer(definition.to_toml().as_bytes())?;
        return Ok(ExitCode::Done);
    }
    let readiness = Readiness::of(&definition);
    let origin = context.registry()?.origin(&definition.id)?;
    let is_complete = matches!(readiness, Readiness::Ready | Readiness::NeedsSetup);
    let one = Listed { id: definition.id.clone(), origin, definition: Ok(definition), is_complete };
    let Ok(definition) = &one.definition else { return Ok(ExitCode::Done) };
    if context.common.json {
        let settings: Map<String, Value> = definition
            .settings()
            .map(|(key, value, origin)| (key.to_owned(), json!({ "value": value, "source": source(origin) })))
            .collect();
        let mut object = summary(readiness, &one);
        object["settings"] = Value::Object(settings);
        context.terminal.json_line(&object);
        return Ok(ExitCode::Done);
    }
    let mut table = Table::new(["KEY", "VALUE", "FROM"]);
    for (key, value, origin) in definition.settings() {
        table.push([key.to_owned(), value, source(origin)]);
    }
    context.terminal.lines(if context.common.plain { table.facts() } else { table.lines() });
    if matches!(readiness, Readiness::NeedsSetup | Readiness::NeedsVariables) {
        context.terminal.hint(&format!("keyfob setup {}", definition.id));
    }
    for variable in definition.missing_variables() {
        let example = variable.example.map(|example| format!(", for example {example}")).unwrap_or_default();
        context.terminal.say(&format!("needs {}: {}{example}", variable.name, variable.prompt));
    }
    match definition.provider() {
        Ok(_) | Err(Error::MissingVariable { .. }) => {}
        Err(error) => return Err(error.into()),
    }
    Ok(ExitCode::Done)
}

fn add(context: &Context, add: &Add) -> Result<ExitCode, Failure> {
    let editor = Editor::open(&context.environment)?;
    if let Some(path) = &add.from {
        let text = inputs::file_or_stdin(path)?;
        if let Some(name) = &add.name
            && !text.expose().contains(&format!("providers.{name}"))
        {
            return Err(Failure::usage(format!("{} has no entry `{name}`", path.display())));
        }
        let names = editor.merge_text(text.expose())?;
        return added(context, &editor, &names);
    }
    let name = add.name.as_deref().unwrap_or_default();
    let parent = match (&add.extends, &add.issuer) {
        (Some(parent), _) => parent.as_str(),
        (None, Some(_)) => "oidc",
        (None, None) if context.common.settings.is_empty() => {
            return Err(Failure::usage("a provider needs an issuer, another one to start from, or its endpoints")
                .hint("--issuer URL,  --extends NAME  or  --set token_endpoint=URL --set authorization_endpoint=URL"));
        }
        (None, None) => "oauth2",
    };
    let mut definition = context.provider(parent)?;
    let option = |name: &str| Origin::Flag(name.into());
    if let Some(issuer) = &add.issuer {
        definition.set("issuer", issuer, option("--issuer"))?;
    }
    if let Some(client_id) = &add.client_id {
        definition.set("client_id", client_id, option("--client-id"))?;
    }
    context.set(&mut definition)?;
    let mut pairs: Vec<(String, Setting)> = vec![("extends".into(), Setting::from(parent))];
    let given = definition.values().filter(|(_, _, origin)| matches!(origin, Origin::Flag(_)));
    pairs.extend(given.map(|(key, value, _)| (key.to_owned(), value.clone())));
    if editor.has(name)? {
        return Err(Error::Exists { name: name.to_owned(), path: editor.path().to_owned() }.into());
    }
    if let Some(path) = &add.client_secret_file {
        let secret = inputs::file_or_stdin(path)?;
        let store = context.keeper()?.store();
        store.probe()?;
        store.save_secret(&client_secret_name(name), &format!("keyfob: client secret of {name}"), &secret)?;
        pairs.push(("client_secret".into(), Setting::from(SecretSource::Store)));
    }
    let borrowed: Vec<(&str, Setting)> = pairs.iter().map(|(key, value)| (key.as_str(), value.clone())).collect();
    editor.add(name, &borrowed)?;
    added(context, &editor, &[name.to_owned()])
}

fn added(context: &Context, editor: &Editor, names: &[String]) -> Result<ExitCode, Failure> {
    let fresh = Registry::open(&context.environment)?;
    for name in names {
        context.terminal.success(&format!("Added {name} to {}", editor.path().display()));
        let definition = fresh.find(name)?;
        let missing = definition.missing_variables();
        if !missing.is_empty() {
            let missing: Vec<String> = missing.into_iter().map(|variable| variable.name).collect();
            context.terminal.warning(&format!("{name} still needs: {}", missing.join(", ")));
        }
        let next = if Readiness::of(&definition) == Readiness::Ready { "login" } else { "setup" };
        context.terminal.hint(&format!("keyfob {next} {name}"));
    }
    if context.common.json {
        let listed = fresh.ids()?.into_iter().filter(|one| names.contains(&one.id));
        let providers: Vec<Value> =
            listed.map(|one| summary(one.definition.as_ref().map_or(Readiness::Broken, Readiness::of), &one)).collect();
        context.terminal.json_line(&json!({ "schema": "keyfob.providers/1", "providers": providers }));
    }
    Ok(ExitCode::Done)
}

/// What becomes of the clients that were registered for a provider that is removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deletion {
    /// The person is asked; where nobody can be, they are deleted: nobody else knows them.
    Ask,
    Always,
    Never,
}

fn remove(context: &Context, name: &str, deletion: Deletion) -> Result<ExitCode, Failure> {
    let editor = Editor::open(&context.environment)?;
    let provider = context.registry()?.find(name).ok().and_then(|definition| definition.provider().ok());
    let is_own = provider.as_ref().is_some_and(|provider| provider.id == name);
    let is_kept = |source: &Option<SecretSource>| *source == Some(SecretSource::Store);
    let (kept_secret, kept_key) =
        provider.as_ref().map_or((false, false), |it| (is_kept(&it.client_secret), is_kept(&it.private_key)));
    // Asked while everything is still there: an answer that never comes leaves nothing half removed.
    let deletes = match &provider {
        Some(provider) if is_own && editor.has(name)? => is_to_delete(context, provider, deletion)?,
        _ => false,
    };
    if !editor.remove(name)? {
        // Says with the nearest name when there is none at all.
        context.registry()?.find(name)?;
        let message = format!("{name} is not in {}; only your own entries can be removed", editor.path().display());
        return Err(Failure::new(ExitCode::NotFound, message));
    }
    if kept_secret {
        context.keeper()?.store().remove_secret(&client_secret_name(name))?;
    }
    if kept_key {
        context.keeper()?.store().remove_secret(&private_key_name(name))?;
    }
    if let Some(provider) = provider.filter(|_| is_own)
        && let Err(failure) = delete_clients(context, &provider, deletes)
    {
        context.terminal.warning(&format!("its registered clients: {}", failure.message()));
    }
    context.terminal.success(&format!("Removed {name} from {}", editor.path().display()));
    if context.common.json {
        context.terminal.json_line(&json!({ "schema": "keyfob.providers/1", "providers": [] }));
    }
    Ok(ExitCode::Done)
}

/// Whether the clients that were registered for a provider are to be deleted at their server; the person is asked if there
/// are any.
fn is_to_delete(context: &Context, provider: &Provider, deletion: Deletion) -> Result<bool, Failure> {
    let is_asked = deletion == Deletion::Ask && context.terminal.is_interactive() && !context.common.json;
    // What cannot be read is told when it is to be deleted.
    let has_some = || registered::kept(context, provider).is_ok_and(|kept| !kept.clients().is_empty());
    if !is_asked || !has_some() {
        return Ok(deletion != Deletion::Never);
    }
    signals::watch(&context.terminal);
    Ok(context.terminal.confirm(&format!("Delete the client of {} at its server too?", provider.name), true)?)
}

/// Deletes the clients that were registered for a provider, here and, if it `deletes`, at their server. Whatever the server
/// says, they are not kept here.
fn delete_clients(context: &Context, provider: &Provider, deletes: bool) -> Result<(), Failure> {
    let kept = registered::kept(context, provider)?;
    if kept.clients().is_empty() {
        return Ok(());
    }
    for client in kept.clients() {
        let client_id = &client.information.client_id;
        let stays = |why: &str| format!("the client `{client_id}` stays registered at {}{why}", provider.name);
        if !deletes {
            context.terminal.say(&stays(""));
            continue;
        }
        match context.block_on(client.delete(context.system()?))? {
            Ok(true) => context.terminal.success(&format!("Deleted the client {client_id} at {}", provider.name)),
            Ok(false) => context.terminal.say(&stays(", which lets nobody delete it from here")),
            Err(error) => context.terminal.warning(&stays(&format!(": {}", Failure::from(error).message()))),
        }
    }
    registered::forget_all(context, provider)
}

fn grants(context: &Context) -> Result<ExitCode, Failure> {
    if context.common.json {
        let grants: Vec<Value> = GRANTS
            .iter()
            .map(|grant| {
                let inputs: Vec<Value> = grant
                    .inputs()
                    .iter()
                    .map(|input| json!({ "key": input.key, "summary": input.summary, "secret": input.is_secret }))
                    .collect();
                json!({ "grant": grant.name(), "summary": grant.summary(), "specification": grant.specification(), "inputs": inputs })
            })
            .collect();
        context.terminal.json_line(&json!({ "schema": "keyfob.grants/1", "grants": grants }));
        return Ok(ExitCode::Done);
    }
    for grant in GRANTS {
        context.terminal.line(&format!("{}  {}", grant.name(), grant.summary()));
        context.terminal.line(&format!("    {}", grant.specification()));
        for input in grant.inputs() {
            context.terminal.line(&format!("    --set {}=…  {}", input.key, input.summary));
        }
    }
    Ok(ExitCode::Done)
}
