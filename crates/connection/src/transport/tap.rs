//! What a connection hands over, for whoever keeps it.

use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;

use super::{FrameSink, FrameSource, SourceError};

/// Takes in what goes over a connection. It must not wait.
pub trait Tap: fmt::Debug + Send + Sync {
    /// The client sends a message.
    fn sent(&self, message: &[u8]);

    /// The server has sent a message.
    fn received(&self, message: &[u8]);

    /// The client sends no more.
    fn client_hung_up(&self);

    /// The server sends no more.
    fn server_hung_up(&self);

    /// The tap of the next attempt to start a server: what the last one said does not count.
    fn next_attempt(&self) -> Arc<dyn Tap>;

    /// The connection is over: waits until everything is where it is kept.
    fn written(&self) -> Pin<Box<dyn Future<Output = ()> + Send>>;
}

/// A source or a sink whose messages are handed over.
pub(crate) struct Tapped<T> {
    inner: T,
    tap: Option<Arc<dyn Tap>>,
}

impl<T> Tapped<T> {
    /// Without a tap it only passes on.
    pub(crate) fn new(inner: T, tap: Option<Arc<dyn Tap>>) -> Self {
        Self { inner, tap }
    }
}

impl<S: FrameSource> FrameSource for Tapped<S> {
    async fn next(&mut self) -> Result<Option<&[u8]>, SourceError> {
        let line = self.inner.next().await;
        if let Some(tap) = &self.tap {
            match &line {
                Ok(Some(line)) => tap.received(line),
                Ok(None) | Err(_) => tap.server_hung_up(),
            }
        }
        line
    }

    fn has_next(&mut self) -> bool {
        self.inner.has_next()
    }
}

impl<S: FrameSink> FrameSink for Tapped<S> {
    async fn send(&mut self, frames: &[String]) -> io::Result<()> {
        if let Some(tap) = &self.tap {
            // Before they are sent, so that no answer is handed over before its request.
            for frame in frames {
                tap.sent(frame.as_bytes());
            }
        }
        self.inner.send(frames).await
    }

    async fn close(&mut self) -> io::Result<()> {
        if let Some(tap) = &self.tap {
            tap.client_hung_up();
        }
        self.inner.close().await
    }
}
