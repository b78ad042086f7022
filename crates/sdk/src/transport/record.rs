//! A tap that records.

use std::future::Future;
use std::io;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;

use openai_codex_recording::{Direction, EndedEarly, Writer};
use openai_codex_types::SECRETS;
use tokio::sync::oneshot;

use super::Tap;

/// Begins a recording, over an earlier one of that name.
pub(crate) fn record(path: &Path) -> io::Result<Arc<dyn Tap>> {
    let by = concat!("openai-codex ", env!("CARGO_PKG_VERSION"));
    let told = path.display().to_string();
    let ended_early = move |why: EndedEarly| match &why {
        EndedEarly::Unwritable(error) => tracing::warn!(path = %told, %error, "{why}"),
        EndedEarly::TooMuch => tracing::warn!(path = %told, "{why}"),
    };
    let writer = Writer::create(
        path,
        by,
        openai_codex_runtime::VERSION,
        SECRETS,
        ended_early,
    )?;
    Ok(Arc::new(writer))
}

impl Tap for Writer {
    fn sent(&self, message: &[u8]) {
        self.message(Direction::ToServer, message);
    }

    fn received(&self, message: &[u8]) {
        self.message(Direction::ToClient, message);
    }

    fn client_hung_up(&self) {
        self.end(Direction::ToServer);
    }

    fn server_hung_up(&self) {
        self.end(Direction::ToClient);
    }

    fn next_attempt(&self) -> Arc<dyn Tap> {
        let mut next = self.clone();
        Writer::next_attempt(&mut next);
        Arc::new(next)
    }

    fn written(&self) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let (tx, rx) = oneshot::channel();
        // Dropped uncalled when the recording is over: there is nothing to wait for then.
        self.when_written(move || {
            let _ = tx.send(());
        });
        Box::pin(async move { drop(rx.await) })
    }
}
