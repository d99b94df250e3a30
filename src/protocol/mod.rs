//! The specifications as pure functions: no I/O, no clock, no randomness.

pub mod jose;
pub mod json;
pub mod token;
