//! A login as one client; once more where the server has forgotten a client that was registered earlier.

use keyfob::grant::{Found, GrantRequest};
use keyfob::registry::Definition;
use keyfob::session::index::Entry;
use keyfob::session::{self, Override};

use super::{Arguments, choice, concluded, interaction, missing_inputs, tell_store, two_calls, unfinished};
use crate::cli::browser::{Browser, Reason};
use crate::cli::command::from_url;
use crate::cli::command::registered::{self, Chosen};
use crate::cli::context::Context;
use crate::cli::exit_code::ExitCode;
use crate::cli::overrides;
use crate::cli::report::Failure;

/// A login with all that was said before its client is known.
pub struct Attempt<'a> {
    pub context: &'a Context,
    pub arguments: &'a Arguments,
    pub definition: Definition,
    pub account: Option<String>,
    pub request: GrantRequest,
    pub overrides: Vec<Override>,
    pub grant: Found,
    pub browser: Browser,
    pub usable: Result<(), Reason>,
    /// What was found at the address that the login goes to, where that was all that was known.
    pub found: Option<from_url::Found>,
}

impl Attempt<'_> {
    /// Logs in as `client`; nothing where the login is only begun.
    ///
    /// # Errors
    /// Why there is no session.
    pub fn run_with(&self, client: Chosen) -> Result<Option<Entry>, Failure> {
        let context = self.context;
        let failure = match self.run(&client) {
            Err(failure) if client.is_renewable() => failure,
            outcome => return outcome,
        };
        match failure.oauth_error() {
            // The server has forgotten the client. Another one is registered, once: it is new then.
            Some("invalid_client" | "unauthorized_client") => {
                registered::forget(context, &self.definition, &client)?;
                context.terminal.say("The server does not know the registered client any more.");
                let client = registered::choose(context, &self.definition, &self.request, self.grant.name(), None)?;
                self.run(&client)
            }
            _ => {
                // A page that says so in the browser only looks like a person who never answered.
                if failure.code() == ExitCode::Timeout {
                    registered::forget(context, &self.definition, &client)?;
                }
                Err(failure)
            }
        }
    }

    fn run(&self, chosen: &Chosen) -> Result<Option<Entry>, Failure> {
        let Self { context, arguments, grant, .. } = self;
        let (mut definition, mut overrides) = (self.definition.clone(), self.overrides.clone());
        overrides::apply(&chosen.overrides, &mut definition)?;
        overrides.extend(chosen.overrides.iter().cloned());
        let mut request = GrantRequest { port: self.request.port.or(chosen.port), ..self.request.clone() };
        if choice::is_public(&**grant, &definition.provider()?) {
            let public = vec![overrides::plain("client_auth", "none")];
            overrides::apply(&public, &mut definition)?;
            overrides.extend(public);
        }
        let answers = missing_inputs(context, &definition, grant)?;
        overrides::apply(&answers, &mut definition)?;
        overrides.extend(answers);
        let forced = session::login::Name { account: self.account.as_deref(), overrides: &overrides };
        let client = context.client(&definition, chosen.freshness())?;
        let provider = client.provider();
        let user = interaction(context, arguments, provider, self.browser.clone(), self.usable);
        let keeper = context.keeper()?;
        tell_store(context, keeper.store().name());
        if arguments.begin {
            request.timeout = two_calls::life(context, &**grant)?;
            two_calls::begin(context, arguments, &client, &**grant, &request, forced)?;
            self.keep_found()?;
            return Ok(None);
        }
        let login = session::login::login(keeper, &client, &**grant, &request, &user, forced);
        let outcome = context.block_on(login)?;
        let logged_in = outcome
            .map_err(|error| unfinished(error, &provider.name, &provider.id).with_clock(client.clock_difference()))?;
        let entry = concluded(context, arguments, logged_in, &provider.name)?;
        self.keep_found()?;
        Ok(Some(entry))
    }

    fn keep_found(&self) -> Result<(), Failure> {
        self.found.as_ref().map_or(Ok(()), |found| found.keep(self.context))
    }
}
