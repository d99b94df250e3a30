//! What one can log in to: providers by name, and the user's settings.
//!
//! Three layers define a provider: the registry inside the program, system-wide files, the user's file. The nearest wins
//! key by key, and each value remembers where it came from. Then `extends` lays a provider over its parent. Files are
//! read from the configuration directories alone, never from the working directory: a repository must not be able to
//! choose a server. Reading happens at the first look-up; the built-in entries are never parsed.
//!
//! Fetching server metadata, and reading secrets from where an entry says they are, is left to the layers above.

mod assemble;
mod bundled;
mod checks;
mod definition;
mod document;
pub mod duration;
pub mod edit;
mod entry;
mod error;
mod layer;
pub mod nearest;
mod profile;
pub mod provider;
mod run_time;
mod schema;
pub mod settings;
mod show;
mod template;
#[cfg(all(test, unix))]
pub(crate) mod testing;
mod value;
pub mod words;

#[cfg(all(test, unix))]
mod tests;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Mutex, OnceLock, PoisonError};

pub use definition::{Definition, Variable};
pub use error::{Error, Invalid, Problem, Warning};
pub use nearest::nearest;
pub use provider::Provider;
pub use run_time::{RunTime, Unfilled};
pub use schema::RUNNER;
pub use settings::Settings;
pub use value::{Origin, Place, SecretSource, Value};

use definition::overlay;
use layer::Layer;

use crate::system::{self, Environment};

/// The file's name in each configuration directory.
const FILE: &str = "providers.toml";

/// All providers, by name.
#[derive(Debug)]
pub struct Registry {
    /// From the system's to the user's, so that a later one wins.
    files: Vec<Origin>,
    layers: OnceLock<Vec<Layer>>,
    warnings: Mutex<Vec<Warning>>,
}

/// A provider in the list of all.
#[derive(Debug)]
pub struct Listed {
    /// Its identifier.
    pub id: String,
    /// The nearest layer that has it.
    pub origin: Origin,
    /// Its definition, or why it cannot be used; values that the user has to give may still be missing.
    pub definition: Result<Definition, Error>,
    /// Whether it can be used and no value is missing that only the user can give; the client is not looked at.
    pub is_complete: bool,
}

impl Registry {
    /// The registry of this environment. Reads no file yet.
    ///
    /// # Errors
    /// [`Error::File`] when `KEYFOB_CONFIG_DIR` is not absolute.
    pub fn open(environment: &Environment) -> Result<Self, Error> {
        let system = environment.system_config_dirs().into_iter().rev().map(|path| Origin::System(path.join(FILE)));
        let user = user_file(environment)?.map(Origin::User);
        Ok(Self { files: system.chain(user).collect(), layers: OnceLock::new(), warnings: Mutex::default() })
    }

    /// A registry with one layer above the built-in providers.
    fn with_layers(layers: Vec<Layer>) -> Self {
        Self { files: Vec::new(), layers: layers.into(), warnings: Mutex::default() }
    }

    /// The definition of the provider with this name or alias.
    ///
    /// # Errors
    /// [`Error::UnknownProvider`] with the nearest name; [`Error::Syntax`], [`Error::UnsafeFile`] and [`Error::File`]
    /// for a file; [`Error::Invalid`] for the entry itself; [`Error::Cycle`] and [`Error::UnknownParent`] for `extends`.
    pub fn find(&self, name: &str) -> Result<Definition, Error> {
        let layers = self.layers()?;
        let Some(id) = resolve(layers, name) else {
            let mut names: Vec<&str> = bundled::ids().chain(bundled::aliases()).collect();
            layers.iter().for_each(|layer| names.extend(layer.ids()));
            let nearest = nearest(name, names).map(String::from);
            return Err(Error::UnknownProvider { name: name.into(), nearest });
        };
        let mut chain = vec![id.to_owned()];
        let mut definitions = vec![self.own(layers, id)?];
        while let Some(parent) = definitions.last().and_then(|child| child.settings.get("extends")) {
            let (name, place) = (parent.value.to_string(), parent.place.clone());
            let child = chain.last().cloned().unwrap_or_default();
            let Some(id) = resolve(layers, &name) else {
                return Err(Error::UnknownParent { provider: child, parent: name, place });
            };
            let circle = chain.iter().any(|link| link == id);
            chain.push(id.into());
            if circle {
                return Err(Error::Cycle { chain });
            }
            definitions.push(self.own(layers, id)?);
        }
        let base = chain.iter().find(|id| bundled::find(id).is_some()).cloned();
        let mut definition = Definition { id: id.into(), base, settings: entry::Settings::new() };
        for (depth, mut own) in definitions.into_iter().enumerate().rev() {
            if depth > 0 {
                // A parent's other names and its own parent are not the child's.
                own.settings.remove("aliases");
                own.settings.remove("extends");
            }
            definition.inherit(own.settings);
        }
        definition.check()?;
        Ok(definition)
    }

