//! Login attempts and their completions, in whichever order they come.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use openai_codex_wire::LoginId;
use tokio::sync::Notify;

use super::core::Core;
use super::effects::Effects;
use super::event::RawEvent;
use crate::error::{Error, Result};

/// How many completions are kept for logins that nobody waits for yet. When
/// there are more, the oldest goes: its response must have been lost.
const PARKED: usize = 64;

#[derive(Debug, Default)]
pub(crate) struct Logins {
    watched: HashMap<LoginId, Login>,
    parked: VecDeque<Arc<RawEvent>>,
}

#[derive(Debug, Default)]
struct Login {
    handles: usize,
    completed: Option<Arc<RawEvent>>,
    done: Arc<Notify>,
}

impl Logins {
    /// Adds a handle on a login. A completion that came before counts.
    pub(crate) fn attach(&mut self, id: &LoginId) {
        let login = self.watched.entry(id.clone()).or_default();
        login.handles += 1;
        if login.completed.is_none() {
            let parked = self
                .parked
                .iter()
                .position(|event| login_id(event) == Some(id.clone()));
            login.completed = parked.and_then(|at| self.parked.remove(at));
        }
    }

    pub(crate) fn detach(&mut self, id: &LoginId) {
        if let Some(login) = self.watched.get_mut(id) {
            login.handles -= 1;
            if login.handles == 0 {
                self.watched.remove(id);
            }
        }
    }

    pub(crate) fn complete(&mut self, event: &Arc<RawEvent>, fx: &mut Effects) {
        let Some(id) = login_id(event) else { return };
        match self.watched.get_mut(&id) {
            Some(login) => {
                login.completed.get_or_insert_with(|| Arc::clone(event));
                fx.notify(&login.done);
            }
            None => {
                if self.parked.len() == PARKED {
                    self.parked.pop_front();
                }
                self.parked.push_back(Arc::clone(event));
            }
        }
    }

    /// The completion, and what tells of it when it has not come.
    pub(crate) fn state(&self, id: &LoginId) -> Option<(Option<Arc<RawEvent>>, Arc<Notify>)> {
        let login = self.watched.get(id)?;
        Some((login.completed.clone(), Arc::clone(&login.done)))
    }

    pub(crate) fn fail(&mut self, fx: &mut Effects) {
        self.parked.clear();
        for login in self.watched.values() {
            fx.notify(&login.done);
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.watched.len() + self.parked.len()
    }
}

fn login_id(event: &RawEvent) -> Option<LoginId> {
    let ids = openai_codex_wire::scope::ids(event.params());
    ids.login_id.as_deref().map(LoginId::from)
}

/// A login attempt.
pub struct LoginRef {
    core: Arc<Core>,
    id: LoginId,
}

impl LoginRef {
    pub(super) fn new(core: Arc<Core>, id: &LoginId) -> Self {
        core.lock().router.logins.attach(id);
        let id = id.clone();
        Self { core, id }
    }

    /// Which attempt it is.
    pub fn id(&self) -> &LoginId {
        &self.id
    }

    /// Waits for `account/login/completed`.
    ///
    /// # Errors
    ///
    /// When the connection fails before that.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe; waiting twice gives the same.
    pub async fn completed(&self) -> Result<Arc<RawEvent>> {
        let gone = || Error::closed("the login is not followed any more");
        loop {
            let (_, done) = self
                .core
                .lock()
                .router
                .logins
                .state(&self.id)
                .ok_or_else(gone)?;
            let mut done = std::pin::pin!(done.notified());
            // From here on no notice is missed.
            done.as_mut().enable();
            let state = self.core.lock().router.logins.state(&self.id);
            if let Some((Some(event), _)) = state {
                return Ok(event);
            }
            if let Some(failure) = self.core.failure() {
                return Err(failure);
            }
            done.await;
        }
    }
}

impl Drop for LoginRef {
    fn drop(&mut self) {
        self.core.lock().router.logins.detach(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use openai_codex_wire::scope::ScopeIds;

    use super::*;

    #[test]
    fn completions_that_nobody_asks_for_are_not_all_kept() {
        let mut logins = Logins::default();
        for number in 0..1000 {
            let line = format!(r#"{{"loginId":"{number}"}}"#);
            let method = "account/login/completed".into();
            let scope = ScopeIds::default();
            let event = RawEvent::notification(&line, &method, Some(&line), &scope, None, None);
            logins.complete(&Arc::new(event), &mut Effects::default());
        }
        assert_eq!(logins.len(), PARKED);
        let newest = LoginId::from("999");
        logins.attach(&newest);
        assert!(logins.state(&newest).unwrap().0.is_some());
    }
}
