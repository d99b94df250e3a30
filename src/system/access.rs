//! Who owns a file and who else may use it, on Windows.
//!
//! Folders of a user's profile are closed to other users, and what is made in them inherits that. Elsewhere it is not so:
//! every user may make folders below `C:\ProgramData` and, usually, use all of a second disk.

use std::ffi::{OsStr, c_void};
use std::io;
use std::iter;
use std::os::windows::ffi::{OsStrExt, OsStringExt};
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
use std::path::Path;
use std::ptr::{self, null_mut};

use windows_sys::Win32::Foundation::{ERROR_SUCCESS, LocalFree, WIN32_ERROR};
use windows_sys::Win32::Security::Authorization::{
    ConvertSidToStringSidW, ConvertStringSecurityDescriptorToSecurityDescriptorW, GetNamedSecurityInfoW,
    SDDL_REVISION_1, SE_FILE_OBJECT, SetNamedSecurityInfoW,
};
use windows_sys::Win32::Security::{
    ACCESS_ALLOWED_ACE, ACL, DACL_SECURITY_INFORMATION, EqualSid, GetAce, GetSecurityDescriptorDacl,
    GetSidIdentifierAuthority, GetTokenInformation, IsWellKnownSid, OWNER_SECURITY_INFORMATION,
    PROTECTED_DACL_SECURITY_INFORMATION, PSID, TOKEN_QUERY, TOKEN_USER, TokenUser, WinBuiltinAdministratorsSid,
    WinCreatorOwnerRightsSid, WinCreatorOwnerSid, WinLocalSystemSid,
};
use windows_sys::Win32::System::Threading::{GetCurrentProcess, OpenProcessToken};

// Values of the Windows API, "File Access Rights Constants" and "ACCESS_MASK".
const READ: u32 = 0x0001;
const WRITE: u32 = 0x0002 | 0x0004;
const DELETE_CHILD: u32 = 0x0040;
const DELETE: u32 = 0x0001_0000;
/// To change the owner or the rights, and so to gain all of them.
const CONTROL: u32 = 0x0004_0000 | 0x0008_0000;
const GENERIC_ALL: u32 = 0x1000_0000;
const GENERIC_WRITE: u32 = 0x4000_0000;
const GENERIC_READ: u32 = 0x8000_0000;

/// The kinds of entries that grant something: plainly, and under a condition.
const ALLOWING: [u8; 2] = [0, 9];

/// The authority of identifiers of app packages. They narrow what a user's own programs may do and admit no other user.
const APP_PACKAGES: [u8; 6] = [0, 0, 0, 0, 0, 15];

/// What is known of a file or directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Access {
    /// Whether it belongs to the user himself.
    pub(crate) own: bool,
    /// Whether it belongs to the user, the administrators or the system.
    pub(crate) owned: bool,
    /// What others may do; their rights together, without those that are denied again.
    others: u32,
}

impl Access {
    /// Reads owner and rights of what `path` leads to.
    ///
    /// # Errors
    /// What the operating system says.
    pub(crate) fn of(path: &Path) -> io::Result<Self> {
        let name = wide(path.as_os_str());
        let (mut owner, mut list, mut descriptor) = (null_mut(), null_mut(), null_mut());
        // SAFETY: the name ends with a zero; owner and list point into the descriptor, which lives as long as `_descriptor`.
        let code = unsafe {
            GetNamedSecurityInfoW(
                name.as_ptr(),
                SE_FILE_OBJECT,
                OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION,
                &raw mut owner,
                null_mut(),
                &raw mut list,
                null_mut(),
                &raw mut descriptor,
            )
        };
        checked(code)?;
        let _descriptor = Allocated(descriptor);
        let user = User::of_process()?;
        // SAFETY: both point into the descriptor.
        unsafe { Ok(Self { own: user.is(owner), owned: user.trusts(owner), others: granted(list, &user)? }) }
    }

    /// Whether another user may read it.
    pub(crate) fn others_may_read(self) -> bool {
        self.others & (READ | GENERIC_READ | GENERIC_ALL | CONTROL) != 0
    }

    /// Whether another user may change it.
    pub(crate) fn others_may_write(self) -> bool {
        self.others & (WRITE | DELETE | DELETE_CHILD | GENERIC_WRITE | GENERIC_ALL | CONTROL) != 0
    }

    /// Whether another user may put something else in the place of what is in this directory.
    pub(crate) fn others_may_replace(self) -> bool {
        !self.owned || self.others & (DELETE_CHILD | GENERIC_ALL | CONTROL) != 0
    }
}

/// Leaves a file or directory, and what is in it, to the user, the administrators and the system.
///
/// # Errors
/// What the operating system says.
pub(crate) fn close(path: &Path, directory: bool) -> io::Result<()> {
    let user = User::of_process()?.name()?;
    // Entries of a directory also hold for the files and directories in it.
    let inherited = if directory { "OICI" } else { "" };
    let rights: String = ["SY", "BA", &user].iter().map(|who| format!("(A;{inherited};FA;;;{who})")).collect();
    let text = wide(OsStr::new(&format!("D:P{rights}")));
    let mut descriptor = null_mut();
    // SAFETY: the text ends with a zero; the descriptor is freed below.
    let parsed = unsafe {
        ConvertStringSecurityDescriptorToSecurityDescriptorW(
            text.as_ptr(),
            SDDL_REVISION_1,
            &raw mut descriptor,
            null_mut(),
        )
    };
    succeeded(parsed)?;
    let descriptor = Allocated(descriptor);
    let (mut present, mut list, mut defaulted) = (0, null_mut(), 0);
    // SAFETY: the descriptor is valid; the list points into it.
    succeeded(unsafe { GetSecurityDescriptorDacl(descriptor.0, &raw mut present, &raw mut list, &raw mut defaulted) })?;
    let name = wide(path.as_os_str());
    let what = DACL_SECURITY_INFORMATION | PROTECTED_DACL_SECURITY_INFORMATION;
    // SAFETY: the name ends with a zero, and the list lives through the call.
    checked(unsafe {
        SetNamedSecurityInfoW(name.as_ptr(), SE_FILE_OBJECT, what, null_mut(), null_mut(), list, ptr::null())
    })
}