    /// Every provider, sorted. One that is broken is listed with its error and does not disable the others.
    ///
    /// # Errors
    /// As [`find`](Self::find), for files as a whole.
    pub fn ids(&self) -> Result<Vec<Listed>, Error> {
        let layers = self.layers()?;
        let mut ids: BTreeSet<&str> = bundled::ids().collect();
        layers.iter().for_each(|layer| ids.extend(layer.ids()));
        let listed = ids.into_iter().map(|id| {
            let checked = self.find(id).and_then(|definition| {
                let is_complete = definition.is_complete()?;
                Ok((definition, is_complete))
            });
            let (definition, is_complete) = match checked {
                Ok((definition, is_complete)) => (Ok(definition), is_complete),
                Err(error) => (Err(error), false),
            };
            Listed { id: id.into(), origin: nearest_layer(layers, id), definition, is_complete }
        });
        Ok(listed.collect())
    }

    /// The nearest layer that has this provider.
    ///
    /// # Errors
    /// As [`find`](Self::find), for files as a whole.
    pub fn origin(&self, id: &str) -> Result<Origin, Error> {
        Ok(nearest_layer(self.layers()?, id))
    }

    /// What the user should know about the files and providers that were looked up so far.
    pub fn warnings(&self) -> Vec<Warning> {
        self.warnings.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What the layers say about this provider itself, without its parents.
    fn own(&self, layers: &[Layer], id: &str) -> Result<Definition, Error> {
        let bundled = bundled::find(id);
        let mut settings = bundled.map(bundled::settings).unwrap_or_default();
        for layer in layers {
            let Some(own) = layer.entry(id)? else { continue };
            if bundled.is_some() {
                self.warn(layer.shadowed(id, own));
            }
            overlay(&mut settings, own.clone());
        }
        Ok(Definition { id: id.into(), base: None, settings })
    }

    fn warn(&self, new: impl IntoIterator<Item = Warning>) {
        let mut warnings = self.warnings.lock().unwrap_or_else(PoisonError::into_inner);
        for warning in new {
            if !warnings.contains(&warning) {
                warnings.push(warning);
            }
        }
    }

    fn layers(&self) -> Result<&[Layer], Error> {
        if let Some(layers) = self.layers.get() {
            return Ok(layers);
        }
        let mut layers = Vec::new();
        for origin in &self.files {
            if let Some(path) = origin.path()
                && let Some(layer) = Layer::read(path, origin.clone())?
            {
                self.warn(layer.readable_secrets());
                layers.push(layer);
            }
        }
        Ok(self.layers.get_or_init(|| layers))
    }
}

/// The user's file; `None` without a home, where the built-in providers still work.
fn user_file(environment: &Environment) -> Result<Option<PathBuf>, Error> {
    match environment.config_dir() {
        Ok(directory) => Ok(Some(directory.join(FILE))),
        Err(system::Error::NoDirectory { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn nearest_layer(layers: &[Layer], id: &str) -> Origin {
    layers.iter().rev().find(|layer| layer.has(id)).map_or(Origin::Bundled, |layer| layer.origin.clone())
}

/// The identifier behind a name: an identifier itself, else an alias; the nearest layer's first.
fn resolve<'a>(layers: &'a [Layer], name: &str) -> Option<&'a str> {
    let nearest_first = || layers.iter().rev();
    nearest_first()
        .find_map(|layer| layer.id(name))
        .or_else(|| bundled::id(name))
        .or_else(|| nearest_first().find_map(|layer| layer.alias(name)))
        .or_else(|| bundled::alias(name))
}
