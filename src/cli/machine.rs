//! What this machine is called.

use keyfob::system::Environment;

/// The machine's name as it has it, if it can be found out.
pub fn name(environment: &Environment) -> Option<String> {
    system_name().or_else(|| environment.text("COMPUTERNAME")).filter(|name| !name.is_empty())
}

#[cfg(unix)]
fn system_name() -> Option<String> {
    // POSIX.1-2017 <limits.h>: HOST_NAME_MAX is 255 at most where it is fixed.
    let mut name = [0_u8; 256];
    // SAFETY: the buffer is as long as is said and lives for the call.
    let outcome = unsafe { libc::gethostname(name.as_mut_ptr().cast(), name.len()) };
    let end = name.iter().position(|byte| *byte == 0).unwrap_or(name.len());
    (outcome == 0).then(|| String::from_utf8_lossy(&name[..end]).into_owned())
}

#[cfg(not(unix))]
fn system_name() -> Option<String> {
    None
}
