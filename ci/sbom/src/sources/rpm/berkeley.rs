//! RPM's old database, `Packages` of CentOS 7 and Red Hat 8: a hash table of Berkeley DB 4 to 5.3 (its include file dbinc/db_page.h).
//!
//! Every page of the file is looked at once, in order: which bucket a package is in does not matter.

use std::borrow::Cow;

use super::{MAX_HEADER, MAX_HEADERS, Why, be32, le32};

/// Of a hash table, at offset 12 of its first page.
const MAGIC: u32 = 0x0006_1561;
/// Types of pages.
const HASH_UNSORTED: u8 = 2;
const OVERFLOW: u8 = 7;
const HASH: u8 = 13;
/// The type of an item whose value is on pages of its own. Headers of packages are; the only other item is a counter.
const OFF_PAGE: u8 = 3;
/// Bytes before the index of a page's items.
const PAGE_HEADER: usize = 26;

const DAMAGED: Why = "it is no database of Berkeley DB, or damaged";

pub(super) fn headers(content: &[u8], take: &mut dyn FnMut(Cow<'_, [u8]>)) -> Result<(), Why> {
    let table = Table::open(content).ok_or(DAMAGED)?;
    let mut count = 0;
    // Values may share no pages, so that their sizes are bounded by that of the file.
    let mut left = content.len();
    for page in content.chunks_exact(table.page_size) {
        if !matches!(page[25], HASH | HASH_UNSORTED) {
            continue;
        }
        let entries = usize::from(table.half(page, 20).ok_or(DAMAGED)?);
        // Keys and values take turns.
        for value in (1..entries).step_by(2) {
            let item = table.half(page, PAGE_HEADER + 2 * value).ok_or(DAMAGED)?;
            let item = page.get(usize::from(item)..).ok_or(DAMAGED)?;
            if item.first() != Some(&OFF_PAGE) {
                continue;
            }
            count += 1;
            let first = table.word(item, 4).ok_or(DAMAGED)?;
            let size = table.word(item, 8).ok_or(DAMAGED)? as usize;
            if count > MAX_HEADERS || size > MAX_HEADER {
                return Err(DAMAGED);
            }
            left = left.checked_sub(size).ok_or(DAMAGED)?;
            take(table.value(first, size).ok_or(DAMAGED)?.into());
        }
    }
    Ok(())
}

struct Table<'a> {
    content: &'a [u8],
    page_size: usize,
    is_big_endian: bool,
}

impl<'a> Table<'a> {
    fn open(content: &'a [u8]) -> Option<Self> {
        let is_big_endian = match (le32(content, 12)?, be32(content, 12)?) {
            (MAGIC, _) => false,
            (_, MAGIC) => true,
            _ => return None,
        };
        let mut table = Self {
            content,
            page_size: 0,
            is_big_endian,
        };
        table.page_size = table.word(content, 20)? as usize;
        let is_sound =
            table.page_size.is_power_of_two() && (512..=65_536).contains(&table.page_size);
        // The byte is the algorithm of encryption.
        (is_sound && *content.get(24)? == 0).then_some(table)
    }

    fn word(&self, bytes: &[u8], at: usize) -> Option<u32> {
        if self.is_big_endian {
            be32(bytes, at)
        } else {
            le32(bytes, at)
        }
    }

    fn half(&self, bytes: &[u8], at: usize) -> Option<u16> {
        let bytes = bytes.get(at..at + 2)?.try_into().ok()?;
        Some(if self.is_big_endian {
            u16::from_be_bytes(bytes)
        } else {
            u16::from_le_bytes(bytes)
        })
    }

    /// A value of this size that begins on this page and goes on on those that it leads to.
    fn value(&self, first: u32, size: usize) -> Option<Vec<u8>> {
        let mut value = Vec::new();
        let mut number = first;
        while value.len() < size {
            let start = usize::try_from(number).ok()?.checked_mul(self.page_size)?;
            let page = self
                .content
                .get(start..start.checked_add(self.page_size)?)?;
            if number == 0 || page[25] != OVERFLOW {
                return None;
            }
            // Of an overflow page this is how many bytes are on it. One without any would lead in a circle.
            let length = usize::from(self.half(page, 22)?);
            let length = length.min(size - value.len());
            if length == 0 {
                return None;
            }
            value.extend_from_slice(page.get(PAGE_HEADER..PAGE_HEADER + length)?);
            number = self.word(page, 16)?;
        }
        Some(value)
    }
}
