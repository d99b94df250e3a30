//! Tokens that are bound to a key, which is kept with them.

use super::{Error, Session, Trouble};
use crate::protocol::dpop::ProofKey;
use crate::protocol::token::TokenType;

/// Checks that the key that the session's tokens are bound to is still with them: without it they are worth nothing.
///
/// # Errors
/// [`Error::LoginRequired`] naming the key.
///
/// # Specification
/// RFC 9449 §5 (refresh tokens of public clients are bound too).
pub(super) fn check_key(session: &Session) -> Result<(), Error> {
    let jkt = session.binding.jkt.as_deref();
    if jkt.is_none() && session.tokens.token_type != TokenType::DPoP {
        return Ok(());
    }
    let key = session.tokens.proof_key.as_ref().and_then(|text| ProofKey::parse(text).ok());
    if key.is_some_and(|key| jkt.is_none_or(|jkt| jkt == key.thumbprint())) {
        return Ok(());
    }
    let trouble = Trouble { since: session.created_at, error: Trouble::NO_KEY.to_owned(), description: None };
    Err(Error::LoginRequired { key: session.key.clone(), trouble: Some(trouble) })
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;
    use std::path::PathBuf;
    use std::sync::Arc;
    use std::time::Duration;

    use super::{Error, Session, TokenType, Trouble, check_key};
    use crate::protocol::dpop::ProofKey;
    use crate::secret::Secret;
    use crate::session::Keeper;
    use crate::session::store::MemoryStore;
    use crate::session::testing::session;

    /// A session whose tokens are bound to a key.
    fn bound() -> Session {
        let mut session = session("acme/ada");
        let text = ProofKey::make(None).unwrap();
        session.tokens.token_type = TokenType::DPoP;
        session.binding.jkt = Some(ProofKey::parse(&text).unwrap().thumbprint().to_owned());
        session.tokens.proof_key = Some(text);
        session
    }

    #[test]
    fn tokens_without_their_key_take_a_login() {
        let (whole, mut lost, mut foreign, mut damaged) = (bound(), bound(), bound(), bound());
        lost.tokens.proof_key = None;
        foreign.tokens.proof_key = Some(ProofKey::make(None).unwrap());
        damaged.tokens.proof_key = Some(Secret::new("x"));
        // The refresh token of a public client is bound even where the access token is not.
        let mut refresh_only = Session { tokens: lost.tokens.clone(), ..bound() };
        refresh_only.tokens.token_type = TokenType::Bearer;

        assert!(check_key(&whole).is_ok() && check_key(&session("acme/ada")).is_ok());
        for session in [lost, foreign, damaged, refresh_only] {
            let Err(Error::LoginRequired { trouble: Some(trouble), .. }) = check_key(&session) else { panic!() };
            assert_eq!(trouble.error, Trouble::NO_KEY);
        }
    }

    #[test]
    fn a_token_without_its_key_is_not_handed_out_however_good_it_is() {
        let waiting = Arc::new(|_: &_, _| ControlFlow::Continue(()));
        let keeper =
            Keeper::new(PathBuf::new(), Arc::new(MemoryStore::default()), false, Duration::from_secs(1), waiting);
        let mut session = Session { trouble: None, ..bound() };
        let text = session.tokens.proof_key.clone();
        for (key, is_good) in [(text.clone(), true), (None, false)] {
            session.tokens.proof_key = key;
            keeper.keep(&mut session).unwrap();
            let entry = keeper.catalog().find(&session.key).unwrap().unwrap();

            match keeper.valid(&entry, 0) {
                Ok(Some(taken)) => assert!(is_good && taken.proof_key == text),
                Err(Error::LoginRequired { .. }) => assert!(!is_good),
                other => panic!("{other:?}"),
            }
        }
    }
}
