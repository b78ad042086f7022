//! Requests of both sides and their answers: approvals, questions, and what the client did.

use std::collections::HashMap;
use std::time::Duration;

use openai_codex_recording::Direction;
use openai_codex_wire::RequestId;
use serde_json::Value;

use super::card::{Card, Kind, Part, Tone};
use super::clock::Time;
use super::collect::Moment;
use super::items::json;
use super::session::{Place, Session};
use super::text::Text;
use crate::summary;

/// More open requests than these are told of without their answers.
const OPEN: usize = 10_000;

/// Who asked, and under which id.
type Asked = (Direction, RequestId);

#[derive(Default)]
pub(super) struct Calls {
    open: HashMap<Asked, Call>,
}

struct Call {
    moment: Moment,
    method: String,
    thread: String,
    turn: Option<usize>,
    place: Option<Place>,
    time: Option<Time>,
}

impl Calls {
    pub(super) fn ask(
        &mut self,
        session: &mut Session,
        asked: Asked,
        method: &str,
        params: &Value,
        turn: Option<usize>,
        moment: Moment,
    ) {
        let is_of_client = asked.0 == Direction::ToServer;
        let turn = turn.or_else(|| session.known_turn(params["expectedTurnId"].as_str()?));
        let (card, time) = match method {
            // The turn and its items tell of these, unless they are refused.
            "turn/start" => (None, None),
            "item/tool/call" => (None, Some(Time::Tool)),
            _ if is_of_client => (Some(request(method, params, moment)), None),
            _ if is_question(method) => {
                (Some(question(method, params, moment)), Some(Time::Approval))
            }
            _ => (Some(request(method, params, moment)), None),
        };
        let place = card.and_then(|card| session.add(turn, card));
        if self.open.len() >= OPEN {
            return;
        }
        if let (Some(turn), Some(time)) = (turn, time) {
            session.turns[turn].clock.begin(time, moment.at);
        }
        let thread = params["threadId"].as_str().unwrap_or_default();
        let call = Call {
            moment,
            method: super::card::short(method),
            thread: super::card::short(thread),
            turn,
            place,
            time,
        };
        self.open.insert(asked, call);
    }

    pub(super) fn answer(
        &mut self,
        session: &mut Session,
        asked: &Asked,
        outcome: Result<&Value, &Value>,
        moment: Moment,
    ) {
        let Some(call) = self.open.remove(asked) else {
            return session.untold("answers without a question");
        };
        call.stop(session, moment.at);
        match outcome {
            Ok(result) => call.answered(session, result, moment),
            Err(error) => call.refused(session, error, asked.0, moment),
        }
    }

    /// The server needs no answer any more. If this client gave one, it is not open.
    pub(super) fn resolved(&mut self, session: &mut Session, id: &Value, at: Duration) {
        let id = match id {
            Value::String(id) => RequestId::String(id.clone()),
            id => match id.as_i64() {
                Some(id) => RequestId::Integer(id),
                None => return,
            },
        };
        let Some(call) = self.open.remove(&(Direction::ToClient, id)) else {
            return;
        };
        call.stop(session, at);
        if let Some(place) = call.place {
            session.change(place, |card| {
                card.to = Some(at);
                card.mark = Some((Tone::Open, "settled without this client".to_owned()));
            });
        }
    }
}

impl Call {
    fn stop(&self, session: &mut Session, at: Duration) {
        if let (Some(turn), Some(time)) = (self.turn, self.time) {
            session.turns[turn].clock.end(time, at);
        }
    }

    fn answered(&self, session: &mut Session, result: &Value, moment: Moment) {
        // The turn began when it was asked for, not when the runtime said so.
        if let Some(id) = result["turn"]["id"].as_str().filter(|id| id.len() < 200) {
            let from = self.moment.at;
            if let Some(turn) = session.turn(id, &self.thread, from) {
                session.turns[turn].begins(from);
            }
        }
        let Some(place) = self.place else { return };
        let mark = match is_question(&self.method) {
            true => decision(result),
            false => (Tone::Plain, "answered".to_owned()),
        };
        let words = summary::result(&self.method, result);
        let is_question = is_question(&self.method);
        session.change(place, |card| {
            card.to = Some(moment.at);
            card.mark = Some(mark);
            if is_question {
                card.parts
                    .push(Part::Folded("the answer", Text::new(&json(result))));
            } else {
                card.fact(&words);
            }
        });
    }

