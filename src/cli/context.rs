//! What commands share: settings, registry, store and clients, each made when it is first needed.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::BTreeSet;
use std::future::Future;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use keyfob::client::{self, Client, Freshness, Prover, SecretStore};
use keyfob::registry::settings::{self, Settings, Storage};
use keyfob::registry::{Definition, Registry};
use keyfob::secret::Secret;
use keyfob::session::index::Entry;
use keyfob::session::store::{self, FileKey, Kind, PassphraseSource, Store, StoreOptions};
use keyfob::session::{Keeper, Override, Session, SessionKey, Taken};
use keyfob::system::trace::Observer;
use keyfob::system::{Clock, Environment, HttpClient, HttpOptions, System, files};

use super::command::registered;
use super::exit_code::ExitCode;
use super::options::{Common, Explain};
use super::overrides;
use super::report::Failure;
use super::terminal::Terminal;
use super::{explain, inputs, log, signals};

/// How long a keyring may take when somebody is there to answer its dialog, and when nobody is.
const STORE_LIMIT: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(5));

/// How long another process is waited for before the person is told.
const SILENT: Duration = Duration::from_millis(300);

/// One run of the program.
pub struct Context {
    /// The options of every command.
    pub common: Common,
    /// The person or script at the other end.
    pub terminal: Terminal,
    /// Variables and directories.
    pub environment: Environment,
    settings: OnceCell<Settings>,
    registry: OnceCell<Registry>,
    keeper: OnceCell<Keeper>,
    system: OnceCell<Arc<System>>,
    /// Whether a person is waited for.
    person: Cell<bool>,
    /// Warnings of the registry and its entries that were told already.
    told: RefCell<BTreeSet<String>>,
}

impl Context {
    /// Nothing is read yet.
    pub fn new(common: Common, terminal: Terminal, environment: Environment) -> Self {
        Self {
            common,
            terminal,
            environment,
            settings: OnceCell::new(),
            registry: OnceCell::new(),
            keeper: OnceCell::new(),
            system: OnceCell::new(),
            person: Cell::new(false),
            told: RefCell::default(),
        }
    }

    /// Seconds since 1970.
    pub fn now(&self) -> i64 {
        Clock.seconds()
    }

    /// The user's `config.toml`.
    pub fn settings(&self) -> Result<&Settings, Failure> {
        self.once(&self.settings, || {
            let settings = Settings::load(self.common.config.as_deref(), &self.environment)?;
            if settings.hooks != settings::Hooks::default() {
                self.terminal.warning("`hooks` in config.toml are not run by this version");
            }
            Ok(settings)
        })
    }

    /// What one can log in to.
    pub fn registry(&self) -> Result<&Registry, Failure> {
        self.once(&self.registry, || Ok(Registry::open(&self.environment)?))
    }

    /// The provider called `name`, with what this command line sets.
    pub fn definition(&self, name: &str) -> Result<Definition, Failure> {
        let mut definition = self.provider(name)?;
        self.set(&mut definition)?;
        Ok(definition)
    }

    /// The provider called `name`, as the registry has it.
    pub fn provider(&self, name: &str) -> Result<Definition, Failure> {
        let registry = self.registry()?;
        let definition = match registry.find(name) {
            // A login within this command may have written it since.
            Err(keyfob::registry::Error::UnknownProvider { .. }) => Registry::open(&self.environment)?.find(name)?,
            found => found?,
        };
        self.tell_warnings(registry);
        Ok(definition)
    }

    /// Tells each of the registry's warnings once.
    pub fn tell_warnings(&self, registry: &Registry) {
        for warning in registry.warnings() {
            let text = warning.to_string();
            if self.told.borrow_mut().insert(text.clone()) {
                self.terminal.warning(&text);
            }
        }
    }

    /// Lays `--set` over an entry.
    pub fn set(&self, definition: &mut Definition) -> Result<(), Failure> {
        self.common.settings.iter().try_for_each(|option| inputs::set(definition, option, &self.environment))
    }

    /// The definition that a session was made with: the registry's, what its login set above it, and what this command
    /// line sets above both.
    pub fn definition_of(&self, session: &Session) -> Result<Definition, Failure> {
        let mut definition = self.made_with(session.key.provider(), &session.overrides)?;
        self.set(&mut definition)?;
        Ok(definition)
    }

