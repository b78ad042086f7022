//! The task that writes.

use std::io;
use std::sync::Arc;

use super::core::Core;
use crate::transport::FrameSink;

/// Writes whole messages until the outbox is closed and empty, then closes the
/// sink. Callers only queue, so none that goes away can cut a message.
pub(super) async fn write(core: &Arc<Core>, mut sink: impl FrameSink) -> io::Result<()> {
    loop {
        let batch = core.lock().outbox.take();
        if !batch.frames.is_empty() {
            sink.send(&batch.frames).await?;
            batch.written();
        } else if batch.is_last {
            return sink.close().await;
        } else {
            core.outbox_ready.notified().await;
        }
    }
}
