//! The four lists of messages, and the pairing of requests with responses.

use std::collections::BTreeSet;

use anyhow::Result;
use schemars::schema::SchemaObject;

use super::model::{Notification, Request, TypeName};
use super::names;
use crate::schema::At;
use crate::schema::messages::{is_left_out, method_of, params_name, params_of, response_by_rule};
use crate::schema::read::{Definitions, branches, doc, is_null, mark, object, union};
use crate::schema::stable::Stable;

const PASS: &str = "methods";

/// What pairing found out.
pub(crate) struct Pairing {
    pub(crate) requests: Vec<Request>,
    /// Pairs that were guessed, each with the line to report.
    pub(crate) guessed: Vec<String>,
}

/// The requests of a union (`ClientRequest`, `ServerRequest`) with their responses.
///
/// A response is what a fixup says, or what the rule `XParams` -> `XResponse`
/// gives. For another runtime's schema (`guess`) it may be the unclaimed
/// response with the most words in common, or any JSON if there is none.
pub(crate) fn requests(
    definitions: &Definitions,
    union: &str,
    stable: &Stable,
    guess: bool,
) -> Result<Pairing> {
    let messages = messages(definitions, union)?;
    let certain = |message: &SchemaObject| {
        let given = mark(message, "x-response").map(str::to_owned);
        given
            .or_else(|| response_by_rule(message))
            .filter(|response| definitions.contains_key(response))
    };
    let claimed: BTreeSet<String> = messages
        .iter()
        .filter_map(|(branch, ..)| certain(branch))
        .collect();
    let unclaimed: Vec<&String> = definitions
        .keys()
        .filter(|name| name.ends_with("Response") && !claimed.contains(*name))
        .collect();
    let (mut requests, mut guessed) = (Vec::new(), Vec::new());
    for (branch, method, at) in messages {
        let response = match certain(branch) {
            Some(response) => response,
            None if guess => {
                let response = most_alike(&method, &unclaimed);
                guessed.push(format!(
                    "`{method}` pairs with no response by rule or fixup; taken: {response}"
                ));
                response
            }
            None => {
                return Err(at.error(format!(
                    "`{method}` pairs with no response by the rule; pair it in a fixup"
                )));
            }
        };
        let (params, sends_params) = match params_of(branch).filter(|params| !is_null(params)) {
            Some(params) => {
                let name = params_name(params).ok_or_else(|| {
                    at.error(format!("the params of `{method}` are no definition"))
                })?;
                (name.to_owned(), true)
            }
            // A method without params is still called by a type: named after its response.
            None => {
                let stem = response.strip_suffix("Response").unwrap_or(&response);
                let name = format!("{stem}Params");
                if definitions.contains_key(&name) {
                    return Err(at.error(format!(
                        "`{method}` has no params, and {name} is another definition"
                    )));
                }
                (name, false)
            }
        };
        requests.push(Request {
            experimental: !stable.has_method(&method),
            doc: doc(branch),
            method,
            takes_null: sends_params && params_of(branch).is_some_and(may_be_null),
            params: TypeName::new(params),
            sends_params,
            response: TypeName::new(response),
        });
    }
    requests.sort_by(|a, b| a.method.cmp(&b.method));
    Ok(Pairing { requests, guessed })
}

/// The response that shares most words with a method; any JSON if none shares half of its own.
fn most_alike(method: &str, candidates: &[&String]) -> String {
    let words = |text: &str| -> BTreeSet<String> {
        let snake = names::snake(text);
        snake
            .split('_')
            .map(|word| word.trim_end_matches('s').to_owned())
            .collect()
    };
    let method = words(method);
    let alike = |candidate: &str| {
        let own = words(candidate.trim_end_matches("Response"));
        (own.intersection(&method).count() * 100) / own.len().max(1)
    };
    let best = candidates.iter().max_by_key(|candidate| alike(candidate));
    match best {
        Some(best) if alike(best) >= 50 => (*best).clone(),
        _ => ANY.to_owned(),
    }
}

/// Whether parameters may be null instead of their definition.
fn may_be_null(params: &SchemaObject) -> bool {
    branches(params).is_some_and(|branches| branches.iter().map(object).any(is_null))
}

/// What stands for a response that the schema does not describe.
pub(crate) const ANY: &str = "JsonObject";

/// The notifications of a union (`ServerNotification`, `ClientNotification`).
pub(crate) fn notifications(
    definitions: &Definitions,
    union: &str,
    stable: &Stable,
) -> Result<Vec<Notification>> {
    let mut notifications = Vec::new();
    for (branch, method, at) in messages(definitions, union)? {
        let sent = params_of(branch).filter(|params| !is_null(params));
        let sends_params = sent.is_some();
        let params = match sent {
            Some(params) => params_name(params)
                .ok_or_else(|| at.error(format!("the params of `{method}` are no definition")))?
                .to_owned(),
            None => format!("{}Notification", names::pascal(&method)),
        };
        notifications.push(Notification {
            experimental: !stable.has_method(&method),
            doc: doc(branch),
            method,
            params: TypeName::new(params),
            sends_params,
            boxed: false,
        });
    }
    notifications.sort_by(|a, b| a.method.cmp(&b.method));
    Ok(notifications)
}

/// What a message has besides its method and parameters: nothing that parameters would be about.
const ENVELOPE: &[&str] = &["emittedAtMs", "id", "method", "params"];

fn messages<'a>(
    definitions: &'a Definitions,
    of: &str,
) -> Result<Vec<(&'a SchemaObject, String, At)>> {
    let at = At::definition(PASS, of);
    let schema = definitions.get(of).ok_or_else(|| at.error("is missing"))?;
    let (keyword, branches) = union(schema).ok_or_else(|| at.error("is not a union"))?;
    let mut seen = BTreeSet::new();
    let mut messages = Vec::new();
    for (index, branch) in branches.iter().map(object).enumerate() {
        let at = at.child(keyword).child(index);
        if is_left_out(branch) {
            continue;
        }
        let method = method_of(branch).ok_or_else(|| at.error("has no method"))?;
        if !names::is_field_name(&names::field(method)) {
            return Err(at.error(format!("`{method}` gives no usable name")));
        }
        if !seen.insert(names::field(method)) {
            return Err(at.error(format!("a second method called `{method}`")));
        }
        let members = [schema, branch]
            .into_iter()
            .filter_map(|it| it.object.as_ref());
        let mut members = members.flat_map(|it| it.properties.keys());
        if let Some(member) = members.find(|member| !ENVELOPE.contains(&member.as_str())) {
            return Err(at.child("properties").child(member).error(format!(
                "the message `{method}` has a member besides method and params"
            )));
        }
        messages.push((branch, method.to_owned(), at));
    }
    Ok(messages)
}
