//! RPM's database of today, `rpmdb.sqlite`: a file of SQLite, of which the table `Packages` is read (sqlite.org, "Database File Format").
//!
//! Only what that takes: pages of table B-trees and their overflow chains, no indexes, no queries.

use std::borrow::Cow;

use super::{MAX_HEADER, MAX_HEADERS, Why};

const MAGIC: &[u8] = b"SQLite format 3\0";
/// Bytes before the first page's B-tree.
const FILE_HEADER: usize = 100;
const INTERIOR: u8 = 5;
const LEAF: u8 = 13;
/// No tree of 2^32 pages is deeper.
const MAX_DEPTH: usize = 32;

const DAMAGED: Why = "it is no database of SQLite, or damaged";

pub(super) fn headers(content: &[u8], take: &mut dyn FnMut(Cow<'_, [u8]>)) -> Result<(), Why> {
    let database = Database::open(content).ok_or(DAMAGED)?;
    // The first page is the root of the table of tables: type, name, table, root page, SQL.
    let mut root = None;
    database.rows(1, &mut |row| {
        let record = Record::parse(&row)?;
        let is_ours = record.bytes(0) == Some(b"table") && record.bytes(1) == Some(b"Packages");
        if is_ours {
            root = record.number(3);
        }
        Some(())
    })?;
    let root = root.ok_or("it has no table of packages")?;
    // A row is the package's number, which is the key of the row, and its header.
    database.rows(root, &mut |row| {
        let record = Record::parse(&row)?;
        let (start, end) = record.range(1)?;
        take(match row {
            Cow::Borrowed(row) => row.get(start..end)?.into(),
            Cow::Owned(_) => row.get(start..end)?.to_vec().into(),
        });
        Some(())
    })
}

struct Database<'a> {
    content: &'a [u8],
    page_size: usize,
    /// Bytes of a page without what is reserved at its end.
    usable: usize,
}

type Visit<'v, 'a> = &'v mut dyn FnMut(Cow<'a, [u8]>) -> Option<()>;

/// What a walk through a tree may still cost: a page that is visited twice is in a circle.
struct Budget {
    pages: usize,
    rows: usize,
    bytes: usize,
}

impl<'a> Database<'a> {
    fn open(content: &'a [u8]) -> Option<Self> {
        if !content.starts_with(MAGIC) {
            return None;
        }
        let page_size = match half(content, 16)? {
            1 => 65_536,
            size => size,
        };
        let is_sound = page_size.is_power_of_two() && page_size >= 512;
        let usable = page_size.checked_sub(usize::from(*content.get(20)?))?;
        (is_sound && usable >= 480).then_some(Self {
            content,
            page_size,
            usable,
        })
    }

    /// All rows of the table whose tree has this root.
    fn rows(&self, root: u32, visit: Visit<'_, 'a>) -> Result<(), Why> {
        let mut budget = Budget {
            pages: self.content.len() / self.page_size,
            rows: MAX_HEADERS,
            bytes: self.content.len(),
        };
        self.tree(root, MAX_DEPTH, &mut budget, visit)
            .ok_or(DAMAGED)
    }

