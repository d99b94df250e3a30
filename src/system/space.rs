//! How much room a file system has left.

use std::path::Path;

/// Bytes that this user may still write where `path` lies; `None` where the system does not tell.
#[cfg(unix)]
pub fn free(path: &Path) -> Option<u64> {
    use std::os::unix::ffi::OsStrExt as _;
    let path = std::ffi::CString::new(path.as_os_str().as_bytes()).ok()?;
    let mut told = std::mem::MaybeUninit::<libc::statvfs>::uninit();
    // SAFETY: `path` ends with a zero byte, and `told` has room for what is written there.
    if unsafe { libc::statvfs(path.as_ptr(), told.as_mut_ptr()) } != 0 {
        return None;
    }
    // SAFETY: the call succeeded, and so has filled it.
    let told = unsafe { told.assume_init() };
    // The fields have other widths on other systems.
    #[allow(clippy::unnecessary_cast, reason = "they are 32 bits wide on macOS")]
    Some((told.f_bavail as u64).saturating_mul(told.f_frsize as u64))
}

/// Bytes that this user may still write where `path` lies; `None` where the system does not tell.
#[cfg(not(unix))]
pub fn free(_: &Path) -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    #[cfg(unix)]
    #[test]
    fn a_file_system_tells_its_room_and_a_missing_path_none() {
        let folder = tempfile::tempdir().unwrap();

        assert!(super::free(folder.path()).is_some());
        assert_eq!(super::free(&folder.path().join("missing")), None);
    }
}
