//! Extended attributes of what is copied.

use std::os::fd::BorrowedFd;

use ci_oci::layer;
use rustix::fs::{XattrFlags, fgetxattr, flistxattr, fsetxattr};
use rustix::io::Errno;

/// `XATTR_LIST_MAX` and `XATTR_SIZE_MAX` of the kernel, in bytes.
const LONGEST: usize = 64 << 10;

/// Gives one file or directory the attributes of another that are part of an image.
pub(crate) fn copy(from: BorrowedFd<'_>, to: BorrowedFd<'_>) -> rustix::io::Result<()> {
    let names = names(from)?;
    if names.is_empty() {
        return Ok(());
    }
    let mut value = vec![0_u8; LONGEST];
    for name in names {
        let length = fgetxattr(from, &*name, &mut value[..])?;
        fsetxattr(to, &*name, &value[..length], XattrFlags::empty())?;
    }
    Ok(())
}

/// The names of a file's or directory's attributes that are part of an image.
pub(crate) fn names(file: BorrowedFd<'_>) -> rustix::io::Result<Vec<Vec<u8>>> {
    // Nearly every file has none or few.
    let mut list = vec![0_u8; 256];
    let length = match flistxattr(file, &mut list[..]) {
        Err(Errno::NOTSUP) => 0,
        Err(Errno::RANGE) => {
            list.resize(LONGEST, 0);
            flistxattr(file, &mut list[..])?
        }
        length => length?,
    };
    let names = list[..length].split(|byte| *byte == 0);
    let names = names.filter(|name| layer::attribute_travels(name));
    Ok(names.map(<[u8]>::to_vec).collect())
}
