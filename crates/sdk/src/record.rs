//! A tap that records.

use std::future::Future;
use std::io;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;

use openai_codex_recording::{Direction, EndedEarly, Writer};
use openai_codex_types::SECRETS;
use tokio::sync::oneshot;

use openai_codex_connection::Tap;

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
    Ok(Arc::new(Recorder(writer)))
}

/// Hands a writer all that goes over a connection.
#[derive(Debug)]
struct Recorder(Writer);

impl Tap for Recorder {
    fn sent(&self, message: &[u8]) {
        self.0.message(Direction::ToServer, message);
    }

    fn received(&self, message: &[u8]) {
        self.0.message(Direction::ToClient, message);
    }

    fn client_hung_up(&self) {
        self.0.end(Direction::ToServer);
    }

    fn server_hung_up(&self) {
        self.0.end(Direction::ToClient);
    }

    fn next_attempt(&self) -> Arc<dyn Tap> {
        let mut next = self.0.clone();
        next.next_attempt();
        Arc::new(Self(next))
    }

    fn written(&self) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let (tx, rx) = oneshot::channel();
        // Dropped uncalled when the recording is over: there is nothing to wait for then.
        self.0.when_written(move || {
            let _ = tx.send(());
        });
        Box::pin(async move { drop(rx.await) })
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;

    use openai_codex_connection::{
        Connection, ConnectionOptions, Dispatcher, LaunchOptions, Program, Reply, RpcError,
        ServerCall,
    };
    use openai_codex_types::PROTOCOL;
    use serde_json::json;

    use super::*;

    /// A shell that answers the handshake before it runs a script. Its arguments
    /// after the script mark it, to be found among the processes.
    const HANDSHAKE: &str = r#"
        IFS= read -r line
        id=${line#*\"id\":}
        echo "{\"id\":${id%%,*},\"result\":{\"userAgent\":\"sh/1.2.3 (test)\"}}"
        IFS= read -r line
    "#;

    struct Refuse;

    impl Dispatcher for Refuse {
        fn dispatch(&self, _: ServerCall) -> Pin<Box<dyn Future<Output = Reply> + Send>> {
            Box::pin(std::future::ready(Err(RpcError::new(-32601, "no handler"))))
        }
    }

    #[tokio::test]
    async fn a_recording_is_of_the_attempt_that_succeeded() {
        let folder = tempfile::tempdir().unwrap();
        let (starts, recording) = (
            folder.path().join("starts"),
            folder.path().join("session.jsonl"),
        );
        let script = format!(
            "if ! [ -e {starts} ]; then >{starts}; echo '{{\"method\":\"too/early\"}}'; \
             echo 'Error: failed to initialize sqlite state runtime under /home' >&2; exit 1; fi; \
             {HANDSHAKE} cat >/dev/null; echo '{{\"method\":\"last/words\"}}'",
            starts = starts.display()
        );
        let options = ConnectionOptions {
            tap: Some(record(&recording).unwrap()),
            ..ConnectionOptions::new(&PROTOCOL)
        };
        let launch = LaunchOptions {
            program: Program::Command(vec!["/bin/sh".into(), "-c".into(), script.into()]),
            ..LaunchOptions::default()
        };
        let dispatcher: Arc<dyn Dispatcher> = Arc::new(Refuse);
        let initialize = json!({"clientInfo": {"name": "test", "version": "0"}});
        let initialize = serde_json::value::to_raw_value(&initialize).unwrap();
        let (connection, _) = Connection::launch(&launch, &options, &dispatcher, &initialize)
            .await
            .unwrap();
        connection.close().await.unwrap();
        let text = std::fs::read_to_string(&recording).unwrap();
        assert!(text.starts_with("{\"recording\":1"), "{text}");
        assert!(!text.contains("too/early"), "{text}");
        for part in [
            "\"initialize\"",
            "sh/1.2.3",
            "\"initialized\"",
            "last/words",
        ] {
            assert_eq!(text.matches(part).count(), 1, "{part}: {text}");
        }
        let last = text.lines().last().unwrap();
        assert!(last.starts_with("{\"end\":\"client\""), "{last}");
    }

    #[test]
    fn a_recording_over_an_earlier_file_is_for_the_user_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("session.jsonl");
        std::fs::write(&path, "an earlier one").unwrap();
        std::fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        drop(record(&path).unwrap());
        let metadata = std::fs::metadata(&path).unwrap();
        assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
        assert_eq!(metadata.len(), 0);
    }
}
