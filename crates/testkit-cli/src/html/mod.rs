//! A recording as a page: one file that needs no network and nothing else.
//!
//! The recording is read line by line into a [session](session::Session), which keeps no more than
//! it has room for and counts the rest. Text of a recording reaches the page through
//! [`markup::Markup::text`] alone.

mod calls;
mod card;
mod chart;
mod clock;
mod collect;
mod items;
mod lines;
mod markup;
mod page;
mod session;
mod text;

use std::fs::{self, File};
use std::io::BufReader;
use std::path::Path;

use crate::Result;
use collect::Collector;
use lines::{Line, Lines};

/// The page of a recording.
pub(crate) fn page(file: &Path) -> Result<String> {
    let name = file.display();
    let cannot = |error| format!("cannot read {name}: {error}");
    let opened = File::open(file).map_err(cannot)?;
    let mut lines = Lines::new(BufReader::new(opened));
    let mut collector = Collector::default();
    while let Some(line) = lines.next().map_err(cannot)? {
        match line {
            Line::Whole(number, text) => collector
                .line(number, text)
                .map_err(|error| format!("{name} is no recording: {error}"))?,
            Line::TooLong(number, bytes) => collector.too_long(number, bytes),
        }
    }
    let title = file.file_name().unwrap_or(file.as_os_str());
    Ok(page::render(&collector.finish(), &title.to_string_lossy()))
}

/// Writes a page, but never over the recording that it shows.
pub(crate) fn write(page: &str, to: &Path, recording: &Path) -> Result<()> {
    let same =
        fs::canonicalize(to).is_ok_and(|to| fs::canonicalize(recording).is_ok_and(|it| it == to));
    if same {
        return Err(format!("{} is the recording itself", to.display()));
    }
    fs::write(to, page).map_err(|error| format!("cannot write {}: {error}", to.display()))
}
