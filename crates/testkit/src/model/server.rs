//! The HTTP side: a thread with a small tokio runtime that serves the script on loopback.

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener as StdListener};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::thread::JoinHandle;
use std::time::Duration;

use http_body_util::{BodyExt, Limited};
use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use hyper::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::error::{Error, Result};
use crate::model::reply::Ending;
use crate::model::request::ModelRequest;
use crate::model::script::{Claim, Script};
use crate::model::stream::{Beat, render};
use crate::monitor::Monitor;

/// The largest request that is read. The runtime refuses input beyond 1 Mi characters; images
/// come on top.
const MAX_REQUEST: usize = 64 << 20;

/// How many connections are served at once; more wait in the listener's backlog.
const MAX_CONNECTIONS: usize = 256;

/// Owns the thread; ends it on drop.
pub(crate) struct Server {
    pub(crate) addr: SocketAddr,
    stop: Arc<Monitor<bool>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    pub(crate) fn start(script: Arc<Monitor<Script>>) -> Result<Self> {
        let failed = || Error::io("the mock model cannot listen on loopback");
        let listener = StdListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(failed())?;
        listener.set_nonblocking(true).map_err(failed())?;
        let addr = listener.local_addr().map_err(failed())?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .build()
            .map_err(failed())?;
        let stop = Arc::new(Monitor::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::Builder::new()
            .name("mock-model".into())
            .spawn(move || runtime.block_on(serve(listener, &script, &stopped)))
            .map_err(failed())?;
        Ok(Server {
            addr,
            stop,
            thread: Some(thread),
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.update(|stop| *stop = true);
        if let Some(thread) = self.thread.take()
            // A matcher may own the last handle to its model.
            && thread.thread().id() != std::thread::current().id()
        {
            // It has caught the panics of matchers; another one is its own and already printed.
            drop(thread.join());
        }
    }
}

/// Accepts until told to stop; the connections end with the set that owns them.
async fn serve(listener: StdListener, script: &Arc<Monitor<Script>>, stop: &Monitor<bool>) {
    let Ok(listener) = TcpListener::from_std(listener) else {
        return;
    };
    let mut connections = JoinSet::new();
    let mut stopped = pin!(std::future::poll_fn(|cx| {
        stop.poll_until(cx, |stop| stop.then_some(()))
    }));
    loop {
        let full = connections.len() >= MAX_CONNECTIONS;
        let next = std::future::poll_fn(|cx| {
            if stopped.as_mut().poll(cx).is_ready() {
                return Poll::Ready(None);
            }
            // Reaping wakes this task too, so that a free place is used.
            if let Poll::Ready(Some(_)) = connections.poll_join_next(cx) {
                return Poll::Ready(Some(None));
            }
            if full {
                Poll::Pending
            } else {
                listener.poll_accept(cx).map(|got| Some(Some(got)))
            }
        });
        match next.await {
            None => return,
            Some(None) => {}
            Some(Some(Ok((stream, _)))) => {
                // Deltas must leave as they come.
                drop(stream.set_nodelay(true));
                let script = Arc::clone(script);
                connections.spawn(async move {
                    let service = service_fn(|request| answer(request, &script));
                    // An error here is a client that went away, or a scripted cut.
                    drop(
                        http1::Builder::new()
                            .serve_connection(TokioIo::new(stream), service)
                            .await,
                    );
                });
            }
            // Out of file descriptors, say; the client that waits is told by its own deadline.
            Some(Some(Err(_))) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
}

async fn answer(
    request: Request<Incoming>,
    script: &Monitor<Script>,
) -> Result<Response<Answer>, Infallible> {
    let path = request.uri().path();
    Ok(match (request.method(), path.trim_end_matches('/')) {
        (&Method::POST, "/v1/responses") => respond(request, script).await,
        (&Method::GET, "/v1/models") => json_answer(200, &models()),
        (method, _) => refuse(
            StatusCode::NOT_FOUND,
            format!("the mock model has no {method} {path}"),
        ),
    })
}

/// The list of models, in the shape of the public API and in that of the runtime.
fn models() -> Value {
    let model = json!({"id": "mock-model", "object": "model", "owned_by": "testkit"});
    json!({"object": "list", "data": [model], "models": []})
}

async fn respond(request: Request<Incoming>, script: &Monitor<Script>) -> Response<Answer> {
    let (parts, body) = request.into_parts();
    if let Some(encoding) = parts.headers.get(CONTENT_ENCODING)
        && encoding != "identity"
    {
        let message = "the mock model reads plain bodies only; \
                       turn the runtime's request compression off";
        script.update(|script| script.problem(message.to_owned()));
        return refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE, message.to_owned());
    }
    let (body, size) = match read_json(body).await {
        Ok(read) => read,
        Err(message) => {
            script.update(|script| script.problem(message.clone()));
            return refuse(StatusCode::BAD_REQUEST, message);
        }
    };
    let request = ModelRequest::new(plain_headers(&parts.headers), body, size);
    let request = script.update(|script| script.record(request));
    let claim = match choose(script, &request) {
        Ok(claim) => claim,
        Err(message) => return refuse(StatusCode::BAD_REQUEST, message),
    };
    let beats = render(&claim.reply, &claim.tag);
    if let Ending::Http { status, body } = &claim.reply.ending {
        for beat in &beats {
            if let Beat::Hold(gate) = beat {
                gate.arrive();
                std::future::poll_fn(|cx| gate.poll_open(cx)).await;
            }
        }
        return json_answer(*status, body);
    }
    let stream = Stream::new(beats, claim.reply.pace);
    let mut response = Response::new(Answer::Stream(stream));
    let content_type = HeaderValue::from_static("text/event-stream");
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}

/// Finds the reply: one made for such a request before the next in order.
fn choose(script: &Monitor<Script>, request: &ModelRequest) -> Result<Claim, String> {
    for (number, matcher) in script.read(Script::matchers) {
        let matches = catch_unwind(AssertUnwindSafe(|| matcher(request))).map_err(|_| {
            let problem = format!("the matcher of reply {number} panicked");
            script.update(|script| script.problem(problem.clone()));
            problem
        })?;
        if matches && let Some(claim) = script.update(|script| script.claim(Some(number))) {
            return Ok(claim);
        }
    }
    script.update(|script| script.claim(None).ok_or_else(|| script.ran_out(request)))
}

async fn read_json(body: Incoming) -> Result<(Value, usize), String> {
    let bytes = Limited::new(body, MAX_REQUEST)
        .collect()
        .await
        .map_err(|error| format!("the mock model could not read a request: {error}"))?
        .to_bytes();
    let body = serde_json::from_slice(&bytes)
        .map_err(|error| format!("the mock model got a request that is not JSON: {error}"))?;
    Ok((body, bytes.len()))
}

fn plain_headers(headers: &HeaderMap) -> Vec<(String, String)> {
    headers
        .iter()
        .map(|(name, value)| {
            (
                name.as_str().to_owned(),
                String::from_utf8_lossy(value.as_bytes()).into_owned(),
            )
        })
        .collect()
}

/// An error in plain words: the runtime makes the body its message, as it is.
fn refuse(status: StatusCode, message: String) -> Response<Answer> {
    whole(status, "text/plain; charset=utf-8", message)
}

fn json_answer(status: u16, body: &Value) -> Response<Answer> {
    // A status that HTTP does not know is the test's mistake; 500 fails the turn all the same.
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    whole(status, "application/json", body.to_string())
}

fn whole(status: StatusCode, content_type: &'static str, body: String) -> Response<Answer> {
    let mut response = Response::new(Answer::Whole(Some(body.into())));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// The body of an answer.
enum Answer {
    Whole(Option<Bytes>),
    Stream(Stream),
}

/// The events of a response as its script paces them.
struct Stream {
    beats: std::vec::IntoIter<Beat>,
    state: State,
    pace: Option<Duration>,
}

enum State {
    Next,
    Paused(Pin<Box<tokio::time::Sleep>>, Bytes),
    Held(crate::gate::Gate),
    /// Give the connection one turn to flush what it has, then break it.
    Flushing,
    Broken,
}

impl Stream {
    fn new(beats: Vec<Beat>, pace: Option<Duration>) -> Self {
        Stream {
            beats: beats.into_iter(),
            state: State::Next,
            pace,
        }
    }

    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        loop {
            match &mut self.state {
                State::Next => match self.beats.next() {
                    None => return Poll::Ready(None),
                    Some(Beat::Event(event)) => match self.pace {
                        None => return Poll::Ready(Some(Ok(event))),
                        Some(pace) => {
                            self.state = State::Paused(Box::pin(tokio::time::sleep(pace)), event);
                        }
                    },
                    Some(Beat::Hold(gate)) => {
                        gate.arrive();
                        self.state = State::Held(gate);
                    }
                    Some(Beat::Cut) => {
                        self.state = State::Flushing;
                        cx.waker().wake_by_ref();
                        return Poll::Pending;
                    }
                },
                State::Paused(sleep, event) => {
                    ready!(sleep.as_mut().poll(cx));
                    let event = std::mem::take(event);
                    self.state = State::Next;
                    return Poll::Ready(Some(Ok(event)));
                }
                State::Held(gate) => {
                    ready!(gate.poll_open(cx));
                    self.state = State::Next;
                }
                State::Flushing => {
                    self.state = State::Broken;
                    let cut = io::Error::new(io::ErrorKind::ConnectionAborted, "scripted cut");
                    return Poll::Ready(Some(Err(cut)));
                }
                State::Broken => return Poll::Ready(None),
            }
        }
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        match &mut *self {
            Answer::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Answer::Stream(stream) => stream
                .poll_event(cx)
                .map(|event| event.map(|event| event.map(Frame::data))),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Answer::Whole(bytes) => {
                SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
            }
            Answer::Stream(_) => SizeHint::default(),
        }
    }
}
