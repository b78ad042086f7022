//! Lists: threads and models.

use std::fmt;
use std::sync::Arc;

use openai_codex_types::{
    Model, SortDirection, Thread, ThreadListCwdFilter, ThreadListParams, ThreadListResponse,
    ThreadSortKey, ThreadSourceKind,
};

use super::options::mirror;
use super::runtime::Client;
use crate::error::Result;

mirror! {
    /// Lists threads (`thread/list`): one page by [`send`](Self::send), all of them
    /// by [`stream`](Self::stream).
    ///
    /// ```no_run
    /// # fn example(codex: openai_codex::blocking::Codex) -> openai_codex::Result<()> {
    /// let page = codex.thread_list().limit(20).send()?;
    /// println!("{} threads", page.data.len());
    /// # Ok(()) }
    /// ```
    ThreadList -> ThreadListResponse;
    archived(yes: bool);
    cursor(cursor: impl Into<String>);
    cwd(cwd: impl Into<ThreadListCwdFilter>);
    limit(limit: u32);
    model_providers(providers: impl IntoIterator<Item = impl Into<String>>);
    search_term(term: impl Into<String>);
    section_id(id: impl Into<String>);
    sort_direction(direction: impl Into<SortDirection>);
    sort_key(key: impl Into<ThreadSortKey>);
    source_kinds(kinds: impl IntoIterator<Item = impl Into<ThreadSourceKind>>);
    unsectioned();
    use_state_db_only(yes: bool);
    params(change: impl FnOnce(ThreadListParams) -> ThreadListParams);
}

impl ThreadList {
    /// Reads one page.
    ///
    /// # Errors
    ///
    /// As [`send`](crate::ThreadList::send) of the async one.
    pub fn send(self) -> Result<ThreadListResponse> {
        self.client.wait(self.inner.send())
    }

    /// Every thread, page by page as they are needed.
    pub fn stream(self) -> ThreadListStream {
        ThreadListStream {
            inner: self.inner.stream(),
            client: self.client,
            refused: false,
        }
    }
}

/// Threads, page by page: see [`ThreadList::stream`].
///
/// ```no_run
/// # fn example(codex: openai_codex::blocking::Codex) -> openai_codex::Result<()> {
/// for thread in codex.thread_list().archived(true).stream() {
///     println!("{}", thread?.preview);
/// }
/// # Ok(()) }
/// ```
#[must_use = "an iterator does nothing until it is read"]
pub struct ThreadListStream {
    inner: crate::ThreadListStream,
    client: Arc<Client>,
    refused: bool,
}

impl Iterator for ThreadListStream {
    type Item = Result<Thread>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.refused {
            return None;
        }
        match self.client.block_on(self.inner.next()) {
            Ok(item) => item,
            Err(refused) => {
                self.refused = true;
                Some(Err(refused))
            }
        }
    }
}

impl fmt::Debug for ThreadListStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

mirror! {
    /// Lists the models (`model/list`), all pages.
    ///
    /// ```no_run
    /// # fn example(codex: openai_codex::blocking::Codex) -> openai_codex::Result<()> {
    /// for model in codex.models().send()? {
    ///     println!("{}", model.id);
    /// }
    /// # Ok(()) }
    /// ```
    Models -> Vec<Model>;
    include_hidden(yes: bool);
}

impl Models {
    /// Reads all pages.
    ///
    /// # Errors
    ///
    /// As [`send`](crate::Models::send) of the async one.
    pub fn send(self) -> Result<Vec<Model>> {
        self.client.wait(self.inner.send())
    }
}
