//! A private key in a PKCS #11 module: a card, a security key, a hardware module. It signs and never leaves.
//!
//! # Specification
//! PKCS #11 3.0; RFC 7512 (the URI).

use std::fmt;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error as CryptokiError, RvError};
use cryptoki::mechanism::eddsa::{EddsaParams, EddsaSignatureScheme};
use cryptoki::mechanism::rsa::{PkcsMgfType, PkcsPssParams};
use cryptoki::mechanism::{Mechanism, MechanismType};
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::slot::Slot;
use cryptoki::types::{AuthPin, Ulong};
use ring::digest::{SHA256, SHA384, SHA512, digest};

use crate::protocol::jose::{Algorithm, BadKey, Holder, Kind};
use crate::secret::Secret;
use crate::system::files;

/// How such a key is written in the place of its text.
pub(super) const SCHEME: &str = "pkcs11:";

/// The module that knows the others, where the URI names none.
const USUAL_MODULE: &str = "p11-kit-proxy.so";

/// Bytes of a file with a PIN.
const PIN_LIMIT: usize = 1024;

/// Bits below which an RSA key is too weak (RFC 7518 §3.3).
const LEAST_MODULUS: usize = 2048 / 8;

/// DER of the named curves' object identifiers (RFC 5480 §2.1.1.1, RFC 8410 §3).
const CURVES: [(&[u8], Kind); 3] = [
    (&[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07], Kind::P256),
    (&[0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22], Kind::P384),
    (&[0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23], Kind::P521),
];

/// The curves of Edwards keys: the name, DER of the object identifier (RFC 8410 §3) and of the curve's own name, which
/// modules have in its place (PKCS #11 3.0, CKK_EC_EDWARDS).
///
/// Keys for an agreement are here too, because modules exist that call them Edwards keys.
const EDWARDS: [(&str, &[u8], &[u8]); 4] = [
    ("Ed25519", &[0x06, 0x03, 0x2b, 0x65, 0x70], b"\x13\x0cedwards25519"),
    ("Ed448", &[0x06, 0x03, 0x2b, 0x65, 0x71], b"\x13\x0aedwards448"),
    ("X25519", &[0x06, 0x03, 0x2b, 0x65, 0x6e], b"\x13\x0acurve25519"),
    ("X448", &[0x06, 0x03, 0x2b, 0x65, 0x6f], b"\x13\x08curve448"),
];

/// Why there is no key.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unusable {
    /// The PIN is missing or wrong.
    Pin(String),
    /// Anything else; never a part of the PIN.
    Other(String),
}

/// The key that a URI names.
pub(super) struct Held {
    session: Mutex<Session>,
    key: ObjectHandle,
    kind: Kind,
}

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Held({})", self.kind.name())
    }
}

impl Held {
    /// Opens the module and finds the key; `passphrase` is the PIN, unless the URI says where it is.
    ///
    /// # Errors
    /// [`Unusable`].
    pub(super) fn open(uri: &str, passphrase: Option<&Secret>) -> Result<Self, Unusable> {
        let uri = Uri::parse(uri).map_err(Unusable::Other)?;
        let failed = |what: &str, error: &CryptokiError| Unusable::Other(format!("{what}: {error}"));
        let module = uri.module.clone().unwrap_or_else(|| USUAL_MODULE.into());
        let library =
            Pkcs11::new(&module).map_err(|error| failed(&format!("the module {}", module.display()), &error))?;
        match library.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
            Ok(()) | Err(CryptokiError::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => {}
            Err(error) => return Err(failed("the module cannot be started", &error)),
        }
        let slots = library.get_slots_with_token().map_err(|error| failed("its tokens cannot be listed", &error))?;
        let mut matching = slots.into_iter().filter(|slot| uri.fits(&library, *slot));
        let (Some(slot), None) = (matching.next(), matching.next()) else {
            return Err(Unusable::Other("the URI names no token of the module, or more than one".into()));
        };
        let session = library.open_ro_session(slot).map_err(|error| failed("its token cannot be opened", &error))?;
        let pin = uri.pin(passphrase).map_err(Unusable::Pin)?;
        log_in(&session, pin)?;
        let key = uri.find(&session)?;
        let kind = kind(&session, key)?;
        Ok(Self { session: Mutex::new(session), key, kind })
    }
}