    fn page(&self, number: u32) -> Option<&'a [u8]> {
        let start = usize::try_from(number.checked_sub(1)?)
            .ok()?
            .checked_mul(self.page_size)?;
        self.content.get(start..start.checked_add(self.usable)?)
    }

    fn tree(
        &self,
        number: u32,
        depth: usize,
        budget: &mut Budget,
        visit: Visit<'_, 'a>,
    ) -> Option<()> {
        let depth = depth.checked_sub(1)?;
        budget.pages = budget.pages.checked_sub(1)?;
        let page = self.page(number)?;
        let start = if number == 1 { FILE_HEADER } else { 0 };
        let cells = half(page, start + 3)?;
        let kind = *page.get(start)?;
        let pointers = start + if kind == INTERIOR { 12 } else { 8 };
        for cell in 0..cells {
            let at = half(page, pointers + 2 * cell)?;
            match kind {
                INTERIOR => self.tree(word(page, at)?, depth, budget, visit)?,
                LEAF => {
                    budget.rows = budget.rows.checked_sub(1)?;
                    visit(self.payload(page, at, budget)?)?;
                }
                _ => return None,
            }
        }
        match kind {
            INTERIOR => self.tree(word(page, start + 8)?, depth, budget, visit),
            LEAF => Some(()),
            _ => None,
        }
    }

    /// The payload of a cell of a leaf: on its page, or begun there and continued on others.
    fn payload(&self, page: &'a [u8], at: usize, budget: &mut Budget) -> Option<Cow<'a, [u8]>> {
        let (size, length) = varint(page.get(at..)?)?;
        let at = at + length;
        let (_key, length) = varint(page.get(at..)?)?;
        let at = at + length;
        let size = usize::try_from(size).ok().filter(|it| *it <= MAX_HEADER)?;
        budget.bytes = budget.bytes.checked_sub(size)?;
        // How much is on the page: section 1.6 of the specification, U and X for leaves of tables.
        let most = self.usable - 35;
        if size <= most {
            return page.get(at..at + size).map(Cow::Borrowed);
        }
        let least = (self.usable - 12) * 32 / 255 - 23;
        let rest = least + (size - least) % (self.usable - 4);
        let local = if rest <= most { rest } else { least };
        let mut payload = page.get(at..at + local)?.to_vec();
        let mut next = word(page, at + local)?;
        while payload.len() < size {
            let page = self.page(next)?;
            let length = (size - payload.len()).min(self.usable - 4);
            payload.extend_from_slice(page.get(4..4 + length)?);
            next = word(page, 0)?;
        }
        Some(payload.into())
    }
}

/// A row: the types of its columns, and their values one after another.
struct Record<'r> {
    row: &'r [u8],
    /// Type, beginning and end of each column.
    columns: Vec<(u64, usize, usize)>,
}

/// Columns that are looked at; tables of RPM have two, that of tables five.
const MAX_COLUMNS: usize = 8;

impl<'r> Record<'r> {
    fn parse(row: &'r [u8]) -> Option<Self> {
        let (header, mut at) = varint(row)?;
        let header = usize::try_from(header).ok()?;
        let mut columns = Vec::new();
        let mut start = header;
        while at < header && columns.len() < MAX_COLUMNS {
            let (kind, length) = varint(row.get(at..)?)?;
            at += length;
            let size = match kind {
                0 | 8 | 9 => 0,
                1..=4 => kind,
                5 => 6,
                6 | 7 => 8,
                10 | 11 => return None,
                kind => (kind - 12) / 2,
            };
            let end = start.checked_add(usize::try_from(size).ok()?)?;
            columns.push((kind, start, end));
            start = end;
        }
        Some(Self { row, columns })
    }

    /// Where a text or blob is.
    fn range(&self, column: usize) -> Option<(usize, usize)> {
        let (kind, start, end) = self.columns.get(column)?;
        (*kind >= 12).then_some((*start, *end))
    }

    fn bytes(&self, column: usize) -> Option<&'r [u8]> {
        let (start, end) = self.range(column)?;
        self.row.get(start..end)
    }

    /// The number of a page.
    fn number(&self, column: usize) -> Option<u32> {
        let (kind, start, end) = self.columns.get(column)?;
        match kind {
            1..=4 => {
                let bytes = self.row.get(*start..*end)?;
                Some(
                    bytes
                        .iter()
                        .fold(0, |sum, byte| sum << 8 | u32::from(*byte)),
                )
            }
            9 => Some(1),
            _ => None,
        }
    }
}

fn half(bytes: &[u8], at: usize) -> Option<usize> {
    let bytes = bytes.get(at..at + 2)?;
    Some(usize::from(bytes[0]) << 8 | usize::from(bytes[1]))
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    super::be32(bytes, at)
}

/// A number of one to nine bytes, seven bits in each but the ninth; and how many it took.
fn varint(bytes: &[u8]) -> Option<(u64, usize)> {
    let mut number = 0;
    for (at, byte) in bytes.iter().take(9).enumerate() {
        if at == 8 {
            return Some((number << 8 | u64::from(*byte), 9));
        }
        number = number << 7 | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Some((number, at + 1));
        }
    }
    None
}
