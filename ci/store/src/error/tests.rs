//! Tests of `error`: what it promises.

use super::*;

#[test]
fn a_full_disk_names_the_path_and_the_way_out_e12() {
    let error = Error::io("write", Path::new("/cache/blob"))(io::Error::from_raw_os_error(28));
    assert!(error.is_disk_full());
    assert_eq!(
        error.to_string(),
        "cannot write /cache/blob: No space left on device (os error 28)\n\
         help: free some space, or run `pipeline cache prune`"
    );
}

#[test]
fn other_failures_give_no_advice() {
    let error = Error::io("read", Path::new("/cache/blob"))(io::Error::from_raw_os_error(5));
    assert!(!error.is_disk_full());
    assert_eq!(
        error.to_string(),
        "cannot read /cache/blob: Input/output error (os error 5)"
    );
}

#[test]
fn an_io_error_made_of_ours_keeps_kind_and_text() {
    let error = Error::io("write", Path::new("/x"))(io::Error::from_raw_os_error(28));
    let text = error.to_string();
    let error = io::Error::from(error);
    assert_eq!(
        (error.kind(), error.to_string()),
        (io::ErrorKind::StorageFull, text)
    );
}
