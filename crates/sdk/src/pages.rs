//! Listings that come in pages.

use std::collections::HashSet;

use crate::error::{Error, ErrorKind, Result};

/// So many pages in a row may bring nothing: a filter lets through what it lets through.
const EMPTY: u32 = 1000;

/// How much of a cursor an error shows.
const SHOWN: usize = 64;

/// The cursors of one listing. The server decides how many there are, and without this it
/// would decide whether the listing ends.
#[derive(Debug, Default)]
pub(crate) struct Cursors {
    given: HashSet<String>,
    empty: u32,
}

impl Cursors {
    /// Those of a listing that begins at a cursor.
    pub(crate) fn from(first: Option<&str>) -> Self {
        Self {
            given: first.map(str::to_owned).into_iter().collect(),
            empty: 0,
        }
    }

    /// The cursor of the next page after one with so many entries; none after the last one.
    ///
    /// # Errors
    ///
    /// When it came before, or the pages go on and bring nothing.
    pub(crate) fn next(
        &mut self,
        method: &'static str,
        next: Option<String>,
        entries: usize,
    ) -> Result<Option<String>> {
        let Some(next) = next else {
            return Ok(None);
        };
        if self.given.contains(&next) {
            let shown: String = next.chars().take(SHOWN).collect();
            let message = format!(
                "the server gave the cursor {shown:?} again after {} pages, and would list the \
                 same for ever; list it again later, or read single pages by `{method}` with \
                 cursors of your own",
                self.given.len()
            );
            return Err(Error::new(ErrorKind::Decode, message).with_method(method));
        }
        self.empty = if entries == 0 { self.empty + 1 } else { 0 };
        if self.empty == EMPTY {
            let message = format!(
                "{EMPTY} pages in a row have no entry, and each names a next one; narrow the \
                 listing, or read single pages by `{method}`"
            );
            return Err(Error::new(ErrorKind::Decode, message).with_method(method));
        }
        self.given.insert(next.clone());
        Ok(Some(next))
    }
}

/// Asks for one page after the other, until there is none or `visit` has seen enough.
/// `ask` gets the cursor; `visit` takes a page, and says how many entries it has, the cursor of the
/// next one, and whether to go on.
pub(crate) async fn pages<P, F: Future<Output = Result<P>>>(
    method: &'static str,
    first: Option<String>,
    mut ask: impl FnMut(Option<String>) -> F,
    mut visit: impl FnMut(P) -> Visited,
) -> Result<()> {
    let mut cursors = Cursors::from(first.as_deref());
    let mut cursor = first;
    loop {
        match visit(ask(cursor).await?) {
            Visited::Enough => return Ok(()),
            Visited::Page { entries, next } => match cursors.next(method, next, entries)? {
                Some(next) => cursor = Some(next),
                None => return Ok(()),
            },
        }
    }
}

/// What came of a page.
pub(crate) enum Visited {
    /// What was looked for was on it.
    Enough,
    /// It had so many entries, and this is the cursor of the next one.
    Page {
        entries: usize,
        next: Option<String>,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(cursors: impl Iterator<Item = String>, entries: usize) -> Result<usize> {
        let mut seen = Cursors::from(Some("first"));
        let mut count = 0;
        for cursor in cursors {
            seen.next("model/list", Some(cursor), entries)?;
            count += 1;
        }
        Ok(count)
    }

    #[test]
    fn a_cursor_that_comes_again_ends_the_listing_whichever_it_is() {
        for circle in [
            vec!["first"],
            vec!["a", "a"],
            vec!["a", "b", "a"],
            vec!["a", "b", "c", "d", "first"],
        ] {
            let last = circle[circle.len() - 1];
            let error = listed(circle.iter().map(|it| (*it).to_owned()), 1).unwrap_err();
            let told = error.to_string();
            assert!(told.contains(&format!("{last:?} again")), "{told}");
            assert_eq!(error.method(), Some("model/list"));
        }
    }

    #[test]
    fn new_cursors_end_when_they_bring_nothing() {
        let many = || (0..5000).map(|number| number.to_string());
        assert_eq!(listed(many(), 1).unwrap(), 5000);
        let told = listed(many(), 0).unwrap_err().to_string();
        assert!(told.contains("1000 pages in a row"), "{told}");
    }
}
