//! One provider's table in a file, read into settings under dotted keys.

use std::borrow::Cow;
use std::collections::BTreeMap;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::document::{Document, base, strings};
use super::error::{Invalid, Problem};
use super::nearest::nearest;
use super::schema::{self, FIELDS, Kind, VARIABLE};
use super::value::{Place, SecretSource, Value};

/// A value with the place it comes from.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Setting {
    pub(super) value: Value,
    pub(super) place: Place,
}

/// Settings under their dotted keys.
pub(super) type Settings = BTreeMap<Cow<'static, str>, Setting>;

/// Reads a provider's table. Unknown strings at its top may be values of variables that another layer declares; they are
/// checked when the layers are together.
pub(super) fn read(document: &Document, id: &str, table: &DeTable<'_>) -> Result<Settings, Box<Invalid>> {
    let mut reader = Reader { document, id, settings: Settings::new() };
    for (key, value) in table {
        let name = key.get_ref().as_ref();
        match schema::field(name) {
            Some(kind) => reader.field(name.into(), kind, value)?,
            None if name == "response_type" => return Err(reader.invalid(name, key, Problem::ResponseType)),
            None if value.get_ref().is_str() && super::checks::variable_name(name).is_none() => {
                reader.field(name.into(), schema::PLAIN, value)?;
                // Should it be a slip, the name is what is wrong.
                if let Some(setting) = reader.settings.get_mut(name) {
                    setting.place = document.place(key.span());
                }
            }
            None => {
                let nearest = nearest(name, FIELDS.iter().map(|(field, _)| *field)).map(String::from);
                return Err(reader.invalid(name, key, Problem::UnknownKey { nearest }));
            }
        }
    }
    Ok(reader.settings)
}

struct Reader<'a> {
    document: &'a Document,
    id: &'a str,
    settings: Settings,
}

impl Reader<'_> {
    fn invalid<T>(&self, key: &str, at: &Spanned<T>, problem: Problem) -> Box<Invalid> {
        let place = self.document.place(at.span());
        Box::new(Invalid { provider: Some(self.id.into()), key: key.into(), place, problem })
    }

    fn field(&mut self, key: String, kind: Kind, value: &Spanned<DeValue<'_>>) -> Result<(), Box<Invalid>> {
        match kind {
            Kind::Table(fields) => self.table(&key, fields, value),
            Kind::Variables => {
                for (name, about) in self.entries(&key, kind, value)? {
                    let key = format!("{key}.{}", name.get_ref());
                    if let Some(reason) = super::checks::variable_name(name.get_ref()) {
                        return Err(self.invalid(&key, name, Problem::Refused(reason.into())));
                    }
                    self.table(&key, VARIABLE, about)?;
                    // A variable with nothing said about it is declared all the same.
                    self.settings.entry(format!("{key}.prompt").into()).or_insert_with(|| Setting {
                        value: Value::from(name.get_ref().as_ref()),
                        place: self.document.place(name.span()),
                    });
                }
                Ok(())
            }
            Kind::Map(..) | Kind::Names(_) => {
                for (name, item) in self.entries(&key, kind, value)? {
                    let key = format!("{key}.{}", name.get_ref());
                    if let Some(problem) = kind.reserves(name.get_ref()) {
                        return Err(self.invalid(&key, name, problem));
                    }
                    let Some(kind) = kind.item(name.get_ref()) else {
                        let Kind::Names(names) = kind else { continue };
                        let nearest = nearest(name.get_ref(), names.iter().copied()).map(String::from);
                        return Err(self.invalid(&key, name, Problem::UnknownKey { nearest }));
                    };
                    self.field(key, kind, item)?;
                }
                Ok(())
            }
            _ => {
                let place = self.document.place(value.span());
                let value = self.leaf(kind, value).map_err(|problem| self.invalid(&key, value, problem))?;
                self.settings.insert(key.into(), Setting { value, place });
                Ok(())
            }
        }
    }

    fn entries<'v, 'i>(
        &self,
        key: &str,
        kind: Kind,
        value: &'v Spanned<DeValue<'i>>,
    ) -> Result<&'v DeTable<'i>, Box<Invalid>> {
        value.get_ref().as_table().ok_or_else(|| self.invalid(key, value, Problem::Expected(kind.expected())))
    }

    fn table(
        &mut self,
        key: &str,
        fields: &'static [(&'static str, Kind)],
        value: &Spanned<DeValue<'_>>,
    ) -> Result<(), Box<Invalid>> {
        for (name, item) in self.entries(key, Kind::Table(fields), value)? {
            let dotted = format!("{key}.{}", name.get_ref());
            let Some((_, kind)) = fields.iter().find(|(field, _)| field == name.get_ref()) else {
                let nearest = nearest(name.get_ref(), fields.iter().map(|(field, _)| *field));
                let nearest = nearest.map(|name| format!("{key}.{name}"));
                return Err(self.invalid(&dotted, name, Problem::UnknownKey { nearest }));
            };
            self.field(dotted, *kind, item)?;
        }
        Ok(())
    }

    fn leaf(&self, kind: Kind, value: &Spanned<DeValue<'_>>) -> Result<Value, Problem> {
        let wrong = || Problem::Expected(kind.expected());
        let plain = match value.get_ref() {
            DeValue::String(text) => Value::from(text.as_ref()),
            DeValue::Boolean(flag) => Value::Bool(*flag),
            DeValue::Integer(number) => {
                Value::Int(i64::from_str_radix(number.as_str(), number.radix()).map_err(|_| wrong())?)
            }
            DeValue::Array(_) => Value::from(strings(value.get_ref()).ok_or_else(wrong)?),
            DeValue::Table(table) if matches!(kind, Kind::Secret | Kind::Statement | Kind::Input) => {
                Value::Secret(self.source(table).ok_or_else(wrong)??)
            }
            _ => return Err(wrong()),
        };
        kind.accept(plain)
    }

    /// Reads where a secret is found; `None` when the table is of another shape.
    fn source(&self, table: &DeTable<'_>) -> Option<Result<SecretSource, Problem>> {
        let text = |name: &str| table.iter().find(|(key, _)| key.get_ref() == name)?.1.get_ref().as_str();
        if let Some(platform) = text("runner") {
            let is_known = |key: &str| matches!(key, "runner" | "audience");
            return match table.iter().all(|(key, value)| is_known(key.get_ref()) && value.get_ref().is_str()) {
                true => Some(schema::runner(platform, text("audience"))),
                false => None,
            };
        }
        let mut entries = table.iter();
        let (Some((name, value)), None) = (entries.next(), entries.next()) else { return None };
        let value = value.get_ref();
        let refused = |reason: &str| Some(Err(Problem::Refused(reason.into())));
        match name.get_ref().as_ref() {
            "env" => match value.as_str()? {
                name if super::checks::variable(name).is_none() => Some(Ok(SecretSource::Env(name.into()))),
                _ => refused("`env` names no environment variable"),
            },
            "file" => match value.as_str()? {
                "" => refused("`file` is empty"),
                path if path.starts_with('~') => refused("`file` is a path and `~` is not expanded in it"),
                // Never the working directory: relative to the file that says so.
                path => Some(Ok(SecretSource::File(base(&self.document.origin)?.join(path)))),
            },
            "command" => match strings(value)? {
                command if command.first().is_some_and(|program| !program.is_empty()) => {
                    Some(Ok(SecretSource::Command(command)))
                }
                _ => refused("`command` names no program"),
            },
            "store" => value.as_bool()?.then_some(Ok(SecretSource::Store)),
            _ => None,
        }
    }
}
