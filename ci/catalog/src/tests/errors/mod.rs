//! How each kind of error reads, on a terminal.

mod files;
mod keys;
mod names;
mod project;
mod report;
mod tags;
mod values;
