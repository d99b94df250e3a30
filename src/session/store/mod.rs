//! Where sessions are kept.

#[cfg(all(unix, not(target_os = "macos")))]
pub mod secret_service;