    fn refused(&self, session: &mut Session, error: &Value, asking: Direction, moment: Moment) {
        let message = error["message"]
            .as_str()
            .unwrap_or("an error without a message");
        let side = match asking {
            Direction::ToServer => "the server",
            Direction::ToClient => "the client",
        };
        let mark = (Tone::Bad, format!("error of {side}"));
        if let Some(place) = self.place {
            return session.change(place, |card| {
                card.kind = match card.kind {
                    Kind::Approval => Kind::Approval,
                    _ => Kind::Problem,
                };
                card.to = Some(moment.at);
                card.mark = Some(mark);
                card.fact(message);
            });
        }
        let Moment { at, line } = self.moment;
        let mut card = Card::new(at, line, Kind::Problem, &self.method);
        card.to = Some(moment.at);
        card.mark = Some(mark);
        card.fact(message);
        session.add(self.turn, card);
    }
}

fn is_question(method: &str) -> bool {
    method.ends_with("equestApproval")
        || method.ends_with("/requestUserInput")
        || method.ends_with("/elicitation/request")
        || matches!(method, "applyPatchApproval" | "execCommandApproval")
}

/// What a client asked for, or the server besides approvals.
fn request(method: &str, params: &Value, moment: Moment) -> Card {
    let mut card =
        Card::new(moment.at, moment.line, Kind::Request, method).marked(Tone::Open, "not answered");
    if method != "turn/interrupt" {
        card.fact(&summary::params(method, params));
    }
    card
}

fn question(method: &str, params: &Value, moment: Moment) -> Card {
    let text = |name: &str| params[name].as_str();
    let what = method.rsplit('/').nth(1).unwrap_or(method);
    let questions = match method {
        "item/tool/requestUserInput" => Some(summary::params(method, params)),
        _ => None,
    };
    let title = text("command").or(text("message")).or(questions.as_deref());
    let title = title.unwrap_or(match what {
        "fileChange" => "May these files be changed?",
        "permissions" => "May the agent have these permissions?",
        _ => method,
    });
    let mut card =
        Card::new(moment.at, moment.line, Kind::Approval, title).marked(Tone::Open, "not answered");
    card.fact(text("reason").unwrap_or_default());
    card.fact(text("cwd").unwrap_or_default());
    let asked_for = &params["permissions"];
    match asked_for.is_null() {
        true => card,
        false => card.part(Part::Folded("permissions", Text::new(&json(asked_for)))),
    }
}

/// What the client decided.
fn decision(result: &Value) -> (Tone, String) {
    let granted = result.get("permissions").map(|granted| {
        let granted = granted
            .as_object()
            .is_some_and(|it| it.values().any(|it| !it.is_null()));
        if granted { "accept" } else { "decline" }
    });
    let answered = result.get("answers").map(|answers| {
        let is_empty = answers.as_object().is_none_or(serde_json::Map::is_empty);
        if is_empty { "decline" } else { "answered" }
    });
    let decision = &result["decision"];
    let word = decision
        .as_str()
        .or_else(|| decision.as_object()?.keys().next().map(String::as_str))
        .or(result["action"].as_str())
        .or(granted)
        .or(answered);
    match word.unwrap_or("answered") {
        "accept" | "approved" => (Tone::Good, "accepted".to_owned()),
        "acceptForSession" => (Tone::Good, "accepted for the session".to_owned()),
        "decline" | "denied" => (Tone::Bad, "refused".to_owned()),
        "cancel" | "abort" => (Tone::Bad, "refused, and the turn ended".to_owned()),
        other if other.starts_with("accept") => (Tone::Good, super::card::short(other)),
        other => (Tone::Plain, super::card::short(other)),
    }
}