fn log_in(session: &Session, pin: Option<Secret>) -> Result<(), Unusable> {
    let Some(pin) = pin else { return Ok(()) };
    let pin = AuthPin::new(pin.expose().to_owned().into_boxed_str());
    match session.login(UserType::User, Some(&pin)) {
        Ok(()) | Err(CryptokiError::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => Ok(()),
        Err(CryptokiError::Pkcs11(RvError::PinIncorrect | RvError::PinInvalid | RvError::PinLenRange, _)) => {
            Err(Unusable::Pin("the PIN is wrong; too many wrong ones lock the token".into()))
        }
        Err(CryptokiError::Pkcs11(RvError::PinLocked, _)) => Err(Unusable::Pin("the token has locked its PIN".into())),
        Err(error) => Err(Unusable::Other(format!("the token takes no PIN: {error}"))),
    }
}

/// What kind of key it is, from its public attributes.
fn kind(session: &Session, key: ObjectHandle) -> Result<Kind, Unusable> {
    let wanted = [AttributeType::KeyType, AttributeType::EcParams, AttributeType::Modulus];
    let attributes = session.get_attributes(key, &wanted).map_err(|error| Unusable::Other(error.to_string()))?;
    let other = || Unusable::Other("the key is of a kind that keyfob cannot sign with".into());
    let kind = attributes.iter().find_map(|attribute| match attribute {
        Attribute::KeyType(kind) => Some(*kind),
        _ => None,
    });
    if kind == Some(KeyType::EC_EDWARDS) {
        let curve = attributes.iter().find_map(|attribute| match attribute {
            Attribute::EcParams(curve) => Some(curve.as_slice()),
            _ => None,
        });
        return edwards(curve.unwrap_or_default());
    }
    let found = attributes.iter().find_map(|attribute| match (kind, attribute) {
        (Some(KeyType::RSA), Attribute::Modulus(modulus)) => {
            Some((modulus.len() >= LEAST_MODULUS).then_some(Kind::Rsa))
        }
        (Some(KeyType::EC), Attribute::EcParams(curve)) => {
            Some(CURVES.iter().find(|(oid, _)| *oid == curve.as_slice()).map(|(_, kind)| *kind))
        }
        _ => None,
    });
    found.flatten().ok_or_else(other)
}

/// The kind of an Edwards key with these parameters.
fn edwards(parameters: &[u8]) -> Result<Kind, Unusable> {
    let curve = EDWARDS.iter().find(|(_, identifier, name)| [*identifier, *name].contains(&parameters));
    match curve.map(|(curve, ..)| *curve) {
        Some("Ed25519") => Ok(Kind::Ed25519),
        Some(other) => Err(Unusable::Other(format!("it is for {other}, which keyfob cannot sign with"))),
        None => Err(Unusable::Other("it is on an Edwards curve that keyfob does not know".into())),
    }
}

impl Holder for Held {
    fn kind(&self) -> Kind {
        self.kind
    }

    fn sign(&self, algorithm: Algorithm, message: &[u8]) -> Result<Vec<u8>, BadKey> {
        let pss = |hash_alg, mgf, length: Ulong| PkcsPssParams { hash_alg, mgf, s_len: length };
        let hashed = |algorithm| digest(algorithm, message).as_ref().to_vec();
        let (mechanism, data) = match algorithm {
            Algorithm::RS256 => (Mechanism::Sha256RsaPkcs, message.to_vec()),
            Algorithm::RS384 => (Mechanism::Sha384RsaPkcs, message.to_vec()),
            Algorithm::RS512 => (Mechanism::Sha512RsaPkcs, message.to_vec()),
            Algorithm::PS256 => {
                let parameters = pss(MechanismType::SHA256, PkcsMgfType::MGF1_SHA256, Ulong::from(32));
                (Mechanism::Sha256RsaPkcsPss(parameters), message.to_vec())
            }
            Algorithm::PS384 => {
                let parameters = pss(MechanismType::SHA384, PkcsMgfType::MGF1_SHA384, Ulong::from(48));
                (Mechanism::Sha384RsaPkcsPss(parameters), message.to_vec())
            }
            Algorithm::PS512 => {
                let parameters = pss(MechanismType::SHA512, PkcsMgfType::MGF1_SHA512, Ulong::from(64));
                (Mechanism::Sha512RsaPkcsPss(parameters), message.to_vec())
            }
            Algorithm::ES256 => (Mechanism::Ecdsa, hashed(&SHA256)),
            Algorithm::ES384 => (Mechanism::Ecdsa, hashed(&SHA384)),
            Algorithm::ES512 => (Mechanism::Ecdsa, hashed(&SHA512)),
            Algorithm::EdDSA | Algorithm::Ed25519 => {
                (Mechanism::Eddsa(EddsaParams::new(EddsaSignatureScheme::Pure)), message.to_vec())
            }
            other => return Err(BadKey::Algorithm { kind: self.kind.name(), wanted: other }),
        };
        let session = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        session.sign(&mechanism, self.key, &data).map_err(|_| BadKey::Failed)
    }
}

/// What a URI says: which key of which token, by which module.
#[derive(Debug, Default, PartialEq, Eq)]
struct Uri {
    token: Option<String>,
    serial: Option<String>,
    object: Option<Vec<u8>>,
    id: Option<Vec<u8>>,
    module: Option<PathBuf>,
    pin_file: Option<PathBuf>,
}

impl Uri {
    /// Reads a URI. What is not understood is refused: it might name another key.
    ///
    /// # Specification
    /// RFC 7512 §2.3.
    fn parse(text: &str) -> Result<Self, String> {
        let rest = text.trim().strip_prefix(SCHEME).ok_or("it is no PKCS #11 URI")?;
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let mut uri = Self::default();
        for part in path.split(';').filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=').ok_or("an attribute of its URI has no value")?;
            let bytes = percent_encoding::percent_decode_str(value).collect::<Vec<u8>>();
            let text = || String::from_utf8(bytes.clone()).map_err(|_| format!("`{name}` of its URI is no text"));
            match name {
                "token" => uri.token = Some(text()?),
                "serial" => uri.serial = Some(text()?),
                "object" => uri.object = Some(bytes),
                "id" => uri.id = Some(bytes),
                "type" if value == "private" => {}
                _ => {
                    return Err(format!(
                        "its URI has `{}`, which is not understood",
                        crate::protocol::jose::excerpt(name)
                    ));
                }
            }
        }
        for part in query.split('&').filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=').ok_or("an attribute of its URI has no value")?;
            let text = percent_encoding::percent_decode_str(value).decode_utf8().map_err(|_| "its URI is no text")?;
            match name {
                "module-path" => uri.module = Some(absolute(&text)?),
                "pin-source" => uri.pin_file = Some(absolute(text.strip_prefix("file:").unwrap_or(&text))?),
                "pin-value" => return Err("its URI holds the PIN itself; name a file by `pin-source` instead".into()),
                _ => {
                    return Err(format!(
                        "its URI has `{}`, which is not understood",
                        crate::protocol::jose::excerpt(name)
                    ));
                }
            }
        }
        match (&uri.object, &uri.id) {
            (None, None) => Err("its URI names no key: it has neither `object` nor `id`".into()),
            _ => Ok(uri),
        }
    }

    fn fits(&self, library: &Pkcs11, slot: Slot) -> bool {
        let Ok(info) = library.get_token_info(slot) else { return false };
        let is =
            |wanted: &Option<String>, found: &str| wanted.as_deref().is_none_or(|wanted| wanted == found.trim_end());
        info.token_initialized() && is(&self.token, info.label()) && is(&self.serial, info.serial_number())
    }

    fn pin(&self, passphrase: Option<&Secret>) -> Result<Option<Secret>, String> {
        let Some(path) = &self.pin_file else { return Ok(passphrase.cloned()) };
        let bytes = files::read_private(path, PIN_LIMIT).map_err(|error| error.to_string())?;
        let bytes = bytes.ok_or_else(|| format!("there is no file {}", path.display()))?;
        let text = String::from_utf8(bytes).map_err(|_| format!("{} is no text", path.display()))?;
        Ok(Some(Secret::new(text.trim_end_matches(['\r', '\n']))))
    }

    /// The one private key that fits.
    fn find(&self, session: &Session) -> Result<ObjectHandle, Unusable> {
        let mut template = vec![Attribute::Class(ObjectClass::PRIVATE_KEY)];
        template.extend(self.object.clone().map(Attribute::Label));
        template.extend(self.id.clone().map(Attribute::Id));
        let found = session.find_objects(&template).map_err(|error| Unusable::Other(error.to_string()))?;
        match found.as_slice() {
            [key] => Ok(*key),
            [] => Err(Unusable::Pin("the token shows no such key; without its PIN it shows none".into())),
            _ => Err(Unusable::Other("several keys of the token fit; say which by `id`".into())),
        }
    }
}

