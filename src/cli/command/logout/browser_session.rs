//! The session that the provider's own pages keep in the browser, ended at the provider.
//!
//! The address is given to a browser in an argument, which other users of the machine may read. So it carries the public
//! client identifier and no `id_token_hint`: a provider that asks the person, as it must without the hint, is the price.
//!
//! # Specification
//! OpenID Connect RP-Initiated Logout §2 (`client_id`; the hint is recommended and not required).

use keyfob::client::{self, Client, Freshness};
use keyfob::protocol::parameters::Parameters;
use keyfob::session::index::Entry;
use url::Url;

use crate::cli::browser;
use crate::cli::context::Context;
use crate::cli::report::Failure;

/// The provider's logout page, and what the browser must not inherit.
pub struct Page {
    url: Url,
    secret_variables: Vec<String>,
}

/// Finds the page.
pub fn page(context: &Context, entry: &Entry) -> Result<Page, Failure> {
    let session = context.keeper_of(entry)?.load(&entry.key)?;
    let definition = context.definition_of(&session)?;
    let client = context.client(&definition, Freshness::Kept)?;
    let provider = client.provider();
    let endpoint = context.block_on(endpoint(&client))??;
    let lacks = || client::Error::Lacks { provider: provider.id.clone(), what: "end_session_endpoint" };
    let endpoint = endpoint.ok_or_else(lacks)?;
    let mut parameters = Parameters::new();
    parameters.set("client_id", client.client_id());
    let url = parameters.appended_to(&endpoint).map_err(|error| Failure::usage(error.to_string()))?;
    Ok(Page { url, secret_variables: provider.secret_variables() })
}

async fn endpoint(client: &Client) -> Result<Option<Url>, client::Error> {
    Ok(client.server().await?.end_session_endpoint.clone())
}

/// Opens the page, or shows where it is.
pub fn open(context: &Context, page: &Page) -> Result<(), Failure> {
    let configured = context.settings()?.browser.clone();
    let url = &page.url;
    let chosen = browser::choose(None, false, &context.environment, configured.as_deref())
        .map_err(|error| Failure::usage(error.to_string()))?;
    let opened = browser::usable(&chosen, &context.environment).is_ok()
        && browser::open(&chosen, url, &page.secret_variables).is_ok();
    if opened {
        context.terminal.say(&format!("Opening {url} in your browser: finish the logout there."));
    } else {
        // Said however it is written: nobody could finish it otherwise.
        context.terminal.narrate(&format!("Open this address to finish the logout there:  {url}"));
    }
    Ok(())
}