    /// The provider called `name` with what a login set above it, and with the secret that its registered client has now.
    pub fn made_with(&self, name: &str, set: &[Override]) -> Result<Definition, Failure> {
        let mut definition = self.provider(name)?;
        overrides::apply(set, &mut definition)?;
        let renewed = registered::renewed(self, &definition, set)?;
        overrides::apply(renewed.as_slice(), &mut definition)?;
        Ok(definition)
    }

    /// The session's keeper, if the store in use is the one the session lies in.
    pub fn keeper_of(&self, entry: &Entry) -> Result<&Keeper, Failure> {
        let keeper = self.keeper()?;
        if keeper.store().name() != entry.store {
            let message =
                format!("{} is kept in the {} store, and {} is in use", entry.key, entry.store, keeper.store().name());
            return Err(Failure::new(ExitCode::Store, message)
                .hint(format!("KEYFOB_STORAGE={}", entry.store))
                .session(&entry.key));
        }
        Ok(keeper)
    }

    /// From now on `--timeout` is how long a person is waited for, and no longer a network limit.
    pub fn waits_for_a_person(&self) {
        self.person.set(true);
    }

    /// The client of a definition.
    pub fn client(&self, definition: &Definition, freshness: Freshness) -> Result<Client, Failure> {
        let provider = definition.id.clone();
        self.warn_of(definition);
        let cache = self.cache_dir()?;
        let secrets = self.client_secrets()?;
        Client::new(definition, Arc::clone(self.system()?), cache, &secrets, freshness)
            .map_err(|error| Failure::from(error).at(&provider))
    }