/// What the list grants to others than those that `user` has to trust; a missing list grants everything.
///
/// # Safety
/// `list` is null or a valid list.
unsafe fn granted(list: *const ACL, user: &User) -> io::Result<u32> {
    if list.is_null() {
        return Ok(u32::MAX);
    }
    let mut others = 0;
    // SAFETY: the list is valid. An entry that grants something is laid out as the structure is, its holder at the end.
    unsafe {
        for index in 0..u32::from((*list).AceCount) {
            let mut entry: *mut c_void = null_mut();
            succeeded(GetAce(list, index, &raw mut entry))?;
            let entry: *mut ACCESS_ALLOWED_ACE = entry.cast();
            let holder: PSID = (&raw mut (*entry).SidStart).cast();
            if ALLOWING.contains(&(*entry).Header.AceType) && !user.trusts(holder) && !is_app_package(holder) {
                others |= (*entry).Mask;
            }
        }
    }
    Ok(others)
}

/// # Safety
/// `holder` is a valid identifier.
unsafe fn is_app_package(holder: PSID) -> bool {
    // SAFETY: the call answers with a pointer into the identifier.
    unsafe { (*GetSidIdentifierAuthority(holder)).Value == APP_PACKAGES }
}

/// The identifier of the user, with the structure that points to it.
struct User(Vec<u64>);

impl User {
    fn of_process() -> io::Result<Self> {
        let mut token = null_mut();
        // SAFETY: the handle of the process needs no closing; that of the token gets its owner at once.
        let token = unsafe {
            succeeded(OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &raw mut token))?;
            OwnedHandle::from_raw_handle(token)
        };
        // An identifier has 68 bytes at most; eight-byte words are aligned for the pointer in front of it.
        let mut buffer = vec![0_u64; 16];
        let (size, mut used) = (size_of_val(buffer.as_slice()) as u32, 0);
        // SAFETY: the buffer has `size` writable bytes.
        succeeded(unsafe {
            GetTokenInformation(token.as_raw_handle(), TokenUser, buffer.as_mut_ptr().cast(), size, &raw mut used)
        })?;
        Ok(Self(buffer))
    }

    fn id(&self) -> PSID {
        // SAFETY: the system filled the buffer with this structure.
        unsafe { (*self.0.as_ptr().cast::<TOKEN_USER>()).User.Sid }
    }

    /// The identifier in its written form, `S-1-…`.
    fn name(&self) -> io::Result<String> {
        let mut text = null_mut();
        // SAFETY: the identifier is valid; the text is freed below.
        succeeded(unsafe { ConvertSidToStringSidW(self.id(), &raw mut text) })?;
        let text = Allocated(text.cast());
        let start = text.0.cast::<u16>();
        // SAFETY: the text ends with a zero.
        let characters = unsafe {
            let length = (0..).take_while(|at| *start.add(*at) != 0).count();
            std::slice::from_raw_parts(start, length)
        };
        Ok(std::ffi::OsString::from_wide(characters).to_string_lossy().into_owned())
    }

    /// Whether `holder` is the user.
    ///
    /// # Safety
    /// `holder` is null or a valid identifier.
    unsafe fn is(&self, holder: PSID) -> bool {
        // SAFETY: both are valid identifiers.
        !holder.is_null() && unsafe { EqualSid(self.id(), holder) != 0 }
    }

    /// Whether `holder` is the user, whoever owns the file, or somebody who may do everything anyway.
    ///
    /// # Safety
    /// `holder` is null or a valid identifier.
    unsafe fn trusts(&self, holder: PSID) -> bool {
        const MIGHTY: [i32; 4] =
            [WinLocalSystemSid, WinBuiltinAdministratorsSid, WinCreatorOwnerSid, WinCreatorOwnerRightsSid];
        // SAFETY: as the caller says.
        unsafe { self.is(holder) || !holder.is_null() && MIGHTY.iter().any(|kind| IsWellKnownSid(holder, *kind) != 0) }
    }
}

/// Memory of the system's that the caller has to free.
struct Allocated(*mut c_void);

impl Drop for Allocated {
    fn drop(&mut self) {
        // SAFETY: the pointer came from a function that says to free it so, and is freed once.
        unsafe { LocalFree(self.0) };
    }
}

fn wide(text: &OsStr) -> Vec<u16> {
    text.encode_wide().chain(iter::once(0)).collect()
}

fn checked(code: WIN32_ERROR) -> io::Result<()> {
    if code == ERROR_SUCCESS { Ok(()) } else { Err(io::Error::from_raw_os_error(code.cast_signed())) }
}

fn succeeded(outcome: i32) -> io::Result<()> {
    if outcome == 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{Access, close};

    #[test]
    fn what_was_closed_is_the_users_alone_and_remains_usable() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("f");

        close(home.path(), true).unwrap();
        fs::write(&file, b"x").unwrap();
        close(&file, false).unwrap();

        for path in [home.path(), &file] {
            let access = Access::of(path).unwrap();
            assert!(access.owned && !access.others_may_read() && !access.others_may_write(), "{access:?}");
            assert!(!access.others_may_replace());
        }
        assert_eq!(fs::read(&file).unwrap(), b"x");
    }
}
