//! The specifications as pure functions: no I/O, no clock, no randomness.
//!
//! Every exchange is two functions: one builds the request, one consumes the answer and checks it in a fixed order
//! (redirects and temporary failures, media type and JSON, error body, status, shape, values). Random values and the time
//! are passed in. Sending is left to `client`, waiting for a person to `grant`.

pub mod atproto;
pub mod authorization;
pub mod call;
pub mod challenge;
pub mod ciba;
pub mod client_auth;
pub mod confirmation;
pub mod conformance;
pub mod device;
pub mod dpop;
mod error;
pub mod http;
pub mod id_token;
pub mod indieauth;
pub mod introspection;
pub mod jar;
pub mod jarm;
pub mod jose;
pub mod json;
mod link;
pub mod metadata;
pub mod oauth1;
pub mod par;
pub mod parameters;
pub mod pkce;
pub mod presentation;
pub mod profile;
pub mod registration;
pub mod resource_metadata;
pub mod revocation;
pub mod scope;
pub mod token;
pub mod userinfo;

pub use error::{Error, ErrorResponse, RedirectFault};
