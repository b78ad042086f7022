//! Who may talk to the server: the browser that was opened with the link, and no other site.
//!
//! The agent runs commands on this machine. So no page of another site may talk to it, not under
//! a name of its own that leads here, and not in a frame; nor may other accounts of this machine,
//! or the agent's own commands, which could allow themselves what the agent asks for.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Result, anyhow};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};

use crate::Problem;

#[derive(Clone)]
pub(crate) struct Guard(Arc<Known>);

struct Known {
    hosts: [String; 2],
    token: String,
    /// The name of the cookie: browsers do not tell the ports of a machine apart.
    cookie: String,
}

impl Guard {
    pub(crate) fn new(address: SocketAddr) -> Result<Self> {
        let mut secret = [0; 32];
        getrandom::fill(&mut secret).map_err(|error| anyhow!("no random token: {error}"))?;
        let port = address.port();
        Ok(Self(Arc::new(Known {
            hosts: [format!("127.0.0.1:{port}"), format!("localhost:{port}")],
            token: secret.iter().map(|byte| format!("{byte:02x}")).collect(),
            cookie: format!("web-chat-{port}"),
        })))
    }

    /// What the user opens. Whoever has it can use the server.
    pub(crate) fn link(&self) -> String {
        format!("http://{}/?token={}", self.0.hosts[0], self.0.token)
    }

    fn is_host(&self, headers: &HeaderMap) -> bool {
        let host = headers.get(header::HOST);
        host.is_some_and(|host| self.0.hosts.iter().any(|known| host == known.as_str()))
    }

    fn has_cookie(&self, headers: &HeaderMap) -> bool {
        let cookies = headers.get_all(header::COOKIE).iter();
        let mut cookies = cookies
            .filter_map(|cookies| cookies.to_str().ok())
            .flat_map(|cookies| cookies.split("; "))
            .filter_map(|cookie| cookie.split_once('='));
        cookies.any(|(name, value)| name == self.0.cookie && is_same(value, &self.0.token))
    }

    fn has_link(&self, request: &Request) -> bool {
        let token = request.uri().query().unwrap_or_default();
        let token = token.strip_prefix("token=");
        request.uri().path() == "/" && token.is_some_and(|token| is_same(token, &self.0.token))
    }

    async fn answer(&self, request: Request, next: Next) -> Response {
        if !self.is_host(request.headers()) {
            let words = "this server is for this machine";
            return Problem(StatusCode::FORBIDDEN, words.to_owned()).into_response();
        }
        if self.has_link(&request) {
            let Known { cookie, token, .. } = &*self.0;
            let cookie = format!("{cookie}={token}; Path=/; HttpOnly; SameSite=Strict");
            // The address of the page has no token.
            return ([(header::SET_COOKIE, cookie)], Redirect::to("/")).into_response();
        }
        if !self.has_cookie(request.headers()) {
            let words = "open the link that the server has printed";
            return Problem(StatusCode::UNAUTHORIZED, words.to_owned()).into_response();
        }
        next.run(request).await
    }
}

pub(crate) async fn guard(State(guard): State<Guard>, request: Request, next: Next) -> Response {
    let mut response = guard.answer(request, next).await;
    let headers = response.headers_mut();
    for (name, value) in [
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'self'; frame-ancestors 'none'",
        ),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Takes the same time wherever they differ.
fn is_same(a: &str, b: &str) -> bool {
    let differ = a
        .bytes()
        .zip(b.bytes())
        .fold(0, |all, (a, b)| all | (a ^ b));
    a.len() == b.len() && differ == 0
}
