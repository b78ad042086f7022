//! Turns a reply into the events of a response stream.

use hyper::body::Bytes;
use serde_json::{Value, json};

use crate::gate::Gate;
use crate::model::reply::{Ending, Reply, Step};

/// What a response stream does next.
#[derive(Debug)]
pub(crate) enum Beat {
    Event(Bytes),
    Hold(Gate),
    /// Break the connection.
    Cut,
}

/// Renders a reply whose ids carry `tag`, which no other response of the model has.
pub(crate) fn render(reply: &Reply, tag: &str) -> Vec<Beat> {
    let mut out = Renderer {
        tag,
        beats: Vec::new(),
        items: 0,
        calls: 0,
        open: None,
    };
    let response_id = format!("resp_{tag}");
    out.event(json!({"type": "response.created", "response": {"id": response_id}}));
    for step in &reply.steps {
        out.step(step);
    }
    out.end_message();
    match &reply.ending {
        Ending::Completed => out.event(json!({
            "type": "response.completed",
            "response": {"id": response_id, "usage": usage(reply)},
        })),
        Ending::Failed { code, message } => out.event(json!({
            "type": "response.failed",
            "response": {"id": response_id, "error": {"code": code, "message": message}},
        })),
        // Told by the status line; a stream for it is never sent.
        Ending::Http { .. } => {}
    }
    match reply.cut {
        Some(events) => cut(out.beats, events),
        None => out.beats,
    }
}

fn usage(reply: &Reply) -> Value {
    let usage = &reply.usage;
    json!({
        "input_tokens": usage.input,
        "input_tokens_details": {"cached_tokens": usage.cached},
        "output_tokens": usage.output,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning},
        "total_tokens": usage.input + usage.output,
    })
}

/// Keeps `events` events, never the last one, and cuts the connection there.
fn cut(beats: Vec<Beat>, events: usize) -> Vec<Beat> {
    let is_event = |beat: &Beat| matches!(beat, Beat::Event(_));
    let all = beats.iter().filter(|beat| is_event(beat)).count();
    let mut left = events.min(all.saturating_sub(1));
    let mut kept: Vec<Beat> = beats
        .into_iter()
        .take_while(|beat| match beat {
            Beat::Event(_) if left == 0 => false,
            Beat::Event(_) => {
                left -= 1;
                true
            }
            _ => true,
        })
        .collect();
    kept.push(Beat::Cut);
    kept
}

struct Renderer<'a> {
    tag: &'a str,
    beats: Vec<Beat>,
    items: usize,
    calls: usize,
    /// The message that streams: its id and its text so far.
    open: Option<(String, String)>,
}

impl Renderer<'_> {
    fn step(&mut self, step: &Step) {
        if !matches!(step, Step::Delta(_) | Step::Hold(_)) {
            self.end_message();
        }
        match step {
            Step::Message { text, phase } => {
                let id = self.id("msg");
                self.done(message(&id, text, *phase));
            }
            Step::Delta(part) => self.delta(part),
            Step::Reason(summary) => self.reason(summary),
            Step::Call {
                name,
                arguments,
                call_id,
            } => {
                self.calls += 1;
                let generated = || format!("call_{}_{}", self.tag, self.calls);
                let call_id = call_id.clone().unwrap_or_else(generated);
                self.done(json!({
                    "type": "function_call",
                    "call_id": call_id,
                    "name": name,
                    "arguments": arguments.to_string(),
                }));
            }
            Step::Item(item) => self.done(item.clone()),
            Step::Event(event) => self.event(event.clone()),
            Step::Hold(gate) => self.beats.push(Beat::Hold(gate.clone())),
        }
    }

    fn delta(&mut self, part: &str) {
        if self.open.is_none() {
            let id = self.id("msg");
            self.event(json!({
                "type": "response.output_item.added",
                "item": {"type": "message", "role": "assistant", "id": id, "content": []},
            }));
            self.open = Some((id, String::new()));
        }
        if let Some((_, text)) = &mut self.open {
            text.push_str(part);
        }
        self.event(json!({"type": "response.output_text.delta", "delta": part}));
    }

    fn end_message(&mut self) {
        if let Some((id, text)) = self.open.take() {
            self.done(message(&id, &text, None));
        }
    }

    fn reason(&mut self, summary: &str) {
        let id = self.id("rs");
        let item = |summary: Value| json!({"type": "reasoning", "id": id, "summary": summary});
        self.event(json!({"type": "response.output_item.added", "item": item(json!([]))}));
        self.event(json!({
            "type": "response.reasoning_summary_part.added", "summary_index": 0,
        }));
        self.event(json!({
            "type": "response.reasoning_summary_text.delta", "delta": summary, "summary_index": 0,
        }));
        self.done(item(json!([{"type": "summary_text", "text": summary}])));
    }

    fn done(&mut self, item: Value) {
        self.event(json!({"type": "response.output_item.done", "item": item}));
    }

    fn event(&mut self, event: Value) {
        let kind = event["type"].as_str().unwrap_or("unknown");
        self.beats.push(Beat::Event(Bytes::from(format!(
            "event: {kind}\ndata: {event}\n\n"
        ))));
    }

    fn id(&mut self, prefix: &str) -> String {
        self.items += 1;
        format!("{prefix}_{}_{}", self.tag, self.items)
    }
}

fn message(id: &str, text: &str, phase: Option<&str>) -> Value {
    let mut item = json!({
        "type": "message",
        "role": "assistant",
        "id": id,
        "content": [{"type": "output_text", "text": text}],
    });
    if let Some(phase) = phase {
        item["phase"] = phase.into();
    }
    item
}
