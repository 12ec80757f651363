//! Addresses as they may be shown.

use reqwest::Url;

/// An address without what may be a secret in it: user, password, query (signed storage addresses) and fragment.
pub fn shown(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    // Both fail only for addresses that can hold neither.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.to_string()
}
