//! Whoever proves with each request that it holds a session's key, and remembers what servers want to see in a proof.
//!
//! What one server said never goes into a proof for another: nonces and clocks are kept by origin. Nonces outlive the
//! command, because a resource server that wants one costs a second request each time it is not known.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::header::AGE;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use serde_json::{Map, Value};
use url::Url;

use super::Error;
use super::cache::Cache;
use super::time::NOTICEABLE;
use crate::protocol;
use crate::protocol::call::{Body, Call};
use crate::protocol::dpop::{self, Claims, Objection, ProofKey};
use crate::protocol::http::date_in;
use crate::protocol::oauth1::Fresh;
use crate::protocol::presentation::Presentation;
use crate::secret::Secret;
use crate::system::{Clock, random};

/// The member of a kept document that holds the nonce.
const NONCE: &str = "nonce";

/// Proves the possession of one key at a time.
#[derive(Debug)]
pub struct Prover {
    held: Mutex<Option<Arc<Held>>>,
    told: Mutex<BTreeMap<String, Told>>,
    kept: Cache,
    clock: Clock,
}

/// A key, and the text that it is stored as.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) key: ProofKey,
    pub(super) text: Secret,
}

/// What an origin said.
#[derive(Debug, Clone, Default)]
struct Told {
    nonce: Option<String>,
    /// Seconds by which its clock is ahead of this machine's.
    ahead: i64,
}

/// What was in a proof that a server may object to.
#[derive(Debug, Clone)]
pub struct Sent {
    nonce: Option<String>,
    iat: i64,
}

impl Prover {
    /// Without a key; nonces are kept below `cache_dir`, if there is one.
    pub fn new(cache_dir: Option<PathBuf>) -> Self {
        let kept = Cache::new(cache_dir, "nonces");
        Self { held: Mutex::default(), told: Mutex::default(), kept, clock: Clock }
    }

    /// Proves with the key `text` from now on.
    ///
    /// # Errors
    /// [`protocol::Error::PrivateKey`] inside, for what is no key.
    pub fn hold(&self, text: &Secret) -> Result<(), Error> {
        let mut held = lock(&self.held);
        if held.as_ref().is_none_or(|held| held.text != *text) {
            let key = ProofKey::parse(text).map_err(protocol::Error::from)?;
            *held = Some(Arc::new(Held { key, text: text.clone() }));
        }
        Ok(())
    }

    /// The thumbprint of the key, if there is one.
    pub fn thumbprint(&self) -> Option<String> {
        self.held().map(|held| held.key.thumbprint().to_owned())
    }

    /// The key as it is kept, if there is one.
    pub fn key(&self) -> Option<Secret> {
        self.held().map(|held| held.text.clone())
    }

    pub(super) fn held(&self) -> Option<Arc<Held>> {
        lock(&self.held).clone()
    }

    /// A proof for one request without a token; each request, a repeated one too, has its own. `None` without a key.
    ///
    /// # Errors
    /// Without randomness.
    ///
    /// # Specification
    /// RFC 9449 §5.
    pub(super) fn proof(&self, method: &Method, url: &Url) -> Result<Option<(HeaderValue, Sent)>, Error> {
        let Some(held) = self.held() else { return Ok(None) };
        let (Fresh { timestamp: iat, nonce: jti }, nonce) = self.fresh(url)?;
        let claims = Claims { method, url, token: None, iat, jti: &jti, nonce: nonce.as_deref() };
        let proof = held.key.proof(&claims).map_err(protocol::Error::from)?;
        let mut value = HeaderValue::from_str(&proof).expect("a proof is base64url and dots");
        value.set_sensitive(true);
        Ok(Some((value, Sent { nonce, iat })))
    }

    /// The headers that present `token`, which is bound to the key, with one request; each request, a repeated one too, has
    /// its own.
    ///
    /// # Errors
    /// [`Error::NoKey`] without one; a token that fits no header.
    ///
    /// # Specification
    /// RFC 9449 §7.1.
    pub fn headers(
        &self,
        token: &Secret,
        method: &Method,
        url: &Url,
    ) -> Result<(Vec<(HeaderName, HeaderValue)>, Sent), Error> {
        let held = self.held().ok_or(Error::NoKey)?;
        let (fresh, nonce) = self.fresh(url)?;
        let presentation = Presentation::DPoP { token, key: &held.key, nonce: nonce.as_deref() };
        let headers = presentation.headers(&Call { method, url, body: Body::None }, &fresh)?;
        Ok((headers, Sent { nonce, iat: fresh.timestamp }))
    }

    /// Time and name of the next proof for `url`, and the nonce that goes into it.
    fn fresh(&self, url: &Url) -> Result<(Fresh, Option<String>), Error> {
        let Told { nonce, ahead } = self.told(url);
        let timestamp = self.clock.seconds().saturating_add(ahead);
        Ok((Fresh { timestamp, nonce: random::text::<16>()? }, nonce))
    }

    /// What is known of the origin of `url`.
    fn told(&self, url: &Url) -> Told {
        let origin = url.origin().ascii_serialization();
        let mut told = lock(&self.told);
        let known = told.entry(origin).or_insert_with_key(|origin| {
            let kept = self.kept.read(origin, self.clock.seconds()).filter(|kept| kept.is_fresh);
            let nonce = kept.and_then(|kept| kept.document.get(NONCE)?.as_str().map(str::to_owned));
            Told { nonce, ahead: 0 }
        });
        known.clone()
    }

