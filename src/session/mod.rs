//! What was obtained and is kept.

pub mod store;