    /// The secrets and keys of clients that were given to the store.
    pub fn client_secrets(&self) -> Result<impl SecretStore + '_, Failure> {
        Ok(ClientSecrets(self.keeper()?.store().as_ref()))
    }

    /// What proves the key of a token that is bound to one.
    pub fn prover(&self, taken: &Taken) -> Result<Prover, Failure> {
        let prover = Prover::new(self.cache_dir()?);
        taken.proof_key.as_ref().map_or(Err(client::Error::NoKey), |key| prover.hold(key))?;
        Ok(prover)
    }

    /// Where documents of servers are kept between commands.
    pub fn cache_dir(&self) -> Result<Option<PathBuf>, Failure> {
        Ok(match self.storage()? {
            // What is to be gone with the program leaves no copies of documents either.
            Kind::Memory => None,
            Kind::Keyring | Kind::File => self.environment.cache_dir().ok(),
        })
    }

    /// The client of a definition for looking only: no document is kept, and without a usable store there are no secrets of
    /// it.
    pub fn looking_client(&self, definition: &Definition) -> Result<Client, Failure> {
        // Nobody is asked for a passphrase by a look.
        let store = self.open_store_unasked().ok();
        let store = store.as_deref().map(ClientSecrets);
        let secrets: &dyn SecretStore = match &store {
            Some(secrets) => secrets,
            None => &NoSecrets,
        };
        Ok(Client::new(definition, Arc::clone(self.system()?), None, secrets, Freshness::Anew)?)
    }

    /// Tells what the entry itself wants told.
    fn warn_of(&self, definition: &Definition) {
        let Ok(provider) = definition.provider() else { return };
        if let Some(status) = &provider.status {
            let text = format!("{}: {status}", provider.name);
            if self.told.borrow_mut().insert(text.clone()) {
                self.terminal.warning(&text);
            }
        }
    }

    /// The sessions there are.
    pub fn keeper(&self) -> Result<&Keeper, Failure> {
        self.once(&self.keeper, || {
            let state_dir = self.state_dir()?;
            files::check_dir(&state_dir)?;
            let settings = self.settings()?;
            Ok(self.keeper_in(state_dir, self.open_store()?, settings.token_cache, settings.limits.lock))
        })
    }

    /// Sessions in another place, for the demonstration.
    pub fn keeper_in(&self, state_dir: PathBuf, store: Arc<dyn Store>, token_cache: bool, lock: Duration) -> Keeper {
        let (terminal, told) = (self.terminal.clone(), AtomicBool::new(false));
        let waiting = move |key: &SessionKey, waited: Duration| {
            if waited >= SILENT && !told.swap(true, Ordering::Relaxed) {
                terminal.say(&format!("Waiting for another keyfob that is working on {key} …"));
            }
            ControlFlow::Continue(())
        };
        Keeper::new(state_dir, store, token_cache, lock, Arc::new(waiting))
    }

    /// The directory of index, file store and locks.
    pub fn state_dir(&self) -> Result<PathBuf, Failure> {
        match (self.environment.state_dir(), self.storage()?) {
            (Ok(directory), _) => Ok(directory),
            // Nothing is written there.
            (Err(_), Kind::Memory) => Ok(PathBuf::new()),
            (Err(error), _) => Err(Failure::from(error).hint("set HOME, or KEYFOB_STATE_DIR and KEYFOB_CONFIG_DIR")),
        }
    }

    /// Which store is in use.
    pub fn storage(&self) -> Result<Kind, Failure> {
        if let Some(name) = self.environment.text("KEYFOB_STORAGE") {
            return match name.as_str() {
                "auto" => Ok(Kind::Keyring),
                name => Kind::parse(name).ok_or_else(|| {
                    let message = format!("KEYFOB_STORAGE is `{name}`, which is none of keyring, file and memory");
                    Failure::new(ExitCode::Config, message)
                }),
            };
        }
        match &self.settings()?.storage {
            Storage::Auto | Storage::Keyring => Ok(Kind::Keyring),
            Storage::File => Ok(Kind::File),
            Storage::Memory => Ok(Kind::Memory),
            _ => Err(Failure::new(ExitCode::Config, "`storage` names a command, which this version cannot use")
                .hint("use keyring, file or memory")),
        }
    }

    /// Opens the store in use.
    pub fn open_store(&self) -> Result<Arc<dyn Store>, Failure> {
        self.open_store_of(self.storage()?)
    }

    /// Opens the store in use without ever asking for anything.
    pub fn open_store_unasked(&self) -> Result<Arc<dyn Store>, Failure> {
        self.open_store_as(self.storage()?, false)
    }

    /// Opens a store.
    pub fn open_store_of(&self, kind: Kind) -> Result<Arc<dyn Store>, Failure> {
        self.open_store_as(kind, self.terminal.is_interactive())
    }

    fn open_store_as(&self, kind: Kind, interactive: bool) -> Result<Arc<dyn Store>, Failure> {
        let settings = self.settings()?;
        let usual = if interactive { STORE_LIMIT.0 } else { STORE_LIMIT.1 };
        let options = StoreOptions {
            state_dir: self.state_dir()?,
            kind,
            file_key: self.file_key(settings, interactive)?,
            deadline: settings.limits.store.unwrap_or(usual),
            interactive,
            bus_address: self.environment.text("DBUS_SESSION_BUS_ADDRESS"),
            runtime_dir: self.environment.raw("XDG_RUNTIME_DIR").map(PathBuf::from),
        };
        Ok(store::open(options)?.into())
    }

    fn file_key(&self, settings: &Settings, interactive: bool) -> Result<FileKey, Failure> {
        if let Some(path) = self.environment.raw("KEYFOB_FILE_KEY") {
            return Ok(FileKey::File(path.into()));
        }
        Ok(match &settings.file_key {
            settings::FileKey::Keyring => FileKey::Keyring,
            settings::FileKey::File(path) => FileKey::File(path.clone()),
            _ => FileKey::Passphrase(self.passphrase(interactive)?),
        })
    }

    /// Where the passphrase of the file store comes from: a named file, else the person.
    fn passphrase(&self, interactive: bool) -> Result<PassphraseSource, Failure> {
        if let Some(place) = self.environment.raw("KEYFOB_PASSPHRASE_FILE") {
            return Ok(PassphraseSource::parse(&place.to_string_lossy())?);
        }
        if !interactive {
            return Ok(PassphraseSource::None);
        }
        let terminal = self.terminal.clone();
        Ok(PassphraseSource::Ask(Box::new(move |wanted| {
            signals::watch(&terminal);
            match wanted {
                store::Wanted::Existing => terminal.prompt_secret("Passphrase of the session files: ").ok(),
                store::Wanted::New => {
                    let first = terminal.prompt_secret("New passphrase for the session files: ").ok()?;
                    let second = terminal.prompt_secret("The same again: ").ok()?;
                    if first != second {
                        terminal.warning("the two passphrases are different");
                    }
                    (first == second).then_some(first)
                }
            }
        })))
    }

    /// The outside world, with whoever wants to read along.
    pub fn system(&self) -> Result<&Arc<System>, Failure> {
        self.once(&self.system, || {
            let limits = &self.settings()?.limits;
            let mut options = HttpOptions::from_environment(&self.environment)?;
            (options.connect, options.idle, options.request) = (limits.connect, limits.idle, limits.request);
            if let Some(timeout) = self.common.timeout {
                options.request = if self.person.get() { options.request.min(timeout) } else { timeout };
                options.connect = options.connect.min(timeout);
                options.idle = options.idle.min(timeout);
            }
            let trace = log::trace_to(self.observers()?);
            let http = HttpClient::new(options, trace.clone());
            Ok(Arc::new(System { http, clock: Clock, environment: self.environment.clone(), trace }))
        })
    }

    fn observers(&self) -> Result<Vec<Arc<dyn Observer>>, Failure> {
        let mut observers: Vec<Arc<dyn Observer>> = Vec::new();
        if let Some(format) = self.common.explain {
            let format = match format {
                Explain::Text => explain::Format::Text,
                Explain::Markdown => explain::Format::Markdown,
                Explain::Mermaid => explain::Format::Mermaid,
            };
            observers.push(Arc::new(explain::Explain::new(self.terminal.clone(), format)));
        }
        let level = match self.environment.text("KEYFOB_LOG") {
            Some(filter) => log::Level::of_filter(&filter)
                .map_err(|reason| Failure::new(ExitCode::Config, format!("KEYFOB_LOG is unusable: {reason}")))?,
            None => log::Level::of_verbosity(self.common.verbose),
        };
        if let Some(log) = log::Log::new(self.terminal.clone(), level) {
            observers.push(Arc::new(log));
        }
        Ok(observers)
    }

    /// Runs what needs the network.
    pub fn block_on<T>(&self, future: impl Future<Output = T>) -> Result<T, Failure> {
        signals::watch(&self.terminal);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build();
        let runtime =
            runtime.map_err(|error| Failure::new(ExitCode::Internal, format!("no runtime can be started: {error}")))?;
        let output = runtime.block_on(future);
        // A look-up that still runs on a thread of its own is not waited for.
        runtime.shutdown_background();
        Ok(output)
    }

    /// Seconds by which clocks may differ.
    pub fn clock_tolerance(&self) -> Result<u64, Failure> {
        Ok(self.settings()?.limits.clock_tolerance.as_secs())
    }

    /// Tells about files and directories that others could read until now.
    pub fn tell_repairs(&self) {
        if self.keeper.get().is_some_and(Keeper::is_unprotected) {
            self.terminal
                .warning("the file system of the state directory has no locks: do not run several keyfobs at once");
        }
        for path in files::take_repaired() {
            self.terminal.warning(&format!("{} could be read by others and has been closed to them", path.display()));
        }
    }

    fn once<'a, T>(
        &'a self,
        cell: &'a OnceCell<T>,
        make: impl FnOnce() -> Result<T, Failure>,
    ) -> Result<&'a T, Failure> {
        if cell.get().is_none() {
            let made = make()?;
            let _ = cell.set(made);
        }
        cell.get().ok_or_else(|| Failure::new(ExitCode::Internal, "something was needed while it was being made"))
    }
}

/// Client secrets and private keys that were given to the store.
struct ClientSecrets<'a>(&'a dyn Store);

/// Where there is no usable store.
struct NoSecrets;

impl SecretStore for NoSecrets {
    fn client_secret(&self, _: &str) -> Result<Option<Secret>, Box<dyn std::error::Error + Send + Sync>> {
        Ok(None)
    }

    fn private_key(&self, _: &str) -> Result<Option<Secret>, Box<dyn std::error::Error + Send + Sync>> {
        Ok(None)
    }
}

/// The name of a provider's client secret in the store.
pub fn client_secret_name(provider: &str) -> String {
    format!("client_secret/{provider}")
}

/// The name of a provider's private key in the store.
pub fn private_key_name(provider: &str) -> String {
    format!("private_key/{provider}")
}

impl SecretStore for ClientSecrets<'_> {
    fn client_secret(&self, provider: &str) -> Result<Option<Secret>, Box<dyn std::error::Error + Send + Sync>> {
        Ok(self.0.load_secret(&client_secret_name(provider))?)
    }

    fn private_key(&self, provider: &str) -> Result<Option<Secret>, Box<dyn std::error::Error + Send + Sync>> {
        Ok(self.0.load_secret(&private_key_name(provider))?)
    }
}
