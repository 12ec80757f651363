//! Extended attributes of what is copied.

use std::os::fd::BorrowedFd;

use ci_oci::layer;
use rustix::fs::{XattrFlags, fgetxattr, flistxattr, fsetxattr};
use rustix::io::Errno;

/// `XATTR_LIST_MAX` and `XATTR_SIZE_MAX` of the kernel, in bytes.
const LONGEST: usize = 64 << 10;

/// Gives one file or directory the attributes of another that are part of an image.
pub(super) fn copy(from: BorrowedFd<'_>, to: BorrowedFd<'_>) -> rustix::io::Result<()> {
    // Nearly every file has none or few; the kernel allows no longer list, and no longer value, than the last size.
    let mut names = vec![0_u8; 256];
    let length = match flistxattr(from, &mut names[..]) {
        Ok(0) | Err(Errno::NOTSUP) => return Ok(()),
        Err(Errno::RANGE) => {
            names.resize(LONGEST, 0);
            flistxattr(from, &mut names[..])?
        }
        length => length?,
    };
    let mut value = vec![0_u8; LONGEST];
    let names = names[..length].split(|byte| *byte == 0);
    for name in names.filter(|name| layer::attribute_travels(name)) {
        let length = fgetxattr(from, name, &mut value[..])?;
        fsetxattr(to, name, &value[..length], XattrFlags::empty())?;
    }
    Ok(())
}
