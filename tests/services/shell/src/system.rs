//! The one system call that the shell needs and the standard library has not.
#![expect(
    unsafe_code,
    reason = "a declaration of a foreign function is unsafe, as nobody checks it"
)]

// SAFETY: this is the signature of POSIX, where `mode_t` has 32 bits on Linux. The call takes and gives plain integers and
// cannot fail, so that it is safe to make.
unsafe extern "C" {
    /// Sets the permission bits that new files do not get, for the whole process; gives those before.
    pub(crate) safe fn umask(mask: u32) -> u32;
}
