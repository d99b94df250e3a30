//! Changes to the user's `providers.toml`, which keep his comments and order.
//!
//! What would be written is read back and checked first, so that no command leaves a file behind that the next one cannot
//! read.

use std::path::{Path, PathBuf};

use toml_edit::{DocumentMut, Item, Table};

use super::definition::Definition;
use super::document::Document;
use super::error::Error;
use super::layer::Layer;
use super::show::{insert, segments, written};
use super::value::{Origin, Place, SecretSource, Value};
use super::{Registry, schema, user_file};
use crate::system::{self, Environment, files};

/// Bytes of a long entry: what a probe writes besides the file as it is.
const ENTRY: usize = 4096;

/// The user's registry file, to be changed.
#[derive(Debug)]
pub struct Editor {
    path: PathBuf,
    system: Vec<Origin>,
}

impl Editor {
    /// The file of this environment; it need not exist.
    ///
    /// # Errors
    /// [`Error::File`] when no directory for it can be found.
    pub fn open(environment: &Environment) -> Result<Self, Error> {
        let path = user_file(environment)?.ok_or(Error::File(system::Error::NoDirectory {
            what: "configuration",
            reason: "HOME is not set to an absolute path, and the user database knows no home".into(),
        }))?;
        let mut system = Registry::open(environment)?.files;
        system.retain(|origin| matches!(origin, Origin::System(_)));
        Ok(Self { path, system })
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the user's file has an entry of this name.
    ///
    /// # Errors
    /// When the file cannot be read or the name is none.
    pub fn has(&self, id: &str) -> Result<bool, Error> {
        if super::checks::id(id).is_some() {
            return Err(Error::ProviderName { place: self.origin().into() });
        }
        Ok(self.read()?.get("providers").and_then(|providers| providers.get(id)).is_some())
    }

    /// Makes sure that an entry could be added now, so that nobody logs in for one that cannot be kept. The file stays as it
    /// is; its directory is made if there is none.
    ///
    /// # Errors
    /// When the file cannot be read; [`Error::File`] when it cannot be written.
    pub fn probe(&self) -> Result<(), Error> {
        let text = self.read()?.to_string();
        let mut trial = files::Replacement::begin(&self.target()?)?;
        trial.write(text.as_bytes())?;
        Ok(trial.write(&[b'\n'; ENTRY])?)
    }

    /// Adds a provider.
    ///
    /// # Errors
    /// [`Error::Exists`] when the file has an entry of this name; else as [`set`](Self::set).
    pub fn add(&self, id: &str, pairs: &[(&str, Value)]) -> Result<(), Error> {
        if self.has(id)? {
            return Err(Error::Exists { name: id.into(), path: self.path.clone() });
        }
        self.set(id, pairs)
    }

    /// Sets dotted keys of an entry, which is made if there is none.
    ///
    /// # Errors
    /// [`Error::LiteralSecret`]; as [`Registry::find`] for what would be wrong with the entry then; [`Error::File`].
    pub fn set(&self, id: &str, pairs: &[(&str, Value)]) -> Result<(), Error> {
        self.change(id, pairs, &[])
    }

    /// As [`set`](Self::set), and takes the keys `without` out of the entry.
    ///
    /// # Errors
    /// As [`set`](Self::set).
    pub fn change(&self, id: &str, pairs: &[(&str, Value)], without: &[&str]) -> Result<(), Error> {
        self.write(&self.changed(id, pairs, without)?, &[id])
    }

    /// The provider as [`change`](Self::change) would leave it; nothing is written.
    ///
    /// # Errors
    /// As [`change`](Self::change).
    pub fn preview(&self, id: &str, pairs: &[(&str, Value)], without: &[&str]) -> Result<Definition, Error> {
        self.registry(self.changed(id, pairs, without)?.to_string())?.find(id)
    }

    fn changed(&self, id: &str, pairs: &[(&str, Value)], without: &[&str]) -> Result<DocumentMut, Error> {
        if super::checks::id(id).is_some() {
            return Err(Error::ProviderName { place: self.origin().into() });
        }
        let mut document = self.read()?;
        let entry = entry(&mut document, id).ok_or_else(|| self.odd_shape())?;
        for key in without {
            entry.remove(key);
        }
        for (key, value) in pairs {
            let is_secret = schema::leaf(key).is_some_and(schema::Kind::is_secret);
            if is_secret && !matches!(value, Value::Secret(source) if !matches!(source, SecretSource::Literal(_))) {
                return Err(Error::LiteralSecret { provider: id.into(), key: (*key).into() });
            }
            insert(entry, &segments(key), written(value));
        }
        Ok(document)
    }

    /// Removes an entry; `false` when the file has none of this name.
    ///
    /// # Errors
    /// As [`Registry::find`] for the file; [`Error::File`].
    pub fn remove(&self, id: &str) -> Result<bool, Error> {
        let mut document = self.read()?;
        let providers = document.get_mut("providers").and_then(Item::as_table_like_mut);
        if providers.and_then(|providers| providers.remove(id)).is_none() {
            return Ok(false);
        }
        self.write(&document, &[])?;
        Ok(true)
    }

    /// Takes over all entries of a text such as [`to_toml`](super::Definition::to_toml) makes, and says their names.
    /// An entry that the file has already gets the text's keys in addition.
    ///
    /// # Errors
    /// [`Error::ForeignCommand`] when the text names a program to run; as [`Registry::find`] for what is wrong with it;
    /// [`Error::File`].
    pub fn merge_text(&self, text: &str) -> Result<Vec<String>, Error> {
        let source = Document::new(text.into(), Origin::Flag("the text given".into()), false);
        let layer = Layer::parse(&source)?;
        let ids: Vec<String> = layer.ids().map(String::from).collect();
        let mut document = self.read()?;
        for id in &ids {
            let Some(settings) = layer.entry(id)? else { continue };
            let entry = entry(&mut document, id).ok_or_else(|| self.odd_shape())?;
            for (key, setting) in settings {
                if matches!(setting.value, Value::Secret(SecretSource::Command(_))) {
                    return Err(Error::ForeignCommand { provider: id.clone(), key: key.to_string() });
                }
                insert(entry, &segments(key), written(&setting.value));
            }
        }
        let names: Vec<&str> = ids.iter().map(String::as_str).collect();
        self.write(&document, &names)?;
        Ok(ids)
    }

    fn origin(&self) -> Origin {
        Origin::User(self.path.clone())
    }

    fn odd_shape(&self) -> Error {
        let place = Place::from(self.origin());
        Error::Syntax { place, reason: "`providers` or the entry is no table".into() }
    }

    fn read(&self) -> Result<DocumentMut, Error> {
        let Some(document) = Document::read(&self.path, self.origin())? else { return Ok(DocumentMut::new()) };
        document.parse()?;
        document.text.parse().map_err(|error: toml_edit::TomlError| {
            let place = document.place(error.span().unwrap_or_default());
            Error::Syntax { place, reason: error.message().into() }
        })
    }

    /// The registry with `text` in the place of the user's file.
    fn registry(&self, text: String) -> Result<Registry, Error> {
        let mut layers = Vec::new();
        for origin in &self.system {
            if let Some(path) = origin.path() {
                layers.extend(Layer::read(path, origin.clone())?);
            }
        }
        layers.push(Layer::parse(&Document::new(text, self.origin(), false))?);
        Ok(Registry::with_layers(layers))
    }

    /// Writes the file if the named providers can be used then.
    fn write(&self, document: &DocumentMut, ids: &[&str]) -> Result<(), Error> {
        let text = document.to_string();
        let registry = self.registry(text.clone())?;
        for id in ids {
            match registry.find(id)?.provider() {
                Ok(_) | Err(Error::MissingVariable { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(files::replace_unlocked(&self.target()?, text.as_bytes())?)
    }

    /// Which file is written, in a directory that is made if need be.
    fn target(&self) -> Result<PathBuf, Error> {
        // One that is there already is the person's own affair: nothing in it is secret by our doing.
        if let Some(directory) = self.path.parent().filter(|directory| !directory.is_dir()) {
            files::private_dir(directory)?;
        }
        // Where the file is a link, as dotfile managers make them, what it points to is changed.
        Ok(std::fs::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone()))
    }
}

/// The provider's table, made if need be; `None` when something else is in its place.
fn entry<'d>(document: &'d mut DocumentMut, id: &str) -> Option<&'d mut dyn toml_edit::TableLike> {
    if document.get("providers").is_none() {
        let mut providers = Table::new();
        providers.set_implicit(true);
        document.insert("providers", Item::Table(providers));
    }
    let providers = document.get_mut("providers")?.as_table_like_mut()?;
    if providers.get(id).is_none() {
        providers.insert(id, Item::Table(Table::new()));
    }
    providers.get_mut(id)?.as_table_like_mut()
}
