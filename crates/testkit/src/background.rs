//! Where servers in memory run.

use std::future::Future;
use std::io;
use std::thread;

use tokio::runtime::{Builder, Handle};
use tokio::task::AbortHandle;

/// Runs a server on the tokio runtime of its caller, or where there is none on a thread of its own,
/// which ends with it. Aborting the handle ends either.
pub(crate) fn spawn(
    name: &str,
    server: impl Future<Output = ()> + Send + 'static,
) -> io::Result<AbortHandle> {
    if let Ok(runtime) = Handle::try_current() {
        return Ok(runtime.spawn(server).abort_handle());
    }
    let runtime = Builder::new_current_thread().enable_time().build()?;
    let server = runtime.spawn(server);
    let handle = server.abort_handle();
    let run = move || drop(runtime.block_on(server));
    thread::Builder::new().name(name.to_owned()).spawn(run)?;
    Ok(handle)
}
