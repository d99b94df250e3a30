//! keyfob
pub mod protocol;
pub mod secret;
pub mod session;
pub mod system;
