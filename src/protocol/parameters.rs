//! Ordered parameters of a request; a name occurs once unless its specification says otherwise.

use url::Url;
use url::form_urlencoded;

use crate::secret::Secret;

/// Names and values in the order in which they are sent.
///
/// # Specification
/// RFC 6749 §3.1 and appendix B (form encoding).
#[derive(Clone, Default)]
pub struct Parameters(Vec<(String, Secret)>);

impl Parameters {
    /// No parameter yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets `name`, in its old place if it was there.
    pub fn set(&mut self, name: &str, value: impl Into<Secret>) {
        let value = value.into();
        match self.0.iter_mut().find(|(known, _)| known == name) {
            Some((_, old)) => *old = value,
            None => self.0.push((name.to_owned(), value)),
        }
    }

    /// Adds `name` beside others of that name; for `resource` (RFC 8707 §2) alone.
    pub fn add(&mut self, name: &str, value: impl Into<Secret>) {
        self.0.push((name.to_owned(), value.into()));
    }

    /// Whether `name` is set.
    pub fn contains(&self, name: &str) -> bool {
        self.0.iter().any(|(known, _)| known == name)
    }

    /// Gives parameters the names that a server knows them by.
    pub fn rename(&mut self, names: &[(String, String)]) {
        for (name, _) in &mut self.0 {
            if let Some((_, other)) = names.iter().find(|(known, _)| known == name) {
                name.clone_from(other);
            }
        }
    }

    /// The same under the names that a server knows them by.
    pub fn renamed(&self, names: &[(String, String)]) -> Self {
        let mut renamed = self.clone();
        renamed.rename(names);
        renamed
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Secret)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// The form encoding.
    pub fn encoded(&self) -> String {
        let mut form = form_urlencoded::Serializer::new(String::new());
        for (name, value) in self.iter() {
            form.append_pair(name, value.expose());
        }
        form.finish()
    }

    /// `endpoint` with these parameters after those it has, which stay as they are.
    ///
    /// # Errors
    /// When the outcome is no address.
    pub fn appended_to(&self, endpoint: &Url) -> Result<Url, url::ParseError> {
        let joint = match endpoint.query() {
            None => "?",
            Some("") => "",
            Some(_) => "&",
        };
        Url::parse(&format!("{endpoint}{joint}{}", self.encoded()))
    }
}

impl std::fmt::Debug for Parameters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::Parameters;

    #[test]
    fn parameters_of_the_endpoint_stay_in_place_byte_for_byte() {
        let endpoint = Url::parse("https://a.example/authorize?p=B2C_1_signin&x=a%2Bb").unwrap();
        let mut parameters = Parameters::new();
        parameters.set("scope", "a b&c");

        let url = parameters.appended_to(&endpoint).unwrap();

        assert_eq!(url.as_str(), "https://a.example/authorize?p=B2C_1_signin&x=a%2Bb&scope=a+b%26c");
    }

    #[test]
    fn an_endpoint_without_parameters_gets_a_question_mark() {
        let mut parameters = Parameters::new();
        parameters.set("a", "é");

        for endpoint in ["https://a.example/x", "https://a.example/x?"] {
            let url = parameters.appended_to(&Url::parse(endpoint).unwrap()).unwrap();
            assert_eq!(url.as_str(), "https://a.example/x?a=%C3%A9");
        }
    }

    #[test]
    fn setting_twice_keeps_one_and_adding_keeps_both() {
        let mut parameters = Parameters::new();
        parameters.set("a", "1");
        parameters.add("resource", "x");
        parameters.add("resource", "y");
        parameters.set("a", "2");

        assert_eq!(parameters.encoded(), "a=2&resource=x&resource=y");
    }
}