fn absolute(path: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(path);
    if path.is_absolute() { Ok(path) } else { Err("a path of its URI is not absolute".into()) }
}

#[cfg(test)]
mod tests {
    use super::{Kind, Unusable, Uri, edwards};

    #[test]
    fn an_edwards_key_is_known_by_identifier_or_name_and_another_than_ed25519_is_refused_by_name() {
        // RFC 8410 §3; the names are RFC 7748's, as ASN.1 PrintableString.
        let refused = |parameters: &[u8]| match edwards(parameters) {
            Err(Unusable::Other(reason)) => reason,
            other => panic!("{other:?}"),
        };

        assert_eq!(edwards(b"\x06\x03\x2b\x65\x70"), Ok(Kind::Ed25519));
        assert_eq!(edwards(b"\x13\x0cedwards25519"), Ok(Kind::Ed25519));
        for (parameters, name) in [
            (&b"\x06\x03\x2b\x65\x71"[..], " Ed448,"),
            (b"\x13\x0aedwards448", " Ed448,"),
            (b"\x06\x03\x2b\x65\x6e", " X25519,"),
            (b"\x06\x03\x2b\x65\x6f", " X448,"),
            (b"", "does not know"),
            (b"\x06\x03\x2b\x65\x70\x00", "does not know"),
        ] {
            assert!(refused(parameters).contains(name), "{}", refused(parameters));
        }
    }

    #[test]
    fn a_uri_names_token_key_module_and_where_the_pin_is() {
        let uri = Uri::parse(
            "pkcs11:token=My%20token;object=key;id=%01%02;type=private?module-path=/usr/lib/x.so&pin-source=file:/etc/pin",
        );

        let expected = Uri {
            token: Some("My token".into()),
            serial: None,
            object: Some(b"key".to_vec()),
            id: Some(vec![1, 2]),
            module: Some("/usr/lib/x.so".into()),
            pin_file: Some("/etc/pin".into()),
        };
        assert_eq!(uri, Ok(expected));
    }

    #[test]
    fn what_might_name_another_key_or_shows_the_pin_is_refused() {
        for uri in [
            "pkcs11:",
            "pkcs11:token=a",
            "pkcs11:object=a;slot-id=1",
            "pkcs11:object=a;type=public",
            "pkcs11:object=a;token",
            "pkcs11:object=a?pin-value=canary",
            "pkcs11:object=a?module-path=x.so",
            "pkcs11:object=a?pin-source=|cat",
            "file:/x",
        ] {
            assert!(Uri::parse(uri).is_err_and(|reason| !reason.contains("canary")), "{uri}");
        }
    }
}
