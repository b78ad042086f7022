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
                namespace,
                name,
                arguments,
                call_id,
            } => {
                self.calls += 1;
                let generated = || format!("call_{}_{}", self.tag, self.calls);
                let call_id = call_id.clone().unwrap_or_else(generated);
                let mut call = json!({
                    "type": "function_call",
                    "call_id": call_id,
                    "name": name,
                    "arguments": arguments.to_string(),
                });
                if let Some(namespace) = namespace {
                    call["namespace"] = namespace.as_str().into();
                }
                self.done(call);
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

#[cfg(test)]
mod tests {
    use super::*;

    /// The types of the events, with `|` for a gate and `!` for a cut.
    fn outline(reply: Reply) -> Vec<String> {
        let name = |beat: &Beat| match beat {
            Beat::Event(bytes) => {
                let text = std::str::from_utf8(bytes).unwrap();
                let kind = text
                    .strip_prefix("event: ")
                    .and_then(|text| text.lines().next());
                kind.unwrap().trim_start_matches("response.").to_owned()
            }
            Beat::Hold(_) => "|".to_owned(),
            Beat::Cut => "!".to_owned(),
        };
        render(&reply, "1").iter().map(name).collect()
    }

    #[test]
    fn deltas_are_one_message_across_a_gate() {
        let reply = Reply::new()
            .deltas(["a"])
            .waits_for(&Gate::new())
            .deltas(["b"])
            .say("c");
        assert_eq!(
            outline(reply),
            [
                "created",
                "output_item.added",
                "output_text.delta",
                "|",
                "output_text.delta",
                "output_item.done",
                "output_item.done",
                "completed",
            ]
        );
    }

    #[test]
    fn a_cut_keeps_the_gates_before_it() {
        let reply = || Reply::new().waits_for(&Gate::new()).say("a").say("b");
        assert_eq!(outline(reply().cuts_after(0)), ["!"]);
        assert_eq!(outline(reply().cuts_after(1)), ["created", "|", "!"]);
        assert_eq!(
            outline(reply().cuts_after(2)),
            ["created", "|", "output_item.done", "!"]
        );
        let all = ["created", "|", "output_item.done", "output_item.done", "!"];
        assert_eq!(outline(reply().cuts_after(3)), all);
        assert_eq!(outline(reply().cuts_after(4)), all);
    }

    #[test]
    fn calls_of_one_response_have_ids_of_their_own() {
        let reply = Reply::new()
            .calls("t", json!({}))
            .calls_as("mine", "t", json!({}))
            .shell("x");
        let ids: Vec<String> = render(&reply, "7")
            .iter()
            .filter_map(|beat| match beat {
                Beat::Event(bytes) => {
                    let text = std::str::from_utf8(bytes).unwrap();
                    let (_, data) = text.trim().split_once("data: ").unwrap();
                    let event: Value = serde_json::from_str(data).unwrap();
                    Some(event["item"]["call_id"].as_str()?.to_owned())
                }
                _ => None,
            })
            .collect();
        assert_eq!(ids, ["call_7_1", "mine", "call_7_3"]);
    }
}