    /// Takes note of what an answer from `url` tells: the nonce for the next proof, and the time.
    ///
    /// # Specification
    /// RFC 9449 §8.2, §9: a nonce may come with any answer. RFC 9110 §6.6.1 (`Date`), unless it is that of a copy.
    pub fn note(&self, url: &Url, headers: &HeaderMap) {
        let before = self.told(url);
        let nonce = dpop::nonce(headers).map(str::to_owned).or_else(|| before.nonce.clone());
        let now = self.clock.seconds();
        let ahead = match date_in(headers).filter(|_| !headers.contains_key(AGE)) {
            Some(there) if there.saturating_sub(now).abs() >= NOTICEABLE => there.saturating_sub(now),
            Some(_) => 0,
            None => before.ahead,
        };
        let origin = url.origin().ascii_serialization();
        if let Some(nonce) = nonce.as_ref().filter(|nonce| before.nonce.as_ref() != Some(nonce)) {
            let document = Map::from_iter([(NONCE.to_owned(), Value::from(nonce.as_str()))]);
            self.kept.write(&origin, &document, now);
        }
        lock(&self.told).insert(origin, Told { nonce, ahead });
    }

    /// Whether the request that was sent with the proof `sent` is worth another one, after its answer was
    /// [noted](Self::note): the server objects to the proof, and the next one would be different in what it objects to. The
    /// caller sends once more and not again.
    ///
    /// # Specification
    /// RFC 9449 §8, §9 (nonce), §11.1 (`iat` by clocks that differ).
    pub fn is_worth_another(&self, url: &Url, sent: &Sent, objection: Option<Objection>) -> bool {
        let Told { nonce, ahead } = self.told(url);
        let is_late = |iat: i64| iat.saturating_sub(self.clock.seconds().saturating_add(ahead)).abs() >= NOTICEABLE;
        match objection {
            Some(Objection::Nonce) => nonce.is_some() && nonce != sent.nonce,
            Some(Objection::Proof) => is_late(sent.iat) || nonce != sent.nonce,
            None => false,
        }
    }
}

/// As [`dpop::objection`], of an answer's head alone.
pub fn objection_in_head(status: StatusCode, headers: &HeaderMap) -> Option<Objection> {
    dpop::objection(status, headers, &[])
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is inside is whole at every moment.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, Method};
    use url::Url;

    use super::{Objection, Prover};
    use crate::protocol::dpop::ProofKey;

    fn prover(directory: &tempfile::TempDir) -> Prover {
        let prover = Prover::new(Some(directory.path().to_owned()));
        prover.hold(&ProofKey::make(None).unwrap()).unwrap();
        prover
    }

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap())).collect()
    }

    fn nonce(prover: &Prover, to: &str) -> Option<String> {
        prover.proof(&Method::GET, &url(to)).unwrap().unwrap().1.nonce
    }

    #[test]
    fn a_nonce_is_for_its_origin_alone_and_outlives_the_command() {
        let directory = tempfile::tempdir().unwrap();
        let first = prover(&directory);
        first.note(&url("https://a.example/x"), &headers(&[("dpop-nonce", "n1")]));

        for prover in [first, prover(&directory)] {
            assert_eq!(nonce(&prover, "https://a.example/y?z").as_deref(), Some("n1"));
            for other in ["https://a.example:8443/x", "https://b.example/x", "http://a.example/x"] {
                assert_eq!(nonce(&prover, other), None, "{other}");
            }
        }
    }

    #[test]
    fn the_newest_nonce_counts_and_an_answer_without_one_changes_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let prover = prover(&directory);
        let place = url("https://a.example/");
        for (told, expected) in [(&[("dpop-nonce", "n1")][..], "n1"), (&[], "n1"), (&[("dpop-nonce", "n2")], "n2")] {
            prover.note(&place, &headers(told));

            assert_eq!(nonce(&prover, place.as_str()).as_deref(), Some(expected));
        }
    }

    #[test]
    fn another_try_is_made_only_where_the_proof_would_be_another_one() {
        let directory = tempfile::tempdir().unwrap();
        let prover = prover(&directory);
        let place = url("https://a.example/");
        let (_, sent) = prover.proof(&Method::GET, &place).unwrap().unwrap();
        let worth = |objection| prover.is_worth_another(&place, &sent, objection);

        assert!(!worth(Some(Objection::Nonce)) && !worth(Some(Objection::Proof)) && !worth(None));
        prover.note(&place, &headers(&[("dpop-nonce", "n1")]));
        assert!(worth(Some(Objection::Nonce)) && worth(Some(Objection::Proof)) && !worth(None));
        let (_, again) = prover.proof(&Method::GET, &place).unwrap().unwrap();
        assert!(!prover.is_worth_another(&place, &again, Some(Objection::Nonce)));
    }

    #[test]
    fn a_proof_is_dated_by_the_clock_of_its_server() {
        let directory = tempfile::tempdir().unwrap();
        let prover = prover(&directory);
        let place = url("https://a.example/");
        let (_, before) = prover.proof(&Method::GET, &place).unwrap().unwrap();

        prover.note(&place, &headers(&[("date", "Thu, 04 Jul 2030 17:50:16 GMT")]));

        assert!(prover.is_worth_another(&place, &before, Some(Objection::Proof)));
        let (_, after) = prover.proof(&Method::GET, &place).unwrap().unwrap();
        assert!((0..5).contains(&(after.iat - 1_909_417_816)), "{}", after.iat);
        assert!(!prover.is_worth_another(&place, &after, Some(Objection::Proof)));
        // The date of a copy is no clock.
        prover.note(&place, &headers(&[("date", "Fri, 04 Jul 2031 17:50:16 GMT"), ("age", "9")]));
        assert!((0..5).contains(&(prover.proof(&Method::GET, &place).unwrap().unwrap().1.iat - 1_909_417_816)));
    }
}
